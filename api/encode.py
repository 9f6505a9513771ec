"""Columns → the API's answers: readings, devices and alerts as the structs of api/schemas.py.

Names, units and times are looked up or written for whole columns; the JSON encoder does the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from fastapi import Response

from analytics.alerts.rulebook import Rule
from api.context import Context
from api.schemas import AlertInfo, Reading, Text
from devices.kind import Severity
from devices.subject import name_of, sort_of
from store.records import Alert
from telemetry.arrays import Times
from telemetry.clock import format_time
from telemetry.readings import Readings


def respond(body: object, status: int = 200, media_type: str = "application/json") -> Response:
    """Any struct, or plain data, as JSON. NaN and infinity leave as null."""
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type=media_type,
        headers={"Cache-Control": "no-store"},  # it is about now
    )


def listing(items: Sequence[object], following: str | None = None) -> Response:
    """A page of a list."""
    return respond({"items": items, "next": following})


def format_times(times: Times) -> list[str]:
    """Like `telemetry.clock.format_time`, for a column."""
    out = np.empty(len(times), dtype=object)
    rest = times % 1_000_000_000
    digits = np.where(
        rest == 0, 0, np.where(rest % 1_000_000 == 0, 3, np.where(rest % 1_000 == 0, 6, 9))
    )
    for count, unit in ((0, "s"), (3, "ms"), (6, "us"), (9, "ns")):
        mask = digits == count
        if mask.any():
            moments = times[mask].astype("datetime64[ns]").astype(f"datetime64[{unit}]")
            out[mask] = np.char.add(np.datetime_as_string(moments), "Z").astype(object)
    found: list[str] = out.tolist()
    return found


class Names:
    """Device and quantity codes → names and units, once per answer."""

    def __init__(self, context: Context) -> None:
        self._devices = context.catalogue.devices
        self._kinds = context.kinds
        self._kind_of = context.catalogue.kind_of
        self._units: dict[tuple[int, int], tuple[str, str, str]] = {}

    def of(self, device: int, quantity: int) -> tuple[str, str, str, str]:
        """(device, kind, quantity, unit)."""
        kind = int(self._kind_of[device])
        found = self._units.get((kind, quantity))
        if found is None:
            declared = self._kinds.kinds[kind].quantity(self._kinds.quantities[quantity])
            unit = "1" if declared is None else declared.unit
            found = (self._kinds.kinds[kind].name, self._kinds.quantities[quantity], unit)
            self._units[kind, quantity] = found
        return self._devices[device].id, *found


def encode_readings(context: Context, readings: Readings) -> list[Reading]:
    """Readings as structs, in their order."""
    names = Names(context)
    return [
        Reading(device, kind, quantity, value, unit, flag, time)
        for (device, kind, quantity, unit), value, flag, time in zip(
            map(names.of, readings.device.tolist(), readings.quantity.tolist()),
            readings.value.tolist(),
            readings.flag.tolist(),
            format_times(readings.time),
            strict=True,
        )
    ]


def severity_name(severity: int) -> str:
    """low, medium, high or critical."""
    return Severity(severity).name.lower()


def severity_text(severity: int) -> str:
    """The same; "" for 0, which a line of an early history has."""
    return severity_name(severity) if severity else ""


def rule_of(context: Context, alert: Alert) -> Rule | None:
    """The rule behind an alert; None where nobody declares it any more."""
    return context.alerts.rules.get(alert.rule, alert.kind)


def encode_alert(context: Context, alert: Alert) -> AlertInfo:
    """An alert with the words of its rule and the place of its device."""
    return AlertInfo(**alert_fields(context, alert))


def alert_fields(context: Context, alert: Alert) -> dict[str, Any]:
    """The fields of AlertInfo and of what extends it."""
    rule = rule_of(context, alert)
    device = context.catalogue.get(alert.device)
    quantity = None
    if alert.kind in context.kinds:
        quantity = context.kinds[alert.kind].quantity(alert.quantity)
    return {
        "id": alert.id,
        "rule": alert.rule,
        "device": alert.device,
        "device_name": device.name if device else "",
        "kind": alert.kind,
        "subject": alert.subject,
        "area": area_of(context, alert),
        "quantity": alert.quantity,
        "unit": quantity.unit if quantity else "1",
        "severity": severity_name(alert.severity),
        "state": str(alert.state),
        "title": Text(rule.vi, rule.en) if rule else Text(alert.rule, alert.rule),
        "act": Text(rule.act_vi, rule.act_en) if rule else Text("", ""),
        "edition": rule.edition if rule else "",
        "value": alert.value,
        "worst": alert.worst,
        "level": alert.level,
        "raised": format_time(alert.raised),
        "updated": format_time(alert.updated),
        "cleared": _optional(alert.cleared),
        "acknowledged": _optional(alert.acknowledged),
        "acknowledged_by": alert.acknowledged_by,
        "cause": alert.cause,
        "active": alert.active,
        "chattering": alert.chattering,
        "assigned": alert.assigned,
        "shelved_until": _optional(alert.shelved_until),
        "shelved_by": alert.shelved_by,
        "shelved_why": alert.shelved_why,
        "escalated": _optional(alert.escalated),
        "detail": alert.detail,
        "domain": domain_of(context, alert),
        "runbook": rule.runbook if rule else alert.rule,
    }


def area_of(context: Context, alert: Alert) -> str:
    """Official code of the area that an alert is in, or ""."""
    if sort_of(alert.subject) == "area":
        return name_of(alert.subject)
    device = context.catalogue.get(alert.device)
    return device.area if device else ""


def domain_of(context: Context, alert: Alert) -> str:
    """The department that an alert belongs to, or ""."""
    rule = rule_of(context, alert)
    if rule is not None and rule.domain:
        return rule.domain
    return context.kinds[alert.kind].domain if alert.kind in context.kinds else ""


def encode_alerts(context: Context, alerts: Iterable[Alert]) -> list[AlertInfo]:
    """Several alerts."""
    return [encode_alert(context, alert) for alert in alerts]


def _optional(time: int | None) -> str | None:
    return None if time is None else format_time(time)
