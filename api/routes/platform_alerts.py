"""POST /platform-alerts/grafana: what Grafana tells of the platform, into our own list of alerts."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, Body, Header, Response

from api.access.principal import Role
from api.access.rules import allow
from api.encode import respond
from api.grafana_message import conditions, read_message
from api.openapi import answers
from api.parameters import Ctx
from api.platform_schemas import TakenAlerts
from api.problems import Problem
from telemetry.errors import StoreError

# Anybody who knows the token: Grafana has no account here.
router = APIRouter(tags=["platform"], dependencies=[allow(Role.ANONYMOUS, act="alert.tell")])

EXAMPLE: dict[str, Any] = {
    "receiver": "urban-sensing",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "Broker away", "severity": "high"},
            "annotations": {"summary": "The ingestor is not connected to the broker"},
            "startsAt": "2026-11-22T02:59:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "c6eadffa33fcdf37",
        }
    ],
}
# Bearer is what keys of the API are given as: whoever looks for one must not take this token for it.
_SCHEMES = ("webhook", "bearer")
Message = Annotated[dict[str, Any], Body(examples=[EXAMPLE])]
Token = Annotated[
    str, Header(description="Webhook and the token of URBAN_GRAFANA_TOKEN", include_in_schema=True)
]


@router.post(
    "/platform-alerts/grafana",
    summary="Take alerts from Grafana",
    responses=answers(TakenAlerts, 401, 411, 415),
)
def post_grafana(context: Ctx, body: Message, authorization: Token = "") -> Response:
    """The body of Grafana's webhook contact point: each alert is raised or cleared here by its fingerprint, and
    belongs to the platform's domain. Telling it again changes nothing; the contact point's test is only answered."""
    _let_in(context.settings.grafana_token, authorization)
    if context.told is None:
        raise StoreError("alerts", "are not kept by this process")
    message = read_message(body)
    found = conditions(message, context.clock.now())
    context.told(found)
    for one in found:
        context.trail.note("alert.tell", one.subject, None, {"stands": one.stands})
    raised = sum(t.stands for t in found)
    return respond(TakenAlerts(raised, len(found) - raised, len(message.alerts) - len(found)))


def _let_in(token: str, authorization: str) -> None:
    scheme, _, given = authorization.partition(" ")
    if not token:
        need = "Authorization: no token of Grafana's is set here; set URBAN_GRAFANA_TOKEN"
    elif scheme.lower() in _SCHEMES and hmac.compare_digest(given.strip().encode(), token.encode()):
        return
    else:
        need = "Authorization: must be Webhook and the token of URBAN_GRAFANA_TOKEN"
    raise Problem(401, "Not let in", need, "authorization")
