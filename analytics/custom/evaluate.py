"""Engineers' rules over readings in order of time: two conditions a device, dwell, repeats and hours.

Beside `analytics.rules`, which evaluates all rules of the kinds in one go: these are few, each for its own
devices, and may come and go while the engine runs. Only good and unevaluated values count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from analytics.custom.check import in_own_unit
from analytics.custom.definition import CustomRule
from analytics.facts import Transitions
from analytics.layout import Layout
from analytics.lighting import forward_fill
from analytics.members import Members
from analytics.rows import Rows, order_by, segments
from analytics.standing import COLUMNS, NEVER, Run, changes
from analytics.table import Table
from devices.device import Device
from telemetry.arrays import AnyArray, Index, Mask, Times, Values
from telemetry.clock import HOUR, SECOND
from telemetry.flags import counts_in_windows

# A derived quantity is told when its window has closed, and stands for the time until the next one.
DERIVED_HOLDS = 3 * HOUR


@dataclass(frozen=True, slots=True)
class _Operand:
    """One condition in numbers, signed so that more is worse. holds: how long a value speaks for its device."""

    series: int  # place of (kind, quantity) in the kinds' tables laid flat
    sign: float
    level: float
    over: float
    holds: int


@dataclass(frozen=True, slots=True)
class _Device:
    """Rows of one rule, sorted by (device, time), in segments of one device each."""

    slot: Index  # of each segment
    device: AnyArray  # of each segment
    operand: AnyArray
    time: Times
    value: Values
    starts: Index
    ends: Index


class CustomRuleState:
    """One rule, and where it stands for each device of its kind.

    seen        newest time that the rule was judged at; since: when it began to hold without a break
    count       readings in a row at which it held
    on0, on1    whether each condition holds; at0, at1: time of its newest value; value0: the first's
    """

    def __init__(self, rule: CustomRule, layout: Layout, members: Members, zone: ZoneInfo) -> None:
        self.rule = rule
        self._layout = layout
        self.members = members
        self._zone = zone
        self._operands = [_operand(rule, n, layout) for n in range(len(rule.conditions()))]
        self._dwell = rule.dwell_s * SECOND
        self._scope = Table({"inside": (np.bool_, False)})
        self.table = Table(
            {
                "seen": (np.int64, NEVER),
                "since": (np.int64, NEVER),
                "count": (np.int32, 0),
                "value0": (np.float64, np.nan),
                **{f"on{n}": (np.bool_, False) for n in range(len(self._operands))},
                **{f"at{n}": (np.int64, NEVER) for n in range(len(self._operands))},
                **COLUMNS,
            }
        )

    def grow(self) -> None:
        """Take in devices that are new among the members."""
        first = self.table.rows
        self.table.grow(len(self.members))
        self._scope.grow(len(self.members))
        self._find_scope(first)

    def refresh(self) -> None:
        """Devices were replaced: look again which are meant."""
        self._find_scope(0)

    def evaluate(self, rows: Rows, places: AnyArray, number: int) -> Transitions:
        """What rows change. places: of (kind, quantity) of each segment; number: what Transitions call it."""
        wanted = np.isin(places, [o.series for o in self._operands])
        if not wanted.any():
            return Transitions.empty()
        member = self.members.row[self._layout.series["device"][rows.touched]]
        wanted &= np.where(member >= 0, self._scope["inside"][np.maximum(member, 0)], False)
        which = rows.per_row(wanted) & counts_in_windows(rows.flag)
        if not which.any():
            return Transitions.empty()
        return self._judge(self._by_device(rows.take(which)), number)

    def adopt(self, device: AnyArray, seen: Times, worst: Values) -> None:
        """Take it as standing where the alert book says so: after a restart it can clear."""
        row = self.members.row[device]
        t = self.table
        fresh = (row >= 0) & (t["seen"][np.maximum(row, 0)] < seen)
        row, seen, worst = row[fresh], seen[fresh], worst[fresh]
        t["raised"][row] = True
        t["seen"][row] = t["told"][row] = t["since"][row] = seen
        t["count"][row] = self.rule.readings
        t["worst"][row] = worst * self._operands[0].sign

    def _find_scope(self, first: int) -> None:
        devices = self._layout.catalogue.devices
        codes = self.members.device[first:]
        self._scope["inside"][first : len(self.members)] = [
            is_meant(self.rule, devices[c]) for c in codes
        ]

    def _by_device(self, rows: Rows) -> _Device:
        place = rows.per_row(self._layout.series["at"][rows.touched])
        operand = np.zeros(len(rows), dtype=np.int64)
        for n, declared in enumerate(self._operands):
            operand[place == declared.series] = n
        device = rows.per_row(self._layout.series["device"][rows.touched])
        if len(self._operands) == 2 and self._operands[0].series == self._operands[1].series:
            # One quantity, two levels: each value speaks for both.
            return self._sorted(
                np.repeat(device, 2), np.tile([0, 1], len(rows)),
                np.repeat(rows.time, 2), np.repeat(rows.value, 2),
            )  # fmt: skip
        return self._sorted(device, operand, rows.time, rows.value)

    def _sorted(self, device: AnyArray, operand: AnyArray, time: Times, value: Values) -> _Device:
        slot = self.members.row[device]
        at = np.where(operand == 0, self.table["at0"][slot], self._at(1)[slot])
        keep = np.flatnonzero(time >= at)
        device, operand, time, value = device[keep], operand[keep], time[keep], value[keep]
        order = order_by(device, 2 * time + operand)
        device = device[order]
        starts, ends = segments(device)
        touched = device[starts]
        return _Device(
            self.members.row[touched], touched, operand[order], time[order], value[order], starts, ends
        )  # fmt: skip

    def _judge(self, rows: _Device, number: int) -> Transitions:
        if not len(rows.time):
            return Transitions.empty()
        t = self.table
        # A value that is told late, of a window that has closed, speaks from when the rule last looked.
        at = np.maximum(rows.time, _spread(t["seen"][rows.slot], rows))
        holds = self._holding(rows, at)
        value = forward_fill(rows.value, rows.operand == 0, rows.starts, t["value0"][rows.slot])
        t["value0"][rows.slot] = value[rows.ends]
        last = np.ones(len(at), dtype=bool)  # of several values of one time: judged together
        last[:-1] = (at[1:] != at[:-1]) | _begins(rows)[1:]
        once = _only(rows, last)
        return self._told(once, at[last], value[last], holds[last], number)

    def _holding(self, rows: _Device, at: Times) -> Mask:
        """Whether the conditions, put together, hold at each row, in the hours of the schedule."""
        both = [self._condition(rows, n, at) for n in range(len(self._operands))]
        found = both[0]
        if len(both) == 2:
            found = both[0] & both[1] if self.rule.combine == "and" else both[0] | both[1]
        return found & self.rule.schedule.holds_at(at, self._zone)

    def _condition(self, rows: _Device, number: int, at: Times) -> Mask:
        """Whether one condition holds at each row, by its newest value up to there."""
        t, declared = self.table, self._operands[number]
        ours = rows.operand == number
        value = rows.value * declared.sign
        on, when = f"on{number}", f"at{number}"
        begins, over = ours & (value > declared.level), ours & (value <= declared.over)
        state = forward_fill(begins, begins | over, rows.starts, t[on][rows.slot])
        known = forward_fill(rows.time, ours, rows.starts, t[when][rows.slot])
        t[on][rows.slot] = state[rows.ends]
        t[when][rows.slot] = known[rows.ends]
        # The newest value of a device that has fallen silent says nothing of now.
        found: Mask = state & (known != NEVER) & (at - np.maximum(known, 0) <= declared.holds)
        return found

    def _told(
        self, rows: _Device, at: Times, value: Values, holds: Mask, number: int
    ) -> Transitions:
        t = self.table
        since, count = self._run(rows, at, holds)
        raises = holds & (at - since >= self._dwell) & (count >= self.rule.readings)
        state = forward_fill(raises, raises | ~holds, rows.starts, t["raised"][rows.slot])
        t["seen"][rows.slot] = at[rows.ends]
        sign = self._operands[0].sign
        run = Run(rows.starts, rows.ends, rows.slot, at, value * sign, state)
        which, what, worst = changes(t, run)
        device = np.repeat(rows.device, np.diff(np.append(rows.starts, len(at))))
        return Transitions.of(
            np.full(len(which), number), device[which], what, at[which], value[which], worst * sign
        )

    def _run(self, rows: _Device, at: Times, holds: Mask) -> tuple[Times, AnyArray]:
        """(when the run began that each row is in, readings in it so far); both are remembered."""
        t = self.table
        old_since, old_count = t["since"][rows.slot], t["count"][rows.slot].astype(np.int64)
        first = _begins(rows)
        begins = holds & ~np.concatenate(([False], holds[:-1]))
        begins[rows.starts] = holds[rows.starts] & (old_since == NEVER)
        since = forward_fill(at, begins, rows.starts, np.where(old_since == NEVER, 0, old_since))
        number = np.arange(len(at))
        from_row = forward_fill(number, begins | first, rows.starts, rows.starts)
        carried = np.where(_spread(old_since, rows) == NEVER, 0, _spread(old_count, rows))
        # A run that goes on from before this batch counts on: its first row here is a start too.
        goes_on = first[from_row] & ~begins[from_row]
        count = number - from_row + 1 + np.where(goes_on, carried, 0)
        t["since"][rows.slot] = np.where(holds[rows.ends], since[rows.ends], NEVER)
        t["count"][rows.slot] = np.where(holds[rows.ends], count[rows.ends], 0)
        return since, count

    def _at(self, number: int) -> Times:
        found: Times = self.table[f"at{number}" if number < len(self._operands) else "at0"]
        return found


def is_meant(rule: CustomRule, device: Device) -> bool:
    """True where a device is in the rule's scope."""
    return (
        device.kind == rule.kind
        and (not rule.areas or device.area in rule.areas)
        and (not rule.devices or device.id in rule.devices)
        and (not rule.tags or not set(rule.tags).isdisjoint(device.tags))
    )


