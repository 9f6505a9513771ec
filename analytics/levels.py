"""The kinds' rules as numbers: levels, dwell times, and which rule looks at which quantity."""

from __future__ import annotations

import numpy as np

from analytics.layout import Layout
from analytics.lighting import forward_fill
from analytics.standing import NEVER
from devices.kind import AlertRule
from devices.registry import Kinds
from telemetry.arrays import AnyArray, Index, Mask, Times
from telemetry.clock import SECOND


def rule_list(kinds: Kinds) -> list[tuple[int, AlertRule]]:
    """(kind code, rule) of every rule; `Transitions.rule` is the place in this list."""
    return [(k, rule) for k, kind in enumerate(kinds) for rule in kind.rules]


class Levels:
    """By rule, in the order of `rule_list`. With `below` mirrored at zero (`sign`), every rule reads: raise
    above `level`, clear at or under `clear`.

    by_quantity  flat tables (kind, quantity) → rule, or -1: one for each further rule on one quantity
    ruled        by (kind, quantity): a rule looks at it
    remembers    the same: one with dwell or hysteresis, to which more than the newest value matters
    """

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        kinds = layout.kinds
        self.rules = rule_list(kinds)
        self.sign = np.array([1.0 if r.above is not None else -1.0 for _, r in self.rules])
        self.level = np.array([r.level for _, r in self.rules]) * self.sign
        self.clear = np.array([r.clear for _, r in self.rules]) * self.sign
        self.dwell = np.array([r.dwell_s for _, r in self.rules], dtype=np.int64) * SECOND
        self.by_quantity = self._compiled(kinds)
        self.ruled: Mask = np.logical_or.reduce([t >= 0 for t in self.by_quantity])
        memory = (self.dwell > 0) | (self.clear != self.level)
        self.remembers: Mask = np.logical_or.reduce(
            [(t >= 0) & memory[np.maximum(t, 0)] for t in self.by_quantity]
        )
        self._first = np.cumsum(layout.rule_width) - layout.rule_width

    def slots(self, device: AnyArray, rule: AnyArray) -> Index:
        """The row of each (device, rule) in a table of rules' states."""
        kind = self._layout.devices["kind"][device]
        found: Index = self._layout.devices["rule_base"][device] + rule - self._first[kind]
        return found

    def _compiled(self, kinds: Kinds) -> list[AnyArray]:
        tables: list[AnyArray] = []
        for rule, (kind, declared) in enumerate(self.rules):
            place = kind * len(kinds.quantities) + kinds.quantity_code[declared.quantity]
            free = next((t for t in tables if t[place] < 0), None)
            if free is None:
                free = np.full(kinds.declared.size, -1, dtype=np.int64)
                tables.append(free)
            free[place] = rule
        return tables


def stands(
    time: Times,
    starts: Index,
    above: Mask,
    clears: Mask,
    dwell: AnyArray,
    since: Times,
    raised: Mask,
) -> tuple[Mask, Times]:
    """(whether a condition stands after each row, since when the run above the level holds that it is in).

    Rows in segments, in order of time; dwell: of each row [ns]; since, raised: before each segment.
    """
    begins = above.copy()
    begins[1:] &= ~above[:-1]
    begins[starts] = above[starts] & (since == NEVER)
    held = forward_fill(time, begins, starts, np.where(since == NEVER, 0, since))
    raises = above & (time - held >= dwell)
    return forward_fill(raises, raises | clears, starts, raised), held
