"""Columns of one length that grow by doubling: the engine's state, one row per series, device or slot."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike

from telemetry.arrays import AnyArray, Index


class Table:
    """Named arrays of one length. A new row holds each column's fill value.

    Fetch a column anew after `grow`: it may have moved. Columns are longer than `rows`; a row index
    below `rows` is always valid.
    """

    def __init__(self, columns: Mapping[str, tuple[DTypeLike, object]], width: int = 1) -> None:
        """`columns`: name → (dtype, fill). Each row is `width` cells wide, kept flat."""
        self.rows = 0
        self.width = width
        self._fill = {name: fill for name, (_, fill) in columns.items()}
        self._columns = {name: np.zeros(0, np.dtype(dtype)) for name, (dtype, _) in columns.items()}

    def __getitem__(self, name: str) -> AnyArray:
        return self._columns[name]

    def grow(self, rows: int) -> None:
        """Have at least `rows` rows. The cost per row stays flat: capacity doubles."""
        if rows <= self.rows:
            return
        self.rows = rows
        for name, old in self._columns.items():
            if rows * self.width > len(old):
                capacity = max(rows * self.width, 2 * len(old), 64 * self.width)
                self._columns[name] = self._extended(old, capacity, self._fill[name])

    @staticmethod
    def _extended(old: AnyArray, capacity: int, fill: object) -> AnyArray:
        # np.zeros takes pages from the system only when they are written: untouched rows cost nothing.
        new = np.zeros(capacity, old.dtype)
        new[: len(old)] = old
        if not isinstance(fill, int) or fill != 0:
            new[len(old) :] = fill
        return new

    def nbytes(self) -> int:
        """Bytes in use by rows (spare capacity not counted)."""
        return sum(c.itemsize * self.rows * self.width for c in self._columns.values())

    def dump(self) -> dict[str, AnyArray]:
        """A copy of the rows, column by column."""
        return {n: c[: self.rows * self.width].copy() for n, c in self._columns.items()}

    def load(self, saved: Mapping[str, AnyArray], source: Index, target: Index) -> None:
        """Take rows `source` of a dump into rows `target` (which must exist already)."""
        for name, column in self._columns.items():
            old = saved[name]
            if old.dtype != column.dtype:
                raise ValueError(f"{name} of {old.dtype}")
            column.reshape(-1, self.width)[target] = old.reshape(-1, self.width)[source]
