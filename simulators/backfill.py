"""A simulated past → the broker, slice by slice; each is noted when the broker has confirmed all of it.

A restart goes on with the first slice that is not noted. Messages are a function of time, so what had
arrived of that slice arrives again as the very same bytes, and ingest drops it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulators.history import HistoryPublisher
from simulators.messages import Message, Messages
from simulators.position import Position
from telemetry.address import BrokerAddress
from telemetry.clock import HOUR

SLICE = HOUR

OnProgress = Callable[[int, int], None]


class Backfill:
    """Publishes what of [start, end) is not confirmed. `on_progress(done, total)`, in messages due."""

    def __init__(
        self,
        messages: Messages,
        address: BrokerAddress,
        position: Position,
        on_progress: OnProgress = lambda done, total: None,
    ) -> None:
        self._messages = messages
        self._address = address
        self._position = position
        self._on_progress = on_progress
        self._publisher: HistoryPublisher | None = None
        self._stopped = False
        self.confirmed = 0

    def run(self, start: int, end: int) -> bool:
        """Blocks until all is confirmed (True), or `stop` was called (False). Broker losses are waited out."""
        spans = [s for m in self._position.missing(start, end) for s in _slices(*m)]
        total, done = sum(self._messages.count(*s) for s in spans), 0
        for span in spans:
            self._on_progress(done, total)
            self._publisher = HistoryPublisher(self._address)
            if self._stopped:
                return False
            self._publisher.publish(self._of(*span))
            if self._stopped:
                return False
            self.confirmed += self._publisher.confirmed
            self._position.confirm(*span)
            done += self._messages.count(*span)
        self._on_progress(total, total)
        return True

    def stop(self) -> None:
        """From another thread or a signal: give up at once; what is noted stays."""
        self._stopped = True
        if self._publisher is not None:
            self._publisher.stop()

    def _of(self, start: int, end: int) -> Iterator[list[Message]]:
        # Not retained: a status of last week is no device's state now.
        for chunk in self._messages.between(start, end):
            yield [m._replace(retain=False) for m in chunk]


def _slices(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Whole hours, and what is left at both ends."""
    at = start
    while at < end:
        after = min((at // SLICE + 1) * SLICE, end)
        yield at, after
        at = after
