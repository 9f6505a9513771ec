"""Devices that go on as ever while something happens to the platform: how long their readings take."""

from __future__ import annotations

import json
import socket
import threading
import time

import numpy as np

from telemetry.clock import SystemClock
from tests.brokers import Publisher, wait_until
from tests.platform_process import UpProcess

DEVICES = 200


class Live:
    """Publishes a hundred readings a second of two hundred devices, and sees when each is on the stream."""

    def __init__(self, platform: UpProcess) -> None:
        self.sent: dict[int, float] = {}
        self.seen: dict[int, float] = {}
        self._clock = SystemClock()
        self._stop = threading.Event()
        self._publisher = Publisher(platform.mqtt, "live")
        self._stream = socket.create_connection(("127.0.0.1", platform.http), timeout=60)
        self._stream.sendall(
            b"GET /api/v1/stream?types=readings&quantity=laeq HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n"
        )
        self._threads = [
            threading.Thread(target=work, daemon=True) for work in (self._listen, self._publish)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Publish no more, and wait until everything was seen."""
        self._stop.set()
        self._threads[1].join()
        wait_until(lambda: len(self.seen) == len(self.sent), 60)
        self._publisher.close()
        self._stream.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        self._stream.close()

    def p99(self, since: float, until: float) -> float:
        """Of the readings published in a stretch of monotonic time. [s]"""
        late = [self.seen[n] - at for n, at in self.sent.items() if since <= at < until]
        assert len(late) > 50
        return float(np.quantile(late, 0.99))

    def _publish(self) -> None:
        number = 0
        while not self._stop.wait(0.1):
            for _ in range(10):
                at = self._clock.now() // 1_000_000  # ms: finer than two messages are apart
                self.sent[number] = time.monotonic()
                body = b'{"time": %.3f, "laeq": %.4f}' % (at / 1_000, 40 + number / 10_000)
                self._publisher.send(number, f"city/noise/live-{number % DEVICES}/telemetry", body)
                number += 1

    def _listen(self) -> None:
        with self._stream.makefile("rb") as lines:
            for line in lines:
                if line.startswith(b"data: "):
                    now = time.monotonic()
                    for item in json.loads(line[6:])["items"]:
                        self.seen[round((item["value"] - 40) * 10_000)] = now
