"""Some series of the layout, with dense rows of their own: a test's state costs only where it applies."""

from __future__ import annotations

import numpy as np

from analytics.layout import Layout
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask

NONE = -1


class Chosen:
    """Series numbered 0, 1, 2, … in the order of the layout.

    name    what a snapshot calls them; wanted: by place of (kind, quantity), whether its series are chosen
    """

    def __init__(self, name: str, layout: Layout, wanted: Mask) -> None:
        self.name = name
        self._layout = layout
        self._wanted = wanted
        self._seen = 0
        self._row_of = Table({"row": (np.int32, NONE)})
        self._series_of = Table({"series": (np.int32, 0)})

    def __len__(self) -> int:
        return self._series_of.rows

    def grow(self) -> None:
        """Give rows to the series that are new in the layout."""
        total, first = self._layout.n_series, self._seen
        self._seen = total
        self._row_of.grow(total)
        found = first + np.flatnonzero(self._wanted[self._layout.series["at"][first:total]])
        row = len(self) + np.arange(len(found))
        self._series_of.grow(len(self) + len(found))
        self._row_of["row"][found] = row
        self._series_of["series"][row] = found

    @property
    def series(self) -> Index:
        """Series of each row, ascending."""
        return self._series_of["series"][: len(self)].astype(np.intp)

    @property
    def row(self) -> AnyArray:
        """Row by series; -1 where the series is not chosen."""
        return self._row_of["row"][: self._row_of.rows]

    def nbytes(self) -> int:
        """Bytes of the numbering."""
        return self._row_of.nbytes() + self._series_of.nbytes()
