"""A batch laid out for the engine: rows of known series sorted by (series, time), in segments."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.layout import Layout
from telemetry.arrays import AnyArray, Flags, Index, Mask, Times, Values
from telemetry.readings import Readings

ROOM = 2**62


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a batch, sorted by (series, time). A segment is the rows of one series.

    series    series index of each row
    source    row of each in the batch it came from
    starts    first row of each segment
    ends      last row of each segment
    """

    series: Index
    time: Times
    value: Values
    flag: Flags
    source: Index
    starts: Index
    ends: Index

    def __len__(self) -> int:
        return len(self.time)

    @property
    def touched(self) -> Index:
        """The series that have rows here, ascending."""
        return self.series[self.starts]

    def take(self, which: Mask) -> Rows:
        """Some of the rows, in segments anew."""
        if which.all():
            return self
        series = self.series[which]
        starts, ends = segments(series)
        return Rows(
            series, self.time[which], self.value[which], self.flag[which], self.source[which],
            starts, ends,
        )  # fmt: skip

    def per_row(self, per_segment: AnyArray) -> AnyArray:
        """One value a segment → one value a row."""
        if len(self.starts) == len(self):
            return per_segment
        return np.repeat(per_segment, np.diff(np.append(self.starts, len(self))))


def segments(sorted_keys: AnyArray) -> tuple[Index, Index]:
    """First and last row of each run of equal keys."""
    n = len(sorted_keys)
    if n == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    cuts = np.flatnonzero(sorted_keys[1:] != sorted_keys[:-1])
    return np.concatenate(([0], cuts + 1)), np.concatenate((cuts, [n - 1]))


def distinct(values: AnyArray) -> list[int]:
    """The different values, ascending. Where all are one, as windows of a batch often are, without a search."""
    one = len(values) > 0 and values.min() == values.max()
    found: list[int] = (values[:1] if one else np.unique(values)).tolist()
    return found


def arrange(layout: Layout, batch: Readings, which: Mask) -> Rows:
    """The named rows of a batch, sorted; rows of quantities that the device's kind lacks are left out."""
    series = layout.index(batch.device, batch.quantity)
    source = np.flatnonzero(which & (series >= 0))
    series, time = series[source], batch.time[source]
    order = order_by(series, time)
    source = source[order]
    series = series[order]
    starts, ends = segments(series)
    return Rows(
        series, time[order], batch.value[source], batch.flag[source], source, starts, ends
    )  # fmt: skip


def order_by(key: AnyArray, time: Times) -> Index:
    """The order by (key, time). One sort of a combined key where it fits: several times lexsort."""
    if len(time) < 2:
        return np.arange(len(time))
    first = int(time.min())
    span = int(time.max()) - first + 1
    if (int(key.max()) + 1) * span >= ROOM:
        return np.lexsort((time, key))
    return np.argsort(key.astype(np.int64) * span + (time - first))
