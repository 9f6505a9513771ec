"""The recent past of some devices as cells by (device, bin of time): what a detector looks back on, bounded.

A bin is `split` windows of the engine long. A row keeps its newest `kept` bins; what is older is
forgotten, and stays as it was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from analytics.layout import Layout
from analytics.members import Members
from analytics.snapshot import Tables
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask

NEVER = np.iinfo(np.int32).max
_ROOM = 2**32


class Frames:
    """Cells of the members of some kinds.

    parts    input columns, `split` cells a bin: what the engine's windows said
    cells    `bin`, and output columns, one cell a bin: what was found out of them, NaN where nothing was
    rows     by member: its newest bin, and `pending`, the earliest bin that is to be judged anew
    """

    def __init__(
        self,
        name: str,
        layout: Layout,
        kinds: Mask,
        inputs: Mapping[str, DTypeLike],
        outputs: Sequence[str],
        *,
        kept: int,
        split: int = 1,
        found: DTypeLike = np.float64,
    ) -> None:
        self.members = Members(name, layout, kinds)
        self.kept, self.split = kept, split
        self.parts = Table({n: (d, np.nan) for n, d in inputs.items()}, width=kept * split)
        self.cells = Table(
            {"bin": (np.int32, 0)} | dict.fromkeys(outputs, (found, np.nan)), width=kept
        )
        self.rows = Table({"newest": (np.int32, 0), "pending": (np.int32, NEVER)})
        self._inputs, self._outputs = tuple(inputs), tuple(outputs)

    def grow(self, first: int) -> None:
        """Give a row to the members among the devices from code `first` on."""
        self.members.grow(first)
        for table in (self.parts, self.cells, self.rows):
            table.grow(len(self.members))

    def tables(self) -> Tables:
        """The state, as a snapshot takes it."""
        name = self.members.name
        named = {"": self.rows, "_cells": self.cells, "_parts": self.parts}
        return {name + ending: (self.members, table) for ending, table in named.items()}

    def claim(self, row: Index, window: Index) -> Mask:
        """Make room for news of these windows. False where a bin is forgotten already.

        The windows of one row must lie within `kept` bins of each other.
        """
        at = window // self.split
        newest = self.rows["newest"]
        np.maximum.at(newest, row, at.astype(np.int32))
        known: Mask = at > newest[row].astype(np.int64) - self.kept
        key = row[known] * _ROOM + at[known]
        # The quantities of a device come one after the other: most twins are neighbours.
        key = np.unique(key[np.flatnonzero(np.diff(key, prepend=-1))])
        slot = key // _ROOM * self.kept + key % _ROOM % self.kept
        fresh = self.cells["bin"][slot] != key % _ROOM
        self._empty(slot[fresh], key[fresh] % _ROOM)
        np.minimum.at(self.rows["pending"], key // _ROOM, (key % _ROOM).astype(np.int32))
        return known

    def _empty(self, slot: Index, at: Index) -> None:
        self.cells["bin"][slot] = at
        for name in self._outputs:
            self.cells[name][slot] = np.nan
        parts = (slot[:, None] * self.split + np.arange(self.split)).ravel()
        for name in self._inputs:
            self.parts[name][parts] = np.nan

    def put(self, name: str, row: Index, window: Index, value: AnyArray) -> None:
        """Put values into claimed cells of an input column."""
        width = self.kept * self.split
        self.parts[name][row * width + window % width] = value

    def recent(self, column: AnyArray, row: Index, first: int, count: int) -> AnyArray:
        """Cells of `count` bins from `first` on of some rows, whatever bin they hold: [rows, count, split].

        column   one of `parts`, or, with one cell a bin, of `cells`
        """
        at = first % self.kept
        cells = column.reshape(len(self.cells["bin"]) // self.kept, self.kept, -1)
        if at + count <= self.kept:
            return cells[row, at : at + count]
        if count <= self.kept:
            parts = cells[row, at:], cells[row, : at + count - self.kept]
            return np.concatenate(parts, axis=1)
        return cells[row][:, np.arange(first, first + count) % self.kept]

    def slots(self, row: Index, bins: Index) -> tuple[Index, Mask]:
        """(slot, whether it holds that bin) of each row and bin: [rows, bins]."""
        slot = row[:, None] * self.kept + (bins % self.kept)[None, :]
        return slot, self.cells["bin"][slot] == bins[None, :]


@dataclass(frozen=True, slots=True)
class Look:
    """What is to be judged: `count` bins from `first` on, of each of `rows`.

    settled   [rows, bins]: judged before, and nothing changed since; whoever goes on from bin to bin
              takes what was found then
    """

    frames: Frames
    rows: Index
    first: int
    count: int
    settled: Mask

    @property
    def bins(self) -> Index:
        """Numbers of the bins since 1970."""
        return np.arange(self.first, self.first + self.count)

    def of(self, name: str, back: int = 0) -> AnyArray:
        """An input from `back` bins before the first on: [rows, back + bins, split], NaN where unknown.

        Without the last dimension where bins aren't split.
        """
        found = self._known(self.frames.parts[name], back)
        return found[:, :, 0] if self.frames.split == 1 else found

    def found(self, name: str, back: int = 0) -> AnyArray:
        """An output as it was found before: [rows, back + bins], NaN where nothing was."""
        return self._known(self.frames.cells[name], back)[:, :, 0]

    def of_rows(self, which: Mask | Index) -> Look:
        """The same of some of the rows."""
        return Look(self.frames, self.rows[which], self.first, self.count, self.settled[which])

    def _known(self, column: AnyArray, back: int) -> AnyArray:
        """Cells of these bins; NaN where another bin has the cell."""
        f, first, count = self.frames, self.first - back, self.count + back
        values = f.recent(column, self.rows, first, count)
        held = f.recent(f.cells["bin"], self.rows, first, count)[:, :, 0]
        other = held != np.arange(first, first + count, dtype=np.int32)
        if other.any():
            values[other] = np.nan
        return values

    def beside(self, name: str, row: Index, back: int = 0) -> AnyArray:
        """The same input of other rows, one for each of `rows`; NaN where that is negative."""
        other = Look(self.frames, np.maximum(row, 0), self.first, self.count, self.settled)
        values = other.of(name, back)
        values[row < 0] = np.nan
        return values
