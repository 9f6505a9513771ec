"""POST and PATCH /devices, retire and reinstate, their history: what people say of devices."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import Field, StringConstraints

from api.access.principal import Role
from api.access.rules import allow
from api.bodies import Act, Maybe, Why
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.device_schemas import DeviceEventInfo
from api.encode import listing, respond
from api.openapi import answers, list_of
from api.parameters import Ctx, Cursor, code_of
from api.problems import Problem
from api.register import taken
from api.routes.devices import device_fields
from api.schemas import DeviceInfo
from api.state import states_of
from control.register import Change
from devices.device import Device
from telemetry.clock import format_time

router = APIRouter(tags=["devices"], dependencies=[allow(Role.VIEWER)])

DeviceId = Annotated[str, Path(description="Device id", examples=["aq-0007"])]
Text = Annotated[str, StringConstraints(max_length=200, strip_whitespace=True, strict=True)]
Degrees = Annotated[float, Field(allow_inf_nan=False)]
_NEW: dict[str, Any] = {
    "by": "Kỹ sư Tâm", "id": "lamp-0301", "kind": "lamp", "name": "Nguyễn Huệ 12", "lat": 10.7741,
    "lon": 106.7038, "parent": "feeder-002", "limits": {"rated_power": 100}, "tags": ["trung tâm"],
}  # fmt: skip


class DeviceFields(Act):
    """What is said of a device; what is left out stays as it is. lat and lon null: its place is not known.

    limits: levels of its own, like bd1 at a gauge or rated_power at a lamp; tags: words to group it by.
    """

    name: Text | None = None
    lat: Degrees | None = None
    lon: Degrees | None = None
    area: Text | None = None
    parent: Text | None = None
    limits: Annotated[dict[Text, Degrees], Field(max_length=50)] | None = None
    tags: Annotated[list[Text], Field(max_length=50)] | None = None
    why: Maybe = ""

    def said(self) -> dict[str, Any]:
        """The fields that were given. An explicit null clears a place, and says nothing elsewhere."""
        given = {n: getattr(self, n) for n in self.model_fields_set - {"by", "why", "id", "kind"}}
        return {n: v for n, v in given.items() if v is not None or n in ("lat", "lon")}


class NewDevice(DeviceFields):
    """A device to register."""

    id: Text
    kind: Text


class RetireBody(Act):
    """Who takes it down for good, and why."""

    why: Why


class ReinstateBody(Act):
    """Who puts it up again."""

    why: Maybe = ""


@router.post(
    "/devices",
    summary="Register a device",
    responses=answers(DeviceInfo, 409, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="device.register")],
)
def post_device(context: Ctx, body: Annotated[NewDevice, Body(examples=[_NEW])]) -> Response:
    """A new one, or one that has been sending without anybody having registered it. Its kind stays for good."""
    _refuse_known(context, body.id)
    change = context.register.registering(body.id, body.kind, body.said())
    return _done(context, change, body.by, body.why)


@router.patch(
    "/devices/{device_id}",
    summary="Change a device",
    responses=answers(DeviceInfo, 404, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="device.edit")],
)
def patch_device(
    context: Ctx,
    device_id: DeviceId,
    body: Annotated[DeviceFields, Body(examples=[{"by": "Kỹ sư Tâm", "name": "Cầu Sài Gòn"}])],
) -> Response:
    """The fields that are given; the others stay. Who, when, before and after are kept: see its history."""
    device = _known(context, device_id)
    change = context.register.editing(device, body.said())
    return _done(context, change, body.by, body.why)


@router.post(
    "/devices/{device_id}/retire",
    summary="Retire a device",
    responses=answers(DeviceInfo, 404, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="device.retire")],
)
def post_retire(
    context: Ctx,
    device_id: DeviceId,
    body: Annotated[RetireBody, Body(examples=[{"by": "Kỹ sư Tâm", "why": "tháo dỡ cột"}])],
) -> Response:
    """Taken down for good. What it measured stays; what it still sends goes to quarantine (`retired`); nobody
    is asked to act on it; its password at the broker is removed."""
    change = context.register.retiring(_known(context, device_id))
    answer = _done(context, change, body.by, body.why)
    context.alerts.take_out(device_id, body.by, body.why)
    if context.credentials is not None:
        context.credentials.remove(device_id)
    return answer


@router.post(
    "/devices/{device_id}/reinstate",
    summary="Reinstate a retired device",
    responses=answers(DeviceInfo, 404, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="device.reinstate")],
)
def post_reinstate(
    context: Ctx,
    device_id: DeviceId,
    body: Annotated[ReinstateBody, Body(examples=[{"by": "Kỹ sư Tâm"}])],
) -> Response:
    """As it was before it was retired; it needs new credentials."""
    change = context.register.reinstating(_known(context, device_id))
    answer = _done(context, change, body.by, body.why)
    context.alerts.put_back(device_id, body.by)
    return answer


@router.get(
    "/devices/{device_id}/history",
    summary="What was changed of a device",
    responses=answers(list_of(DeviceEventInfo), 404),
)
def get_history(
    context: Ctx,
    device_id: DeviceId,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """Place and configuration: who changed what and when, before and after; newest first."""
    code_of(context, device_id)
    place = read_cursor("history", cursor, tuple[int])
    after = None if place is None else place[0]
    found = context.operations.device_history(device_id, limit + 1, after)
    page = found[:limit]
    items = [
        DeviceEventInfo(e.device, format_time(e.time), e.what, e.by, e.why, e.before, e.after)
        for e in page
    ]
    more = len(found) > limit
    return listing(items, make_cursor("history", [page[-1].number]) if more else None)


def _known(context: Context, device_id: str) -> Device:
    return context.catalogue.devices[code_of(context, device_id)]


def _refuse_known(context: Context, device_id: str) -> None:
    known = context.catalogue.get(device_id)
    if known is not None and (known.registered or known.retired):
        what = "retired: reinstate it" if known.retired else "registered already: PATCH it"
        raise Problem(409, "Known already", f"id: {device_id} is {what}", "id")


def _done(context: Context, change: Change, by: str, why: str) -> Response:
    taken(context, [change], by, why)
    code = code_of(context, change.new.id)
    return respond(DeviceInfo(**device_fields(context, code, states_of(context))))
