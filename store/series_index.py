"""(device, quantity) → row, for whole columns at once, in memory that follows the series there are.

A device measures few of all quantities. So a device's row is a list of pages of eight quantities each, and
a page is made when its first series is. A plain table of all quantities would take five times as much.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry.arrays import AnyArray, Codes16, Codes32

_BITS = 3  # eight quantities in a page
_WITHIN = 2**_BITS - 1


class SeriesIndex:
    """Rows of series, -1 where there is none. `quantities`: how many codes there are."""

    def __init__(self, quantities: int) -> None:
        self._pages = (quantities >> _BITS) + 1
        self.clear()

    def clear(self) -> None:
        """Forget all."""
        # Page 0 holds nothing: it stands for pages that are not made yet.
        self._page: NDArray[np.int32] = np.zeros((256, self._pages), dtype=np.int32)
        self._row: NDArray[np.int32] = np.full((64, 2**_BITS), -1, dtype=np.int32)
        self._made = 1

    def rows_of(self, device: Codes32, quantity: Codes16) -> NDArray[np.int32]:
        """Row of each series, -1 where there is none."""
        inside = device < len(self._page)
        if not inside.all():
            row = np.full(len(device), -1, dtype=np.int32)
            row[inside] = self.rows_of(device[inside], quantity[inside])
            return row
        page = self._page[device, quantity >> _BITS]
        found: NDArray[np.int32] = self._row[page, quantity & _WITHIN]
        return found

    def put(self, device: Codes32, quantity: Codes16, row: AnyArray) -> None:
        """Set the rows of these series."""
        if len(device) == 0:
            return
        self._page = _grown(self._page, int(device.max()) + 1, 0)
        number = quantity >> _BITS
        absent = self._page[device, number] == 0
        if absent.any():
            self._make(device[absent], number[absent])
        self._row[self._page[device, number], quantity & _WITHIN] = row

    def _make(self, device: Codes32, number: AnyArray) -> None:
        key = np.unique(device.astype(np.int64) * self._pages + number)
        self._row = _grown(self._row, self._made + len(key), -1)
        pages = np.arange(self._made, self._made + len(key), dtype=np.int32)
        self._page[key // self._pages, key % self._pages] = pages
        self._made += len(key)


def _grown(table: NDArray[np.int32], needed: int, blank: int) -> NDArray[np.int32]:
    """The table with room for so many rows: half as many again at least, so that growing is rare."""
    if needed <= len(table):
        return table
    more = np.full((max(needed, len(table) * 3 // 2), table.shape[1]), blank, dtype=np.int32)
    more[: len(table)] = table
    return more
