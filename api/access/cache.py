"""What was read from the store a moment ago: bounded, and forgotten after a few seconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from telemetry.clock import SECOND, Clock

T = TypeVar("T")
FRESH = 3 * SECOND  # so long at most somebody who was shut out elsewhere still gets in here
MOST = 10_000


class Cache(Generic[T]):
    """Key → value. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._found: OrderedDict[str, tuple[int, T]] = OrderedDict()

    def get(self, key: str, read: Callable[[], T]) -> T:
        """The value of a moment ago, else what `read` gives now."""
        now = self._clock.now()
        with self._lock:
            known = self._found.get(key)
        if known is not None and 0 <= now - known[0] < FRESH:
            return known[1]
        value = read()
        self.put(key, value)
        return value

    def put(self, key: str, value: T) -> None:
        """Know this from now on."""
        with self._lock:
            self._found[key] = (self._clock.now(), value)
            self._found.move_to_end(key)
            while len(self._found) > MOST:
                self._found.popitem(last=False)

    def forget(self, key: str) -> None:
        """Ask the store the next time."""
        with self._lock:
            self._found.pop(key, None)

    def clear(self) -> None:
        """Ask the store about everything."""
        with self._lock:
            self._found.clear()
