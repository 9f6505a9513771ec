"""Conditions that stand: from their state at each row to what is told of it – raised, grew worse, cleared.

Rows come in segments, one a slot of `table`, in order of time. Values are signed so that more is worse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from analytics.facts import What
from analytics.lighting import forward_fill
from analytics.rows import segments
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.clock import MINUTE

NEVER = np.iinfo(np.int64).min
RETELL = MINUTE  # event time after which a standing condition is told again, even if no worse
# raised: the condition stands; told: time of the last transition; worst: the worst value since it was raised
COLUMNS: Mapping[str, tuple[DTypeLike, object]] = {
    "raised": (np.bool_, False),
    "told": (np.int64, NEVER),
    "worst": (np.float64, np.nan),
}


@dataclass(frozen=True, slots=True)
class Run:
    """Rows in segments. slot: of each segment; value: signed; state: whether it stands after each row."""

    starts: Index
    ends: Index
    slot: Index
    time: Times
    value: Values
    state: Mask


def changes(table: Table, run: Run) -> tuple[Index, AnyArray, Values]:
    """(rows at which something is told, What of each, worst of each, signed). `table` is brought up to date."""
    before = np.empty(len(run.time), dtype=bool)
    before[1:] = run.state[:-1]
    before[run.starts] = table["raised"][run.slot]
    worst = _worst(table, run, before)
    what = np.where(run.state, What.RAISE, What.CLEAR).astype(np.uint8)
    tell = run.state != before
    updates = _updates(table, run, tell, worst)
    what[updates] = What.UPDATE
    tell[updates] = True
    table["raised"][run.slot] = run.state[run.ends]
    table["worst"][run.slot] = worst[run.ends]
    told = forward_fill(run.time, tell, run.starts, table["told"][run.slot])
    table["told"][run.slot] = told[run.ends]
    which = np.flatnonzero(tell)
    return which, what[which], worst[which]


def _worst(table: Table, run: Run, before: Mask) -> Values:
    """Worst value since the condition was raised, at each row; the value itself where it clears."""
    worst = np.where(run.state, run.value, -np.inf)
    on = before[run.starts] & run.state[run.starts]
    first = run.starts[on]
    worst[first] = np.fmax(worst[first], table["worst"][run.slot[on]])
    standing = run.state & before
    standing[run.starts] = False
    number = np.cumsum(~standing).astype(np.intp)
    return np.where(run.state, running_max(worst, number), run.value)


def _updates(table: Table, run: Run, tell: Mask, worst: Values) -> Index:
    """Rows that tell how bad it was: the last before it clears, and the last of a slot where it stands on.

    Only where it grew worse since it was told; where it stands on also when that was long ago.
    """
    closing = run.state.copy()
    closing[:-1] &= ~run.state[1:]
    closing[run.ends] = run.state[run.ends]
    rows = np.flatnonzero(closing & ~tell)
    told = forward_fill(run.time, tell, run.starts, table["told"][run.slot])
    known = forward_fill(worst, tell, run.starts, table["worst"][run.slot])
    grew = (worst[rows] > known[rows]) | np.isnan(known[rows])
    stands_on = np.zeros(len(closing), dtype=bool)
    stands_on[run.ends] = True
    long_ago = stands_on[rows] & (run.time[rows] - told[rows] >= RETELL)
    updates: Index = rows[grew | long_ago]
    return updates


def running_max(value: Values, run: Index) -> Values:
    """Running maximum within runs of equal `run` (ascending)."""
    starts, _ = segments(run)
    if len(starts) == len(value):
        return value
    # Rank the values, lift each run above the ones before it, and take one running maximum.
    order = np.argsort(value, kind="stable")
    rank = np.empty(len(value), dtype=np.int64)
    rank[order] = np.arange(len(value))
    top = np.maximum.accumulate(rank + run.astype(np.int64) * len(value))
    out: Values = value[order[top - run * len(value)]]
    return out
