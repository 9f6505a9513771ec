"""An alert → what routes look at, and what messages say: the words of its rule, the place of its device."""

from __future__ import annotations

from analytics.notify.plan import Subject
from analytics.notify.texts import Told
from devices.city import City
from devices.device import Catalogue
from devices.kind import AlertRule
from store.records import Alert


class Describer:
    """Looks up what an alert names. What is no longer known is told by its code."""

    def __init__(self, catalogue: Catalogue, city: City) -> None:
        self._catalogue = catalogue
        self._city = city

    def __call__(self, alert: Alert) -> tuple[Subject, Told]:
        """See the module's text."""
        rule, area = self._rule(alert), self._area(alert)
        kinds = self._catalogue.kinds
        kind = next((k for k in kinds if k.name == alert.kind), None)
        quantity = kind.quantity(alert.quantity) if kind else None
        subject = Subject(alert.rule, alert.severity, alert.kind, kind.domain if kind else "", area)
        told = Told(
            id=alert.id,
            rule=alert.rule,
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
        )  # fmt: skip
        return subject, told

    def _rule(self, alert: Alert) -> AlertRule | None:
        rules = (r for k in self._catalogue.kinds if k.name == alert.kind for r in k.rules)
        return next((r for r in rules if r.code == alert.rule), None)

    def _area(self, alert: Alert) -> str:
        device = self._catalogue.get(alert.device)
        return device.area if device else ""

    def _where(self, alert: Alert, area: str) -> dict[str, str]:
        device = self._catalogue.get(alert.device)
        named = [device.name] if device and device.name else []
        found = self._city.area.get(area)
        ward = [f"{found.type} {found.name}"] if found else []
        text = ", ".join([*named, *ward])
        text = f"{text} ({alert.device})" if text else alert.device
        return {"vi": text, "en": text}
