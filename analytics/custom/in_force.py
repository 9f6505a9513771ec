"""The engineers' rules that an engine evaluates: replaced from any thread, taken over between two batches."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from hashlib import blake2s
from zoneinfo import ZoneInfo

import numpy as np

from analytics.custom.definition import CustomRule
from analytics.custom.evaluate import CustomRuleState, evaluate_all
from analytics.facts import Transitions
from analytics.layout import Layout
from analytics.members import Members
from analytics.rows import Rows
from analytics.snapshot import Tables
from telemetry.arrays import AnyArray, Times, Values


class InForce:
    """Used by the engine's thread, apart from `replace`.

    codes  the rule behind each number that `Transitions.rule` of `evaluate` may hold. It only grows: what
           was told of a rule that is no more can still be read
    """

    def __init__(self, layout: Layout, zone: ZoneInfo) -> None:
        self.codes: list[str] = []
        self._layout = layout
        self._zone = zone
        self._members: dict[str, Members] = {}
        self._states: list[tuple[int, CustomRuleState]] = []
        self._replaced = layout.catalogue.replacements
        self._lock = threading.Lock()
        self._wanted: tuple[CustomRule, ...] | None = None

    def replace(self, rules: Iterable[CustomRule]) -> None:
        """These rules, checked, are in force from the next batch on. Those that are unchanged go on as they were."""
        with self._lock:
            self._wanted = tuple(rules)

    def grow(self, first: int) -> None:
        """Take over rules that were replaced, and devices from code `first` on."""
        for members in self._members.values():
            members.grow(first)
        with self._lock:
            wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._take_over(wanted)
        for _, state in self._states:
            state.grow()
        if self._replaced != self._layout.catalogue.replacements:
            self._replaced = self._layout.catalogue.replacements
            for _, state in self._states:
                state.refresh()

    def evaluate(self, rows: Rows) -> Transitions:
        """What rows, raw or derived, change; `rule` is a number of `codes`."""
        return evaluate_all(self._states, self._layout, rows)

    def adopt(self, code: str, device: AnyArray, seen: Times, worst: Values) -> None:
        """Take a rule as standing where the alert book says so: after a restart it can clear."""
        for number, state in self._states:
            if self.codes[number] == code:
                state.adopt(device, seen, worst)

    def tables(self) -> Tables:
        """The state of each rule, by code and definition: one that was changed begins anew."""
        return {
            f"rule.{s.rule.code}.{blake2s(s.rule.encoded(), digest_size=6).hexdigest()}": (
                s.members,
                s.table,
            )
            for _, s in self._states
        }

    def _take_over(self, wanted: tuple[CustomRule, ...]) -> None:
        old = {s.rule: (n, s) for n, s in self._states}
        self._states = [old.get(rule) or self._begun(rule) for rule in wanted]

    def _begun(self, rule: CustomRule) -> tuple[int, CustomRuleState]:
        members = self._members.get(rule.kind)
        if members is None:
            kinds = np.array([k.name == rule.kind for k in self._layout.kinds])
            members = self._members[rule.kind] = Members(f"kind.{rule.kind}", self._layout, kinds)
            members.grow(0)
        self.codes.append(rule.code)
        return len(self.codes) - 1, CustomRuleState(rule, self._layout, members, self._zone)
