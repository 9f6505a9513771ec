"""A deriver that judges bins of time from the windows of the engine: what changed is told, whatever the order.

A subclass says what it looks at and how it judges; this one keeps the cells, finds out which bins are
touched by news (with all later ones of the device), and tells what differs from what was told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from analytics.deriver import Deriver
from analytics.frames import NEVER, Frames, Look
from analytics.layout import Layout
from analytics.snapshot import Tables
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Index, Values
from telemetry.flags import Flag
from telemetry.readings import Readings


class Input(NamedTuple):
    """A column of the cells: `stat` (mean, sum, min, max, last, count) of a quantity's windows."""

    quantity: str
    stat: str = "mean"
    dtype: DTypeLike = np.float32


class Framed(Deriver):
    """Args: name (of the state in a snapshot), kinds (names of the kinds looked at), step (of the windows
    heard [ns]), split (windows in a bin), kept (bins a device), back (bins before one that it is judged
    by), inputs (column → Input), outputs (what `judge` finds: those that the kind declares are told),
    found (how they are kept).
    """

    def __init__(
        self,
        name: str,
        layout: Layout,
        kinds: Sequence[str],
        inputs: Mapping[str, Input],
        outputs: Sequence[str],
        *,
        step: int,
        kept: int,
        back: int = 0,
        split: int = 1,
        found: DTypeLike = np.float64,
    ) -> None:
        code = layout.kinds.quantity_code
        members = np.array([k.name in kinds for k in layout.kinds], dtype=bool)
        columns = {n: i.dtype for n, i in inputs.items()}
        self.frames = Frames(
            name, layout, members, columns, outputs, kept=kept, split=split, found=found
        )
        self.layout = layout
        self._step, self._back = step, back
        self._inputs = [(n, code.get(i.quantity, -1), i.stat) for n, i in inputs.items()]
        self._heard = np.zeros(len(layout.kinds.quantities) + 1, dtype=bool)
        self._heard[[c for _, c, _ in self._inputs]] = True
        self._told = {n: code[n] for n in outputs if n in code}
        self._digits = {n: _digits(layout, kinds, n) for n in self._told}
        # As many bins at once as leave room for those that they look back on.
        self._block = max(1, kept - back - 1)
        self._closed = 0

    def also(self, column: str, given: Input) -> None:
        """Let another quantity, of another kind, fill the same column."""
        code = self.layout.kinds.quantity_code.get(given.quantity, -1)
        self._inputs.append((column, code, given.stat))
        self._heard[code] = True

    def grow(self, first: int) -> None:
        """The layout has devices from code `first` on that are new."""
        self.frames.grow(first)

    def tables(self) -> Tables:
        """The state: by member, and by member and bin."""
        return self.frames.tables()

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """Output → [rows, bins], NaN where nothing is to be told."""
        raise NotImplementedError

    def touched_with(self, rows: Index, bins: Index) -> tuple[Index, Index]:
        """(rows, bins) that are judged by what these rows hold in these bins, besides themselves."""
        return rows[:0], bins[:0]

    def time_of(self, name: str, bins: Index) -> AnyArray:
        """Time of the readings that bins lead to: their beginning. [ns, UTC]"""
        return np.asarray(bins * (self._step * self.frames.split))

    def counted(
        self, name: str, rows: Index, bins: Index, before: AnyArray, after: AnyArray
    ) -> None:
        """Hear that an output of these bins is another one now: sums over more bins than are kept follow."""

    def close(self, step: int, rollups: Rollups, watermark: int, now: int) -> Readings:
        """Windows that closed or were corrected → what follows from them, for bins that have ended."""
        if step != self._step:
            return Readings.empty()
        closed = max(self._closed, watermark // (step * self.frames.split))
        row = self.frames.members.row[rollups.device]
        ours = np.flatnonzero((row >= 0) & self._heard[rollups.quantity])
        if not len(ours) and closed == self._closed:
            return Readings.empty()
        self._closed = closed
        told = []
        for first, which in self._blocks(rollups, ours):
            # First what these windows have no say in: they may be far from what is kept.
            told.append(self.judged(min(closed, first), now))
            self._take(row[which].astype(np.intp), rollups, which)
        return Readings.concat([*told, self.judged(closed, now)])

    def _blocks(self, rollups: Rollups, which: Index) -> Iterator[tuple[int, Index]]:
        """(first bin, windows) of as many bins at once as are kept beside those that they look back on."""
        if not len(which):
            return
        bins = rollups.start[which] // (self._step * self.frames.split)
        first, last = int(bins.min()), int(bins.max())
        if last - first < self._block:
            yield first, which
            return
        block = (bins - first) // self._block
        for number in np.unique(block).tolist():
            yield first + number * self._block, which[block == number]

    def _take(self, row: Index, rollups: Rollups, which: Index) -> None:
        window = rollups.start[which] // self._step
        known = self.frames.claim(row, window)
        row, window, which = row[known], window[known], which[known]
        for name, quantity, stat in self._inputs:
            mine = rollups.quantity[which] == quantity
            if mine.any():
                value = _stat(rollups, which[mine], stat)
                self.frames.put(name, row[mine], window[mine], value)
        self.touch(row, window // self.frames.split)

    def touch(self, row: Index, bins: Index) -> None:
        """Have those judged anew, too, that are judged by these rows."""
        also, since = self.touched_with(row, bins)
        np.minimum.at(self.frames.rows["pending"], also, since.astype(np.int32))

    def judged(self, until: int, now: int) -> Readings:
        """Judge what is pending of the bins before `until`, which have ended."""
        rows = self.frames.rows
        pending, newest = rows["pending"][: rows.rows], rows["newest"][: rows.rows]
        due = np.flatnonzero((pending < until) & (pending <= newest))
        if not len(due):
            return Readings.empty()
        # Who is corrected far back costs only itself.
        ago = np.maximum(np.frexp((until - pending[due]) / self._block)[1], 0)
        parts = [self._judged(due[ago == a], until, now) for a in np.unique(ago).tolist()]
        return Readings.concat(parts)

    def _judged(self, rows: Index, until: int, now: int) -> Readings:
        f = self.frames
        pending, newest = (f.rows[n][rows].astype(np.int64) for n in ("pending", "newest"))
        first = int(pending.min())
        last = int(np.minimum(newest, until - 1).max())
        bins = np.arange(first, last + 1)
        slot, there = f.slots(rows, bins)
        anew = bins >= pending[:, None]
        whole = (bins - self._back > newest[:, None] - f.kept) & (bins < until)
        due = there & anew & whole
        found = self.judge(Look(f, rows, first, len(bins), ~anew))
        at, slot = np.nonzero(due), slot[due]
        rows_at, bins_at = rows[at[0]], bins[at[1]]
        parts = []
        for name, value in found.items():
            which, before, after = self._changed(name, slot, value[at])
            if not len(which):
                continue
            self.counted(name, rows_at[which], bins_at[which], before, after)
            if name in self._told:
                parts.append(self._readings(name, rows_at[which], bins_at[which], after, now))
        f.rows["pending"][rows] = np.where(newest >= until, until, NEVER)
        return Readings.concat(parts)

    def _changed(self, name: str, slot: Index, value: Values) -> tuple[Index, AnyArray, AnyArray]:
        """(what is another one now, as it was, as it is), rounded as its quantity asks; it is kept."""
        column = self.frames.cells[name]
        new: AnyArray = np.round(value, self._digits[name]) if name in self._digits else value
        before, kept = column[slot], new.astype(column.dtype)
        which = np.flatnonzero(~((before == kept) | (np.isnan(before) & np.isnan(kept))))
        column[slot[which]] = kept[which]
        return which, before[which], new[which]

    def _readings(self, name: str, row: Index, bins: Index, value: Values, now: int) -> Readings:
        """NaN takes back what was told."""
        flag = np.where(np.isnan(value), Flag.MISSING, Flag.GOOD)
        time = self.time_of(name, bins)
        quantity = np.full(len(row), self._told[name])
        return Readings.of(self.frames.members.device[row], quantity, time, value, flag, now)


def _digits(layout: Layout, kinds: Sequence[str], name: str) -> int:
    """Decimals of a quantity's resolution."""
    declared = (k.quantity(name) for k in layout.kinds if k.name in kinds)
    resolution = next((q.resolution for q in declared if q is not None), 0.001)
    return int(np.ceil(-np.log10(resolution) - 1e-9))


def _stat(rollups: Rollups, which: Index, stat: str) -> Values:
    """A statistic of windows; NaN where nothing counts in one."""
    count = rollups.count[which]
    if stat == "mean":
        mean = np.full(len(which), np.nan)
        return np.asarray(np.divide(rollups.sum[which], count, out=mean, where=count > 0))
    value: AnyArray = getattr(rollups, stat)[which]
    return np.where(count > 0, value, np.nan)
