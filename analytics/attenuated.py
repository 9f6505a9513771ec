"""Attenuated signal: a sensor that fades still moves, but over twelve hours far less than it should."""

from __future__ import annotations

import numpy as np

from analytics import qartod
from analytics.chosen import Chosen
from analytics.hourly import Hour
from analytics.layout import Layout
from analytics.snapshot import Tables
from analytics.table import Table
from telemetry.arrays import Flags, Index

HOURS = 12
ENOUGH = 9  # of them, or the range says nothing


class Attenuated:
    """State per series with the test: lowest and highest value of each of the last twelve hours."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._suspect = layout.kinds.attenuated_suspect.ravel()
        self._fail = layout.kinds.attenuated_fail.ravel()
        self.chosen = Chosen("attenuated", layout, np.isfinite(self._suspect))
        self.hours = Table({"low": (np.float32, np.nan), "high": (np.float32, np.nan)}, width=HOURS)
        self.newest = Table({"hour": (np.int32, 0)})

    def grow(self) -> None:
        """The layout has new series."""
        self.chosen.grow()
        self.hours.grow(len(self.chosen))
        self.newest.grow(len(self.chosen))

    def tables(self) -> Tables:
        """The state: one row a series with the test."""
        return {
            "attenuated": (self.chosen, self.hours),
            "attenuated_at": (self.chosen, self.newest),
        }

    def hour(self, hour: Hour) -> tuple[Index, Flags]:
        """(series with the test, flag of each by the twelve hours up to this one)."""
        series = self.chosen.series
        rows = np.arange(len(series))
        low, high = (np.full(len(series), np.nan, np.float32) for _ in range(2))
        low[self._at(hour)], high[self._at(hour)] = hour.low, hour.high
        self._forget(rows, hour.number)
        cell = rows * HOURS + hour.number % HOURS
        self.hours["low"][cell], self.hours["high"][cell] = low, high
        lows, highs = (
            self.hours[n][: len(series) * HOURS].reshape(-1, HOURS) for n in ("low", "high")
        )
        known = np.isfinite(lows).sum(axis=1)
        some = known >= ENOUGH
        span = np.full(len(series), np.nan)
        span[some] = np.nanmax(highs[some], axis=1) - np.nanmin(lows[some], axis=1)
        at = self._layout.series["at"][series]
        return series, qartod.attenuated_signal(span, self._suspect[at], self._fail[at])

    def _at(self, hour: Hour) -> Index:
        return self.chosen.row[hour.series].astype(np.intp)

    def _forget(self, rows: Index, number: int) -> None:
        """Empty the cells of hours that have passed since the newest one."""
        newest = self.newest["hour"][: len(rows)].astype(np.int64)
        for back in range(1, HOURS):
            skipped = rows[newest < number - back]
            for name in ("low", "high"):
                self.hours[name][skipped * HOURS + (number - back) % HOURS] = np.nan
        self.newest["hour"][: len(rows)] = number
