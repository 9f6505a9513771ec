"""Rows as NGSI-LD entities of FIWARE's Smart Data Models, with their @context (ETSI GS CIM 009).

A device and time is an entity; of the newest values a device is one. What failed a test or is missing is
left out, what is suspect says so in `qualityFlag`. Kinds without a model have no entities.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np

from api.context import Context
from api.formats import Sort
from api.formats.smart_models import MODELS, VEHICLES, Model, Property
from api.rows import time_texts
from api.tables import Table, in_parts
from devices.device import Device
from telemetry.arrays import AnyArray
from telemetry.clock import SECOND, format_time
from telemetry.flags import Flag

Entity = dict[str, Any]
Values = dict[str, tuple[float, int, str]]  # quantity → value, flag, time

ROWS_AT_ONCE = 5_000  # entities are objects


def write_ngsi_ld(context: Context, tables: Iterator[Table], sort: Sort) -> Iterator[bytes]:
    """A JSON array of entities, each with its @context."""
    yield b"["
    first = True
    for table in in_parts(tables, ROWS_AT_ONCE, newest=sort.newest):
        found = [msgspec.json.encode(e) for e in _entities(context, table, sort)]
        if found:
            yield (b"" if first else b",") + b",".join(found)
            first = False
    yield b"]"


def _entities(context: Context, table: Table, sort: Sort) -> Iterator[Entity]:
    table = table.take(~np.isin(table.flag, (Flag.FAIL, Flag.MISSING)) & np.isfinite(table.value))
    order = np.lexsort((table.quantity, table.time, table.device))
    table = table.take(order)
    texts, names = time_texts(table.time), context.kinds.quantities
    ends = [*_starts(table, sort)[1:], len(table)] if len(table) else []
    start = 0
    for end in ends:
        rows = range(start, end)
        device = context.catalogue.devices[int(table.device[start])]
        values: Values = {
            names[int(table.quantity[i])]: (float(table.value[i]), int(table.flag[i]), texts[i])
            for i in rows
        }
        newest = int(table.time[start:end].max())
        start = end
        model = MODELS.get(device.kind)
        if model is not None:
            yield from _of_device(context, device, model, values, newest, sort)


def _starts(table: Table, sort: Sort) -> list[int]:
    new = np.ones(len(table), dtype=bool)
    new[1:] = table.device[1:] != table.device[:-1]
    if not sort.newest:
        new[1:] |= table.time[1:] != table.time[:-1]
    found: AnyArray = np.flatnonzero(new)
    starts: list[int] = found.tolist()
    return starts


def _of_device(
    context: Context, device: Device, model: Model, values: Values, time: int, sort: Sort
) -> Iterator[Entity]:
    known = {q: p for q, p in model.properties.items() if q in values}
    counted = {q: v for q, v in VEHICLES.items() if device.kind == "traffic" and q in values}
    if not known and not counted:
        return
    name = device.id if sort.newest else f"{device.id}:{format_time(time)}"
    entity = _bare(context, device, model, name, time)
    for quantity, property_ in known.items():
        entity[property_.name] = _attribute(property_, *values[quantity])
    if counted:
        total = sum(values[q][0] for q in counted)
        newest = max(values[q][2] for q in counted)
        worst = max(values[q][1] for q in counted)
        entity["intensity"] = _attribute(_INTENSITY, total, worst, newest)
    yield _with_state(entity, device, values)
    for quantity, vehicle in counted.items():
        own = _bare(context, device, model, f"{name}:{vehicle}", time)
        own["vehicleType"] = _property(vehicle)
        own["intensity"] = _attribute(_INTENSITY, *values[quantity])
        yield own


_INTENSITY = Property("intensity", "C62")


def _bare(context: Context, device: Device, model: Model, name: str, time: int) -> Entity:
    area = context.city.area.get(device.area)
    moment = {"type": "Property", "value": {"@type": "DateTime", "@value": format_time(time)}}
    entity: Entity = {
        "id": f"urn:ngsi-ld:{model.type}:{name}",
        "type": model.type,
        model.time: moment,
        "refDevice": {"type": "Relationship", "object": f"urn:ngsi-ld:Device:{device.id}"},
    }
    if model.period:
        interval = context.kinds[device.kind].interval_s * SECOND
        begin = {"@type": "DateTime", "@value": format_time(time - interval)}
        entity["dateObservedFrom"] = {"type": "Property", "value": begin}
        entity["dateObservedTo"] = moment
    if device.name:
        entity["name"] = _property(device.name)
    if device.lat is not None and device.lon is not None:
        point = {"type": "Point", "coordinates": [device.lon, device.lat]}
        entity["location"] = {"type": "GeoProperty", "value": point}
    if area is not None:
        entity["address"] = _property(
            {"addressLocality": area.name, "addressRegion": context.city.vi, "addressCountry": "VN"}
        )
    entity["@context"] = model.context
    return entity


def _with_state(entity: Entity, device: Device, values: Values) -> Entity:
    """What a model wants to know beside the values: the state of a lamp, the levels of a gauge."""
    if device.kind == "lamp":
        failed = "lamp_failure" in values and values["lamp_failure"][0] > 0.5
        entity["status"] = _property("defectiveLamp" if failed else "ok")
        if "power" in values:
            entity["powerState"] = _property("on" if values["power"][0] > 1 else "off")
    if device.kind == "level":
        entity["stationID"] = _property(device.id)
        for level, name in (("bd1", "alertLevel"), ("bd3", "dangerLevel")):
            if level in device.limits:
                entity[name] = {**_property(device.limits[level]), "unitCode": "MTR"}
    return entity


def _property(value: object) -> Entity:
    return {"type": "Property", "value": value}


def _attribute(property_: Property, value: float, flag: int, time: str) -> Entity:
    # Twelve digits: a factor must not make 0.57 of 57 % into 0.5700000000000001.
    scaled = value if property_.factor == 1 else float(f"{value * property_.factor:.12g}")
    found = {"type": "Property", "value": scaled, "unitCode": property_.unit, "observedAt": time}
    if flag == Flag.SUSPECT:
        found["qualityFlag"] = _property(flag)
    return found
