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
from analytics.table import Table
from telemetry.arrays import Index, Mask, Values
from telemetry.flags import Flag

_EMPTY = {
    "sum": (np.float64, 0.0),
    "count": (np.uint32, 0),
    "low": (np.float32, np.inf),
    "high": (np.float32, -np.inf),
}


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
        self.table = Table(_EMPTY)

    def note(self, row: Index, entries: Entries) -> None:
        """Take in entries, in order of time within a series, of the series that have these rows."""
        good = np.flatnonzero(entries.flag == Flag.GOOD)
        row, value, t = row[good], entries.value[good], self.table
        np.add.at(t["sum"], row, value)
        np.add.at(t["count"], row, 1)
        np.minimum.at(t["low"], row, value.astype(np.float32))
        np.maximum.at(t["high"], row, value.astype(np.float32))

    def end(self, number: int) -> Hour:
        """The hour is over: what it held, and begin anew."""
        rows = self.table.rows
        count = self.table["count"][:rows]
        some = count > 0
        mean = np.full(rows, np.nan)
        np.divide(self.table["sum"][:rows], count, out=mean, where=some)
        low, high = (np.where(some, self.table[n][:rows], np.nan) for n in ("low", "high"))
        for name, (_, empty) in _EMPTY.items():
            self.table[name][:rows] = empty
        return Hour(number, self._chosen.series, mean, low, high)
