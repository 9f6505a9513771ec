"""Windows per series: a ring of the latest ones, closed by the watermark, corrected late.

A window holds count, sum, min, max and last of the values that count (good or not evaluated). It is
told when the watermark passes its end, and again whenever something changes it after that. A value that
went in and does not count after all can't be taken out of min and max: such a window is broken, and is
named for the store to compute it anew whenever it would be told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from analytics.facts import Named
from analytics.layout import Layout
from analytics.rows import segments
from analytics.slots import BYTES, SLOT, Groups, combined
from analytics.table import Table
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Index, Mask, Times, Values

Newest = Callable[[Index], tuple[Times, Values, Mask]]
Missing = tuple[Index, AnyArray]  # (series, number of the window)


class Windows:
    """The windows of one step. `depth` of them are kept per series; older ones are the store's matter."""

    def __init__(self, layout: Layout, step: int, depth: int, newest: Newest) -> None:
        """`newest(series)` gives (time, value, counts): a value that belongs to its window already but
        is held back, because the next value may find it to be a spike."""
        self._layout = layout
        self._newest = newest
        self.step = step
        self.depth = depth
        self.table = Table({"slot": (SLOT, 0)}, width=depth)
        self._closed = 0  # windows below it have ended
        self._open: dict[int, list[Index]] = {}  # window → slots that wait for its end
        self._due: list[Index] = []  # slots of ended windows that are to be told
        self._gone: list[tuple[Index, AnyArray]] = []  # windows that left the ring untold
        self._stale: list[Missing] = []

    def advance(self, watermark: int) -> None:
        """Event time has come to `watermark`: windows that ended by then are due."""
        self._closed = max(self._closed, watermark // self.step)
        for window in [w for w in self._open if w < self._closed]:
            self._due.extend(self._open.pop(window))

    def add(self, groups: Groups) -> None:
        """Take in groups of this step. A group of values that don't count still makes its window known."""
        if len(groups.series):
            self._merge(groups)

    def tell(self) -> tuple[Rollups, Named]:
        """Windows that closed or were corrected since the last call, and those to compute anew."""
        series, slots = self._told()
        broken = np.flatnonzero(np.isnan(slots["sum"]))
        if len(broken):
            self._stale.append((series[broken], slots["window"][broken].astype(np.int64)))
            whole = np.flatnonzero(~np.isnan(slots["sum"]))
            series, slots = series[whole], slots.take(whole)
        stale = named(self._layout, self._stale, self.step)
        self._due, self._gone, self._stale = [], [], []
        return rollups_of(self._layout, series, self._with_held(series, slots), self.step), stale

    def breaks(self, series: Index, window: AnyArray) -> None:
        """A value that these windows (each once) count does not count after all."""
        place = series * self.depth + window % self.depth
        slots = self.table["slot"]
        there = slots["window"][place] == window
        self._stale.append((series[~there], window[~there].astype(np.int64)))
        place = place[there]
        told = slots["told"][place] > 0
        self._due.append(place[told])
        slots["told"][place] = 0
        # The only value of a window leaves it empty; out of several none can be taken.
        alone = slots["count"][place] == 1
        slots["sum"][place] = np.where(alone, 0.0, np.nan)
        slots["count"][place[alone]] = 0

    def reopen(self) -> None:
        """After `table` was loaded: find the windows again that are still to be told."""
        slots = self.table["slot"][: self.table.rows * self.depth]
        waiting = np.flatnonzero((slots["window"] > 0) & (slots["told"] == 0))
        self._open, self._due = {}, []
        self._wait(waiting, slots["window"][waiting])

    def _merge(self, groups: Groups) -> None:
        window, series = groups.slots["window"], groups.series
        place = series * self.depth + window % self.depth
        slots = self.table["slot"]
        there = slots.take(place)
        there_window = np.ascontiguousarray(there["window"])
        same, old = there_window == window, there_window > window
        self._evict(series, there, ~(old | same))
        waited = same & (there["told"] == 0)
        merged = combined(there, groups, same)
        if old.any():
            self._stale.append((series[old], window[old].astype(np.int64)))
            keep = np.flatnonzero(~old)
            place, series, waited = place[keep], series[keep], waited[keep]
            merged = merged.take(keep)
        # Ascending in time: where a batch spans more windows than a ring holds, the latest stays.
        slots.view(BYTES)[place] = merged.view(BYTES)
        passed = np.zeros(len(place), dtype=bool)
        if int(window.max()) - int(window.min()) >= self.depth:
            passed = slots["window"][place] != merged["window"]
        if passed.any():
            gone = np.flatnonzero(passed)
            self._gone.append((series[gone], merged.take(gone)))
        waiting = np.flatnonzero(~(passed | waited) & (merged["told"] == 0))
        self._wait(place[waiting], merged["window"][waiting])

    def _evict(self, series: Index, there: AnyArray, replaced: Mask) -> None:
        # A window that must make room before it was told is told as it stands.
        gone = np.flatnonzero(replaced & (there["window"] > 0) & (there["told"] == 0))
        if len(gone):
            self._gone.append((series[gone], there.take(gone)))

    def _wait(self, place: Index, window: AnyArray) -> None:
        ended = window < self._closed
        self._due.append(place[ended])
        place, window = place[~ended], window[~ended]
        order = np.argsort(window, kind="stable")
        starts, ends = segments(window[order])
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            slots = place[order[start : end + 1]]
            self._open.setdefault(int(window[order[start]]), []).append(slots)

    def _ripe(self) -> tuple[Index, AnyArray]:
        """(series, slots) that are due, marked as told; each once."""
        table = self.table["slot"]
        place = _joined(self._due, np.dtype(np.intp))
        slots = table.take(place)
        # A slot may have gone to a later window since it was put down here, and so be here twice.
        ripe = np.flatnonzero((slots["window"] < self._closed) & (slots["told"] == 0))
        place = place[ripe]
        number = np.arange(1, len(place) + 1, dtype=np.uint32)
        table["told"][place] = number
        once = np.flatnonzero(table["told"][place] == number)
        return place[once] // self.depth, slots.take(ripe[once])

    def _told(self) -> tuple[Index, AnyArray]:
        series, slots = self._ripe()
        if not self._gone:
            return series, slots
        series = np.concatenate([*(s for s, _ in self._gone), series])
        slots = np.concatenate([*(w for _, w in self._gone), slots])
        # One window may have left, come again with more and left again: the last word counts.
        key = (series.astype(np.int64) << 32) | slots["window"]
        _, newest = np.unique(key[::-1], return_index=True)
        last = len(key) - 1 - newest
        return series[last], slots.take(last)

    def _with_held(self, series: Index, slots: AnyArray) -> AnyArray:
        time, value, held = self._newest(series)
        at = np.flatnonzero(held & (time // self.step == slots["window"]))
        value, some = value[at], slots["count"][at] > 0
        slots["sum"][at] += value
        slots["min"][at] = np.where(some, np.minimum(slots["min"][at], value), value)
        slots["max"][at] = np.where(some, np.maximum(slots["max"][at], value), value)
        slots["last"][at] = value
        slots["count"][at] += 1
        return slots


def rollups_of(layout: Layout, series: Index, slots: AnyArray, step: int) -> Rollups:
    """Slots as what they tell; where nothing counts min, max and last are NaN."""
    own = slots["count"] > 0
    return Rollups(
        layout.series["device"][series],
        layout.series["quantity"][series],
        slots["window"].astype(np.int64) * step,
        slots["count"].astype(np.int64),
        np.ascontiguousarray(slots["sum"]),
        *(np.where(own, slots[name], np.nan) for name in ("min", "max", "last")),
    )


def named(layout: Layout, missing: Sequence[Missing], step: int) -> Named:
    """Windows by what they are called outside: device, quantity, start."""
    series = _joined([s for s, _ in missing], np.dtype(np.intp))
    window = _joined([w for _, w in missing], np.dtype(np.int64))
    return layout.series["device"][series], layout.series["quantity"][series], window * step


def _joined(parts: Sequence[AnyArray], dtype: np.dtype[Any]) -> AnyArray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)
