"""Quality of every value by its own series (QARTOD): gross range, spike, rate of change, flat line.

A value is judged by itself and those before it when it comes, and once more by the next one (spike,
average method): its flag may then grow worse. Rows must be in order of time; whoever has a late one
judges its series anew, from the state before it. Thresholds come from the kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analytics import qartod
from analytics.flat import still_since
from analytics.layout import Layout
from analytics.rows import Rows
from analytics.table import Table
from analytics.verdicts import Test
from devices.registry import Kinds
from telemetry.arrays import AnyArray, Flags, Index, Mask, Times, Values
from telemetry.flags import Flag

NEVER = np.iinfo(np.int64).min

# One row of memory per series: read and written whole. `before` is the value before `value`; `anchor`,
# `since` and `length` are of the run that stands still; `told` and `held`: see analytics.settling.
STATE = np.dtype(
    [
        ("time", np.int64),
        ("since", np.int64),
        ("value", np.float64),
        ("before", np.float64),
        ("anchor", np.float64),
        ("length", np.int32),
        ("flag", np.uint8),
        ("told", np.bool_),
        ("held", np.bool_),
    ],
    align=True,
)
FIRST = np.array((NEVER, NEVER, np.nan, np.nan, np.nan, 0, 0, False, False), dtype=STATE)
_BYTES = np.dtype((np.void, STATE.itemsize))  # copied whole: ten times faster than field by field

Run = tuple[Values, Times, AnyArray]  # of the run each row is in: first value, its time, length

# The order GOOD < SUSPECT < FAIL is the order of the numbers; 2 and 9 never enter these tests.
_WORST = np.maximum


class Thresholds:
    """The kinds' thresholds, flat by kind code * number of quantities + quantity code."""

    def __init__(self, kinds: Kinds) -> None:
        self.plausible = kinds.plausible_low.ravel(), kinds.plausible_high.ravel()
        self.possible = kinds.possible_low.ravel(), kinds.possible_high.ravel()
        self.rate = kinds.rate_per_ns.ravel()
        self.spike = kinds.spike.ravel()
        self.flat_ns = kinds.flat_ns.ravel()
        self.resolution = kinds.resolution.ravel()
        self.rest = kinds.rest.ravel()
        self.circular = kinds.circular.ravel()
        # Below 0: no two values stand still, so series without the test cost no runs.
        self.still = np.where(np.isfinite(self.flat_ns), self.resolution, -1.0)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the tests say of rows in order.

    flag     by the value and by those before it
    back     what each row says of the one before it in its series; 0: nothing
    hind     what the next of these rows says of each; 0: nothing
    why      the tests that make `flag` worse than good, as a mask of Test
    length   values that stand still up to each
    state    of each touched series, after its last row
    """

    flag: Flags
    back: Flags
    hind: Flags
    why: Flags
    length: AnyArray
    state: AnyArray


class Quality:
    """State per series: its two newest values, the newest one's flag, and how long it stands still."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._of = Thresholds(layout.kinds)
        self.table = Table({"state": (STATE, FIRST)})

    def late(self, rows: Rows) -> Mask:
        """True for rows that are not newer than their series' newest value, or repeat a row."""
        late: Mask = rows.time <= rows.per_row(self.table["state"]["time"][rows.touched])
        repeated = rows.time[1:] == rows.time[:-1]
        if repeated.any():
            late[1:] |= repeated & (rows.series[1:] == rows.series[:-1])
        return late

    def newest(self, series: Index) -> AnyArray:
        """The state of series, as a copy."""
        state: AnyArray = self.table["state"].take(series)
        return state

    def remember(self, series: Index, state: AnyArray) -> None:
        """Put the state of series."""
        self.table["state"].view(_BYTES)[series] = state.view(_BYTES)

    def spiky(self, series: Index) -> Mask:
        """Whether each series has a spike test: then the next value may still condemn its newest."""
        found: Mask = np.isfinite(self._of.spike[self._layout.series["at"][series]])
        return found

    def range_only(self, rows: Rows) -> Flags:
        """Flags of rows that came later than anything waits for."""
        return self._range(rows, self._layout.series["at"][rows.touched])

    def judge(self, rows: Rows, old: AnyArray) -> Judged:
        """Judge rows that are in order and newer than `old`, the state of the touched series."""
        at = self._layout.series["at"][rows.touched]
        step = self._steps(rows, at, old)
        flat, run = self._flat(rows, at, old, step)
        found = {
            Test.RANGE: self._range(rows, at),
            Test.RATE: self._rate(rows, at, old, step),
            Test.FLAT: flat,
        }
        flag, why = _worst_of(found)
        back = self._spikes(rows, at, old, step)
        back[back <= Flag.NOT_EVALUATED] = 0
        hind = np.zeros(len(rows), dtype=np.uint8)
        hind[:-1] = back[1:]
        hind[rows.ends] = 0
        state = _after(rows, old, flag, run)
        return Judged(flag, back, hind, why, run[2], state)

    def _range(self, rows: Rows, at: Index) -> Flags:
        def bounds(table: tuple[Values, Values]) -> tuple[Values, Values]:
            return rows.per_row(table[0][at]), rows.per_row(table[1][at])

        flags = qartod.gross_range(
            rows.value, bounds(self._of.plausible), bounds(self._of.possible)
        )
        given = (rows.flag == Flag.SUSPECT) | (rows.flag == Flag.FAIL)
        return np.where(given, _WORST(flags, rows.flag), flags).astype(np.uint8)

    def _steps(self, rows: Rows, at: Index, old: AnyArray) -> Values:
        """x(n) - x(n-1) of each row; NaN where there is none before it."""
        before = np.empty(len(rows))
        before[1:] = rows.value[:-1]
        before[rows.starts] = old["value"]
        return self._difference(rows.value - before, rows.per_row(self._of.circular[at]))

    @staticmethod
    def _difference(step: Values, circular: Mask) -> Values:
        return np.where(circular, qartod.turn(step), step) if circular.any() else step

    def _rate(self, rows: Rows, at: Index, old: AnyArray, step: Values) -> Flags:
        elapsed = np.empty(len(rows))
        elapsed[1:] = np.diff(rows.time)
        elapsed[rows.starts] = rows.time[rows.starts] - old["time"]
        # Where nothing came before, `elapsed` wraps and the step is NaN: no fault.
        fast = qartod.rate_of_change(step, elapsed, rows.per_row(self._of.rate[at]))
        return np.where(fast, Flag.SUSPECT, Flag.GOOD).astype(np.uint8)

    def _flat(self, rows: Rows, at: Index, old: AnyArray, step: Values) -> tuple[Flags, Run]:
        tolerance = rows.per_row(self._of.still[at])
        jump = ~(np.abs(step) <= tolerance + qartod.TOLERANCE)
        carried = rows.starts, old["anchor"], old["since"], old["length"]
        circular = rows.per_row(self._of.circular[at])
        anchor, since, length = still_since(
            rows.value, rows.time, jump, carried, tolerance, circular
        )
        limit = rows.per_row(self._of.flat_ns[at])
        flags = qartod.flat_line(rows.time - since, length, limit, 2 * limit)
        resting = np.abs(rows.value - rows.per_row(self._of.rest[at])) <= tolerance
        flags[resting] = Flag.GOOD
        return flags, (anchor, since, length)

    def _spikes(self, rows: Rows, at: Index, old: AnyArray, step: Values) -> Flags:
        """What each row says of the one before it in its series."""
        before = np.empty(len(rows))
        before[1:] = step[:-1]
        last = old["value"] - old["before"]
        before[rows.starts] = self._difference(last, self._of.circular[at])
        limit = rows.per_row(self._of.spike[at])
        return qartod.spike_of(before, step, limit, 2 * limit)


def _worst_of(found: Mapping[Test, Flags]) -> tuple[Flags, Flags]:
    """(worst flag of each row, mask of the tests that are worse than good)."""
    flag = np.maximum.reduce(list(found.values()))
    why = np.zeros(len(flag), dtype=np.uint8)
    bad = np.flatnonzero(flag > Flag.GOOD)
    for test, own in found.items():
        why[bad] |= np.where(own[bad] > Flag.GOOD, test.bit, 0).astype(np.uint8)
    return flag, why


def _after(rows: Rows, old: AnyArray, flag: Flags, run: Run) -> AnyArray:
    """The state of the touched series after their last rows."""
    ends = rows.ends
    new = np.zeros(len(ends), STATE)
    single = rows.starts == ends
    new["before"] = np.where(single, old["value"], rows.value[np.maximum(ends - 1, 0)])
    new["time"], new["value"], new["flag"] = rows.time[ends], rows.value[ends], flag[ends]
    new["anchor"], new["since"], new["length"] = (column[ends] for column in run)
    return new
