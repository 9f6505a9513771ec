"""Alerts that were written under other declarations: brought under the families that rules have now.

Rules that were alone may have become levels of one alert. The worst of the open ones goes on, the others
end in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from analytics.alerts.causes import Pair
from analytics.alerts.life import closed
from analytics.alerts.rulebook import RuleBook
from store.alert_records import Alert, AlertEvent


def refit(
    alerts: Iterable[Alert],
    rules: RuleBook,
    now: int,
) -> tuple[list[Alert], list[AlertEvent]]:
    """(alerts that change, lines of history). Nothing where every alert is in its family already."""
    groups: dict[Pair, list[Alert]] = {}
    for alert in alerts:
        rule = rules.get(alert.rule, alert.kind)
        family = alert.family if rule is None else rule.family
        groups.setdefault((family, alert.subject), []).append(alert)
    changed: list[Alert] = []
    events: list[AlertEvent] = []
    for (family, _), group in groups.items():
        if all(a.family == family for a in group):
            continue
        best, *others = sorted(group, key=lambda a: (not a.active, -a.severity, a.raised, a.id))
        for alert in others:
            done = closed(alert)
            changed.append(done)
            events.append(_line(done, now, f"goes on as {best.id}"))
        joined = best.but(family=family, raised=min(a.raised for a in group))
        changed.append(joined)
    return changed, events


def _line(alert: Alert, now: int, text: str) -> AlertEvent:
    return AlertEvent(
        alert=alert.id, time=now, what="closed", text=text, state=str(alert.state),
        severity=alert.severity,
    )  # fmt: skip
