"""Climatology: bands declared by month and local hour, and bands by local hour learned per series.

A band follows its hour of the day with a memory of about a month, which takes the place of bands by
month: 288 of them would not fit into a kilobyte a series, and none would know a year that was unlike the
last. Learned are the hours' means and how far their extremes lie from the centre, each step held to what
one odd day may move; nothing is flagged before two weeks of an hour are known.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from analytics import qartod
from analytics.chosen import Chosen
from analytics.hourly import Hour
from analytics.layout import Layout
from analytics.localtime import local_ns
from analytics.snapshot import Tables
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.clock import DAY, HOUR

HOURS = 24
ENOUGH = 14  # days of an hour, before it says anything
MEMORY = 30  # days
K = 4.0  # times the usual distance of an hour's extremes from the centre


class Climatology:
    """State per series that learns: by local hour the centre, the usual distance from it, and the days known.

    Values outside of a band are learned from as well, as far as one day may move it: it follows a change
    that is real.
    """

    def __init__(self, layout: Layout, zone: ZoneInfo) -> None:
        kinds = layout.kinds
        self._layout = layout
        self._zone = zone
        self._least = kinds.learns.ravel()
        self._declared = _declared(layout)
        self._banded = np.zeros(kinds.declared.size, dtype=bool)
        self._banded[[place for place, _, _ in self._declared]] = True
        self.chosen = Chosen("climatology", layout, np.isfinite(self._least))
        self.bands = Table(
            {"centre": (np.float32, 0), "apart": (np.float16, 0), "days": (np.uint8, 0)},
            width=HOURS,
        )

    def grow(self) -> None:
        """The layout has new series."""
        self.chosen.grow()
        self.bands.grow(len(self.chosen))

    def tables(self) -> Tables:
        """The state: one row a series that learns."""
        return {"climatology": (self.chosen, self.bands)}

    def rows(self, series: Index, time: Times, value: Values) -> Mask:
        """True (suspect) where a value is outside of a band that is declared or learned."""
        suspect = np.zeros(len(series), dtype=bool)
        row = self.chosen.row[series]
        mine = np.flatnonzero(row >= 0)
        if len(mine):
            suspect[mine] = self._outside(
                row[mine].astype(np.intp), series[mine], time[mine], value[mine]
            )
        return suspect | self._declared_outside(series, time, value)

    def hour(self, hour: Hour) -> None:
        """Learn from the hour that has ended."""
        row = self.chosen.row[hour.series].astype(np.intp)
        mine = np.flatnonzero(row >= 0)
        row = row[mine]
        local = int(local_ns(np.array([hour.number * HOUR]), self._zone)[0] % DAY // HOUR)
        cell = row * HOURS + local
        taken = np.flatnonzero(~np.isnan(hour.mean[mine]))
        hour = hour.take(mine[taken])
        self._learn(cell[taken], self._half(row, cell)[taken], hour)

    def _learn(self, cell: Index, half: Values, hour: Hour) -> None:
        b = self.bands
        days = b["days"][cell].astype(np.float64)
        centre, apart = (b[n][cell].astype(np.float64) for n in ("centre", "apart"))
        first = days == 0
        centre = np.where(first, hour.mean, centre)
        weight = 1 / np.minimum(days + 1, MEMORY)
        limit = np.where(days < ENOUGH, np.inf, half)
        centre += weight * np.clip(hour.mean - centre, -limit, limit)
        distance = np.maximum(hour.high - centre, centre - hour.low)
        b["centre"][cell] = centre
        b["apart"][cell] = apart + weight * (np.minimum(distance, limit) - apart)
        b["days"][cell] = np.minimum(days + 1, 255)

    def _half(self, row: Index, cell: Index) -> Values:
        """Half the width of bands."""
        least = self._least[self._layout.series["at"][self.chosen.series[row]]]
        return np.asarray(np.maximum(least, K * self.bands["apart"][cell].astype(np.float64)))

    def _outside(self, row: Index, series: Index, time: Times, value: Values) -> Mask:
        local = local_ns(time, self._zone) % DAY // HOUR
        cell = row * HOURS + local
        half = np.where(self.bands["days"][cell] >= ENOUGH, self._half(row, cell), np.nan)
        centre = self.bands["centre"][cell].astype(np.float64)
        return qartod.climatology(value, centre - half, centre + half)

    def _declared_outside(self, series: Index, time: Times, value: Values) -> Mask:
        found = np.zeros(len(series), dtype=bool)
        at = self._layout.series["at"][series]
        banded = np.flatnonzero(self._banded[at])
        if not len(banded):
            return found
        series, time, value, at = series[banded], time[banded], value[banded], at[banded]
        for place, low, high in self._declared:
            mine = np.flatnonzero(at == place)
            if len(mine):
                month, hour = _season(time[mine], self._zone)
                found[banded[mine]] = qartod.climatology(
                    value[mine], low[month, hour], high[month, hour]
                )
        return found


def _season(time: Times, zone: ZoneInfo) -> tuple[Index, Index]:
    """(month 0…11, hour 0…23), local."""
    local = local_ns(time, zone)
    month = local.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64) % 12
    return month, local % DAY // HOUR


def _declared(layout: Layout) -> list[tuple[int, AnyArray, AnyArray]]:
    """(place of (kind, quantity), low [12, 24], high [12, 24]); NaN where nothing is declared."""
    found = []
    for k, kind in enumerate(layout.kinds):
        for quantity in (q for q in kind.quantities if q.climate):
            low, high = np.full((12, HOURS), np.nan), np.full((12, HOURS), np.nan)
            for band in quantity.climate:
                where = np.ix_([m - 1 for m in band.months], band.hours)
                low[where], high[where] = band.low, band.high
            code = layout.kinds.quantity_code[quantity.name]
            found.append((k * len(layout.kinds.quantities) + code, low, high))
    return found
