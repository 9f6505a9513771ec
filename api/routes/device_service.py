"""POST /devices/{id}/out-of-service and …/return-to-service: a device under maintenance asks nobody to act."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.alert_acts import out_of_service_info
from api.alert_schemas import OutOfServiceInfo
from api.bodies import Act, Why
from api.context import Context
from api.encode import listing
from api.openapi import answers, list_of
from api.parameters import Ctx, code_of
from telemetry.errors import QueryError

router = APIRouter(tags=["devices"], dependencies=[allow(Role.ENGINEER)])

DeviceId = Annotated[str, Path(description="Device id", examples=["aq-0007"])]
RuleCode = Annotated[
    str | None, Query(description="Only this rule of the device", examples=["air_unhealthy"])
]
_ANSWERS = answers(list_of(OutOfServiceInfo), 404, 411, 415)


class DeviceOutBody(Act):
    """Who takes it out of service, and why."""

    why: Why


class DeviceBackBody(Act):
    """Who puts it back."""


@router.post(
    "/devices/{device_id}/out-of-service",
    summary="Take out of service",
    responses=_ANSWERS,
    dependencies=[allow(Role.ENGINEER, act="service.out")],
)
def post_out(
    context: Ctx,
    device_id: DeviceId,
    body: Annotated[DeviceOutBody, Body(examples=[{"by": "Kỹ sư Tâm", "why": "thay đầu đo"}])],
    rule: RuleCode = None,
) -> Response:
    """The device, or one rule of it, until it is put back; also before it has any alert. Conditions are
    still noted. Answers with what is out of service of the device; what was out already stays as it was."""
    code_of(context, device_id)
    context.alerts.take_out(device_id, body.by, body.why, _known(context, rule))
    return _out(context, device_id)


@router.post(
    "/devices/{device_id}/return-to-service",
    summary="Put back into service",
    responses=_ANSWERS,
    dependencies=[allow(Role.ENGINEER, act="service.back")],
)
def post_back(
    context: Ctx,
    device_id: DeviceId,
    body: Annotated[DeviceBackBody, Body(examples=[{"by": "Kỹ sư Tâm"}])],
    rule: RuleCode = None,
) -> Response:
    """As it was taken out: whole, or one rule. What still stands is announced. Answers with what is still
    out of service of the device."""
    code_of(context, device_id)
    context.alerts.put_back(device_id, body.by, _known(context, rule))
    return _out(context, device_id)


def _known(context: Context, rule: str | None) -> str:
    if rule is not None and rule not in context.alerts.rules.codes():
        raise QueryError("rule", "is not known here", rule, "see /api/v1/kinds")
    return rule or ""


def _out(context: Context, device: str) -> Response:
    found = [o for o in context.alerts.out_of_service() if o.subject == device]
    return listing([out_of_service_info(context, o) for o in found])
