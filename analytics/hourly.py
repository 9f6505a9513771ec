"""An hour as the tests see it that look at hours: all values that are good by their own series.

Apart from the windows, for two reasons: what a verdict took out of the windows must still be seen, or the
verdict would end itself; and what the next value says of one is left aside, so that it does not matter
when that came.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.chosen import Chosen
from analytics.recent import Entries
from analytics.rows import segments
from analytics.table import Table
from telemetry.arrays import Index, Mask, Values
from telemetry.flags import Flag

# One row of memory per series: read and written whole.
_STATE = np.dtype([("sum", "f8"), ("count", "u4"), ("low", "f4"), ("high", "f4")])
_EMPTY = np.array((0.0, 0, np.inf, -np.inf), dtype=_STATE)
_BYTES = np.dtype((np.void, _STATE.itemsize))


@dataclass(frozen=True, slots=True)
class Hour:
    """Series, ascending, by their hour: mean, low and high; NaN where it holds nothing.

    number  of the hour since 1970
    """

    number: int
    series: Index
    mean: Values
    low: Values
    high: Values

    def take(self, which: Mask | Index) -> Hour:
        """Some of the series."""
        return Hour(
            self.number, self.series[which], self.mean[which], self.low[which], self.high[which]
        )


class UnderWay:
    """State per series with a test of hours: the hour that is under way."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self.table = Table({"hour": (_STATE, _EMPTY)})

    def note(self, row: Index, entries: Entries) -> None:
        """Take in entries, in order of time within a series, of the series that have these rows."""
        good = np.flatnonzero(entries.flag == Flag.GOOD)
        if not len(good):
            return
        row, value = row[good], entries.value[good]
        starts, _ = segments(row)
        touched = row[starts]
        state = self.table["hour"].take(touched)
        if len(starts) == len(row):
            state["sum"] += value
            state["count"] += 1
            low = high = value
        else:
            size = np.diff(np.append(starts, len(row)))
            # Value by value, in order of time: the same to the last bit wherever the rows were cut.
            np.add.at(state["sum"], np.repeat(np.arange(len(starts)), size), value)
            state["count"] += size.astype(np.uint32)
            low, high = np.minimum.reduceat(value, starts), np.maximum.reduceat(value, starts)
        state["low"] = np.minimum(state["low"], low.astype(np.float32))
        state["high"] = np.maximum(state["high"], high.astype(np.float32))
        self.table["hour"].view(_BYTES)[touched] = state.view(_BYTES)

    def end(self, number: int) -> Hour:
        """The hour is over: what it held, and begin anew."""
        hour = self.table["hour"][: self.table.rows]
        count = hour["count"]
        some = count > 0
        mean = np.full(len(hour), np.nan)
        np.divide(hour["sum"], count, out=mean, where=some)
        low, high = (np.where(some, hour[n], np.nan) for n in ("low", "high"))
        hour[:] = _EMPTY
        return Hour(number, self._chosen.series, mean, low, high)
