"""Real brokers for tests: the embedded one, and Mosquitto where it is installed."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from ingest.broker import EmbeddedBroker, free_port


class Broker(Protocol):
    """What a test may do with a broker."""

    port: int

    @property
    def pid(self) -> int | None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...


class Mosquitto:
    """Debian's mosquitto, with the persistence that survives a restart.

    changes: write everything to disk after so many changes, so that a SIGKILL loses no more than those; 1
    loses next to nothing and is slow. 0: only a clean stop keeps what it holds.
    """

    def __init__(self, folder: Path, changes: int = 1) -> None:
        self.folder = folder
        self.changes = changes
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\n"
            f"persistence true\npersistence_location {self.folder}/\n"
            + (
                f"autosave_on_changes true\nautosave_interval {self.changes}\n"
                if self.changes
                else ""
            )
            + "max_inflight_messages 0\nmax_queued_messages 100000\n"
            + ("user root\n" if Path("/root").owner() == "root" else "")
        )
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([program, "-c", str(config)], stderr=subprocess.DEVNULL)
        wait_until(self._listens, 10)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def mosquitto_present() -> bool:
    return shutil.which("mosquitto") is not None or Path("/usr/sbin/mosquitto").exists()


def make_broker(name: str, folder: Path) -> Broker:
    return EmbeddedBroker(folder, 0, ack_wait_s=2) if name == "nats" else Mosquitto(folder)


def wait_until(condition: Callable[[], object], timeout_s: float = 20.0) -> None:
    """Return as soon as the condition holds; fail when the time is over."""
    end = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end, f"waited {timeout_s} s in vain"
        time.sleep(0.02)


class Publisher:
    """Publishes at QoS 1 and knows what the broker has confirmed. Reconnects by itself."""

    def __init__(self, port: int, client_id: str = "test-publisher") -> None:
        self.confirmed: set[int] = set()
        self._mid_of: dict[int, int] = {}
        self._early: set[int] = set()  # confirmed before `send` had noted the number
        self._lock = threading.Lock()
        self._connected = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False
        )
        self._client.max_inflight_messages_set(500)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = lambda *_: self._connected.set()
        self._client.on_disconnect = lambda *_: self._connected.clear()
        self._client.on_publish = self._on_publish
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        assert self._connected.wait(10)

    def send(self, number: int, topic: str, payload: bytes) -> None:
        """Publish; `number` joins `confirmed` when the broker has it."""
        # paho holds locks of its own in publish and in its callback, so ours is taken after, never around.
        info = self._client.publish(topic, payload, qos=1)
        with self._lock:
            if info.mid in self._early:
                self._early.remove(info.mid)
                self.confirmed.add(number)
            else:
                self._mid_of[info.mid] = number

    def wait_all(self, timeout_s: float = 30.0) -> None:
        wait_until(lambda: not self._mid_of, timeout_s)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_publish(self, _c: Any, _u: Any, mid: int, _r: Any, _p: Any) -> None:
        with self._lock:
            number = self._mid_of.pop(mid, None)
            if number is None:
                self._early.add(mid)
            else:
                self.confirmed.add(number)


def publish_all(port: int, messages: Iterable[tuple[str, bytes]]) -> None:
    """Publish at QoS 1 and return when the broker has confirmed each."""
    publisher = Publisher(port, "test-publish-all")
    for number, (topic, payload) in enumerate(messages):
        publisher.send(number, topic, payload)
    publisher.wait_all()
    publisher.close()
