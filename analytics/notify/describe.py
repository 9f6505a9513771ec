"""An alert → what routes look at, and what messages say: the words of its rule, the place of its subject."""

from __future__ import annotations

from analytics.alerts.group_rules import OUR_RULES
from analytics.alerts.rulebook import Rule, RuleBook
from analytics.notify.plan import Subject
from analytics.notify.texts import Told
from devices.city import City
from devices.device import Catalogue
from devices.subject import name_of, sort_of
from store.records import Alert

_SORTS = {
    "gateway": ("Gateway", "Gateway"),
    "platform": ("Nền tảng", "Platform"),
    "grafana": ("Grafana", "Grafana"),
}


class Describer:
    """Looks up what an alert names. What is no longer known is told by its code.

    Args: rules (of the alert book; None: those that come with the platform).
    """

    def __init__(self, catalogue: Catalogue, city: City, rules: RuleBook | None = None) -> None:
        self._catalogue = catalogue
        self._city = city
        self._rules = rules or RuleBook(catalogue.kinds, OUR_RULES)

    def __call__(self, alert: Alert) -> tuple[Subject, Told]:
        """See the module's text."""
        rule, area = self._rules.get(alert.rule, alert.kind), self._area(alert)
        kinds = self._catalogue.kinds
        kind = next((k for k in kinds if k.name == alert.kind), None)
        quantity = kind.quantity(alert.quantity) if kind else None
        domain = (rule.domain if rule else "") or (kind.domain if kind else "")
        subject = Subject(alert.rule, alert.severity, alert.kind, domain, area)
        told = Told(
            id=alert.id,
            runbook=_runbook(rule),
            severity=alert.severity,
            title={"vi": rule.vi, "en": rule.en} if rule else dict.fromkeys(("vi", "en"), alert.rule),
            act={"vi": rule.act_vi, "en": rule.act_en} if rule else dict.fromkeys(("vi", "en"), ""),
            where=self._where(alert, area),
            unit=quantity.unit if quantity else "1",
            value=alert.value,
            worst=alert.worst,
            level=alert.level,
            edition=rule.edition if rule else "",
            raised=alert.raised,
            cleared=alert.cleared,
            detail=alert.detail,
        )  # fmt: skip
        return subject, told

    def _area(self, alert: Alert) -> str:
        if sort_of(alert.subject) == "area":
            return name_of(alert.subject)
        device = self._catalogue.get(alert.device)
        return device.area if device else ""

    def _where(self, alert: Alert, area: str) -> dict[str, str]:
        sort = sort_of(alert.subject)
        if sort in _SORTS:
            vi, en = _SORTS[sort]
            return {
                "vi": f"{vi}: {name_of(alert.subject)}",
                "en": f"{en}: {name_of(alert.subject)}",
            }
        device = self._catalogue.get(alert.device)
        named = [device.name] if device and device.name else []
        found = self._city.area.get(area)
        ward = [f"{found.type} {found.name}"] if found else []
        text = ", ".join([*named, *ward])
        text = f"{text} ({name_of(alert.subject)})" if text else name_of(alert.subject)
        return {"vi": text, "en": text}


def _runbook(rule: Rule | None) -> str:
    """Where it is written what to do: a heading of ours, or what an engineer named; "" where nowhere."""
    if rule is None:
        return ""
    if rule.origin != "engineer":
        return f"docs/runbook.md#{rule.runbook}"
    return rule.runbook if rule.runbook != rule.code else ""
