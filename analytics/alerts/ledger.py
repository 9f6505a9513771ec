"""What the book knows: open alerts by (family, subject), conditions, what is out of service.

Changes go through a draft, which knows how to take them back: where the store refuses a write, the
ledger is again as it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from analytics.alerts.causes import Kinship, Pair
from analytics.alerts.life import holds
from devices.device import Catalogue
from store.alert_records import Alert, AlertEvent, AlertState, Condition, OutOfService


class Ledger:
    """Used under the book's lock."""

    def __init__(
        self,
        catalogue: Catalogue,
        alerts: Iterable[Alert],
        conditions: Iterable[Condition],
        out: Iterable[OutOfService],
    ) -> None:
        self.alerts: dict[str, Alert] = {}
        self.kinship = Kinship(catalogue)
        self._by_pair: dict[Pair, str] = {}
        for alert in alerts:
            self.remember(alert)
        self.conditions = {(c.rule, c.subject): c for c in conditions}
        self.out = {(o.family, o.subject): o for o in out}

    def open(self, pair: Pair) -> Alert | None:
        """The one alert of this (family, subject) that is not over."""
        found = self._by_pair.get(pair)
        return None if found is None else self.alerts[found]

    def standing(self, pair: Pair) -> Alert | None:
        """The same, where its condition holds."""
        found = self.open(pair)
        return found if found is not None and holds(found) else None

    def is_out(self, pair: Pair) -> bool:
        """It was taken out of service, by itself or with all of its subject."""
        return pair in self.out or ("", pair[1]) in self.out

    def remember(self, alert: Alert) -> None:
        """The alert is like this now; one that is over is forgotten."""
        pair = alert.family, alert.subject
        if alert.state is AlertState.CLEARED:
            self.forget(alert)
            return
        self.alerts[alert.id] = alert
        self._by_pair[pair] = alert.id
        if holds(alert):
            self.kinship.add(alert)
        else:
            self.kinship.remove(alert)

    def forget(self, alert: Alert) -> None:
        """The alert is none of ours any more."""
        pair = alert.family, alert.subject
        self.alerts.pop(alert.id, None)
        if self._by_pair.get(pair) == alert.id:
            del self._by_pair[pair]
            self.kinship.remove(alert)


class Draft:
    """What one call changes: alerts in the order they were first changed, lines of history, conditions."""

    def __init__(self, ledger: Ledger, now: int) -> None:
        self.ledger = ledger
        self.now = now
        self.alerts: dict[str, Alert] = {}
        self.events: list[AlertEvent] = []
        self.conditions: dict[tuple[str, str], Condition] = {}
        self._alerts_before: dict[str, tuple[Alert | None, Alert]] = {}
        self._conditions_before: dict[tuple[str, str], Condition | None] = {}

    def put(
        self,
        alert: Alert,
        what: str,
        time: int,
        value: float | None = None,
        by: str = "",
        text: str = "",
    ) -> Alert:
        """The alert is like this from now on, because of `what`."""
        self._alerts_before.setdefault(alert.id, (self.ledger.alerts.get(alert.id), alert))
        self.alerts[alert.id] = alert
        line = AlertEvent(
            alert=alert.id, time=time, what=what, by=by, value=value, text=text,
            state=str(alert.state), severity=alert.severity,
        )  # fmt: skip
        if not self._absorbed(line):
            self.events.append(line)
        self.ledger.remember(alert)
        return alert

    def condition(self, condition: Condition) -> None:
        """What is known of a rule's condition from now on."""
        key = condition.rule, condition.subject
        self._conditions_before.setdefault(key, self.ledger.conditions.get(key))
        self.conditions[key] = condition
        self.ledger.conditions[key] = condition

    def undo(self) -> None:
        """Take everything back."""
        for _, made in self._alerts_before.values():
            self.ledger.forget(made)
        for before, _ in self._alerts_before.values():
            if before is not None:
                self.ledger.remember(before)
        for key, condition in self._conditions_before.items():
            if condition is None:
                self.ledger.conditions.pop(key, None)
            else:
                self.ledger.conditions[key] = condition

    def _absorbed(self, line: AlertEvent) -> bool:
        """Raised and at once on a higher level is one thing that happened."""
        last = self.events[-1] if self.events else None
        if (
            line.what != "worse"
            or last is None
            or (last.alert, last.time) != (line.alert, line.time)
            or last.what not in ("raised", "worse")
        ):
            return False
        self.events[-1] = replace(line, what=last.what, text=last.text or line.text)
        return True
