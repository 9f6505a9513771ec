"""The readings of the last minutes, judged: what may still be put in order, until the watermark passes it.

Columns in chunks, each sorted by (series, time); 29 bytes a reading. A late reading takes those of its
series out, and they come back judged anew; what the watermark has passed leaves for good.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from analytics.rows import order_by
from telemetry.arrays import AnyArray, Flags, Index, Mask, Times, Values

SMALL = 16_384  # rows: chunks below it are put together


@dataclass(frozen=True, slots=True)
class Entries:
    """Judged rows, sorted by (series, time).

    given    the flag that each came with
    flag     what the tests say that look at the value and at those before it
    back     what it says of the one before it in its series (spike); 0: nothing
    hind     what the next one says of it; 0: nothing
    why      the tests of `flag` that it fails, as a mask
    length   values that stand still up to it
    """

    series: AnyArray  # int32
    time: Times
    value: Values
    given: Flags
    flag: Flags
    back: Flags
    hind: Flags
    why: Flags
    length: AnyArray  # int32

    def __len__(self) -> int:
        return len(self.time)

    def take(self, which: Mask | Index | slice) -> Entries:
        """The rows that a mask, an index array or a slice names."""
        return Entries(*(getattr(self, n)[which] for n in COLUMNS))

    @property
    def known(self) -> Flags:
        """The flag of each as far as it is known."""
        return np.maximum(self.flag, self.hind)

    def sorted(self) -> Entries:
        """By (series, time)."""
        return self.take(order_by(self.series, self.time))


COLUMNS = tuple(f.name for f in fields(Entries))
TYPES = ("i4", "i8", "f8", "u1", "u1", "u1", "u1", "u1", "i4")
NONE = Entries(*(np.zeros(0, t) for t in TYPES))


def joined(parts: Sequence[Entries]) -> Entries:
    """Several as one, in the order given."""
    if len(parts) == 1:
        return parts[0]
    return Entries(*(np.concatenate([getattr(p, n) for p in (*parts, NONE)]) for n in COLUMNS))


class Recent:
    """Chunks of entries, in the order in which they came."""

    def __init__(self) -> None:
        self._chunks: list[Entries] = []
        self._first: list[int] = []  # earliest time of each chunk

    def append(self, entries: Entries) -> None:
        """Keep entries, sorted by (series, time)."""
        if not len(entries):
            return
        self._put(entries)
        while len(self._chunks) > 1 and self._belong(*map(len, self._chunks[-2:])):
            two = joined([self._chunks.pop(-2), self._chunks.pop()])
            del self._first[-2:]
            self._put(two.sorted())

    def _put(self, chunk: Entries) -> None:
        self._chunks.append(chunk)
        self._first.append(int(chunk.time.min()))

    @staticmethod
    def _belong(older: int, newer: int) -> bool:
        # As in a binary counter: each row is copied a logarithmic number of times.
        return older + newer <= SMALL and older <= 2 * newer

    def before(self, boundary: int) -> Entries:
        """Take out what was measured before `boundary`."""
        out, chunks, self._chunks = [], list(zip(self._chunks, self._first, strict=True)), []
        self._first = []
        for chunk, first in chunks:
            if first >= boundary:
                self._chunks.append(chunk)
                self._first.append(first)
                continue
            passed = chunk.time < boundary
            out.append(chunk.take(passed))
            if not passed.all():
                self._put(chunk.take(~passed))
        return joined(out).sorted() if out else NONE

    def pull(self, series: Index) -> Entries:
        """Take out what there is of these series (ascending, each once)."""
        out = []
        for place, chunk in enumerate(self._chunks):
            rows = _rows_of(chunk, series)
            if len(rows):
                out.append(chunk.take(rows))
                stay = np.ones(len(chunk), dtype=bool)
                stay[rows] = False
                self._chunks[place] = chunk.take(stay)
        return joined(out).sorted() if out else NONE

    def look_back(self, series: Index, time: Times, hind: Flags) -> None:
        """Note what is known by now of entries (ascending by series, one a series), where they are still here."""
        if not len(series):
            return
        for chunk in self._chunks:
            rows = _rows_of(chunk, series)
            at = np.searchsorted(series, chunk.series[rows])
            same = chunk.time[rows] == time[at]
            chunk.hind[rows[same]] = hind[at[same]]

    def dump(self) -> dict[str, AnyArray]:
        """All entries, column by column."""
        whole = joined(self._chunks)
        return {n: getattr(whole, n) for n in COLUMNS}

    def load(self, saved: Mapping[str, AnyArray], series: AnyArray) -> None:
        """Take entries of a dump, under other numbers of their series; -1 leaves one out."""
        whole = Entries(*(saved[n].astype(t) for n, t in zip(COLUMNS, TYPES, strict=True)))
        there = series >= 0
        renamed = Entries(
            series[there].astype(np.int32), *(getattr(whole, n)[there] for n in COLUMNS[1:])
        )
        self._chunks, self._first = [], []
        self.append(renamed.sorted())

    def nbytes(self) -> int:
        """Bytes in use."""
        return sum(len(c) for c in self._chunks) * sum(np.dtype(t).itemsize for t in TYPES)


def _rows_of(chunk: Entries, series: Index) -> Index:
    """The rows of a sorted chunk that are of these series."""
    first = np.searchsorted(chunk.series, series)
    number = np.searchsorted(chunk.series, series, side="right") - first
    there = np.flatnonzero(number)
    first, number = first[there], number[there]
    within = np.arange(int(number.sum())) - np.repeat(np.cumsum(number) - number, number)
    return np.asarray(np.repeat(first, number) + within)
