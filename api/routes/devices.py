"""GET /devices and /devices/{id}: what measures, where, in which state."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Path, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.encode import encode_alerts, encode_readings, listing, respond
from api.openapi import answers, list_of
from api.parameters import Ctx, Cursor, Places, code_of
from api.schemas import DeviceDetail, DeviceInfo
from api.state import States, states_of
from store.telemetry import Series

router = APIRouter(tags=["devices"], dependencies=[allow(Role.VIEWER)])


@router.get("/devices", summary="Devices", responses=answers(list_of(DeviceInfo)))
def get_devices(
    context: Ctx,
    places: Places,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    cursor: Cursor = None,
) -> Response:
    """Devices in the order in which they became known, each with its state."""
    codes = places.devices
    if codes is None:
        codes = np.arange(len(context.catalogue), dtype=np.int32)
    after = read_cursor("devices", cursor, tuple[str])
    if after is not None:
        codes = codes[codes > code_of(context, after[0])]
    page = codes[:limit]
    found = states_of(context, page)
    items = [DeviceInfo(**device_fields(context, c, found)) for c in page.tolist()]
    more = len(codes) > len(page)
    last = context.catalogue.devices[int(page[-1])].id if more else ""
    return listing(items, make_cursor("devices", [last]) if more else None)


@router.get(
    "/devices/{device_id}",
    summary="One device, its newest readings and its alerts",
    responses=answers(DeviceDetail, 404),
)
def get_device(
    context: Ctx, device_id: Annotated[str, Path(description="Device id", examples=["aq-0007"])]
) -> Response:
    """A device with the newest reading of each of its quantities and its standing alerts."""
    code = code_of(context, device_id)
    codes = np.array([code], dtype=np.int32)
    found = states_of(context, codes)
    latest = context.telemetry.latest(Series(codes, None))
    return respond(
        DeviceDetail(
            **device_fields(context, code, found),
            latest=encode_readings(context, latest),
            alerts=encode_alerts(context, found.alerts.get(device_id, [])),
        )
    )


def device_fields(context: Context, code: int, found: States) -> dict[str, Any]:
    """The fields of DeviceInfo and of what extends it."""
    device = context.catalogue.devices[code]
    area = context.city.area.get(device.area)
    return {
        "id": device.id,
        "kind": device.kind,
        "name": device.name,
        "lat": device.lat,
        "lon": device.lon,
        "area": device.area,
        "area_name": f"{area.type} {area.name}" if area else "",
        "parent": device.parent,
        "registered": device.registered,
        "retired": device.retired,
        "simulated": device.simulated,
        "limits": dict(device.limits),
        "tags": list(device.tags),
        "state": found.state[code] if code < len(found.state) else "silent",
        "online": bool(found.online[code]) if code < len(found.state) else False,
    }
