"""Quality of every value (QARTOD): gross range, spike, rate of change, flat line, over a sorted batch.

A value in order of its series is judged against those before it when it comes, and once more when the
next one comes (spike, average method): its flag may then grow worse. A late value, older than its
series' newest, is judged by its range only. Thresholds come from the kind.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics import qartod
from analytics.flat import still_since
from analytics.layout import Layout
from analytics.rows import Rows
from analytics.table import Table
from devices.registry import Kinds
from telemetry.arrays import AnyArray, Flags, Index, Mask, Times, Values
from telemetry.flags import Flag

NEVER = np.iinfo(np.int64).min

# One row of memory per series: read and written whole. `before` is the value before `value`; `anchor`,
# `since` and `length` are of the run that stands still; `held`: not in the windows yet.
STATE = np.dtype(
    [
        ("time", np.int64),
        ("since", np.int64),
        ("value", np.float64),
        ("before", np.float64),
        ("anchor", np.float64),
        ("length", np.int32),
        ("flag", np.uint8),
        ("held", np.bool_),
    ],
    align=True,
)
FIRST = np.array((NEVER, NEVER, np.nan, np.nan, np.nan, 0, 0, False), dtype=STATE)
_BYTES = np.dtype((np.void, STATE.itemsize))  # copied whole: ten times faster than field by field

Run = tuple[
    Values, Times, AnyArray
]  # by series, of the run under way: first value, its time, length

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
class Held:
    """The newest value of each touched series before this batch, judged once more.

    in_windows  its windows have it already
    counts      it may enter windows now
    changed     its flag is another one than before
    """

    series: Index
    time: Times
    value: Values
    flag: Flags
    in_windows: Mask
    counts: Mask
    changed: Mask


class Quality:
    """State per series: its two newest values, the newest one's flag, and how long it stands still."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._of = Thresholds(layout.kinds)
        self.table = Table({"state": (STATE, FIRST)})

    def late(self, rows: Rows) -> Mask:
        """True for rows that are not newer than their series' newest value."""
        return rows.time <= rows.per_row(self.table["state"]["time"][rows.touched])

    def range_only(self, rows: Rows) -> Flags:
        """Flags of late rows."""
        return self._range(rows, self._layout.series["at"][rows.touched])

    def judge(self, rows: Rows) -> tuple[Flags, Mask, Held]:
        """Judge rows that are in order, and remember them.

        Returns their flags, whether each is settled (the newest of a series with a spike test is not:
        the next value may still find it to be a spike), and the values held from before.
        """
        touched = rows.touched
        at = self._layout.series["at"][touched]
        old = self.table["state"].take(touched)
        step = self._steps(rows, at, old)
        flags = self._range(rows, at)
        flags = _WORST(flags, self._rate(rows, at, old, step))
        flat, run = self._flat(rows, at, old, step)
        flags = _WORST(flags, flat)
        on_before = self._spikes(rows, at, old, step)
        inner = np.flatnonzero(on_before[1:] > Flag.NOT_EVALUATED)
        inner = inner[rows.series[inner] == rows.series[inner + 1]]
        flags[inner] = _WORST(flags[inner], on_before[inner + 1])
        held = _settled(touched, old, on_before[rows.starts])
        spiky = np.isfinite(self._of.spike[at])
        self._remember(rows, old, flags, run, spiky)
        settled = np.ones(len(rows), dtype=bool)
        settled[rows.ends[spiky]] = False
        return flags, settled, held

    def newest(self, series: Index) -> tuple[Times, Values, Mask]:
        """(time, value, held and counts) of each series' newest value: what windows don't have yet."""
        t = self.table["state"].take(series)
        return t["time"], t["value"], t["held"] & (t["flag"] == Flag.GOOD)

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
        return flags, (anchor[rows.ends], since[rows.ends], length[rows.ends])

    def _spikes(self, rows: Rows, at: Index, old: AnyArray, step: Values) -> Flags:
        """What each row says of the one before it in its series."""
        before = np.empty(len(rows))
        before[1:] = step[:-1]
        last = old["value"] - old["before"]
        before[rows.starts] = self._difference(last, self._of.circular[at])
        limit = rows.per_row(self._of.spike[at])
        return qartod.spike_of(before, step, limit, 2 * limit)

    def _remember(self, rows: Rows, old: AnyArray, flags: Flags, run: Run, spiky: Mask) -> None:
        ends = rows.ends
        new = np.empty(len(ends), STATE)
        single = rows.starts == ends
        new["before"] = np.where(single, old["value"], rows.value[np.maximum(ends - 1, 0)])
        new["time"], new["value"], new["flag"] = rows.time[ends], rows.value[ends], flags[ends]
        new["anchor"], new["since"], new["length"] = run
        new["held"] = spiky
        self.table["state"].view(_BYTES)[rows.touched] = new.view(_BYTES)


def _settled(touched: Index, old: AnyArray, spike: Flags) -> Held:
    before = old["flag"]
    flag = np.where(spike > Flag.NOT_EVALUATED, _WORST(before, spike), before).astype(np.uint8)
    return Held(
        touched, old["time"], old["value"], flag, ~old["held"], flag == Flag.GOOD, flag != before
    )  # fmt: skip


def with_held(rows: Rows, counts: Mask, held: Held) -> tuple[Index, Times, Values, Mask, Mask]:
    """(series, time, value, counts, news) for the windows: rows, each series' held value before its own."""
    first = ~held.in_windows
    shift = np.cumsum(first)
    at = np.arange(len(rows)) + rows.per_row(shift)
    before = (rows.starts + shift - 1)[first]

    def both(held_column: AnyArray, column: AnyArray) -> AnyArray:
        out = np.empty(len(at) + len(before), dtype=column.dtype)
        out[at] = column
        out[before] = held_column[first]
        return out

    return (
        both(held.series, rows.series),
        both(held.time, rows.time),
        both(held.value, rows.value),
        both(held.counts, counts),
        both(held.changed, np.ones(len(rows), dtype=bool)),
    )
