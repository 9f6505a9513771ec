"""The live stream inside one process: stages publish from any thread, clients wait in asyncio.

Bounded everywhere: a subscriber that reads too slowly is cut, the publisher never waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass

from telemetry import metrics


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `number` grows by one; `what` is readings | alert."""

    number: int
    what: str
    payload: object


class Subscription:
    """One client's bounded queue. Made and read in an event loop; filled from any thread."""

    def __init__(self, hub: Hub, capacity: int) -> None:
        self._hub = hub
        self._events: deque[Event] = deque()
        self._capacity = capacity
        self._loop = asyncio.get_running_loop()
        self._wake = asyncio.Event()
        self.cut = False

    async def next(self) -> Event | None:
        """The next event; None once this client was cut for reading too slowly, or closed."""
        while True:
            if self._events:
                return self._events.popleft()
            if self.cut:
                return None
            self._wake.clear()
            if not self._events and not self.cut:
                await self._wake.wait()

    def close(self) -> None:
        """Leave the stream."""
        self._hub.leave(self)
        self.cut = True
        self._notify()

    def put(self, event: Event) -> None:
        """Called by the hub, from any thread."""
        if len(self._events) >= self._capacity:
            self.cut = True
            metrics.LIVE_CUT.inc()
            self._hub.leave(self)
        else:
            self._events.append(event)
        self._notify()

    def _notify(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._wake.set)
        except RuntimeError:  # the loop has ended, and the client with it
            self._hub.leave(self)


class Hub:
    """Where stages publish and clients subscribe. Keeps the last events, so that a client can resume."""

    def __init__(self, keep: int = 2_000) -> None:
        self._lock = threading.RLock()
        self._subscriptions: list[Subscription] = []
        self._kept: deque[Event] = deque(maxlen=keep)
        self._number = 0

    def publish(self, what: str, payload: object) -> None:
        """Tell every subscriber; never blocks on one."""
        with self._lock:
            self._number += 1
            event = Event(self._number, what, payload)
            self._kept.append(event)
            subscriptions = tuple(self._subscriptions)
        for subscription in subscriptions:
            subscription.put(event)

    def subscribe(self, capacity: int = 1_000, after: int | None = None) -> Subscription:
        """Join the stream; with `after`, first what is still kept of the events behind that number."""
        subscription = Subscription(self, capacity)
        with self._lock:
            if after is not None:
                for event in self._kept:
                    if event.number > after:
                        subscription.put(event)
            self._subscriptions.append(subscription)
            metrics.LIVE_CLIENTS.set(len(self._subscriptions))
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Forget a subscriber."""
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)
            metrics.LIVE_CLIENTS.set(len(self._subscriptions))
