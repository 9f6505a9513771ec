"""A broker for a benchmark: a process of its own whose CPU time is told, a session that keeps what comes,
and a publisher that returns when everything is confirmed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker import EmbeddedBroker, free_port

PATIENCE_S = 120.0
Messages = Iterable[tuple[str, bytes]]
_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
max_inflight_messages 0
max_queued_messages 1000000
"""


@dataclass(frozen=True, slots=True)
class BrokerProcess:
    """A broker that runs."""

    port: int
    pid: int

    def cpu_s(self) -> float:
        """CPU time that it has used; 0 where the system does not tell. [s]"""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(name: str, folder: Path) -> Iterator[BrokerProcess]:
    """`nats` (embedded) or `mosquitto`, on loopback, until the block ends."""
    folder.mkdir(parents=True)
    if name == "nats":
        embedded = EmbeddedBroker(folder, 0)
        embedded.start()
        assert embedded.pid is not None
        try:
            yield BrokerProcess(embedded.port, embedded.pid)
        finally:
            embedded.stop()
        return
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(_MOSQUITTO.format(port=port))
    process = subprocess.Popen([mosquitto(), "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_listens(port)
        yield BrokerProcess(port, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def mosquitto() -> str:
    """Path of mosquitto; "" where there is none."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    return found or ""


def open_session(port: int, client_id: str, topics: Sequence[str]) -> None:
    """Subscribe once and leave, so that the broker keeps what comes."""
    subscribed = threading.Event()
    client = session_client(client_id, topics)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    if not subscribed.wait(10):
        raise TimeoutError("the broker did not confirm the subscription")
    client.disconnect()
    client.loop_stop()


def session_client(client_id: str, topics: Sequence[str]) -> paho.Client:
    """A client that subscribes in a persistent session as soon as it is connected."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
    client.on_connect = lambda c, *_: c.subscribe([(topic, 1) for topic in topics])
    return client


class Filler:
    """Publishes at QoS 1 and counts what is not confirmed yet."""

    def __init__(self, port: int) -> None:
        self._sent, self._confirmed = 0, 0
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-publisher")
        self._client.max_inflight_messages_set(1_000)
        self._client.max_queued_messages_set(0)
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, messages: Messages) -> int:
        """Publish; returns how many have been sent in all."""
        for topic, payload in messages:
            self._client.publish(topic, payload, qos=1)
            self._sent += 1
        return self._sent

    def finish(self) -> None:
        """Wait for the last confirmation, and leave. Raises TimeoutError where it does not come."""
        end = time.monotonic() + PATIENCE_S
        while self._confirmed < self._sent:
            if time.monotonic() > end:
                raise TimeoutError(f"{self._confirmed} of {self._sent} messages were confirmed")
            time.sleep(0.01)
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(self, *_: object) -> None:
        self._confirmed += 1


def publish(port: int, messages: Messages) -> None:
    """Fill the sessions' queues; each message is confirmed before this returns."""
    filler = Filler(port)
    filler.send(messages)
    filler.finish()


def _wait_until_it_listens(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError("mosquitto did not start")
