"""Alert rules over readings in order of time: raise, update, clear, with hysteresis and dwell.

A rule is compiled into numbers and looked up by (kind, quantity), so only touched series are evaluated.
Only good and unevaluated values count: a suspect one neither raises nor clears. A reading older than
the last one that a condition was evaluated at changes nothing.
"""

from __future__ import annotations

import numpy as np

from analytics.facts import Transitions, What
from analytics.layout import Layout
from analytics.lighting import forward_fill
from analytics.rows import Rows, segments
from analytics.table import Table
from devices.kind import AlertRule
from devices.registry import Kinds
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.clock import MINUTE, SECOND
from telemetry.flags import counts_in_windows

NEVER = np.iinfo(np.int64).min
RETELL = MINUTE  # event time after which a standing condition is told again, even if no worse


def rule_list(kinds: Kinds) -> list[tuple[int, AlertRule]]:
    """(kind code, rule) of every rule; `Transitions.rule` is the place in this list."""
    return [(k, rule) for k, kind in enumerate(kinds) for rule in kind.rules]


class Rules:
    """State per (device, rule of its kind): is it raised, since when does it hold, how bad was it.

    raised   the condition stands
    since    time at which it began to hold without a break (dwell)
    seen     time of the last reading it was evaluated at; told: of the last transition
    worst    the worst value since it was raised
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        kinds = layout.kinds
        self.rules = rule_list(kinds)
        sign = [1.0 if r.above is not None else -1.0 for _, r in self.rules]
        # With `below` mirrored at zero, every rule reads: raise above level, clear at or under clear.
        self._sign = np.array(sign)
        self._level = np.array([r.level for _, r in self.rules]) * self._sign
        self._clear = np.array([r.clear for _, r in self.rules]) * self._sign
        self._dwell = np.array([r.dwell_s for _, r in self.rules], dtype=np.int64) * SECOND
        self._first = np.cumsum(layout.rule_width) - layout.rule_width
        self._by_quantity = self._compiled(kinds)
        self._ruled = np.logical_or.reduce([t >= 0 for t in self._by_quantity])
        self.table = Table(
            {
                "raised": (np.bool_, False),
                "since": (np.int64, NEVER),
                "seen": (np.int64, NEVER),
                "told": (np.int64, NEVER),
                "worst": (np.float64, np.nan),
            }
        )

    def _compiled(self, kinds: Kinds) -> list[AnyArray]:
        """Flat tables (kind, quantity) → rule, or -1: one for each further rule on one quantity."""
        tables: list[AnyArray] = []
        for rule, (kind, declared) in enumerate(self.rules):
            place = kind * len(kinds.quantities) + kinds.quantity_code[declared.quantity]
            free = next((t for t in tables if t[place] < 0), None)
            if free is None:
                free = np.full(kinds.declared.size, -1, dtype=np.int64)
                tables.append(free)
            free[place] = rule
        return tables

    def evaluate(self, rows: Rows) -> Transitions:
        """What rows, raw or derived, change: in order of time. `rows.flag` is their final flag."""
        if not len(rows):
            return Transitions.empty()
        ruled = rows.per_row(self._ruled[self._layout.series["at"][rows.touched]])
        rows = rows.take(ruled & counts_in_windows(rows.flag))
        if not len(rows):
            return Transitions.empty()
        at = self._layout.series["at"][rows.touched]
        parts = []
        for table in self._by_quantity:
            rule = rows.per_row(table[at])
            parts.append(self._evaluate(rows.take(rule >= 0), rule[rule >= 0]))
        return Transitions.concat([p for p in parts if len(p)]).in_time()

    def adopt(self, rule: AnyArray, device: AnyArray, seen: Times, worst: Values) -> None:
        """Take conditions as raised that an operator still sees: so that they can clear after a restart."""
        slot = self.slots(device, rule)
        t = self.table
        fresh = t["seen"][slot] < seen
        slot, seen, worst = slot[fresh], seen[fresh], worst[fresh]
        t["raised"][slot] = True
        t["seen"][slot] = t["told"][slot] = t["since"][slot] = seen
        t["worst"][slot] = worst * self._sign[rule[fresh]]

    def slots(self, device: AnyArray, rule: AnyArray) -> Index:
        """The row of each (device, rule) in `table`."""
        kind = self._layout.devices["kind"][device]
        found: Index = self._layout.devices["rule_base"][device] + rule - self._first[kind]
        return found

    def _evaluate(self, rows: Rows, rule_of: AnyArray) -> Transitions:
        """One rule per row."""
        if not len(rows):
            return Transitions.empty()
        slot_of = self.slots(self._layout.series["device"][rows.series], rule_of)
        fresh = rows.time >= self.table["seen"][slot_of]
        if not fresh.all():
            return self._evaluate(rows.take(fresh), rule_of[fresh])
        rule, slot = rule_of[rows.starts], slot_of[rows.starts]
        value = rows.value * self._sign[rule_of]
        busy = self._busy(rows, slot, value > self._level[rule_of])
        if not busy.all():
            # Most series are far from their levels: nothing to find out there.
            self.table["seen"][slot[~busy]] = rows.time[rows.ends[~busy]]
            which = rows.per_row(busy)
            return self._evaluate(rows.take(which), rule_of[which])
        state = self._states(rows, rule, slot, value)
        return self._changes(rows, rule, slot, value, state)

    def _busy(self, rows: Rows, slot: Index, above: Mask) -> Mask:
        """Series whose condition stands, was about to, or has a row above its level."""
        t = self.table
        waits = t["raised"][slot] | (t["since"][slot] != NEVER)
        return np.asarray(waits | np.logical_or.reduceat(above, rows.starts))

    def _states(self, rows: Rows, rule: Index, slot: Index, value: Values) -> Mask:
        """Whether the condition stands after each row."""
        above = value > rows.per_row(self._level[rule])
        clears = value <= rows.per_row(self._clear[rule])
        since = self._holding(rows, slot, above)
        raises = above & (rows.time - since >= rows.per_row(self._dwell[rule]))
        state = forward_fill(raises, raises | clears, rows.starts, self.table["raised"][slot])
        self.table["since"][slot] = np.where(above[rows.ends], since[rows.ends], NEVER)
        self.table["seen"][slot] = rows.time[rows.ends]
        return state

    def _holding(self, rows: Rows, slot: Index, above: Mask) -> Times:
        """Time at which the run of rows above the level began that each row is in."""
        old = self.table["since"][slot]
        begins = above.copy()
        begins[1:] &= ~above[:-1] | (rows.series[1:] != rows.series[:-1])
        begins[rows.starts] = above[rows.starts] & (old == NEVER)
        return forward_fill(rows.time, begins, rows.starts, np.where(old == NEVER, 0, old))

    def _changes(
        self, rows: Rows, rule: Index, slot: Index, value: Values, state: Mask
    ) -> Transitions:
        before = np.empty(len(rows), dtype=bool)
        before[1:] = state[:-1]
        before[rows.starts] = self.table["raised"][slot]
        worst = self._worst(rows, slot, value, state, before)
        what = np.where(state, What.RAISE, What.CLEAR).astype(np.uint8)
        tell = state != before
        updates = self._updates(rows, slot, state, tell, worst)
        what[updates] = What.UPDATE
        tell[updates] = True
        t = self.table
        t["raised"][slot] = state[rows.ends]
        t["worst"][slot] = worst[rows.ends]
        told = forward_fill(rows.time, tell, rows.starts, t["told"][slot])
        t["told"][slot] = told[rows.ends]
        which = np.flatnonzero(tell)
        per_row_rule = rows.per_row(rule)[which]
        return Transitions.of(
            per_row_rule,
            self._layout.series["device"][rows.series[which]],
            what[which],
            rows.time[which],
            rows.value[which],
            worst[which] * self._sign[per_row_rule],
        )

    def _worst(self, rows: Rows, slot: Index, value: Values, state: Mask, before: Mask) -> Values:
        """Worst value since the condition was raised, at each row; the value itself where it clears."""
        worst = np.where(state, value, -np.inf)
        on = before[rows.starts] & state[rows.starts]
        first = rows.starts[on]
        worst[first] = np.fmax(worst[first], self.table["worst"][slot[on]])
        standing = state & before
        standing[rows.starts] = False
        run = np.cumsum(~standing).astype(np.intp)
        return np.where(state, _running_max(worst, run), value)

    def _updates(self, rows: Rows, slot: Index, state: Mask, tell: Mask, worst: Values) -> Index:
        """The last row of series whose condition stands on, where it grew worse or was told long ago."""
        ends = rows.ends
        stands = state[ends] & ~tell[ends]
        told = forward_fill(rows.time, tell, rows.starts, self.table["told"][slot])
        known = forward_fill(worst, tell, rows.starts, self.table["worst"][slot])
        grew = (worst[ends] > known[ends]) | np.isnan(known[ends])
        long_ago = rows.time[ends] - told[ends] >= RETELL
        updates: Index = ends[stands & (grew | long_ago)]
        return updates


def _running_max(value: Values, run: Index) -> Values:
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
