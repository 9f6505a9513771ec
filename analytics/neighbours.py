"""Neighbours: an hour's mean against the median of the stations nearest to it, and that difference over weeks.

Compared is a series with the same quantity at the nearest stations of its kind (analytics.places), where
at least four of them have the hour. A series departs when two hours in a row do. The daily medians of its difference drift when their sum beyond a
slack (Page's CUSUM) grows too large against the first week's: the sum comes back as they do.
"""

from __future__ import annotations

import numpy as np

from analytics import qartod
from analytics.chosen import Chosen
from analytics.hourly import Hour
from analytics.layout import Layout
from analytics.places import NONE, Places
from analytics.snapshot import Tables
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Values
from telemetry.clock import DAY, HOUR

ENOUGH = 4  # others that have the hour
K = 5.0  # standard deviations, where that is more than the tolerance
IN_A_ROW = 2  # hours
HOURS = 24
WHOLE = 12  # hours of a day, or it has no median
BASELINE = 7  # days
SLACK, LIMIT, TOP = 0.5, 3.0, 6.0  # times the drift that is declared


def middles(value: AnyArray) -> tuple[Values, Values, Index]:
    """(median of each row, median absolute deviation, how many there are); NaN: not known."""
    size = (~np.isnan(value)).sum(axis=1)
    middle = _median(value, size)
    return middle, _median(np.abs(value - middle[:, None]), size), size


def _median(value: AnyArray, size: Index) -> Values:
    ordered = np.sort(value, axis=1)  # NaN last
    row, last = np.arange(len(value)), np.maximum(size - 1, 0)
    return np.asarray((ordered[row, last // 2] + ordered[row, np.maximum(size, 1) // 2]) / 2)


class Neighbours:
    """State per series with the test: hours it has departed in a row, and how its difference drifts.

    apart   differences of the last day's hours [times the tolerance]
    base    the first week's daily medians, on average; days: how many are known
    up, down  the cumulative sums [times the drift declared]
    """

    def __init__(self, layout: Layout, places: Places) -> None:
        self._layout = layout
        self._places = places
        self._tolerance = layout.kinds.neighbour.ravel()
        self._drift = layout.kinds.drift.ravel()
        self.chosen = Chosen("neighbours", layout, np.isfinite(self._tolerance))
        self.state = Table(
            {
                "departed": (np.uint8, 0),
                "days": (np.uint8, 0),
                "base": (np.float32, 0),
                "up": (np.float32, 0),
                "down": (np.float32, 0),
                "drifts": (np.bool_, False),
            }
        )
        self.day = Table({"apart": (np.float16, np.nan)}, width=HOURS)

    def grow(self) -> None:
        """The layout has new series."""
        self.chosen.grow()
        self.state.grow(len(self.chosen))
        self.day.grow(len(self.chosen))

    def tables(self) -> Tables:
        """The state: one row a series with the test."""
        return {"neighbours": (self.chosen, self.state), "neighbours_day": (self.chosen, self.day)}

    def hour(self, hour: Hour) -> tuple[Index, Mask, Mask]:
        """(series with the test, which depart from their neighbours, which drift against them)."""
        series = self.chosen.series
        if not len(series):
            return series, np.zeros(0, bool), np.zeros(0, bool)
        known = np.flatnonzero(~np.isnan(hour.mean))
        value, others = hour.mean[known], self._others(hour)
        at = self._layout.series["at"][hour.series[known]]
        middle, spread, size = middles(others[known])
        compared = np.flatnonzero(size >= ENOUGH)
        row = self.chosen.row[hour.series[known[compared]]].astype(np.intp)
        value, middle = value[compared], middle[compared]
        tolerance = self._tolerance[at[compared]]
        departs = qartod.neighbour(value, middle, spread[compared], tolerance, K)
        s = self.state
        # Who can't be compared is not judged: it departs from nobody.
        strikes = np.zeros(len(series), dtype=np.uint8)
        strikes[row] = np.where(departs, np.minimum(s["departed"][row], 254) + 1, 0)
        s["departed"][: len(series)] = strikes
        self._note(row, (value - middle) / tolerance, hour.number)
        if (hour.number + 1) * HOUR % DAY == 0:
            self._end_day(series)
        return series, strikes >= IN_A_ROW, s["drifts"][: len(series)].copy()

    def _others(self, hour: Hour) -> AnyArray:
        """[series of the hour, neighbours]: what the neighbours measured; NaN where there is none."""
        series = self._layout.series
        near = self._places.near[series["device"][hour.series]]
        quantity = np.repeat(series["quantity"][hour.series][:, None], near.shape[1], axis=1)
        other = self._layout.index(np.maximum(near, 0), quantity)
        place = np.minimum(np.searchsorted(hour.series, other), len(hour.series) - 1)
        there = (near != NONE) & (hour.series[place] == other)
        return np.where(there, hour.mean[place], np.nan)

    def _note(self, row: Index, apart: Values, number: int) -> None:
        self.day["apart"][row * HOURS + number % HOURS] = np.clip(apart, -6e4, 6e4)

    def _end_day(self, series: Index) -> None:
        """Daily medians of the differences → drift; in UTC days."""
        cells = self.day["apart"][: len(series) * HOURS].reshape(-1, HOURS)
        row = np.flatnonzero(np.isfinite(cells).sum(axis=1) >= WHOLE)
        if len(row):
            at = self._layout.series["at"][series[row]]
            scale = self._tolerance[at] / self._drift[at]
            self._step(row, np.nanmedian(cells[row].astype(np.float64), axis=1) * scale)
        cells[:] = np.nan

    def _step(self, row: Index, day: Values) -> None:
        """One more day of differences [times the drift declared; NaN: none is]."""
        day_known = np.flatnonzero(~np.isnan(day))
        row, day = row[day_known], day[day_known]
        s = self.state
        days = s["days"][row].astype(np.int64)
        learning = days < BASELINE
        base = s["base"][row] + np.where(learning, (day - s["base"][row]) / (days + 1), 0.0)
        s["base"][row] = base
        s["days"][row] = np.minimum(days + 1, BASELINE)
        for name, sign in (("up", 1.0), ("down", -1.0)):
            total = qartod.cusum(s[name][row], sign * (day - base), SLACK, TOP)
            s[name][row] = np.where(learning, 0.0, total)
        worst = np.maximum(s["up"][row], s["down"][row])
        # As a rule with hysteresis: raised over the limit, cleared when nothing is left.
        s["drifts"][row] = np.where(s["drifts"][row], worst > 0, worst > LIMIT)