def _operand(rule: CustomRule, number: int, layout: Layout) -> _Operand:
    kinds = layout.kinds
    condition = rule.conditions()[number]
    kind = kinds[rule.kind]
    quantity = kind.quantity(condition.quantity)
    assert quantity is not None, "rules are checked at entry"
    level, over = in_own_unit(condition, quantity, rule.code)
    place = kinds.code[rule.kind] * len(kinds.quantities) + kinds.quantity_code[quantity.name]
    holds = DERIVED_HOLDS if quantity.derived else kind.timeout_s * SECOND
    return _Operand(place, condition.sign, level * condition.sign, over * condition.sign, holds)


def _begins(rows: _Device) -> Mask:
    """True at the first row of each segment."""
    first = np.zeros(len(rows.time), dtype=bool)
    first[rows.starts] = True
    return first


def _spread(per_segment: AnyArray, rows: _Device) -> AnyArray:
    return np.repeat(per_segment, np.diff(np.append(rows.starts, len(rows.time))))


def _only(rows: _Device, which: Mask) -> _Device:
    """Some of the rows; each segment keeps at least its last."""
    place = np.cumsum(which) - 1
    ends = place[rows.ends]
    starts = np.concatenate(([0], ends[:-1] + 1))
    return _Device(
        rows.slot, rows.device, rows.operand[which], rows.time[which], rows.value[which], starts, ends
    )  # fmt: skip


def evaluate_all(
    states: Sequence[tuple[int, CustomRuleState]], layout: Layout, rows: Rows
) -> Transitions:
    """What rows, raw or derived, change for all of the rules: (number, state) of each."""
    if not states or not len(rows):
        return Transitions.empty()
    places = layout.series["at"][rows.touched]
    told = [state.evaluate(rows, places, number) for number, state in states]
    return Transitions.concat([t for t in told if len(t)]).in_time()
