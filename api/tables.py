"""Rows on their way out: columns of readings or of windows, in codes. What every format is given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from telemetry.arrays import AnyArray, Codes16, Codes32, Flags, Index, Mask, Times, Values
from telemetry.readings import Readings


@dataclass(frozen=True, slots=True)
class Table:
    """Some rows of an answer.

    count, coverage  of windows; None for readings. Coverage is NaN where nothing can be expected
    unitless         the values are counts, whatever the unit of the quantity
    """

    device: Codes32
    quantity: Codes16
    time: Times
    value: Values
    flag: Flags
    count: AnyArray | None = None
    coverage: Values | None = None
    unitless: bool = False

    def __len__(self) -> int:
        return len(self.time)

    def take(self, which: Mask | Index | slice) -> Table:
        """The rows that a mask, an index array or a slice names."""
        return Table(
            self.device[which],
            self.quantity[which],
            self.time[which],
            self.value[which],
            self.flag[which],
            None if self.count is None else self.count[which],
            None if self.coverage is None else self.coverage[which],
            self.unitless,
        )


def table_of(readings: Readings) -> Table:
    """Readings as rows of an answer."""
    return Table(readings.device, readings.quantity, readings.time, readings.value, readings.flag)


def in_parts(tables: Iterable[Table], rows: int, *, newest: bool = False) -> Iterator[Table]:
    """The same rows in smaller tables; what a device tells of one moment (newest: at all) stays together."""
    for table in tables:
        if len(table) <= rows:
            yield table
            continue
        new = table.device[1:] != table.device[:-1]
        if not newest:
            new |= table.time[1:] != table.time[:-1]
        ends = np.append(np.flatnonzero(new) + 1, len(table))
        start = 0
        while start < len(table):
            end = int(ends[np.searchsorted(ends, min(start + rows, len(table)))])
            yield table.take(slice(start, end))
            start = end
