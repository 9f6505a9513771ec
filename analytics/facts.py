"""What the engine finds out from a batch: facts as columns, ready for the store and the alert book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Codes16, Codes32, Index, Mask, Times, Values
from telemetry.readings import Readings


class What(IntEnum):
    """What happened to an alert condition."""

    RAISE = 0
    UPDATE = 1
    CLEAR = 2


@dataclass(frozen=True, slots=True)
class Transitions:
    """Changes of alert conditions, in order of time.

    rule    index into `analytics.rules.rule_list(kinds)`
    device  device code
    what    What
    time    event time of the reading that caused it [ns, UTC]
    value   that reading's value, in the quantity's unit
    worst   the worst value since the condition was raised
    """

    rule: AnyArray  # int32
    device: Codes32
    what: AnyArray  # uint8
    time: Times
    value: Values
    worst: Values

    def __len__(self) -> int:
        return len(self.time)

    def columns(self) -> tuple[AnyArray, ...]:
        """The six columns, in the order of the fields."""
        return (self.rule, self.device, self.what, self.time, self.value, self.worst)

    def take(self, which: Mask | Index | slice) -> Transitions:
        """The rows that a mask, an index array or a slice names."""
        return Transitions(*(c[which] for c in self.columns()))

    @staticmethod
    def of(
        rule: Sequence[int] | AnyArray,
        device: Sequence[int] | AnyArray,
        what: Sequence[int] | AnyArray,
        time: Sequence[int] | AnyArray,
        value: Sequence[float] | AnyArray,
        worst: Sequence[float] | AnyArray,
    ) -> Transitions:
        """Build from anything array-like."""
        return Transitions(
            np.asarray(rule, np.int32),
            np.asarray(device, np.int32),
            np.asarray(what, np.uint8),
            np.asarray(time, np.int64),
            np.asarray(value, np.float64),
            np.asarray(worst, np.float64),
        )

    @staticmethod
    def empty() -> Transitions:
        """Nothing happened."""
        return Transitions.of([], [], [], [], [], [])

    @staticmethod
    def concat(parts: Sequence[Transitions]) -> Transitions:
        """Several as one, in the order given."""
        if not parts:
            return Transitions.empty()
        columns = zip(*(p.columns() for p in parts), strict=True)
        return Transitions(*(np.concatenate(c) for c in columns))

    def in_time(self) -> Transitions:
        """In order of time; at one time in the order they are in."""
        return self.take(np.argsort(self.time, kind="stable"))


@dataclass(frozen=True, slots=True)
class Outage:
    """Several devices fell silent together, or are back: a gateway, a feeder's lamps, an area.

    rule     of analytics.alerts.group_rules
    value    how many devices; detail: of how many
    """

    rule: str
    subject: str
    stands: bool
    time: int
    value: float = float("nan")
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Failures:
    """How many readings of an hour failed a test, and the worst flag that it gave.

    hour   its start [ns, UTC]; a spike counts in the hour of the value that shows it to be one
    test   analytics.verdicts.Test
    """

    device: Codes32
    quantity: Codes16
    hour: Times
    test: AnyArray
    count: AnyArray
    worst: AnyArray

    def __len__(self) -> int:
        return len(self.hour)

    @staticmethod
    def concat(parts: Sequence[Failures]) -> Failures:
        """Several as one, in the order given."""
        types = ("i4", "i2", "i8", "i8", "i8", "u1")
        whole = [Failures(*(np.zeros(0, t) for t in types)), *parts]
        names = Failures.__dataclass_fields__
        return Failures(*(np.concatenate([getattr(p, n) for p in whole]) for n in names))


NO_ROLLUPS = Rollups(*(np.zeros(0, d) for d in ("i4", "i2", "i8", "i8", "f8", "f8", "f8", "f8")))
Named = tuple[Codes32, Codes16, Times]


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one call of the engine found out.

    flags        stored readings whose flag is now another one (`received` is 0 where the reading
                 came in an earlier batch)
    derived      derived readings: vn_aqi (time: the hour's start), flood_stage, lamp_failure,
                 day_burner, supply_loss, online. One with value NaN and flag MISSING takes back
                 what was derived before
    rollups      step [ns] → windows that closed or were corrected; count 0 where nothing counts
    stale        step [ns] → (device, quantity, start) of windows that a late reading or flag belongs
                 to and that are too old for the engine's memory: the store must compute them anew
    failures     which tests the readings of an hour failed, told when the hour has ended
    transitions  alert conditions that were raised, grew worse or cleared
    details      device → why it fell silent, where that is known
    outages      devices that fell silent together, to be told before the transitions
    custom       the same of engineers' rules; `rule` is a number of `analytics.custom.in_force.InForce.codes`
    """

    flags: Readings = field(default_factory=Readings.empty)
    derived: Readings = field(default_factory=Readings.empty)
    rollups: dict[int, Rollups] = field(default_factory=dict)
    stale: dict[int, Named] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Transitions.empty)
    custom: Transitions = field(default_factory=Transitions.empty)
    failures: Failures = field(default_factory=lambda: Failures.concat([]))
    outages: tuple[Outage, ...] = ()
    details: dict[int, str] = field(default_factory=dict)


