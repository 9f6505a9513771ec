"""Guessing passwords gets slow: per name and per address, known or not; it is forgotten when one is right.

In memory, bounded: a restart forgets, and whoever guesses can't restart us.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from api.problems import Problem
from telemetry.clock import MINUTE, SECOND, Clock

FREE = 5  # wrong ones that cost nothing
FIRST, LONGEST = 30 * SECOND, 15 * MINUTE  # then so long a wait, twice as long each time
PER_ADDRESS = 20  # an address may be an office: so many times as much
_FORGET = 24 * 60 * MINUTE
_MOST = 20_000


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    last: int = 0
    until: int = 0


class Guessing:
    """Every method may be called from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def check(self, name: str, source: str) -> None:
        """Raises Problem (429) while nobody may try this name, or from this address."""
        now = self._clock.now()
        with self._lock:
            until = max((self._count(key).until for key, _ in _keys(name, source)), default=0)
        if until > now:
            wait = -(-(until - now) // SECOND)
            raise Problem(
                429, "Too many tries", f"too many wrong passwords: try again in {wait} s", "name"
            ).with_headers({"Retry-After": str(wait)})

    def wrong(self, name: str, source: str) -> None:
        """A password was wrong."""
        now = self._clock.now()
        with self._lock:
            for key, free in _keys(name, source):
                count = self._count(key)
                if now - count.last > _FORGET:
                    count.wrong = 0
                count.wrong += 1
                count.last = now
                beyond = count.wrong - free
                if beyond >= 0:
                    count.until = now + min(FIRST << min(beyond, 10), LONGEST)

    def right(self, name: str) -> None:
        """The name's password was right: its own count begins anew, the address keeps its."""
        with self._lock:
            self._counts.pop(f"name:{name}", None)

    def _count(self, key: str) -> _Count:
        found = self._counts.get(key)
        if found is None:
            found = self._counts[key] = _Count()
            while len(self._counts) > _MOST:
                self._counts.popitem(last=False)
        self._counts.move_to_end(key)
        return found


def _keys(name: str, source: str) -> tuple[tuple[str, int], tuple[str, int]]:
    return (f"name:{name}", FREE), (f"address:{source}", FREE * PER_ADDRESS)
