"""GET /map: the devices as GeoJSON (RFC 7946), each with its state and its main value."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.access.principal import Role
from api.access.rules import allow
from api.context import Context
from api.encode import Names, respond
from api.openapi import GEOJSON, answers
from api.parameters import Ctx, Places
from api.state import States, states
from store.telemetry import Series
from telemetry.clock import format_time
from telemetry.readings import Readings

router = APIRouter(tags=["devices"], dependencies=[allow(Role.VIEWER)])


@router.get("/map", summary="Devices as GeoJSON", responses=answers(GEOJSON))
def get_map(context: Ctx, places: Places) -> Response:
    """A FeatureCollection of points. Devices without a place are left out and counted in `unplaced`."""
    latest = context.telemetry.latest(Series(places.devices, None))
    found = states(context, latest, context.alerts.standing())
    mains = main_values(context, latest)
    codes = range(len(found.state)) if places.devices is None else places.devices.tolist()
    features = [_feature(context, code, found, mains.get(code)) for code in codes]
    placed = [f for f in features if f is not None]
    body = {
        "type": "FeatureCollection",
        "features": placed,
        "unplaced": len(features) - len(placed),
    }
    return respond(body, media_type="application/geo+json")


def main_values(context: Context, latest: Readings) -> dict[int, dict[str, object]]:
    """Device code → its kind's main quantity: name, value, unit, flag, time."""
    names = Names(context)
    codes = context.kinds.quantity_code
    mains = [codes[k.main] for k in context.kinds]
    kind_of = context.catalogue.kind_of
    out: dict[int, dict[str, object]] = {}
    for i in range(len(latest)):
        device, quantity = int(latest.device[i]), int(latest.quantity[i])
        if quantity == mains[kind_of[device]]:
            _, _, name, unit = names.of(device, quantity)
            out[device] = {
                "quantity": name,
                "value": float(latest.value[i]),
                "unit": unit,
                "flag": int(latest.flag[i]),
                "time": format_time(int(latest.time[i])),
            }
    return out


def _feature(
    context: Context, code: int, found: States, main: dict[str, object] | None
) -> dict[str, object] | None:
    device = context.catalogue.devices[code]
    if device.lat is None or device.lon is None:
        return None
    empty = {"quantity": context.kinds[device.kind].main, "value": None, "unit": None}
    return {
        "type": "Feature",
        "id": device.id,
        "geometry": {"type": "Point", "coordinates": [device.lon, device.lat]},
        "properties": {
            "device": device.id,
            "name": device.name,
            "kind": device.kind,
            "area": device.area,
            "state": found.state[code],
            "online": bool(found.online[code]),
            "alerts": len(found.alerts.get(device.id, ())),
            **(main or {**empty, "flag": None, "time": None}),
        },
    }
