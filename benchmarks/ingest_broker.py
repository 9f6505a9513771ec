"""A broker for a benchmark: a process of its own whose CPU time is told, a session that keeps what comes,
and a publisher that returns when everything is confirmed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.ingest_publisher import Messages, Publisher
from ingest.broker import EmbeddedBroker, free_port

PATIENCE_S = 240.0
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
        return cpu_s_of(self.pid)


def cpu_s_of(pid: int) -> float:
    """CPU time that a process has used; 0 where the system does not tell. [s]"""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
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
        wait_until_it_listens(port, "mosquitto")
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


def publish(port: int, messages: Messages) -> None:
    """Fill the sessions' queues; each message is confirmed before this returns."""
    publisher = Publisher(port)
    publisher.send(messages)
    publisher.finish(PATIENCE_S)


def wait_until_it_listens(port: int, what: str, patience_s: float = 10.0) -> None:
    """Raise TimeoutError where nobody takes connections within so long."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(f"{what} did not start")
