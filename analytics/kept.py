"""Readings of the last minutes that alert rules went by: what a late one may still be put among.

Columns in chunks, in the order in which they came; of two of one series and time the later one counts.
20 bytes a reading, of series with a rule that remembers only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from analytics.rows import ROOM, segments
from telemetry.arrays import AnyArray, Index, Mask, Times, Values

NAMES = ("series", "time", "value")
Chunk = tuple[AnyArray, Times, Values]
CHUNKS = 64  # more of them are put together


@dataclass(frozen=True, slots=True)
class Kept:
    """Readings by (series, time), each once, in segments of a series."""

    series: Index
    time: Times
    value: Values
    starts: Index
    ends: Index

    @property
    def touched(self) -> Index:
        """The series that have readings here, ascending."""
        return self.series[self.starts]

    def per_row(self, per_segment: AnyArray) -> AnyArray:
        """One value a segment → one value a row."""
        return np.repeat(per_segment, self.ends - self.starts + 1)

    def take(self, which: Mask) -> Kept:
        """Some of them, in segments anew."""
        return in_order(self.series[which], self.time[which], self.value[which])


def in_order(series: AnyArray, time: Times, value: Values) -> Kept:
    """Readings sorted; of two of one series and time the later one."""
    order = _order(series, time)
    series, time, value = series[order].astype(np.intp), time[order], value[order]
    last = np.ones(len(order), dtype=bool)
    last[:-1] = (np.diff(series) != 0) | (np.diff(time) != 0)
    series = series[last]
    return Kept(series, time[last], value[last], *segments(series))


def _order(series: AnyArray, time: Times) -> Index:
    """As lexsort, stable; one sort of a combined key where that fits."""
    if len(time) < 2:
        return np.arange(len(time))
    first = int(time.min())
    span = int(time.max()) - first + 1
    if (int(series.max()) + 1) * span >= ROOM:
        return np.lexsort((time, series))
    return np.argsort(series.astype(np.int64) * span + (time - first), kind="stable")


class Keep:
    """What is kept, as columns."""

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._first: list[int] = []  # earliest time of each chunk

    def put(self, series: AnyArray, time: Times, value: Values) -> None:
        """Keep more."""
        if not len(time):
            return
        self._chunks.append((series.astype(np.int32), time, value))
        self._first.append(int(time.min()))
        if len(self._chunks) > CHUNKS:
            self._set([self._whole()])

    def pull(self, series: Index) -> Chunk:
        """Take out what there is of these series."""
        return self._out(lambda chunk: np.isin(chunk[0], series))

    def before(self, boundary: int) -> Chunk:
        """Take out what is older."""
        if not any(first < boundary for first in self._first):
            return _joined([])
        return self._out(lambda chunk: chunk[1] < boundary)

    def series(self) -> Index:
        """The series of which something is kept, each once."""
        return np.unique(self._whole()[0]).astype(np.intp)

    def dump(self) -> dict[str, AnyArray]:
        """All of it, column by column."""
        return dict(zip(NAMES, self._whole(), strict=True))

    def load(self, saved: Mapping[str, AnyArray], series: AnyArray) -> None:
        """Take a dump, under other numbers of its series; -1 leaves one out."""
        there = series >= 0
        self._set([(series[there].astype(np.int32), saved["time"][there], saved["value"][there])])

    def nbytes(self) -> int:
        """Bytes in use."""
        return sum(c.nbytes for chunk in self._chunks for c in chunk)

    def _out(self, wanted: Callable[[Chunk], Mask]) -> Chunk:
        out, stay = [], []
        for chunk in self._chunks:
            which = wanted(chunk)
            if which.any():
                out.append(_take(chunk, which))
                chunk = _take(chunk, ~which)
            stay.append(chunk)
        self._set(stay)
        return _joined(out)

    def _whole(self) -> Chunk:
        return _joined(self._chunks)

    def _set(self, chunks: list[Chunk]) -> None:
        self._chunks = [c for c in chunks if len(c[1])]
        self._first = [int(c[1].min()) for c in self._chunks]


def _take(chunk: Chunk, which: Mask) -> Chunk:
    return chunk[0][which], chunk[1][which], chunk[2][which]


def _joined(chunks: list[Chunk]) -> Chunk:
    empty: Chunk = (np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))
    series, time, value = (np.concatenate(c) for c in zip(empty, *chunks, strict=True))
    return series, time, value
