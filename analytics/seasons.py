"""Bands by month and local hour, as they were learned when the month was last here: the next one begins with them.

What is kept of a month is small: the centre of each hour when the month ended, in sixteenths of the
declared width from the first centre that was known (a byte each), and the widest distance of its hours.
"""

from __future__ import annotations

import numpy as np

from analytics.chosen import Chosen
from analytics.snapshot import Tables
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Values

HOURS, MONTHS = 24, 12
STEPS = 16  # of the declared width: what a byte counts in
UNKNOWN = -128


class Seasons:
    """State per series that learns. `month`: 1…12 of the hour that was learned last, 0 before the first.

    least   half of the narrowest band, by row of `chosen` [unit]
    enough  days of an hour, for its band to be kept
    """

    def __init__(self, chosen: Chosen, enough: int) -> None:
        self._chosen = chosen
        self._enough = enough
        self._now = Table({"month": (np.uint8, 0), "base": (np.float32, np.nan)})
        self._centres = Table({"centre": (np.int8, UNKNOWN)}, width=MONTHS * HOURS)
        self._spread = Table({"apart": (np.float16, 0)}, width=MONTHS)

    def grow(self) -> None:
        """There are new series."""
        for _, table in self.tables().values():
            table.grow(len(self._chosen))

    def tables(self) -> Tables:
        """The whole state."""
        return {
            "season": (self._chosen, self._now),
            "season_centres": (self._chosen, self._centres),
            "season_spread": (self._chosen, self._spread),
        }

    def turning(self, row: Index, month: int) -> Index:
        """Those of `row` that were in another month until now (0…11)."""
        now = self._now["month"][row]
        found: Index = row[(now != month + 1) & (now != 0)]
        return found

    def keep(
        self, row: Index, centre: AnyArray, apart: AnyArray, days: AnyArray, least: Values
    ) -> None:
        """A month is over for these rows: keep its bands. centre, apart, days: [rows, hours] as learned."""
        month = self._now["month"][row].astype(np.intp) - 1
        known = days >= self._enough
        step = least[:, None] / STEPS
        base = self._now["base"][row]
        first = np.isnan(base)
        base = np.where(first, centre[:, 0], base)
        self._now["base"][row] = base
        bytes_ = np.clip(np.rint((centre - base[:, None]) / step), -127, 127).astype(np.int8)
        cells = self._centres["centre"].reshape(-1, MONTHS, HOURS)
        cells[row, month] = np.where(known, bytes_, cells[row, month])
        some = np.flatnonzero(known.any(axis=1))
        widest = np.where(known, apart, 0).max(axis=1)
        self._spread["apart"].reshape(-1, MONTHS)[row[some], month[some]] = widest[some]

    def now(self, row: Index, month: int) -> None:
        """An hour of a month (0…11) was learned from."""
        self._now["month"][row] = month + 1

    def other(self, row: Index, month: Index) -> Mask:
        """Whether a month (0…11) is another one than that of the hour that was learned last."""
        found: Mask = self._now["month"][row] != month + 1
        return found

    def kept(
        self, row: Index, month: Index, hour: Index, least: Values
    ) -> tuple[Mask, Values, Values]:
        """(whether a band is known of that month and hour, its centre, the usual distance from it)."""
        kept = self._centres["centre"][(row * MONTHS + month) * HOURS + hour].astype(np.float64)
        centre = self._now["base"][row] + kept * least / STEPS
        apart = self._spread["apart"][row * MONTHS + month].astype(np.float64)
        return kept != UNKNOWN, centre, apart
