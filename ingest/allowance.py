"""What a sender may still send: token buckets by code, and counts by hour of event time. Arrays throughout.

All of it can be put back as it was: a batch that a store did not take is judged again later, and must not
be charged twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import DTypeLike

from telemetry.arrays import AnyArray, Codes32, Index, Mask, Times, Values
from telemetry.clock import DAY, HOUR

# A silence earns what would have been sent in it, up to what brokers keep of a session. [ns]
LONGEST_SILENCE = 14 * DAY
_HOUR_BITS = 32
_NO_CODES = np.zeros(0, dtype=np.int32)


class Table:
    """Columns by code; zeros until they are put. `put` is for good with `keep`; `back` undoes it until then."""

    def __init__(self, columns: Mapping[str, DTypeLike], rows: int) -> None:
        self._columns = {name: np.zeros(rows, dtype) for name, dtype in columns.items()}
        self._undo: list[tuple[str, AnyArray, AnyArray]] = []

    def __getitem__(self, name: str) -> AnyArray:
        """A whole column, to be read only."""
        return self._columns[name]

    def grow(self, rows: int) -> None:
        """Have room for so many rows."""
        for name, column in self._columns.items():
            if rows > len(column):
                more = np.zeros(max(rows - len(column), len(column)), column.dtype)
                self._columns[name] = np.concatenate([column, more])

    def put(self, codes: AnyArray, **columns: AnyArray | float) -> None:
        """Replace some columns of some rows; each code once."""
        for name, values in columns.items():
            column = self._columns[name]
            self._undo.append((name, codes, column[codes]))
            column[codes] = values

    def changed(self, name: str) -> AnyArray:
        """The codes for which this column was put since the last `keep`; some perhaps twice."""
        return np.concatenate([_NO_CODES, *(codes for n, codes, _ in self._undo if n == name)])

    def keep(self) -> None:
        """What was put stays."""
        self._undo.clear()

    def back(self) -> None:
        """Undo what was put since the last `keep`."""
        for name, codes, old in reversed(self._undo):
            self._columns[name][codes] = old
        self._undo.clear()


# What every bucket has. `at` is when the tokens were counted [ns]; 0: a sender that was never met.
BUCKET: dict[str, DTypeLike] = {"tokens": np.float64, "at": np.int64}


def tokens_now(
    table: Table, codes: AnyArray, now: int, rate: Values, capacity: Values, usual: Values
) -> Values:
    """What the buckets of these senders hold at `now`; who is met for the first time has a full one.

    rate, usual  tokens a second: what a bucket gains, and what a sender uses as its kind declares.
    A silence earns what would have been sent in it: who was cut off for a day may deliver the day at once,
    even without times.
    """
    at = table["at"][codes]
    seconds = np.maximum(now - at, 0) * 1e-9
    tokens = table["tokens"][codes]
    filled = np.minimum(tokens + seconds * rate, np.maximum(capacity, tokens))
    earned = np.maximum(filled, np.minimum(seconds, LONGEST_SILENCE * 1e-9) * usual)
    return np.where(at == 0, capacity, earned)


class Groups:
    """Rows by code: the distinct codes, ascending, and how many rows each has."""

    def __init__(self, codes: AnyArray) -> None:
        self._of_rows = codes
        ordered = np.sort(codes)
        self.starts: Index = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
        self.codes: AnyArray = ordered[self.starts]
        self.count: Index = np.diff(self.starts, append=len(codes))

    @cached_property
    def group(self) -> Index:
        """The place of each row's code in `codes`."""
        return np.searchsorted(self.codes, self._of_rows)

    @cached_property
    def rank(self) -> Index:
        """The place of each row among those of its code, in the order of rows."""
        order = np.argsort(self.group, kind="stable")
        rank = np.empty(len(order), dtype=np.intp)
        rank[order] = np.arange(len(order)) - np.repeat(self.starts, self.count)
        return rank

    def running(self, weight: Values) -> Values:
        """The sum of the weights of a code's rows up to and with each row."""
        place = self.starts[self.group] + self.rank
        sums = np.empty(len(weight))
        sums[place] = weight
        sums = np.cumsum(sums)
        before = np.where(self.starts > 0, sums[self.starts - 1], 0.0)
        found: Values = sums[place] - before[self.group]
        return found

    def total(self, which: Mask) -> Index:
        """How many of the named rows each code has."""
        return np.bincount(self.group[which], minlength=len(self.codes))


class EventHours:
    """How much was told of each device's hours of event time, lately.

    A table of fixed size; where two (device, hour) meet in one place the newer one takes it, so that what
    is forgotten is in the sender's favour.
    """

    def __init__(self, places: int = 2**17) -> None:
        self._places = places
        self._table = Table({"key": np.int64, "count": np.int32}, places)

    def take(self, device: Codes32, time: Times, most: Values) -> Mask:
        """Which of these statements their hour still has room for; those are counted.

        most  statements that an hour may hold, for each row
        """
        hour = np.floor_divide(time, HOUR) & (2**_HOUR_BITS - 1)
        hours = Groups((device.astype(np.int64) + 1) << _HOUR_BITS | hour)
        place = self._place(hours.codes)
        told = np.where(self._table["key"][place] == hours.codes, self._table["count"][place], 0)
        room: Mask = hours.rank + told[hours.group] < most
        told = told + hours.total(room)
        # Two hours of one batch in one place: the last one has it.
        places, last = np.unique(place[::-1], return_index=True)
        self._table.put(places, key=hours.codes[::-1][last], count=told[::-1][last])
        return room

    def keep(self) -> None:
        """What was counted stays."""
        self._table.keep()

    def back(self) -> None:
        """Undo what was counted since the last `keep`."""
        self._table.back()

    def _place(self, keys: AnyArray) -> Index:
        # Fibonacci hashing: the upper bits of the product are well mixed.
        mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        return (mixed >> np.uint64(32)).astype(np.intp) % self._places
