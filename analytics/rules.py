"""Alert rules over readings in order of time: raise, update, clear, with hysteresis and dwell.

A rule is compiled into numbers and looked up by (kind, quantity), so only touched series are evaluated.
Only good and unevaluated values count: a suspect one neither raises nor clears. A reading older than
the last one that a condition was evaluated at changes nothing.
"""

from __future__ import annotations

import numpy as np

from analytics.facts import Transitions
from analytics.layout import Layout
from analytics.lighting import forward_fill
from analytics.rows import Rows
from analytics.standing import COLUMNS, NEVER, Run, changes
from analytics.table import Table
from devices.kind import AlertRule
from devices.registry import Kinds
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.clock import SECOND
from telemetry.flags import counts_in_windows


def rule_list(kinds: Kinds) -> list[tuple[int, AlertRule]]:
    """(kind code, rule) of every rule; `Transitions.rule` is the place in this list."""
    return [(k, rule) for k, kind in enumerate(kinds) for rule in kind.rules]


class Rules:
    """State per (device, rule of its kind): is it raised, since when does it hold, how bad was it.

    since    time at which it began to hold without a break (dwell)
    seen     time of the last reading it was evaluated at
    raised, told, worst: see analytics.standing
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
                "since": (np.int64, NEVER),
                "seen": (np.int64, NEVER),
                **COLUMNS,
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
        run = Run(rows.starts, rows.ends, slot, rows.time, value, state)
        which, what, worst = changes(self.table, run)
        per_row_rule = rows.per_row(rule)[which]
        return Transitions.of(
            per_row_rule,
            self._layout.series["device"][rows.series[which]],
            what,
            rows.time[which],
            rows.value[which],
            worst * self._sign[per_row_rule],
        )
