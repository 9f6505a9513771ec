"""The latest values of all devices → figures of devices, areas and kinds, as lines for InfluxDB.

A value counts while it says something about now: its flag is good or not evaluated, its device is online,
and it is not older than its kind's time-out, or than its index allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.indices.registry import index_of
from devices.city import City
from devices.device import Catalogue, Device
from devices.kind import ONLINE, Kind
from grafana.measurements import AREA, DEVICE, FLAGS, KIND, LIMITS, QUALITY, measured, shown
from store.line_protocol import FieldValue, encode_point
from telemetry.arrays import AnyArray, Mask, Times, Values
from telemetry.clock import DAY, SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings

_COUNTING = (Flag.GOOD, Flag.NOT_EVALUATED)
_FLAGS = (Flag.GOOD, Flag.NOT_EVALUATED, Flag.SUSPECT, Flag.FAIL, Flag.MISSING)
_STANDING = frozenset({"{state}", "{stage}"})  # told when they change, and true until they change
_NOWHERE = "-"  # InfluxDB has no empty tags


@dataclass(slots=True)
class KindTable:
    """What is known now of the devices of one kind. Rows: `devices`; columns: `names`.

    values  NaN where nothing counts [the quantity's unit]; seen: newest reading, 0: none [ns]
    flags   rows by names of `sent`, columns by FLAGS: how many latest values have which
    """

    kind: Kind
    devices: list[Device]
    names: tuple[str, ...]
    values: Values
    online: Mask
    seen: Times
    sent: tuple[str, ...]
    flags: AnyArray


def kind_table(kind: Kind, latest: Readings, catalogue: Catalogue, now: int) -> KindTable:
    """Take what concerns one kind out of the latest readings. now: ns, UTC."""
    kinds = catalogue.kinds
    codes = np.flatnonzero(catalogue.kind_of == kinds.code[kind.name])
    codes = codes[[catalogue.devices[c].registered for c in codes.tolist()]]
    place = np.full(len(catalogue) + 1, -1, dtype=np.int64)
    place[codes] = np.arange(len(codes))
    rows = latest.take(place[np.minimum(latest.device, len(catalogue))] >= 0)
    row = place[rows.device]
    seen = np.zeros(len(codes), dtype=np.int64)
    own = kinds.accepted[kinds.code[kind.name], rows.quantity]
    np.maximum.at(seen, row[own], rows.time[own])
    is_online = rows.quantity == kinds.quantity_code[ONLINE.name]
    online = seen > now - kind.timeout_s * SECOND
    online[row[is_online]] = rows.value[is_online] > 0
    names, sent = shown(kind), measured(kind)
    values = np.full((len(codes), len(names)), np.nan)
    for column, name in enumerate(names):
        which = rows.quantity == kinds.quantity_code[name]
        counts = np.isin(rows.flag, _COUNTING) & (rows.time >= now - _max_age(kind, name))
        which &= counts & online[row]
        values[row[which], column] = rows.value[which]
    flags = np.array([_flags(rows, kinds.quantity_code[name]) for name in sent], dtype=np.int64)
    devices = [catalogue.devices[c] for c in codes.tolist()]
    return KindTable(kind, devices, names, values, online, seen, sent, flags)


def _max_age(kind: Kind, name: str) -> int:
    quantity = kind.quantity(name)
    assert quantity is not None
    if not quantity.derived:
        return kind.timeout_s * SECOND
    if quantity.unit in _STANDING:
        return 365 * DAY
    index = index_of(kind.name, name)
    return index.max_age_s * SECOND if index else DAY


def _flags(rows: Readings, quantity: int) -> list[int]:
    of = rows.flag[rows.quantity == quantity]
    return [int((of == flag).sum()) for flag in _FLAGS]


def kind_lines(table: KindTable, now: int) -> Iterator[str]:
    """How many devices there are, are online and report in time; and the flags of what they say."""
    kind, online = table.kind, int(table.online.sum())
    current = int((table.seen > now - 2 * kind.interval_s * SECOND).sum())
    count = len(table.devices)
    counts: dict[str, FieldValue] = {
        "devices": count, "online": online, "offline": count - online, "current": current,
    }  # fmt: skip
    yield encode_point(KIND, {"kind": kind.name}, counts, now)
    for name, row in zip(table.sent, table.flags.tolist(), strict=True):
        tags = {"kind": kind.name, "quantity": name}
        yield encode_point(QUALITY, tags, dict(zip(FLAGS, row, strict=True)), now)


def area_lines(table: KindTable, city: City, now: int) -> Iterator[str]:
    """Mean, lowest and highest of what counts in each area that has devices of the kind."""
    areas = np.array([d.area for d in table.devices])
    for area in np.unique(areas).tolist():
        here = table.values[areas == area]
        fields: dict[str, FieldValue] = {"devices": len(here)}
        for column, name in enumerate(table.names):
            values = here[:, column][~np.isnan(here[:, column])]
            if len(values):
                fields[f"{name}_mean"] = float(values.mean())
                fields[f"{name}_min"] = float(values.min())
                fields[f"{name}_max"] = float(values.max())
        tags = {"kind": table.kind.name, **_area_tags(area, city)}
        yield encode_point(AREA, tags, fields, now)


def device_points(
    table: KindTable, city: City
) -> Iterator[tuple[str, dict[str, str], dict[str, FieldValue]]]:
    """(id, tags, fields) of each device."""
    values = table.values.tolist()
    rows = zip(table.devices, values, table.online.tolist(), table.seen.tolist(), strict=True)
    for device, row, online, seen in rows:
        fields: dict[str, FieldValue] = {"name": device.name or device.id, "online": int(online)}
        if device.lat is not None and device.lon is not None:
            fields |= {"lat": float(device.lat), "lon": float(device.lon)}
        if seen:
            fields["seen"] = seen // 1_000_000
        fields |= {n: v for n, v in zip(table.names, row, strict=True) if v == v}
        fields |= {f"limit_{n}": float(device.limits[n]) for n in LIMITS if n in device.limits}
        tags = {"kind": table.kind.name, "device": device.id, **_area_tags(device.area, city)}
        yield device.id, tags, fields


def device_line(tags: dict[str, str], fields: dict[str, FieldValue], now: int) -> str:
    """One device's line."""
    return encode_point(DEVICE, tags, fields, now)


def _area_tags(code: str, city: City) -> dict[str, str]:
    found = city.area.get(code)
    return {
        "area": code or _NOWHERE,
        "area_name": f"{found.type} {found.name}" if found else code or _NOWHERE,
    }
