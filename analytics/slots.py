"""Values gathered by (series, window): one slot of count, sum, min, max and last each.

`gather` makes them from rows, `combined` puts those of a batch to those kept. Sums are added up value by
value in order of time, so that they come out the same to the last bit wherever the rows were cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from telemetry.arrays import AnyArray, Index, Mask, Times, Values

# 48 bytes: less than a cache line, so that a window is one access to memory. `window` is the number of
# the window since 1970 (0: an empty slot), `at` the time of `last` in µs after the window's start.
SLOT = np.dtype(
    [
        ("window", np.int32),
        ("count", np.uint32),
        ("sum", np.float64),
        ("min", np.float64),
        ("max", np.float64),
        ("last", np.float64),
        ("at", np.uint32),
        ("told", np.uint32),
    ]
)
BYTES = np.dtype((np.void, SLOT.itemsize))  # copied whole: ten times faster than field by field


@dataclass(frozen=True, slots=True)
class Groups:
    """Values of a batch gathered by (series, window), ascending.

    slots   of SLOT; news: something changed in it
    of      the group of each row; value: what it adds to the sum
    """

    series: Index
    slots: AnyArray
    news: Mask
    of: Index
    value: Values


def gather(
    series: Index, time: Times, value: Values, counts: Mask, news: Mask, step: int
) -> Groups:
    """Rows sorted by (series, time) → one slot per (series, window of `step`)."""
    window = time // step
    slots = np.zeros(len(series), SLOT)
    slots["window"] = window
    slots["count"] = counts
    slots["at"] = (time - window * step) // 1_000
    counted = value if counts.all() else np.where(counts, value, 0.0)
    for name in ("sum", "min", "max", "last"):
        slots[name] = counted
    return _together(Groups(series, slots, news, np.arange(len(series)), counted))


def _together(groups: Groups) -> Groups:
    """Neighbours of one series and window as one."""
    series, slots = groups.series, groups.slots
    window = np.ascontiguousarray(slots["window"])
    cut = (series[1:] != series[:-1]) | (window[1:] != window[:-1])
    if cut.all():
        return groups
    first = np.concatenate(([0], np.flatnonzero(cut) + 1))
    news = np.logical_or.reduceat(groups.news, first)
    of = np.append(0, np.cumsum(cut))
    some = slots["count"] > 0
    if not (some[1:] & ~cut).any():
        # What follows in a window adds nothing: the usual case of a value that is held back.
        return Groups(series[first], slots.take(first), news, of, groups.value)
    low, high = slots["min"], slots["max"]
    if not some.all():
        low, high = np.where(some, low, np.inf), np.where(some, high, -np.inf)
    out = slots.take(np.maximum.reduceat(np.where(some, np.arange(len(slots)), 0), first))
    out["window"] = window[first]
    out["count"] = np.add.reduceat(slots["count"], first)
    out["sum"] = 0.0
    np.add.at(out["sum"], of, groups.value)
    out["min"] = np.minimum.reduceat(low, first)
    out["max"] = np.maximum.reduceat(high, first)
    empty = np.flatnonzero(out["count"] == 0)
    for name in ("min", "max", "last", "at"):
        out[name][empty] = 0
    return Groups(series[first], out, news, of, groups.value)


def combined(there: AnyArray, groups: Groups, same: Mask) -> AnyArray:
    """The groups' slots with what their windows hold already put in."""
    new = groups.slots
    rows = np.flatnonzero(same)
    if len(rows) == 0:
        return new
    whole = len(rows) == len(new)
    a, b = (there, new) if whole else (there.take(rows), new.take(rows))
    own, more = a["count"] > 0, b["count"] > 0
    later = more & ((b["at"] >= a["at"]) | ~own)
    a["min"] = np.where(own & more, np.minimum(a["min"], b["min"]), a["min"] + b["min"])
    a["max"] = np.where(own & more, np.maximum(a["max"], b["max"]), a["max"] + b["max"])
    a["count"] += b["count"]
    if whole:
        np.add.at(a["sum"], groups.of, groups.value)
    else:
        place = np.full(len(new), -1)
        place[rows] = np.arange(len(rows))
        mine = np.flatnonzero(place[groups.of] >= 0)
        np.add.at(a["sum"], place[groups.of[mine]], groups.value[mine])
    a["last"] = np.where(later, b["last"], a["last"])
    a["at"] = np.where(later, b["at"], a["at"])
    a["told"] = np.where(groups.news[rows], 0, a["told"])
    if whole:
        return a
    new.view(BYTES)[rows] = a.view(BYTES)
    return new
