"""All readings of a range, piece by piece in order of time: any amount in the memory of one piece.

A piece is a stretch of time as long as the store gives about `ROWS` readings for it: the stretch grows and
shrinks with what was found, so a year of one gauge and an hour of a city are both few questions.
"""

from __future__ import annotations

from collections.abc import Iterator

from store.telemetry import Series, TelemetryStore
from telemetry.clock import DAY, HOUR, SECOND
from telemetry.readings import Readings

ROWS = 250_000
_FIRST = HOUR
_LONGEST = 366 * DAY


def scan(store: TelemetryStore, series: Series, start: int, end: int) -> Iterator[Readings]:
    """Readings with start <= time < end, ordered by time, device, quantity.

    A piece is never cut within a moment, unless more than `ROWS` readings share it.
    """
    low, stretch = start, _FIRST
    while low < end:
        high = min(low + stretch, end)
        found = store.raw(series, low, high, ROWS + 1)
        if len(found) <= ROWS:
            if len(found):
                yield found
            low, stretch = high, _next_stretch(stretch, len(found))
            continue
        whole = found.take(found.time < found.time[-1])
        if len(whole):
            yield whole
            low = int(found.time[-1])
            stretch = max(SECOND, (int(whole.time[-1]) - int(whole.time[0])) or SECOND)
        else:
            yield from _moment(store, series, low := int(found.time[0]))
            low += 1


def _next_stretch(stretch: int, found: int) -> int:
    """Half of `ROWS` is aimed at: readings do not come evenly."""
    factor = ROWS / 2 / max(found, 1)
    return int(min(max(stretch * min(max(factor, 0.25), 16.0), SECOND), _LONGEST))


def _moment(store: TelemetryStore, series: Series, time: int) -> Iterator[Readings]:
    """Readings of one moment that are more than a piece holds."""
    after: tuple[int, int, int] | None = None
    while True:
        found = store.raw(series, time, time + 1, ROWS, after)
        if len(found):
            yield found
            after = (time, int(found.device[-1]), int(found.quantity[-1]))
        if len(found) < ROWS:
            return
