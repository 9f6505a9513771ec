"""The live stream inside one process: stages publish from any thread, clients wait in asyncio.

The hub keeps the last events, and every client reads from what is kept, at its own pace: a slow one costs no
memory of its own, and is cut once what it should read next is no longer kept. The publisher never waits.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sized
from dataclasses import dataclass

from telemetry import metrics

# How much is kept, so that a client can resume: so long, and never more than this.
KEPT_S = 300.0
KEPT_EVENTS = 20_000
KEPT_ROWS = 1_000_000  # readings, 31 bytes each


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `number` grows by one; `what` is readings | alert | …; `at`: monotonic [s]."""

    number: int
    what: str
    payload: object
    at: float = 0.0

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return len(self.payload) if isinstance(self.payload, Sized) else 1


class Subscription:
    """One client's place in the stream. Made and read in an event loop."""

    def __init__(self, hub: Hub, after: int) -> None:
        self._hub = hub
        self._after = after  # number of the last event that was read
        self.loop = asyncio.get_running_loop()
        self.wake = asyncio.Event()
        self.cut = False

    async def next(self) -> Event | None:
        """The next event; None once this client is closed, or was cut for reading too slowly."""
        while not self.cut:
            self.wake.clear()
            event, lost = self._hub.read(self._after)
            if lost:
                self.cut = True
                metrics.LIVE_CUT.inc()
                self._hub.leave(self)
            elif event is not None:
                self._after = event.number
                return event
            else:
                await self.wake.wait()
        return None

    def close(self) -> None:
        """Leave the stream."""
        self._hub.leave(self)
        self.cut = True
        self.wake.set()


class _Bell:
    """Wakes the subscriptions of one event loop: one call into the loop, however many wait there."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._rung = False
        self.subscriptions: list[Subscription] = []

    def ring(self) -> bool:
        """From any thread. False where the loop has ended, and its clients with it."""
        if self._rung:
            return True
        self._rung = True
        try:
            self._loop.call_soon_threadsafe(self._wake)
        except RuntimeError:
            return False
        return True

    def _wake(self) -> None:
        self._rung = False
        for subscription in self.subscriptions:
            subscription.wake.set()


class Hub:
    """Where stages publish and clients subscribe. Keeps events for `KEPT_S`, within its bounds."""

    def __init__(
        self, keep: int = KEPT_EVENTS, keep_s: float = KEPT_S, keep_rows: int = KEPT_ROWS
    ) -> None:
        self._lock = threading.RLock()
        self._keep, self._keep_s, self._keep_rows = keep, keep_s, keep_rows
        self._bells: dict[asyncio.AbstractEventLoop, _Bell] = {}
        self._kept: list[Event] = []
        self._gone = 0  # so many of `_kept` are no longer kept; cut off now and then
        self._rows = 0
        self._number = 0

    @property
    def number(self) -> int:
        """Number of the last event."""
        return self._number

    def publish(self, what: str, payload: object) -> None:
        """Tell every subscriber; never blocks on one."""
        with self._lock:
            self._number += 1
            event = Event(self._number, what, payload, time.monotonic())
            self._kept.append(event)
            self._rows += event.rows
            self._forget(event.at - self._keep_s)
            ended = [loop for loop, bell in self._bells.items() if not bell.ring()]
            for loop in ended:
                del self._bells[loop]

    def read(self, after: int) -> tuple[Event | None, bool]:
        """(the event behind this number if there is one, whether it is no longer kept)."""
        with self._lock:
            if after >= self._number:
                return None, False
            first = self._number - (len(self._kept) - self._gone) + 1
            if after + 1 < first:
                return None, True
            return self._kept[self._gone + after + 1 - first], False

    def subscribe(self, after: int | None = None) -> Subscription:
        """Join the stream; with `after`, first what is still kept of the events behind that number."""
        with self._lock:
            kept = len(self._kept) - self._gone
            first = self._number if after is None else max(after, self._number - kept)
            subscription = Subscription(self, min(first, self._number))
            bell = self._bells.setdefault(subscription.loop, _Bell(subscription.loop))
            bell.subscriptions.append(subscription)
            self._count()
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Forget a subscriber."""
        with self._lock:
            bell = self._bells.get(subscription.loop)
            if bell is not None and subscription in bell.subscriptions:
                bell.subscriptions.remove(subscription)
                if not bell.subscriptions:
                    del self._bells[subscription.loop]
            self._count()

    def clients(self) -> int:
        """How many have joined."""
        with self._lock:
            return sum(len(bell.subscriptions) for bell in self._bells.values())

    def _count(self) -> None:
        metrics.LIVE_CLIENTS.set(self.clients())

    def _forget(self, before: float) -> None:
        kept = self._kept
        # The newest stays, however large it is.
        while self._gone < len(kept) - 1 and (
            kept[self._gone].at < before
            or len(kept) - self._gone > self._keep
            or self._rows > self._keep_rows
        ):
            self._rows -= kept[self._gone].rows
            self._gone += 1
        if self._gone > len(kept) // 2:
            del kept[: self._gone]
            self._gone = 0
