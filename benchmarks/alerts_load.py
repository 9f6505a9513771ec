"""What the alert benchmarks publish: a background of air stations, and probes that each raise one flood alert."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count, islice

from benchmarks.ingest_publisher import Publisher
from devices.device import Device
from devices.topics import telemetry_topic

STATIONS = 10_000  # so many that none sends more often than it may
VALUES = 4
_LEVELS = {"bd1": 1.4, "bd2": 1.5, "bd3": 1.6}


def stations() -> list[Device]:
    """The devices of the background."""
    return [Device(id=f"air-{i:05d}", kind="air") for i in range(STATIONS)]


def gauges(number: int) -> list[Device]:
    """The probes: gauges with alarm levels."""
    return [Device(id=gauge(i), kind="level", limits=_LEVELS) for i in range(number)]


def gauge(number: int) -> str:
    """The device of a probe."""
    return f"probe-{number:05d}"


def probe(number: int) -> tuple[str, bytes]:
    """A level above the first alarm level, measured now, and not above the second."""
    return telemetry_topic("level", gauge(number)), b'{"time": %.6f, "level": 1.45}' % time.time()


def background() -> Iterator[tuple[str, bytes]]:
    """Endless messages of four values each, measured at the moment of publishing."""
    for i in count():
        body = b'{"time": %.6f, "pm25": 31.2, "pm10": 55.0, "no2": 12.5, "o3": 40}' % time.time()
        yield telemetry_topic("air", f"air-{i % STATIONS:05d}"), body


class Load:
    """A thread that publishes the background at an even pace, from now until it is stopped."""

    def __init__(self, port: int, rate: float) -> None:
        self.sent = 0
        self._rate = rate
        self._publisher = Publisher(port)
        self._ending = threading.Event()
        self._begun = time.monotonic()
        self._elapsed = 0.0
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """End it when all is confirmed. Returns the pace that was reached. [messages/s]"""
        self._ending.set()
        self._thread.join()
        self._publisher.finish(60.0)
        return self.sent / self._elapsed

    def _run(self) -> None:
        messages = background()
        while not self._ending.wait(0.005):
            due = int((time.monotonic() - self._begun) * self._rate)
            self.sent = self._publisher.send(islice(messages, max(0, due - self.sent)))
        self._elapsed = time.monotonic() - self._begun
