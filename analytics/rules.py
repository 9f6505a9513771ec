"""Alert rules over readings in order of time: raise, update, clear, with hysteresis and dwell.

A rule is compiled into numbers and looked up by (kind, quantity), so only touched series are evaluated.
Only good and unevaluated values count: a suspect one neither raises nor clears. A reading that comes late,
but within the lateness, has what stands now found anew (analytics.revision); an older one changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.facts import Transitions
from analytics.layout import Layout
from analytics.levels import Levels, rule_list, stands
from analytics.revision import Revision
from analytics.rows import Rows
from analytics.standing import COLUMNS, NEVER, Run, changes
from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.flags import counts_in_windows

__all__ = ["Rules", "rule_list"]


class Rules:
    """State per (device, rule of its kind): is it raised, since when does it hold, how bad was it.

    since    time at which it began to hold without a break (dwell)
    seen     time of the last reading it was evaluated at
    raised, told, worst: see analytics.standing
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._levels = Levels(layout)
        self.rules = self._levels.rules
        self.table = Table(
            {
                "since": (np.int64, NEVER),
                "seen": (np.int64, NEVER),
                **COLUMNS,
            }
        )

        self.revision = Revision(layout, self._levels, self.table)

    def grow(self, rows: int) -> None:
        """There are so many (device, rule) now."""
        self.table.grow(rows)
        self.revision.base.grow(rows)

    def evaluate(self, rows: Rows, again: Sequence[Rows] | None = None) -> Transitions:
        """What rows, raw or derived, change: in order of time. `rows.flag` is the flag that they go by.

        again: of raw rows, the series that came late, whole from `revision.boundary` on; None: of derived
        ones it is to be found out which are late
        """
        if not (len(rows) or again):
            return Transitions.empty()
        rows = rows.take(rows.per_row(self._levels.ruled[self._layout.series["at"][rows.touched]]))
        late = self.revision.late(rows) if again is None else self._is_again(rows, again)
        counting = rows.take(~late & counts_in_windows(rows.flag))
        parts = [self._in_order(counting)]
        self.revision.note(counting, whole=again is None)
        if again:
            parts.append(self.revision.revise([self._remembered(w) for w in again]))
        elif late.any():
            parts.append(self.revision.revise([rows.take(late)]))
        return Transitions.concat([p for p in parts if len(p)]).in_time()

    def _remembered(self, rows: Rows) -> Rows:
        at = self._layout.series["at"][rows.touched]
        return rows.take(rows.per_row(self._levels.remembers[at]))

    def _is_again(self, rows: Rows, again: Sequence[Rows]) -> Mask:
        """Rows that are among those that are there again."""
        found = np.zeros(len(rows), dtype=bool)
        for whole in map(self._remembered, again):
            found |= np.isin(rows.series, whole.touched) & (rows.time >= self.revision.boundary)
        return found

    def _in_order(self, rows: Rows) -> Transitions:
        if not len(rows):
            return Transitions.empty()
        at = self._layout.series["at"][rows.touched]
        parts = []
        for table in self._levels.by_quantity:
            rule = rows.per_row(table[at])
            parts.append(self._evaluate(rows.take(rule >= 0), rule[rule >= 0]))
        return Transitions.concat([p for p in parts if len(p)]).in_time()

    def adopt(self, rule: AnyArray, device: AnyArray, seen: Times, worst: Values) -> None:
        """Take conditions as raised that an operator still sees: so that they can clear after a restart."""
        slot = self._levels.slots(device, rule)
        t = self.table
        fresh = t["seen"][slot] < seen
        slot, seen, worst = slot[fresh], seen[fresh], worst[fresh]
        t["raised"][slot] = True
        t["seen"][slot] = t["told"][slot] = t["since"][slot] = seen
        t["worst"][slot] = worst * self._levels.sign[rule[fresh]]
        self.revision.adopt(slot, seen)

    def _evaluate(self, rows: Rows, rule_of: AnyArray) -> Transitions:
        """One rule per row."""
        if not len(rows):
            return Transitions.empty()
        slot_of = self._levels.slots(self._layout.series["device"][rows.series], rule_of)
        fresh = rows.time >= self.table["seen"][slot_of]
        if not fresh.all():
            return self._evaluate(rows.take(fresh), rule_of[fresh])
        rule, slot = rule_of[rows.starts], slot_of[rows.starts]
        value = rows.value * self._levels.sign[rule_of]
        busy = self._busy(rows, slot, value > self._levels.level[rule_of])
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
        above = value > rows.per_row(self._levels.level[rule])
        clears = value <= rows.per_row(self._levels.clear[rule])
        dwell = rows.per_row(self._levels.dwell[rule])
        before = self.table["since"][slot], self.table["raised"][slot]
        state, since = stands(rows.time, rows.starts, above, clears, dwell, *before)
        self.table["since"][slot] = np.where(above[rows.ends], since[rows.ends], NEVER)
        self.table["seen"][slot] = rows.time[rows.ends]
        return state

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
            worst * self._levels.sign[per_row_rule],
        )
