"""Values gathered by (series, window): one slot of count, sum, min, max and last each.

`gather` makes them from rows, `coarser` minutes into hours, `combined` puts those of a batch to those kept.
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
    """Values of a batch gathered by (series, window), ascending. `news`: something changed in it."""

    series: Index
    slots: AnyArray  # of SLOT
    news: Mask


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
    return _together(Groups(series, slots, news))


def coarser(groups: Groups, step: int, factor: int) -> Groups:
    """Groups of windows of `step` → groups of windows of `step * factor`."""
    slots = groups.slots.copy()
    window = slots["window"] // factor
    slots["at"] += ((slots["window"] - window * factor) * (step // 1_000)).astype(np.uint32)
    slots["window"] = window
    return _together(Groups(groups.series, slots, groups.news))


def _together(groups: Groups) -> Groups:
    """Neighbours of one series and window as one."""
    series, slots = groups.series, groups.slots
    window = np.ascontiguousarray(slots["window"])
    cut = (series[1:] != series[:-1]) | (window[1:] != window[:-1])
    if cut.all():
        return groups
    first = np.concatenate(([0], np.flatnonzero(cut) + 1))
    news = np.logical_or.reduceat(groups.news, first)
    some = slots["count"] > 0
    if not (some[1:] & ~cut).any():
        # What follows in a window adds nothing: the usual case of a value that is held back.
        return Groups(series[first], slots.take(first), news)
    low, high = slots["min"], slots["max"]
    if not some.all():
        low, high = np.where(some, low, np.inf), np.where(some, high, -np.inf)
    out = slots.take(np.maximum.reduceat(np.where(some, np.arange(len(slots)), 0), first))
    out["window"] = window[first]
    out["count"] = np.add.reduceat(slots["count"], first)
    out["sum"] = np.add.reduceat(slots["sum"], first)
    out["min"] = np.minimum.reduceat(low, first)
    out["max"] = np.maximum.reduceat(high, first)
    empty = np.flatnonzero(out["count"] == 0)
    for name in ("min", "max", "last", "at"):
        out[name][empty] = 0
    return Groups(series[first], out, news)


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
    a["sum"] += b["sum"]
    a["last"] = np.where(later, b["last"], a["last"])
    a["at"] = np.where(later, b["at"], a["at"])
    a["told"] = np.where(groups.news[rows], 0, a["told"])
    if whole:
        return a
    new.view(BYTES)[rows] = a.view(BYTES)
    return new
