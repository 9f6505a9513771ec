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
        """Several as one, in order of time; at one time in the order given."""
        if not parts:
            return Transitions.empty()
        columns = zip(*(p.columns() for p in parts), strict=True)
        whole = Transitions(*(np.concatenate(c) for c in columns))
        return whole.take(np.argsort(whole.time, kind="stable"))


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
    transitions  alert conditions that were raised, grew worse or cleared
    """

    flags: Readings = field(default_factory=Readings.empty)
    derived: Readings = field(default_factory=Readings.empty)
    rollups: dict[int, Rollups] = field(default_factory=dict)
    stale: dict[int, Named] = field(default_factory=dict)
    transitions: Transitions = field(default_factory=Transitions.empty)
