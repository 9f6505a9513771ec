"""The whole platform with its HTTP server inside the test, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.request
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

from api.app import create_app
from commands.platform import Platform
from commands.web import WebServer
from telemetry.settings import load_settings
from tests.brokers import wait_until

LOOKS = 4
OFTEN_S = 0.02


class StepClock:
    """Stands still until it is moved, and notes which thread asked for the time since then."""

    def __init__(self, start: int) -> None:
        self._now = start
        self._asked: Counter[str] = Counter()

    def now(self) -> int:
        self._asked[threading.current_thread().name] += 1
        return self._now

    def move(self, to: int) -> None:
        assert to >= self._now
        self._now = to
        self._asked = Counter()

    def asked(self, thread: str) -> int:
        """How often a thread asked since the last move."""
        return self._asked[thread]


class InProcess:
    """A platform on `broker` (its port), with a page-less HTTP server in a thread of its own."""

    def __init__(self, folder: Path, clock: StepClock, broker: int, **settings: object) -> None:
        given = {
            "HTTP_PORT": 0, "DEVICES": 0, "DATA_DIR": folder / "data",
            "BROKER": f"mqtt://127.0.0.1:{broker}",
        } | {k.upper(): v for k, v in settings.items()}  # fmt: skip
        self.settings = load_settings({f"URBAN_{k}": str(v) for k, v in given.items()})
        self.clock = clock
        self.platform = Platform(self.settings, clock)
        # They look each second, for which a clock that is moved would have to wait.
        self.platform.own._every_s = OFTEN_S
        self._looks = 0
        self._count_looks()
        if self.platform.notifier is not None:
            self.platform.notifier._every_s = OFTEN_S
        self._web = WebServer(self.settings.bind, self.settings.http_port)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="web")

    def start(self) -> None:
        self.platform.start()
        assert self.platform.receiver.wait_until_subscribed(15)
        self._web.listen()
        self._thread.start()
        app = create_app(self.platform.context(), console=False)
        asyncio.run_coroutine_threadsafe(self._web.start(app), self._loop).result(30)

    def stop(self) -> None:
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._web.stop(), self._loop).result(30)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()
        self.platform.stop()

    def get(self, path: str) -> Any:
        """The JSON behind a path."""
        with urllib.request.urlopen(self._web.url + path, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, str]) -> Any:
        """What a POST is answered with."""
        request = urllib.request.Request(
            self._web.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def alerts(self) -> list[dict[str, Any]]:
        """Every alert with its history, in the order in which they were raised."""
        items = self.get("/api/v1/alerts?limit=1000")["items"]
        found = [self.get(f"/api/v1/alerts/{a['id']}") for a in items]
        return sorted(found, key=lambda a: (a["raised"], a["subject"]))

    def settle(self) -> None:
        """Until everything that is stored is analysed, and the time of now is told to all that wait for it."""
        worker, looks = self.platform.worker, self._looks
        # The first look may have begun before: the second has seen all.
        wait_until(lambda: self._looks >= looks + 2, 60)
        worker.wake()
        wait_until(lambda: worker.passed() == self.clock.now() and worker.caught_up(), 60)
        self.platform.book.tend()

    def _count_looks(self) -> None:
        # One look asks for the time more than once, so that says nothing of how many there were.
        watch = self.platform.own._watch
        look = watch.look

        def counted(now: int) -> None:
            try:
                look(now)
            finally:
                self._looks += 1

        watch.look = counted  # type: ignore[method-assign]

    def let_notify(self, channels: tuple[str, ...], step: int, most: int) -> None:
        """Let time pass in steps until every channel has said what there is to say."""
        clock = self.clock
        for _ in range(most):
            if all(self._has_said_all(c) for c in channels):
                return
            clock.move(clock.now() + step)
            for channel in channels:
                wait_until(partial(self._has_looked, channel), 60)
        raise AssertionError(f"not every one of {channels} has said everything")

    def _has_said_all(self, channel: str) -> bool:
        operations = self.platform.operations
        return operations.notify_cursor(channel) == operations.last_alert_event()

    def _has_looked(self, channel: str) -> bool:
        # One whose messages wait asks for the time at each look: after some it has looked whole.
        return self._has_said_all(channel) or self.clock.asked(f"notify {channel}") >= LOOKS
