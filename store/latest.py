"""The newest reading of every series, in memory: what `latest` answers from and what tells a new reading
from an old one without asking the disk.

Event time decides: a late reading never replaces a newer one (promise 5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from store.series_index import SeriesIndex
from store.telemetry import Series
from telemetry.arrays import Codes16, Codes32, Index, Mask, Times
from telemetry.readings import Readings

NEVER = np.iinfo(np.int64).min


# Up to so many devices each is looked up; of more, all rows are compared.
_LOOKED_UP = 200


class LatestTable:
    """One row per series, found through an index of (device, quantity). Not thread-safe by itself.

    `revision` grows with every change: who keeps it can ask later for what has changed since.
    """

    def __init__(self, quantities: int) -> None:
        self._quantities = quantities
        self._index = SeriesIndex(quantities)
        self._rows = Readings.empty()
        self._changed: Times = np.zeros(0, dtype=np.int64)  # revision of each row's last change
        self._count = 0
        self.revision = 0

    def __len__(self) -> int:
        return self._count

    def update(self, readings: Readings) -> None:
        """Take in readings; of one series the newest stays, the last of equals."""
        if len(readings) == 0:
            return
        order = readings.order()
        device, quantity = readings.device[order], readings.quantity[order]
        is_last = np.ones(len(order), dtype=bool)
        is_last[:-1] = (device[1:] != device[:-1]) | (quantity[1:] != quantity[:-1])
        newest = readings.take(order[is_last])
        row = self._rows_for(newest.device, newest.quantity)
        fresh = newest.time >= self._rows.time[row]
        for column, new in zip(self._rows.columns(), newest.columns(), strict=True):
            column[row[fresh]] = new[fresh]
        self._note(row[fresh])

    def correct_flags(self, readings: Readings) -> None:
        """Set the flag where the named reading is still the newest of its series."""
        if self._count == 0:
            return
        row = self.rows_of(readings.device, readings.quantity)
        same = (row >= 0) & (self._rows.time[row] == readings.time)
        self._rows.flag[row[same]] = readings.flag[same]
        self._note(row[same])

    def forget(self, before: int) -> None:
        """Leave out the series whose newest reading is older than this. [ns]"""
        rows = self._rows.take(slice(0, self._count))
        kept = rows.time >= before
        if not kept.all():
            rows = rows.take(kept)
            self._index.clear()
            self._rows, self._count = Readings.empty(), 0
            self._changed = np.zeros(0, dtype=np.int64)
            self.update(rows)

    def present(self, kind_of: Codes16, kinds: int) -> Mask:
        """Which quantities devices of each kind have told at all: a table [kind, quantity]."""
        found: Mask = np.zeros((kinds, self._quantities), dtype=bool)
        rows = self._rows.take(slice(0, self._count))
        found[kind_of[rows.device], rows.quantity] = True
        return found

    def rows_of(self, device: Codes32, quantity: Codes16) -> NDArray[np.int32]:
        """Row of each series, -1 where there is none."""
        return self._index.rows_of(device, quantity)

    def times(self, device: Codes32, quantity: Codes16) -> Times:
        """Newest time of each series, `NEVER` where there is none. [ns]"""
        row = self.rows_of(device, quantity)
        if self._count == 0:
            return np.full(len(row), NEVER, dtype=np.int64)
        return np.where(row >= 0, self._rows.time[row], NEVER)

    def all(self) -> Readings:
        """Every row; a copy."""
        return self._rows.take(np.arange(self._count))

    def select(self, series: Series, since: int = 0) -> Readings:
        """The rows of the wanted series that changed after a revision, ordered by device and quantity; a copy."""
        row = self._wanted(series)
        found = self._rows.take(row[self._changed[row] > since])
        key = (found.device.astype(np.int64) << 16) | found.quantity
        if (key[1:] > key[:-1]).all():
            return found
        return found.take(np.argsort(key))

    def _wanted(self, series: Series) -> Index:
        devices = series.devices
        if devices is not None and len(devices) <= _LOOKED_UP:
            quantities = series.quantities
            if quantities is None:
                quantities = np.arange(self._quantities, dtype=np.int16)
            row = self._index.rows_of(
                np.repeat(devices, len(quantities)), np.tile(quantities, len(devices))
            )
            return np.unique(row[row >= 0]).astype(np.intp)
        rows = self._rows.take(slice(0, self._count))
        wanted: Mask = np.ones(self._count, dtype=bool)
        if devices is not None:
            wanted &= np.isin(rows.device, devices)
        if series.quantities is not None:
            wanted &= np.isin(rows.quantity, series.quantities)
        return np.flatnonzero(wanted)

    def _note(self, row: Index) -> None:
        self.revision += 1
        self._changed[row] = self.revision

    def _rows_for(self, device: Codes32, quantity: Codes16) -> Index:
        """Rows of these distinct series, made where there are none."""
        row = self._index.rows_of(device, quantity)
        new = np.flatnonzero(row < 0)
        if len(new):
            row[new] = np.arange(self._count, self._count + len(new), dtype=np.int32)
            self._index.put(device[new], quantity[new], row[new])
            self._count += len(new)
            self._grow_rows()
        return row.astype(np.intp)

    def _grow_rows(self) -> None:
        more = max(self._count - len(self._rows), 0)
        if more:
            more = max(more, len(self._rows) // 2, 1024)
            blank = Readings.of(
                np.zeros(more), np.zeros(more), np.full(more, NEVER), np.zeros(more)
            )
            self._rows = Readings.concat([self._rows, blank])
            self._changed = np.concatenate([self._changed, np.zeros(more, dtype=np.int64)])
