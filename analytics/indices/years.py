"""Means of a year from what was told of its days: a day that is corrected corrects them.

A year's mean is the mean of its days' means. It is told once enough of the year's days have one, and
again with each further day.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from analytics.indices.calendar import LocalCalendar
from analytics.indices.hour_ring import NONE, ROW, Told
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Values

YEARS = 2  # kept: this one, and the last for what comes late
CAPTURE = 0.75  # share of the year's days that must have a mean


class Years:
    """Sums over the days of a year.

    days    day quantities, and how many parts a unit they are told in
    judge   (means [n, days], year [n]) → further columns; `more` names them with their parts
    names   the year quantities of `days`, told in the same parts
    """

    def __init__(
        self,
        days: dict[str, int],
        names: tuple[str, ...],
        more: dict[str, int],
        judge: Callable[[Values, Index], list[Values]],
    ) -> None:
        self.days = days
        self._judge = judge
        self._parts = np.array(list(days.values()), dtype=np.float64)
        self.tells = dict(zip(names, days.values(), strict=True)) | more
        self._told = Told(tuple(self.tells), YEARS)
        self._sums = Table(
            {"year": (np.int32, 0)}
            | {f"sum_{q}": (np.int64, 0) for q in days}
            | {f"days_{q}": (np.int16, 0) for q in days},
            width=YEARS,
        )

    def grow(self, rows: int) -> None:
        """Have this many stations."""
        self._sums.grow(rows)
        self._told.table.grow(rows)

    def tables(self, name: str) -> dict[str, Table]:
        """The state, by station and year."""
        return {f"{name}_years": self._sums, f"{name}_years_told": self._told.table}

    def scale(self) -> Values:
        """Parts of each quantity's unit."""
        return np.array(list(self.tells.values()), dtype=np.float64)

    def take(
        self, row: Index, day: Index, before: AnyArray, after: AnyArray
    ) -> tuple[Index, Index, AnyArray, Mask]:
        """Days of stations that ascend, as they were and are told: (row, year, told, changed) of years."""
        slot = self._slots(row, LocalCalendar.year(day))
        mine = np.flatnonzero(slot >= 0)
        for column, q in enumerate(self.days):
            old, new = before[mine, column].astype(np.int64), after[mine, column].astype(np.int64)
            had, has = old != NONE, new != NONE
            sums, count = self._sums[f"sum_{q}"], self._sums[f"days_{q}"]
            np.add.at(sums, slot[mine], np.where(has, new, 0) - np.where(had, old, 0))
            np.add.at(count, slot[mine], has.astype(np.int16) - had.astype(np.int16))
        touched = np.unique(slot[mine])
        year = self._sums["year"][touched].astype(np.int64)
        order = np.argsort(touched // YEARS * ROW + year)
        touched, year = touched[order], year[order]
        told = self._means(touched, year)
        changed, _ = self._told.tell(touched // YEARS * ROW + year, told)
        return touched // YEARS, year, told, changed

    def _slots(self, row: Index, year: Index) -> Index:
        """Where each station's year is counted; -1 for one that has made room for a later one."""
        slot = row * YEARS + year % YEARS
        held = self._sums["year"]
        newest = np.zeros(len(held), held.dtype)
        np.maximum.at(newest, slot, year.astype(held.dtype))
        later = np.unique(slot[newest[slot] > held[slot]])
        held[later] = newest[later]
        for q in self.days:
            self._sums[f"sum_{q}"][later] = 0
            self._sums[f"days_{q}"][later] = 0
        return np.where(held[slot] == year, slot, -1)

    def _means(self, slot: Index, year: Index) -> AnyArray:
        length = LocalCalendar.first_day(year + 1) - LocalCalendar.first_day(year)
        count = np.stack([self._sums[f"days_{q}"][slot] for q in self.days], axis=1)
        sums = np.stack([self._sums[f"sum_{q}"][slot] for q in self.days], axis=1)
        mean = np.full(count.shape, np.nan)
        enough = count >= CAPTURE * length[:, None]
        np.divide(sums / self._parts, count, out=mean, where=enough & (count > 0))
        table = np.column_stack([mean, *self._judge(mean, year)]) * self.scale()
        whole = np.where(np.isnan(table), NONE, np.floor(np.round(table, 6) + 0.5))
        return whole.astype(np.int32)
