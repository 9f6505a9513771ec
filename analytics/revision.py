"""Late readings → the conditions that stand by all that is known: as if all had come in order of time.

For rules that remember (dwell, hysteresis) the readings of the lateness are kept, and the state as it was
before them. One that comes late, or whose flag or value is another one now, has its series gone through
anew from there. Told is what stands now and did not, or stood and does not: an episode that was over
before the late reading came is not told.
"""

from __future__ import annotations

import numpy as np

from analytics.facts import Transitions, What
from analytics.kept import Keep, Kept, in_order
from analytics.layout import Layout
from analytics.levels import Levels, stands
from analytics.rows import Rows
from analytics.standing import NEVER
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.flags import counts_in_windows


class Revision:
    """State per (device, rule): whether it stood at `boundary`, and since when it held (see Rules).

    lively   something of it is kept; the readings of a series that is far from its levels are not
    adopted  readings older than `since` say nothing: the book knew better
    """

    def __init__(self, layout: Layout, levels: Levels, table: Table) -> None:
        self._layout = layout
        self._levels = levels
        self._table = table  # of Rules: the state now
        self.kept = Keep()
        self.boundary = 0
        self.base = Table(
            {
                "since": (np.int64, NEVER),
                "raised": (np.bool_, False),
                "lively": (np.bool_, False),
                "adopted": (np.bool_, False),
            }
        )

    def adopt(self, slot: Index, seen: Times) -> None:
        """Conditions that an operator sees stand at a time: that is where they begin from."""
        self.base["raised"][slot] = self.base["adopted"][slot] = True
        self.base["since"][slot] = seen

    def note(self, rows: Rows, whole: bool) -> None:
        """Rows that were evaluated in order. whole: all are kept, as late ones come alone (see `Rules.evaluate`)."""
        at = self._layout.series["at"][rows.touched]
        which = rows.per_row(self._levels.remembers[at]) & (rows.time >= self.boundary)
        rows = rows.take(which)
        if not whole:
            rows = rows.take(self._busy(rows.series, rows.value))
        self.kept.put(rows.series, rows.time, rows.value)
        self.base["lively"][self._first_slots(rows.touched)] = True

    def _first_slots(self, series: Index) -> Index:
        """The slot of the first rule on each series."""
        rule = self._levels.by_quantity[0][self._layout.series["at"][series]]
        return self._levels.slots(self._layout.series["device"][series], rule)

    def late(self, rows: Rows) -> Mask:
        """Rows that must be put among those that are kept."""
        at = self._layout.series["at"][rows.touched]
        some = self._levels.remembers[at]
        if not some.any():
            return np.zeros(len(rows), dtype=bool)
        seen = np.full(len(at), NEVER)
        seen[some] = self._table["seen"][self._first_slots(rows.touched[some])]
        found: Mask = (rows.time <= rows.per_row(seen)) & (rows.time >= self.boundary)
        return found

    def revise(self, late: list[Rows]) -> Transitions:
        """Take in late rows; one that does not count takes away what was there."""
        series = np.concatenate([r.series for r in late])
        if not len(series):
            return Transitions.empty()
        time = np.concatenate([r.time for r in late])
        counts = np.concatenate([counts_in_windows(r.flag) for r in late])
        value = np.where(counts, np.concatenate([r.value for r in late]), np.nan)
        old = self.kept.pull(np.unique(series))
        new = series, time, value
        whole = in_order(*(np.concatenate([a, b]) for a, b in zip(old, new, strict=True)))
        whole = whole.take(~np.isnan(whole.value) & (whole.time >= self.boundary))
        self.kept.put(whole.series, whole.time, whole.value)
        self.base["lively"][self._first_slots(whole.touched)] = True
        parts = []
        for kept, rule, slot in self._by_rule(whole):
            state, held = self._states(kept, rule, slot)
            parts.append(self._told(kept, rule, slot, state, held))
        return Transitions.concat(parts).in_time()

    def forget(self, boundary: int) -> None:
        """Nothing older than this is put in order any more."""
        if boundary <= self.boundary:
            return
        self.boundary = boundary
        series, time, value = self.kept.before(boundary)
        busy = self._busy(series, value)
        past = in_order(series[busy], time[busy], value[busy])
        for kept, rule, slot in self._by_rule(past):
            state, held = self._states(kept, rule, slot)
            above = self._signed(kept, rule) > kept.per_row(self._levels.level[rule])
            ends = kept.ends
            self.base["raised"][slot] = state[ends]
            self.base["since"][slot] = np.where(above[ends], held[ends], NEVER)
            self.base["adopted"][slot] = False
        self.base["lively"][:] = False
        self.base["lively"][self._first_slots(self.kept.series())] = True

    def _busy(self, series: AnyArray, value: Values) -> Mask:
        """Readings of series that are above a level, or whose conditions stood or were about to."""
        at, device = (self._layout.series[n][series] for n in ("at", "device"))
        found = np.zeros(len(series), dtype=bool)
        for table in self._levels.by_quantity:
            rule = table[at]
            some = np.flatnonzero(rule >= 0)
            rule = rule[some]
            slot = self._levels.slots(device[some], rule)
            b = self.base
            stood = b["raised"][slot] | b["lively"][slot] | (b["since"][slot] != NEVER)
            found[some] |= stood | (
                value[some] * self._levels.sign[rule] > self._levels.level[rule]
            )
        return np.isin(series, np.unique(series[found])) if found.any() else found

    def _by_rule(self, kept: Kept) -> list[tuple[Kept, Index, Index]]:
        """(readings, rule and slot of each of their series) for each further rule on a quantity."""
        found = []
        if not len(kept.series):
            return []
        at = self._layout.series["at"][kept.touched]
        for table in self._levels.by_quantity:
            rule = table[at]
            mine = kept.take(kept.per_row(rule >= 0))
            if not len(mine.series):
                continue
            rule = rule[rule >= 0]
            slot = self._levels.slots(self._layout.series["device"][mine.touched], rule)
            floor = np.where(self.base["adopted"][slot], self.base["since"][slot], NEVER)
            known = mine.time >= mine.per_row(floor)
            if not known.all():
                mine = mine.take(known)
                there = np.isin(slot, self._slots_of(mine, table))
                rule, slot = rule[there], slot[there]
            if len(mine.series):
                found.append((mine, rule, slot))
        return found

    def _slots_of(self, kept: Kept, table: AnyArray) -> Index:
        rule = table[self._layout.series["at"][kept.touched]]
        return self._levels.slots(self._layout.series["device"][kept.touched], rule)

    def _signed(self, kept: Kept, rule: Index) -> Values:
        return kept.value * kept.per_row(self._levels.sign[rule])

    def _states(self, kept: Kept, rule: Index, slot: Index) -> tuple[Mask, Times]:
        levels, value = self._levels, self._signed(kept, rule)
        above = value > kept.per_row(levels.level[rule])
        clears = value <= kept.per_row(levels.clear[rule])
        before = self.base["since"][slot], self.base["raised"][slot]
        return stands(
            kept.time, kept.starts, above, clears, kept.per_row(levels.dwell[rule]), *before
        )

    def _told(self, kept: Kept, rule: Index, slot: Index, state: Mask, held: Times) -> Transitions:
        """What stands otherwise than it was told. `table` is brought up to date."""
        t, value = self._table, self._signed(kept, rule)
        above = value > kept.per_row(self._levels.level[rule])
        ends = kept.ends
        t["since"][slot] = np.where(above[ends], held[ends], NEVER)
        t["seen"][slot] = np.maximum(t["seen"][slot], kept.time[ends])
        turned = _last_turn(kept, state, self.base["raised"][slot])
        worst = _worst_since(kept, value, turned)
        now, stood = state[ends], t["raised"][slot]
        worse = now & stood & (worst > t["worst"][slot])
        tell = np.flatnonzero((now != stood) | worse)
        what = np.where(worse, What.UPDATE, np.where(now, What.RAISE, What.CLEAR))[tell]
        # When it turned; where it never stood, by what is known now, it ends with the newest reading.
        at = np.where((turned == kept.starts - 1) | worse, ends, turned)[tell]
        # News that are not newer than the last are old news to the book.
        told = t["told"][slot[tell]]
        when = np.where(told == NEVER, kept.time[at], np.maximum(kept.time[at], told + 1))
        said = np.where(now, worst, value[ends])[tell]
        t["raised"][slot] = now
        t["worst"][slot[tell]] = said
        t["told"][slot[tell]] = when
        device = self._layout.series["device"][kept.touched[tell]]
        sign = self._levels.sign[rule[tell]]
        return Transitions.of(rule[tell], device, what, when, kept.value[at], said * sign)


def _last_turn(kept: Kept, state: Mask, before: Mask) -> Index:
    """The row of each segment from which on its last state holds; the one before its start: all along."""
    turns = np.zeros(len(state), dtype=bool)
    turns[1:] = state[1:] != state[:-1]
    turns[kept.starts] = state[kept.starts] != before
    last = np.maximum.accumulate(np.where(turns, np.arange(len(state)), -1))[kept.ends]
    return np.maximum(last, kept.starts - 1)


def _worst_since(kept: Kept, value: Values, turned: Index) -> Values:
    """The worst value of each segment from a row on."""
    row = np.arange(len(value))
    since = np.where(row >= kept.per_row(turned), value, -np.inf)
    return np.asarray(np.maximum.reduceat(since, kept.starts))