def merged(parts: Sequence[Facts]) -> Facts:
    """Facts told one after the other as one: the last word on each reading and window counts."""
    if len(parts) == 1:
        return parts[0]
    flags = Readings.concat([p.flags for p in parts])
    derived = Readings.concat([p.derived for p in parts])
    steps = {step for p in parts for step in (*p.rollups, *p.stale)}
    rollups = {s: last_rollups([p.rollups[s] for p in parts if s in p.rollups]) for s in steps}
    stale = {s: last_named([p.stale[s] for p in parts if s in p.stale]) for s in steps}
    return Facts(
        last_readings(flags),
        last_readings(derived),
        {s: r for s, r in rollups.items() if len(r)},
        {s: n for s, n in stale.items() if len(n[0])},
        Transitions.concat([p.transitions for p in parts]),
        Transitions.concat([p.custom for p in parts]),
        Failures.concat([p.failures for p in parts]),
        tuple(o for p in parts for o in p.outages),
        {device: words for p in parts for device, words in p.details.items()},
    )


def last_rollups(parts: Sequence[Rollups]) -> Rollups:
    """Roll-ups told one after the other as one: the last word on each window counts."""
    parts = [p for p in parts if len(p)]
    if len(parts) == 1:
        return parts[0]
    columns = [[getattr(r, f) for f in Rollups.__dataclass_fields__] for r in parts]
    if not parts:
        return NO_ROLLUPS
    whole = [np.concatenate(c) for c in zip(*columns, strict=True)]
    last = _last(whole[0], whole[1], whole[2])
    return Rollups(*(c[last] for c in whole))


def last_named(parts: Sequence[Named]) -> Named:
    """Windows named one after the other as one, each once."""
    parts = [p for p in parts if len(p[0])]
    if not parts:
        return np.zeros(0, np.int32), np.zeros(0, np.int16), np.zeros(0, np.int64)
    device, quantity, start = (np.concatenate(c) for c in zip(*parts, strict=True))
    last = _last(device, quantity, start)
    return device[last], quantity[last], start[last]


def last_readings(readings: Readings) -> Readings:
    """The last word on each reading."""
    return readings.take(_last(readings.device, readings.quantity, readings.time))


def _last(device: AnyArray, quantity: AnyArray, time: AnyArray) -> Index:
    """Rows that are the last of their (device, quantity, time), ascending by it."""
    order = np.lexsort((time, quantity, device))
    same = np.ones(max(0, len(order) - 1), dtype=bool)
    for key in (device, quantity, time):
        same &= key[order[1:]] == key[order[:-1]]
    return order[np.append(~same, True)] if len(order) else order
