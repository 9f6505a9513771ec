"""Devices in the SQL store, and what people changed of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, or_, select

from devices.device import Device
from store.device_records import DeviceEvent
from store.schema import DEVICE_EVENTS, DEVICES
from store.sql_base import SqlBase, fields_of

_E = DEVICE_EVENTS.c
_KEPT = ("id", "number")


class SqlDevices(SqlBase):
    """The part of `OperationsStore` that keeps devices."""

    def devices(self) -> list[Device]:
        """See OperationsStore.devices."""
        rows = self._rows(select(DEVICES).order_by(DEVICES.c.number))
        return [_device(r) for r in rows]

    def put_devices(self, devices: Iterable[Device]) -> None:
        """See OperationsStore.put_devices."""
        values = [_values(d) for d in devices]
        if values:
            with self._writing() as db:
                self._put_devices(db, values)

    def meet_devices(self, devices: Iterable[Device]) -> None:
        """See OperationsStore.meet_devices."""
        values = [_values(d) for d in devices]
        if values:
            with self._writing() as db:
                db.execute(self._insert(DEVICES).on_conflict_do_nothing(), values)

    def change_devices(self, changes: Sequence[tuple[Device, DeviceEvent]]) -> None:
        """See OperationsStore.change_devices."""
        if not changes:
            return
        with self._writing() as db:
            self._put_devices(db, [_values(d) for d, _ in changes])
            db.execute(DEVICE_EVENTS.insert(), [_line(e) for _, e in changes])

    def device_history(
        self, device: str, limit: int = 100, after: int | None = None
    ) -> list[DeviceEvent]:
        """See OperationsStore.device_history."""
        query = select(DEVICE_EVENTS).where(DEVICE_EVENTS.c.device == device)
        if after is not None:
            query = query.where(DEVICE_EVENTS.c.number < after)
        return [
            _event(r)
            for r in self._rows(query.order_by(DEVICE_EVENTS.c.number.desc()).limit(limit))
        ]

    def place_history(self) -> list[DeviceEvent]:
        """See OperationsStore.place_history."""
        told = or_(*(c.like('%"lat"%') | c.like('%"lon"%') for c in (_E.before, _E.after)))
        query = select(DEVICE_EVENTS).where(told).order_by(_E.number)
        return [_event(r) for r in self._rows(query)]

    def changed_devices(self) -> set[str]:
        """See OperationsStore.changed_devices."""
        return {r.device for r in self._rows(select(DEVICE_EVENTS.c.device).distinct())}

    def _put_devices(self, db: Connection, values: list[dict[str, Any]]) -> None:
        """Insert; where the id is there, replace all but the number."""
        statement = self._insert(DEVICES)
        changed = {c: statement.excluded[c] for c in values[0] if c not in _KEPT}
        db.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changed), values)


def _values(device: Device) -> dict[str, Any]:
    fields = {f: getattr(device, f) for f in Device.__dataclass_fields__}
    return fields | {"limits": json.dumps(device.limits), "tags": json.dumps(device.tags)}


def _device(row: Row[Any]) -> Device:
    return Device(
        **fields_of(row, Device)
        | {"limits": json.loads(row.limits), "tags": tuple(json.loads(row.tags))}
    )


def _line(event: DeviceEvent) -> dict[str, Any]:
    fields = {f: getattr(event, f) for f in DeviceEvent.__dataclass_fields__ if f != "number"}
    told = {f: json.dumps(getattr(event, f), ensure_ascii=False) for f in ("before", "after")}
    return fields | told


def _event(row: Row[Any]) -> DeviceEvent:
    told = {"before": json.loads(row.before), "after": json.loads(row.after)}
    return DeviceEvent(**fields_of(row, DeviceEvent) | told)
