"""Runs of values that stand still: each stays within a tolerance of the run's first value.

A run ends at the first value that differs from the one before, or from the run's first, by more than
the tolerance. So a slow drift in steps below the sensor's resolution is no flat line.
"""

from __future__ import annotations

import numpy as np

from analytics.qartod import TOLERANCE, turn
from analytics.rows import segments
from telemetry.arrays import AnyArray, Index, Mask, Times, Values

Carried = tuple[Index, Values, Times, AnyArray]


def still_since(
    value: Values,
    time: Times,
    jump: Mask,
    carried: Carried,
    tolerance: Values,
    circular: Mask,
) -> tuple[Values, Times, Index]:
    """(first value, its time, number of values so far) of the run that each row belongs to.

    jump        True where a row differs from the one before it in its series by more than tolerance
    carried     (rows, anchor, since, length): the first row of each series in this batch, and of the
                run under way before it the first value, its time and its length. Used where `jump`
                is False
    """
    starts_run = jump.copy()
    starts_run[carried[0]] = True
    run, anchor, since, length = _runs(value, time, starts_run, jump, carried)
    fresh = jump.copy()
    for anew in (_first_of_runs, _path_of_runs):
        drifting = _apart(value, anchor[run], circular) > np.abs(tolerance) + TOLERANCE
        if not drifting.any():
            break
        rows = anew(value, run, anchor, drifting, tolerance, circular)
        starts_run[rows] = fresh[rows] = True
        run, anchor, since, length = _runs(value, time, starts_run, fresh, carried)
    return anchor[run], since[run], length


def _runs(
    value: Values, time: Times, starts_run: Mask, fresh: Mask, carried: Carried
) -> tuple[Index, Values, Times, Index]:
    """(run of each row, first value of each run, its time, place of each row in its run)."""
    first = np.flatnonzero(starts_run)
    run = np.cumsum(starts_run) - 1
    anchor, since = value[first], time[first]
    offset = 1 - first
    rows, old_anchor, old_since, old_length = carried
    goes_on = ~fresh[rows]
    under_way = run[rows[goes_on]]
    anchor[under_way] = old_anchor[goes_on]
    since[under_way] = old_since[goes_on]
    offset[under_way] += old_length[goes_on]
    return run, anchor, since, np.arange(len(value)) + offset[run]


def _apart(a: Values, b: Values, circular: Mask) -> Values:
    apart = a - b
    if circular.any():
        apart = np.where(circular, turn(apart), apart)
    return np.abs(apart)


def _first_of_runs(
    value: Values, run: Index, anchor: Values, drifting: Mask, tolerance: Values, circular: Mask
) -> Index:
    """The first row of each drifting run that leaves the band: enough where a run has few rows."""
    rows = np.flatnonzero(drifting)
    return rows[segments(run[rows])[0]]


def _path_of_runs(
    value: Values, run: Index, anchor: Values, drifting: Mask, tolerance: Values, circular: Mask
) -> Index:
    """Every row at which a drifting run starts anew: each leaves the band around the anchor before."""
    rows = np.flatnonzero(np.isin(run, run[drifting]))
    starts, _ = segments(run[rows])
    y = value[rows] - anchor[run[rows]]
    y = np.where(circular[rows], turn(y), y)
    # Put each run's anchor (0 by now) in front of its rows, so that the path below starts there.
    y = np.insert(y, starts, 0.0)
    band = np.insert(tolerance[rows], starts, tolerance[rows[starts]]) + TOLERANCE
    head = starts + np.arange(len(starts))
    end = np.append(head[1:], len(y))
    end_of = np.repeat(end, end - head)
    on_path = _path(_next_outside(y, band, end_of), head, end_of)
    on_path[head] = False
    return rows[np.delete(on_path, head)]


def _next_outside(y: Values, band: Values, end: Index) -> Index:
    """First row j > i with |y[j] - y[i]| > band[i]; `end[i]` where there is none. O(n log n)."""
    high, low, size = [y], [y], 1
    while 2 * size < len(y):
        high.append(np.maximum(high[-1][:-size], high[-1][size:]))
        low.append(np.minimum(low[-1][:-size], low[-1][size:]))
        size *= 2
    at = np.arange(1, len(y) + 1)
    for k in range(len(high) - 1, -1, -1):
        look = np.minimum(at, len(high[k]) - 1)
        inside = (high[k][look] <= y + band) & (low[k][look] >= y - band)
        at += np.where(inside & (at + 2**k <= end), 2**k, 0)
    return at


def _path(following: Index, heads: Index, end: AnyArray) -> Mask:
    """Rows that are reached from the heads by going from row to following row. O(n log n)."""
    n = len(following)
    jump = np.append(np.where(following < end, following, n), n)
    reached = np.zeros(n + 1, dtype=bool)
    reached[heads] = True
    length = 1
    while length < n:
        reached[jump[reached]] = True
        jump = jump[jump]
        length *= 2
    return reached[:n]
