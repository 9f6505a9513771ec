"""The engineers' rules of a platform: those of the file and those that were added, in force and in the book.

A rule that is stored and can no longer be taken (its device is gone, its kind has changed) is put aside and
named in `trouble`; it is never silently in force, and never silently lost.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from analytics.alerts.rulebook import Rule, RuleBook
from analytics.custom.check import Surroundings, check_all, check_rule, in_own_unit, parse_rule
from analytics.custom.definition import CustomRule
from analytics.custom.dry_run import Trial, try_out
from devices.kind import Severity
from store.operations import OperationsStore
from store.records import RuleRecord
from store.telemetry import TelemetryStore
from telemetry.clock import Clock
from telemetry.errors import DeclarationError, QueryError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Added:
    """A rule in force. origin: file | api; updated: when it was last changed, by whom (of the API's) [ns]."""

    rule: CustomRule
    origin: str
    updated: int | None = None
    updated_by: str = ""


class RuleDesk:
    """Every method may be called from any thread.

    use: put these rules in force in the engine; withdraw: end the alerts of a rule that is no more.
    """

    def __init__(
        self,
        around: Surroundings,
        zone: ZoneInfo,
        operations: OperationsStore,
        telemetry: TelemetryStore,
        book: RuleBook,
        use: Callable[[tuple[CustomRule, ...]], None],
        withdraw: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._around = around
        self._zone = zone
        self._operations = operations
        self._telemetry = telemetry
        self._book = book
        self._use = use
        self._withdraw = withdraw
        self._clock = clock
        self._lock = threading.Lock()
        self._in_force: dict[str, Added] = {}
        self._aside: dict[str, str] = {}

    def load(self, from_file: Iterable[CustomRule] = ()) -> None:
        """Take up the rules of the file, which were checked, and the stored ones, which are checked again."""
        with self._lock:
            for rule in from_file:
                self._put(Added(rule, "file"))
            for record in self._operations.custom_rules():
                try:
                    rule = parse_rule(json.loads(record.definition), f"rule {record.code}")
                    self._check(rule, f"rule {record.code}")
                except (DeclarationError, ValueError) as error:
                    self._aside[record.code] = str(error)
                    _LOG.error("a stored rule is put aside: %s", error)
                    continue
                self._put(Added(rule, "api", record.updated, record.updated_by))
            self._use(self._rules())

    def trouble(self) -> str:
        """Rules that are stored and not in force, in words; "" where there are none."""
        return "; ".join(self._aside.values())

    def rules(self) -> list[Added]:
        """The rules in force, by code."""
        with self._lock:
            return [self._in_force[code] for code in sorted(self._in_force)]

    def get(self, code: str) -> Added | None:
        """The rule of this code, or None."""
        with self._lock:
            return self._in_force.get(code)

    def put(self, rule: CustomRule, by: str) -> Added:
        """Add a rule, or replace the one of its code. Raises DeclarationError where it can't be taken.

        A rule that is changed begins anew: its alerts end, and are raised again where they still stand.
        """
        with self._lock:
            self._check(rule, "rule")
            old = self._in_force.get(rule.code)
            if old is not None and old.rule == rule:
                return old
            now = self._clock.now()
            self._operations.put_custom_rule(
                RuleRecord(code=rule.code, definition=rule.encoded(), updated=now, updated_by=by)
            )
            if old is not None:
                self._forget(rule.code)
            self._aside.pop(rule.code, None)
            added = Added(rule, "api", now, by)
            self._put(added)
            self._use(self._rules())
            return added

    def remove(self, code: str) -> None:
        """Forget a rule; its alerts end. Raises QueryError for one that is not there, or is the file's."""
        with self._lock:
            found = self._in_force.get(code)
            if found is None and code not in self._aside:
                raise QueryError("code", "must be the code of a rule that was added", code)
            self._refuse_the_files(code)
            self._operations.remove_custom_rule(code)
            self._aside.pop(code, None)
            if found is not None:
                self._forget(code)
                self._use(self._rules())

    def try_out(
        self,
        rule: CustomRule,
        start: int,
        end: int,
        progress: Callable[[float], None] = lambda s: None,
    ) -> Trial:
        """What the rule would have done in [start, end) [ns]. Raises DeclarationError where it can't be taken."""
        check_rule(rule, self._around, "rule")
        return try_out(
            rule, self._around.catalogue, self._telemetry, self._zone, start, end, progress
        )

    def _check(self, rule: CustomRule, place: str) -> None:
        others = [a.rule for a in self._in_force.values() if a.rule.code != rule.code]
        check_all([*others, rule], self._around, [*(f"rule {r.code}" for r in others), place])
        self._refuse_the_files(rule.code)

    def _refuse_the_files(self, code: str) -> None:
        found = self._in_force.get(code)
        if found is not None and found.origin == "file":
            raise DeclarationError(
                "rule.code", "is a rule of the file that URBAN_RULES names", code, "change it there"
            )

    def _put(self, added: Added) -> None:
        self._book.add([self._in_words(added.rule)])
        self._in_force[added.rule.code] = added

    def _forget(self, code: str) -> None:
        # Out of the engine first: what it would still tell of the old rule would raise it again.
        del self._in_force[code]
        self._use(self._rules())
        self._withdraw(code)
        self._book.remove(code)

    def _rules(self) -> tuple[CustomRule, ...]:
        return tuple(a.rule for a in self._in_force.values())

    def _in_words(self, rule: CustomRule) -> Rule:
        kind = self._around.catalogue.kinds[rule.kind]
        quantity = kind.quantity(rule.when.quantity)
        assert quantity is not None, "it was checked"
        level, _ = in_own_unit(rule.when, quantity, rule.code)
        return Rule(
            code=rule.code, severity=Severity[rule.severity.upper()], vi=rule.vi, en=rule.en,
            act_vi=rule.act_vi, act_en=rule.act_en, kind=rule.kind, quantity=rule.when.quantity,
            level=level, above=rule.when.sign > 0, edition=rule.edition, domain=kind.domain,
            runbook=rule.runbook, origin="engineer",
        )  # fmt: skip
