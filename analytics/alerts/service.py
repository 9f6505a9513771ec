"""Steps that look beyond one alert: what closing means for its conditions, and what is out of service."""

from __future__ import annotations

from dataclasses import replace
from math import nan

from analytics.alerts import acts
from analytics.alerts.causes import CAUSES
from analytics.alerts.ledger import Draft
from analytics.alerts.life import closed
from store.alert_records import Alert, OutOfService

__all__ = ["CAUSES", "back_in", "clear", "hold_out", "withdraw"]


def clear(draft: Draft, alert: Alert, by: str, why: str, rules: frozenset[str]) -> Alert:
    """Close it, and take the conditions of its `rules` as over up to their last news."""
    ended = acts.clear(draft, alert, by, why)
    for code in rules if alert.id in draft.alerts else ():
        known = draft.ledger.conditions.get((code, alert.subject))
        if known is not None and known.stands:
            draft.condition(replace(known, stands=False, since=known.time, worst=nan))
    return ended


def withdraw(draft: Draft, rule: str) -> None:
    """The rule is no more: its alerts end, and its conditions are over up to their last news."""
    for alert in [a for a in draft.ledger.alerts.values() if a.family == rule]:
        ended = alert.updated if alert.cleared is None else alert.cleared
        draft.put(closed(alert).but(cleared=ended), "closed", draft.now, text="its rule is no more")
    for known in [c for c in draft.ledger.conditions.values() if c.rule == rule and c.stands]:
        draft.condition(replace(known, stands=False, since=known.time, worst=nan))


def hold_out(draft: Draft, what: OutOfService) -> None:
    """Every open alert that it covers is held."""
    for alert in _covered(draft, what):
        acts.hold_out(draft, alert, what)


def back_in(draft: Draft, what: OutOfService, by: str) -> None:
    """Every alert that nothing else holds out of service is back."""
    for alert in _covered(draft, what):
        if alert.out_of_service and not draft.ledger.is_out((alert.family, alert.subject)):
            acts.back_in(draft, alert, by)


def _covered(draft: Draft, what: OutOfService) -> list[Alert]:
    return [
        a
        for a in draft.ledger.alerts.values()
        if a.subject == what.subject and what.family in ("", a.family)
    ]
