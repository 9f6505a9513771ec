"""GET /alerts, /alerts/{id} and POST /alerts/{id}/ack: what is wrong, since when, who has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.alert_acts import acknowledge_alert, no_alert
from api.bodies import Act
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.encode import (
    alert_fields,
    domain_of,
    encode_alert,
    encode_alerts,
    listing,
    respond,
    severity_text,
)
from api.openapi import answers, list_of
from api.parameters import Areas, Ctx, Cursor, Places, Selection
from api.period import Start, select_time
from api.schemas import AlertDetail, AlertEventInfo, AlertInfo
from devices.kind import Severity
from store.records import Alert
from telemetry.clock import format_time
from telemetry.errors import QueryError

router = APIRouter(tags=["alerts"], dependencies=[allow(Role.VIEWER)])

StateName = Literal[
    "unacknowledged",
    "acknowledged",
    "returned",
    "cleared",
    "shelved",
    "suppressed",
    "out_of_service",
]
SeverityName = Literal["low", "medium", "high", "critical"]
_PAGE = 1_000


@router.get("/alerts", summary="Alerts, newest raised first", responses=answers(list_of(AlertInfo)))
def get_alerts(
    context: Ctx,
    places: Places,
    state: Annotated[list[StateName] | None, Query(description="May repeat")] = None,
    severity: Annotated[list[SeverityName] | None, Query(description="May repeat")] = None,
    rule: Annotated[list[str] | None, Query(description="Rule's code; may repeat")] = None,
    domain: Annotated[
        list[str] | None, Query(description="Department; may repeat", examples=[["flood"]])
    ] = None,
    assigned: Annotated[
        list[str] | None, Query(description="Whose it is; empty: nobody's; may repeat")
    ] = None,
    area: Areas = None,
    cause: Annotated[
        list[str] | None, Query(description="Held back under this alert; may repeat")
    ] = None,
    start: Start = None,
    end: Annotated[str | None, Query(description="Raised before; RFC 3339")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """Alerts of any state, also cleared ones. `start` and `end` are about when they were raised."""
    domains = _known_domains(context, domain or [])
    after = read_cursor("alerts", cursor, tuple[int, str])
    filters: dict[str, object] = {
        "states": [str(s) for s in state or ()],
        "subjects": _subjects(context, places, area or []),
        "severities": [int(Severity[name.upper()]) for name in severity or ()],
        "assigned": assigned or [],
        "causes": cause or [],
        "rules": _known_rules(context, rule or []),
        "start": select_time("start", start),
        "end": select_time("end", end),
    }
    found: list[Alert] = []
    for alert in _all(context, filters, after):
        if not domains or domain_of(context, alert) in domains:
            found.append(alert)
        if len(found) > limit:
            break
    page = found[:limit]
    more = len(found) > limit
    following = make_cursor("alerts", [page[-1].raised, page[-1].id]) if more else None
    return listing(encode_alerts(context, page), following)


@router.get(
    "/alerts/{alert_id}",
    summary="One alert with its history and what is held back under it",
    responses=answers(AlertDetail, 404),
)
def get_alert(context: Ctx, alert_id: Annotated[str, Path(description="Alert's id")]) -> Response:
    """An alert, every line of its history, oldest first, and the alerts that are held back under it: the newest
    raised first, 1,000 at most (`cause` of the list pages through all).
    """
    alert = context.operations.alert(alert_id)
    if alert is None:
        raise no_alert(alert_id)
    history = [
        AlertEventInfo(
            format_time(e.time), e.what, e.by, e.value, e.text, e.state, severity_text(e.severity)
        )
        for e in context.operations.alert_events(alert_id)
    ]
    under = context.operations.alerts(causes=[alert.id], limit=_PAGE)
    children = encode_alerts(context, under)
    return respond(AlertDetail(**alert_fields(context, alert), history=history, children=children))


class AcknowledgeBody(Act):
    """Who takes the alert."""


@router.post(
    "/alerts/{alert_id}/ack",
    summary="Acknowledge an alert",
    responses=answers(AlertInfo, 404, 411, 415),
    dependencies=[allow(Role.OPERATOR, act="alert.acknowledge")],
)
def acknowledge(
    context: Ctx,
    alert_id: Annotated[str, Path(description="Alert's id")],
    body: Annotated[AcknowledgeBody, Body(examples=[{"by": "Nguyễn Văn An"}])],
) -> Response:
    """Note who has the alert. It stays until the condition is over; one that is over is cleared by it.

    Doing it twice changes nothing: the answer tells who was first.
    """
    return respond(encode_alert(context, acknowledge_alert(context, alert_id, body.by)))


def _all(
    context: Context, filters: dict[str, object], after: tuple[int, str] | None
) -> Iterator[Alert]:
    """Every alert behind `after` that the filters let through."""
    while True:
        page = context.operations.alerts(**filters, limit=_PAGE, after=after)  # type: ignore[arg-type]
        yield from page
        if len(page) < _PAGE:
            return
        after = (page[-1].raised, page[-1].id)


def _known_rules(context: Context, rules: list[str]) -> list[str]:
    known = context.alerts.rules.codes()
    for code in rules:
        if code not in known:
            raise QueryError("rule", "is not known here", code, "see /api/v1/kinds")
    return rules


def _known_domains(context: Context, domains: list[str]) -> frozenset[str]:
    known = {r.domain for r in context.alerts.rules if r.domain}
    for name in domains:
        if name not in known:
            raise QueryError("domain", f"must be one of {', '.join(sorted(known))}", name)
    return frozenset(domains)


def _subjects(context: Context, places: Selection, areas: list[str]) -> list[str] | None:
    """Devices that the filters name, and the areas that they name themselves."""
    devices = places.device_ids(context)
    return None if devices is None else [*devices, *(f"area:{code}" for code in areas)]
