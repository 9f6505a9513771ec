"""Acts on alerts and rules as one principal may do them: signed with its name, within its sight, and noted.

API and page both act through these, so that neither can forget one of the three.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import msgspec

from analytics.alerts.rulebook import RuleBook
from analytics.custom.definition import CustomRule
from analytics.custom.desk import Added, RuleDesk
from analytics.custom.dry_run import Trial
from api.access.principal import Principal
from api.access.seen_stores import closed
from api.access.sight import Sight
from api.access.trail import Trail
from api.desks import AlertDesk
from store.operations import OperationsStore
from store.records import Alert, OutOfService
from telemetry.errors import QueryError


class SeenAlerts:
    """`AlertDesk` for one principal."""

    def __init__(
        self, desk: AlertDesk, operations: OperationsStore, sight: Sight, trail: Trail
    ) -> None:
        self.rules: RuleBook = desk.rules
        self._desk = desk
        self._operations = operations
        self._sight = sight
        self._trail = trail
        self._principal: Principal = trail.principal

    def acknowledge(self, alert_id: str, by: str) -> Alert:
        """See AlertDesk.acknowledge."""
        return self._on(
            "alert.acknowledge", alert_id, by, lambda who: self._desk.acknowledge(alert_id, who)
        )

    def clear(self, alert_id: str, by: str, why: str = "") -> Alert:
        """See AlertDesk.clear."""
        step = lambda who: self._desk.clear(alert_id, who, why)  # noqa: E731
        return self._on("alert.clear", alert_id, by, step, why=why)

    def shelve(self, alert_id: str, by: str, until: int, why: str = "") -> Alert:
        """See AlertDesk.shelve."""
        step = lambda who: self._desk.shelve(alert_id, who, until, why)  # noqa: E731
        return self._on("alert.shelve", alert_id, by, step, why=why)

    def unshelve(self, alert_id: str, by: str) -> Alert:
        """See AlertDesk.unshelve."""
        return self._on(
            "alert.unshelve", alert_id, by, lambda who: self._desk.unshelve(alert_id, who)
        )

    def assign(self, alert_id: str, to: str, by: str) -> Alert:
        """See AlertDesk.assign."""
        return self._on(
            "alert.assign", alert_id, by, lambda who: self._desk.assign(alert_id, to, who)
        )

    def comment(self, alert_id: str, text: str, by: str) -> Alert:
        """See AlertDesk.comment."""
        step = lambda who: self._desk.comment(alert_id, text, who)  # noqa: E731
        return self._on("alert.comment", alert_id, by, step, text=text)

    def take_out(self, subject: str, by: str, why: str, rule: str = "") -> OutOfService:
        """See AlertDesk.take_out."""
        self._seen(subject)
        by = self._principal.signed(by)
        before = self._out(subject)
        found = self._desk.take_out(subject, by, why, rule)
        self._trail.note("service.out", subject, before, self._out(subject))
        return found

    def put_back(self, subject: str, by: str, rule: str = "") -> None:
        """See AlertDesk.put_back."""
        self._seen(subject)
        by = self._principal.signed(by)
        before = self._out(subject)
        self._desk.put_back(subject, by, rule)
        self._trail.note("service.back", subject, before, {"by": by, "out": self._out(subject)})

    def out_of_service(self) -> list[OutOfService]:
        """See AlertDesk.out_of_service."""
        return [o for o in self._desk.out_of_service() if self._sight.subject(o.subject)]

    def standing(self) -> list[Alert]:
        """See AlertDesk.standing."""
        if self._sight.whole:
            return self._desk.standing()
        return [a for a in self._desk.standing() if self._sight.subject(a.subject)]

    def _on(
        self, act: str, alert_id: str, by: str, step: Callable[[str], Alert], **more: object
    ) -> Alert:
        before = self._operations.alert(alert_id)
        if before is None or not self._sight.subject(before.subject):
            raise QueryError("alert", "must be the id of an alert", alert_id)
        signed = self._principal.signed(by)
        after = step(signed)
        old, new = _changed(before, after)
        self._trail.note(act, alert_id, old, new | {"by": signed} | more)
        return after

    def _seen(self, subject: str) -> None:
        if not self._sight.subject(subject):
            raise QueryError("subject", "must be something that there is", subject)

    def _out(self, subject: str) -> list[dict[str, Any]]:
        return [asdict(o) for o in self._desk.out_of_service() if o.subject == subject]


class SeenRules(RuleDesk):
    """`RuleDesk` for one principal: what reaches beyond its sight can be neither tried nor put."""

    def __init__(self, desk: RuleDesk, sight: Sight, trail: Trail) -> None:
        self._desk = desk
        self._sight = sight
        self._trail = trail

    def load(self, from_file: Any = ()) -> None:
        """Not for a request."""
        closed("rules.load")

    def trouble(self) -> str:
        """See RuleDesk.trouble."""
        return self._desk.trouble() if self._sight.whole else ""

    def rules(self) -> list[Added]:
        """See RuleDesk.rules."""
        return [a for a in self._desk.rules() if self._may_read(a.rule)]

    def get(self, code: str) -> Added | None:
        """See RuleDesk.get."""
        found = self._desk.get(code)
        return found if found is not None and self._may_read(found.rule) else None

    def put(self, rule: CustomRule, by: str) -> Added:
        """See RuleDesk.put."""
        old = self._desk.get(rule.code)
        for touched in (rule, old.rule if old is not None else rule):
            self._refuse_foreign(touched)
        by = self._trail.principal.signed(by)
        added = self._desk.put(rule, by)
        self._trail.note("rule.put", rule.code, _encoded(old), _encoded(added))
        return added

    def remove(self, code: str) -> None:
        """See RuleDesk.remove."""
        old = self.get(code)
        if old is None:
            raise QueryError("code", "must be the code of a rule that was added", code)
        self._refuse_foreign(old.rule)
        self._desk.remove(code)
        self._trail.note("rule.remove", code, _encoded(old))

    def try_out(self, rule: CustomRule, start: int, end: int, *rest: Any, **more: Any) -> Trial:
        """See RuleDesk.try_out."""
        self._refuse_foreign(rule)
        return self._desk.try_out(rule, start, end, *rest, **more)

    def _may_read(self, rule: CustomRule) -> bool:
        """A rule that names devices or areas names only such as are seen."""
        return self._sight.kind(rule.kind) and self._names_only_own(rule)

    def _names_only_own(self, rule: CustomRule) -> bool:
        areas = self._sight.areas
        if areas is not None and not areas.issuperset(rule.areas):
            return False
        return all(self._sight.id(device) for device in rule.devices)

    def _refuse_foreign(self, rule: CustomRule) -> None:
        sight = self._sight
        if not sight.kind(rule.kind):
            raise QueryError("kind", "must be of a domain that your account is for", rule.kind)
        if not self._names_only_own(rule):
            raise QueryError("areas", "and devices must be such as your account is for")
        if sight.areas is not None and not rule.areas and not rule.devices:
            need = "must name areas, or devices: your account is for a part of the city"
            raise QueryError("areas", need)


def _encoded(added: Added | None) -> Any:
    return None if added is None else msgspec.to_builtins(added.rule)


def _changed(before: Alert, after: Alert) -> tuple[dict[str, Any], dict[str, Any]]:
    """What differs, as it was and as it is."""
    old, new = asdict(before), asdict(after)
    names = [n for n in old if old[n] != new[n] and not (old[n] != old[n] and new[n] != new[n])]
    return {n: old[n] for n in names}, {n: new[n] for n in names}
