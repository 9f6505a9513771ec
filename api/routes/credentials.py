"""POST and DELETE /devices/{id}/credentials: what a device logs in with at the city's broker."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.bodies import Act, Maybe
from api.context import Context
from api.desks_broker import CredentialDesk
from api.device_schemas import Credentials, CredentialsRemoved
from api.encode import respond
from api.openapi import answers
from api.parameters import Ctx, code_of
from api.problems import Problem
from telemetry.errors import StoreError

router = APIRouter(tags=["devices"], dependencies=[allow(Role.ENGINEER)])

DeviceId = Annotated[str, Path(description="Device id", examples=["lamp-0007"])]
By = Annotated[
    str,
    Query(
        max_length=80, description="Who does it, where nobody is logged in", examples=["Kỹ sư Tâm"]
    ),
]
_NOTE = "SIGHUP lets mosquitto read it; who is connected stays until then"


class CredentialsBody(Act):
    """Who has them issued."""

    why: Maybe = ""


@router.post(
    "/devices/{device_id}/credentials",
    summary="Issue or rotate a device's password",
    responses=answers(Credentials, 404, 409, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="device.credentials")],
)
def post_credentials(
    context: Ctx,
    device_id: DeviceId,
    body: Annotated[CredentialsBody, Body(examples=[{"by": "Kỹ sư Tâm"}])],
) -> Response:
    """A new password, shown this once; one that it had ends with it. The name is the device's id, and its
    rights follow from it: its own topics only."""
    device = context.catalogue.devices[code_of(context, device_id)]
    if not device.registered:
        detail = f"device_id: {device_id} is not registered: register it first"
        raise Problem(409, "Not registered", detail, "device_id")
    by = context.trail.principal.signed(body.by)
    password, rotated = _desk(context).issue(device_id)
    context.register.note(device, "credentials_issued", by, body.why)
    context.trail.note("device.credentials", device_id, None, {"issued": True, "rotated": rotated})
    return respond(Credentials(device_id, device_id, password, rotated, _NOTE))


@router.delete(
    "/devices/{device_id}/credentials",
    summary="Remove a device's password",
    responses=answers(CredentialsRemoved, 404),
    dependencies=[allow(Role.ENGINEER, act="device.credentials")],
)
def delete_credentials(context: Ctx, device_id: DeviceId, by: By = "") -> Response:
    """It can't log in with a password any more."""
    device = context.catalogue.devices[code_of(context, device_id)]
    by = context.trail.principal.signed(by)
    removed = _desk(context).remove(device_id)
    if removed:
        context.register.note(device, "credentials_removed", by)
    context.trail.note("device.credentials", device_id, None, {"removed": removed})
    return respond(CredentialsRemoved(device_id, removed, _NOTE))


def _desk(context: Context) -> CredentialDesk:
    if context.credentials is None:
        raise StoreError(
            "credentials", "can't be issued here: no broker's folder is known",
            remedy="set URBAN_BROKER_FILES, or use `urban devices passwords set` at the broker",
        )  # fmt: skip
    return context.credentials
