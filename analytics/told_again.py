"""Verdicts told at once, and again when a late reading makes them others: the newest rows of each device.

With every row stands the state after it, so judging goes on from any of them. Rows that are older than
what is kept change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import DTypeLike

from analytics.layout import Layout
from analytics.members import Members
from analytics.rows import order_by, segments
from analytics.snapshot import Tables
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Values

UNKNOWN = -1  # nothing is told
NEVER = np.iinfo(np.int64).min
KEPT = 32  # rows a device: sixteen messages of two quantities, one each 40 s of the lateness

Columns = Mapping[str, AnyArray]


class News(NamedTuple):
    """Rows to judge, one column each: row of the member, key (ascends with time), value; gone: it does
    not count any more.
    """

    row: Index
    key: AnyArray
    value: Values
    gone: Mask

    def take(self, which: Mask | Index) -> News:
        """Some of them."""
        return News(self.row[which], self.key[which], self.value[which], self.gone[which])


class Judge(Protocol):
    """(state after each row, what is told of each or UNKNOWN) of rows sorted by (member, key)."""

    def __call__(self, news: News, starts: Index, before: Columns) -> tuple[Columns, Columns]:
        """`before`: the state before each segment."""


class Verdicts:
    """State per member: its newest rows in order, the state after each, and what was told of each.

    Args: name (in a snapshot), kinds ([kind code] → whether its devices are members), states (name →
    dtype, value at the beginning), told (names of the verdicts), judge.
    """

    def __init__(
        self,
        name: str,
        layout: Layout,
        kinds: Mask,
        states: Mapping[str, tuple[DTypeLike, object]],
        told: Sequence[str],
        judge: Judge,
    ) -> None:
        self.members = Members(name, layout, kinds)
        self._states, self._told, self._judge = (
            tuple(states),
            tuple(f"told_{n}" for n in told),
            judge,
        )
        self._fill = {n: np.array(fill, dtype) for n, (dtype, fill) in states.items()}
        cells = {"key": (np.int64, NEVER), "value": (np.float64, np.nan)}
        verdicts = dict.fromkeys(self._told, (np.int8, UNKNOWN))
        self.cells = Table({**cells, **states, **verdicts}, width=KEPT)
        # How many rows there were, and the number of the first that is kept.
        self.rows = Table({"count": (np.int64, 0), "low": (np.int64, 0)})

    def grow(self, first: int) -> None:
        """Give a row to the members among the devices from code `first` on."""
        self.members.grow(first)
        self.cells.grow(len(self.members))
        self.rows.grow(len(self.members))

    def tables(self) -> Tables:
        """The state, as a snapshot takes it."""
        name = self.members.name
        return {name: (self.members, self.rows), f"{name}_cells": (self.members, self.cells)}

    def take(self, news: News, twice: bool) -> list[tuple[Index, AnyArray, AnyArray]]:
        """News in any order → of each verdict (member, key, verdict or UNKNOWN) where it is another one.

        twice: a row may be there twice; the later one counts.
        """
        order = np.lexsort((news.key, news.row)) if twice else order_by(news.row, news.key)
        news = _once(news.take(order))
        starts, ends = segments(news.row)
        member = news.row[starts]
        count, low = self.rows["count"][member], self.rows["low"][member]
        newest = np.where(count > low, self.cells["key"][self._slot(member, count - 1)], NEVER)
        late = (news.key[starts] <= newest) | np.logical_or.reduceat(news.gone, starts)
        if not late.any():
            return self._on(news, starts, ends)
        behind = np.repeat(late, ends - starts + 1)
        ahead = news.take(~behind)
        parts = [self._again(news.take(behind), member[late])]
        if len(ahead.row):
            parts.append(self._on(ahead, *segments(ahead.row)))
        return [_joined(p) for p in zip(*parts, strict=True)]

    def _on(self, news: News, starts: Index, ends: Index) -> list[tuple[Index, AnyArray, AnyArray]]:
        """Rows newer than all before them."""
        member = news.row[starts]
        count = self.rows["count"][member]
        after, told = self._judge(news, starts, self._before(member, count))
        self._keep(news, starts, ends, count, after, told)
        found = [(told[name], np.flatnonzero(told[name] != UNKNOWN)) for name in self._names()]
        return [(news.row[w], news.key[w], verdict[w]) for verdict, w in found]

    def _again(self, news: News, member: Index) -> list[tuple[Index, AnyArray, AnyArray]]:
        """Late rows in their places: judge their members anew from there on."""
        low, count = self.rows["low"][member], self.rows["count"][member]
        number = low[:, None] + np.arange(KEPT)
        there = number < count[:, None]
        key = np.where(there, self.cells["key"][self._slot(member[:, None], number)], NEVER)
        place = np.searchsorted(member, news.row)
        known = (low[place] == 0) | (news.key > key[place, 0])
        news, place = news.take(known), place[known]
        if not len(place):
            return [(news.row, news.key, np.zeros(0, np.int8)) for _ in self._told]
        first = np.full(len(member), np.iinfo(np.int64).max)
        np.minimum.at(first, place, news.key)
        old = there & (key >= first[:, None])
        at = (low + (there & ~old).sum(axis=1))[place[_first_of(place)]]
        slot = self._slot(member[:, None], number)[old]
        kept = News(
            np.broadcast_to(member[:, None], old.shape)[old], key[old], self.cells["value"][slot],
            np.zeros(len(slot), dtype=bool),
        )  # fmt: skip
        row, key_of, value, gone = (np.concatenate(c) for c in zip(kept, news, strict=True))
        both = News(row, key_of, value, gone)
        order = np.lexsort((both.key, both.row))
        said = {
            n: np.append(self.cells[n][slot], np.full(len(news.row), UNKNOWN, np.int8))
            for n in self._told
        }
        return self._replaced(both.take(order), {n: s[order] for n, s in said.items()}, at)

    def _replaced(
        self, both: News, said: Columns, at: Index
    ) -> list[tuple[Index, AnyArray, AnyArray]]:
        """Sorted rows of before and now, twins with the newer one last; `at`: number of each first one."""
        last = _last_of_twins(both)
        twin = np.flatnonzero(last)
        # What was told of a row stands with its older twin.
        group = np.cumsum(np.append(0, last[:-1]))
        found = []
        alive = both.take(twin[~both.gone[twin]])
        member = both.row[_first_of(both.row)]
        starts, ends = segments(alive.row)
        of = np.searchsorted(member, alive.row[starts])
        after, told = self._judge(alive, starts, self._before(alive.row[starts], at[of]))
        self.rows["count"][member] = at
        self._keep(alive, starts, ends, at[of], after, told)
        for name, verdict in zip(self._told, (told[n] for n in self._names()), strict=True):
            old = np.full(len(twin), UNKNOWN, np.int8)
            np.maximum.at(old, group, said[name])
            new = np.full(len(twin), UNKNOWN, np.int8)
            new[~both.gone[twin]] = verdict
            other = np.flatnonzero(old != new)
            found.append((both.row[twin[other]], both.key[twin[other]], new[other]))
        return found

    def _keep(
        self, news: News, starts: Index, ends: Index, count: Index, after: Columns, told: Columns
    ) -> None:
        """Put the newest rows of each segment behind the first `count` of its member."""
        length = ends - starts + 1
        member = news.row[starts]
        number = np.arange(len(news.row)) - np.repeat(starts, length) + np.repeat(count, length)
        fits: slice | Index = slice(None)
        if len(length) and int(length.max()) > KEPT:
            fits = np.flatnonzero(number >= np.repeat(count + length - KEPT, length))
        slot = self._slot(news.row[fits], number[fits])
        self.cells["key"][slot] = news.key[fits]
        self.cells["value"][slot] = news.value[fits]
        for name in self._states:
            self.cells[name][slot] = after[name][fits]
        for name, verdict in zip(self._told, (told[n] for n in self._names()), strict=True):
            self.cells[name][slot] = verdict[fits]
        self.rows["count"][member] = count + length
        self.rows["low"][member] = np.maximum(self.rows["low"][member], count + length - KEPT)

    def _before(self, member: Index, number: Index) -> Columns:
        """The state before the rows of these numbers."""
        slot, none = self._slot(member, number - 1), number <= self.rows["low"][member]
        return {n: np.where(none, self._fill[n], self.cells[n][slot]) for n in self._states}

    def _names(self) -> list[str]:
        return [n.removeprefix("told_") for n in self._told]

    @staticmethod
    def _slot(member: Index, number: Index) -> Index:
        return np.asarray(member * KEPT + number % KEPT)


def _first_of(sorted_keys: AnyArray) -> Index:
    return segments(sorted_keys)[0]


def _last_of_twins(news: News) -> Mask:
    """Which sorted rows are not followed by one of the same member and key."""
    last = np.ones(len(news.row), dtype=bool)
    last[:-1] = (news.row[1:] != news.row[:-1]) | (news.key[1:] != news.key[:-1])
    return last


def _once(news: News) -> News:
    last = _last_of_twins(news)
    return news if last.all() else news.take(last)


def _joined(
    parts: Sequence[tuple[Index, AnyArray, AnyArray]],
) -> tuple[Index, AnyArray, AnyArray]:
    row, key, verdict = (np.concatenate(c) for c in zip(*parts, strict=True))
    return row, key, verdict
