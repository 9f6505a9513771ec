"""Climatology: bands declared by month and local hour, and bands by month and local hour learned per series.

A learned band follows its hour of the day with a memory of about a month. When a month begins, the bands
go on from where they were when it ended a year ago (analytics.seasons); from those of the month before in
the first year. Learned are the hours' means and how far their extremes lie from the centre, each step held
to what one odd day may move; nothing is flagged before two weeks of an hour are known.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from analytics import qartod
from analytics.chosen import Chosen
from analytics.hourly import Hour
from analytics.layout import Layout
from analytics.localtime import local_ns
from analytics.seasons import HOURS, Seasons
from analytics.snapshot import Tables
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.clock import DAY, HOUR

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
        self._seasons = Seasons(self.chosen, 2 * ENOUGH)

    def grow(self) -> None:
        """The layout has new series."""
        self.chosen.grow()
        self.bands.grow(len(self.chosen))
        self._seasons.grow()

    def tables(self) -> Tables:
        """The state: one row a series that learns."""
        return {"climatology": (self.chosen, self.bands), **self._seasons.tables()}

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
        taken = np.flatnonzero((row >= 0) & ~np.isnan(hour.mean))
        if not len(taken):
            return
        row, hour = row[taken], hour.take(taken)
        months, hours = _season(np.array([hour.number * HOUR]), self._zone)
        month, local = int(months[0]), int(hours[0])
        self._turn(self._seasons.turning(row, month), month)
        cell = row * HOURS + local
        self._learn(cell, self._half(row, cell), hour)
        self._seasons.now(row, month)

    def _turn(self, row: Index, month: int) -> None:
        """Another month begins for these rows: with its own bands of a year ago where they are known."""
        if not len(row):
            return
        b = {n: self.bands[n].reshape(-1, HOURS) for n in ("centre", "apart", "days")}
        least = self._narrowest(row)
        # Two weeks are of the month before: two of this one must have come.
        self._seasons.keep(row, b["centre"][row], b["apart"][row], b["days"][row], least)
        of, hour = np.repeat(row, HOURS), np.tile(np.arange(HOURS), len(row))
        known, centre, apart = self._seasons.kept(
            of, np.full(len(of), month), hour, np.repeat(least, HOURS)
        )
        of, hour = of[known], hour[known]
        b["centre"][of, hour], b["apart"][of, hour] = centre[known], apart[known]
        b["days"][of, hour] = ENOUGH
        # Of the month before the first two weeks of this one are worth as much.
        b["days"][row] = np.minimum(b["days"][row], ENOUGH)

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
        apart = self.bands["apart"][cell].astype(np.float64)
        return np.asarray(np.maximum(self._narrowest(row), K * apart))

    def _narrowest(self, row: Index) -> Values:
        """Half the width that bands have at least."""
        found: Values = self._least[self._layout.series["at"][self.chosen.series[row]]]
        return found

    def _outside(self, row: Index, series: Index, time: Times, value: Values) -> Mask:
        month, local = _season(time, self._zone)
        cell = row * HOURS + local
        half = np.where(self.bands["days"][cell] >= ENOUGH, self._half(row, cell), np.nan)
        centre = self.bands["centre"][cell].astype(np.float64)
        early = np.flatnonzero(self._seasons.other(row, month))
        if len(early):  # of a month of which no hour has ended yet
            of = row[early]
            least = self._narrowest(of)
            known, its, apart = self._seasons.kept(of, month[early], local[early], least)
            half[early] = np.where(known, np.maximum(least, K * apart), half[early])
            centre[early] = np.where(known, its, centre[early])
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
