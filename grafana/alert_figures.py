"""Alerts → figures for boards: how many stand, which, and the lines of their history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from analytics.notify.plan import Subject
from analytics.notify.texts import Told
from devices.kind import Severity
from grafana.measurements import ALERTS, ALL, EVENT, OPEN
from store.line_protocol import FieldValue, encode_point
from store.records import SHOWN, Alert, AlertEvent, AlertState
from telemetry.clock import SECOND

Describe = Callable[[Alert], tuple[Subject, Told]]
PLATFORM_KIND = "platform"  # the kind of alerts that are about no device
_NONE = "-"


def count_lines(standing: Sequence[Alert], kinds: Iterable[str], now: int) -> Iterator[str]:
    """How many stand of each severity, of every kind and of all; also where there are none."""
    for kind in (*kinds, PLATFORM_KIND, ALL):
        for severity in Severity:
            here = [
                a
                for a in standing
                if a.severity == severity and kind in (a.kind or PLATFORM_KIND, ALL)
            ]
            shown = [a for a in here if a.state in SHOWN]
            alone = [a for a in shown if a.state == AlertState.UNACKNOWLEDGED]
            fields: dict[str, FieldValue] = {
                "shown": len(shown),
                "unacknowledged": len(alone),
                "held": len(here) - len(shown),
                "oldest_s": max(((now - a.raised) / SECOND for a in alone), default=0.0),
            }
            tags = {"severity": severity.name.lower(), "kind": kind}
            yield encode_point(ALERTS, tags, fields, now)


def open_lines(standing: Sequence[Alert], describe: Describe, now: int) -> Iterator[str]:
    """A point for each alert that somebody must see, as it is at `now`."""
    for alert in standing:
        if alert.state not in SHOWN:
            continue
        subject, told = describe(alert)
        fields: dict[str, FieldValue] = {
            "alert": alert.id,
            "state": str(alert.state),
            "since": alert.raised // 1_000_000,
            **_words(told),
        }
        fields |= {n: v for n, v in (("value", alert.value), ("level", alert.level)) if v == v}
        tags = {**_tags(alert), "area": subject.area or _NONE}
        yield encode_point(OPEN, tags, fields, now)


def event_lines(
    lines: Iterable[tuple[int, AlertEvent]], alerts: Mapping[str, Alert], describe: Describe
) -> Iterator[str]:
    """A point for each line of history, at its own time; writing it again changes nothing.

    Two lines of one alert that say the same at the same time are one point.
    """
    for _, event in lines:
        alert = alerts.get(event.alert)
        if alert is None or not event.time:
            continue
        told = describe(alert)[1]
        fields: dict[str, FieldValue] = {"alert": alert.id, "by": event.by, **_words(told)}
        if event.value is not None and event.value == event.value:
            fields["value"] = float(event.value)
        tags = {**_tags(alert), "what": event.what}
        if event.severity:
            tags["severity"] = Severity(event.severity).name.lower()
        yield encode_point(EVENT, tags, fields, event.time)


def _tags(alert: Alert) -> dict[str, str]:
    return {
        "severity": Severity(alert.severity).name.lower(),
        "kind": alert.kind or PLATFORM_KIND,
        "rule": alert.rule,
        "subject": alert.subject,
    }


def _words(told: Told) -> dict[str, FieldValue]:
    found: dict[str, FieldValue] = {}
    for language in ("vi", "en"):
        found[f"title_{language}"] = _line(told.title[language])
        found[f"place_{language}"] = _line(told.where[language])
        found[f"act_{language}"] = _line(told.act[language])
    return found


def _line(text: str) -> str:
    return " ".join(text.split())
