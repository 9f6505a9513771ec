"""Grafana's webhook message → conditions of the platform, one an alert.

The body is that of a webhook contact point (Grafana 12, "Configure webhook notifications", JSON payload): an alert
is known by its `fingerprint`, which follows from its labels, and says `firing` with the time at which it began, or
`resolved` with that of its end. Grafana tells what stands again every few hours: that changes nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from analytics.alerts.book import Told
from analytics.alerts.grafana_rules import RULE_OF_SEVERITY
from api.problems import invalid
from devices.kind import Severity
from devices.subject import grafana
from telemetry.clock import parse_time
from telemetry.errors import TimeError

MOST = 500  # alerts in one message
_LONGEST = 500  # characters of what is said
_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")
_SEVERITY = {s.name.lower(): s for s in Severity} | {
    "warning": Severity.MEDIUM, "error": Severity.HIGH, "info": Severity.LOW,
}  # fmt: skip


class GrafanaAlert(msgspec.Struct):
    """What is read of one alert; the rest of it is for people who look into Grafana."""

    status: str
    fingerprint: str
    startsAt: str
    endsAt: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}

    @property
    def is_test(self) -> bool:
        """The button “Test” of a contact point: it fires, and never ends."""
        return (self.labels.get("alertname"), self.labels.get("instance")) == (
            "TestAlert", "Grafana",
        )  # fmt: skip


class GrafanaMessage(msgspec.Struct):
    """One message: what one group of alerts is now."""

    alerts: list[GrafanaAlert]
    receiver: str = ""
    status: str = ""
    truncatedAlerts: int = 0


def read_message(body: object) -> GrafanaMessage:
    """The message of a body that is JSON. Raises Problem, with the place, for one that is none of Grafana's."""
    try:
        message = msgspec.convert(body, GrafanaMessage)
    except msgspec.ValidationError as error:
        raise invalid("body", f"body: is no message of Grafana's webhook: {error}") from None
    if len(message.alerts) > MOST:
        raise invalid("alerts", f"alerts: at most {MOST}, got {len(message.alerts)}")
    return message


def conditions(message: GrafanaMessage, now: int) -> list[Told]:
    """What it tells, as of `now` [ns]; tests of the contact point left out. Raises Problem for an alert that can't be read."""
    return [
        _told(alert, f"alerts[{i}]", now)
        for i, alert in enumerate(message.alerts)
        if not alert.is_test
    ]


def _told(alert: GrafanaAlert, place: str, now: int) -> Told:
    if not _FINGERPRINT.fullmatch(alert.fingerprint):
        raise invalid(
            "fingerprint", f"{place}.fingerprint: must be hexadecimal, got {alert.fingerprint!r}"
        )
    if alert.status not in ("firing", "resolved"):
        raise invalid("status", f"{place}.status: must be firing or resolved, got {alert.status!r}")
    stands = alert.status == "firing"
    name, text = ("startsAt", alert.startsAt) if stands else ("endsAt", alert.endsAt)
    try:
        time = parse_time(text, f"{place}.{name}")
    except TimeError as error:
        raise invalid(name, str(error)) from None
    # Grafana's clock may be ahead of ours; nothing of the future is taken in.
    return Told(
        rule=RULE_OF_SEVERITY[_SEVERITY.get(alert.labels.get("severity", "").lower(), Severity.MEDIUM)],
        subject=grafana(alert.fingerprint), stands=stands, time=min(time, now),
        detail=_words(alert.labels, alert.annotations),
    )  # fmt: skip


def _words(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """What it is and what to do; never a value, which differs each time that it is told."""
    # A rule without data, or whose query fails, fires under a name of Grafana's own.
    name = labels.get("rulename") or labels.get("alertname", "")
    parts = [name, annotations.get("summary", ""), annotations.get("description", "")]
    text = ". ".join(p.strip().rstrip(".") for p in parts if p.strip())
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
