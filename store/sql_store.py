"""The operations store on any SQL database that SQLAlchemy speaks to; SQLite here, PostgreSQL in a city."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Engine,
    Row,
    Table,
    create_engine,
    event,
    func,
    insert,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from devices.device import Device
from store.records import STANDING, Alert, AlertEvent, AlertState, QuarantineItem
from store.schema import ALERT_EVENTS, ALERTS, DEVICES, META, METADATA, QUARANTINE, VERSION
from telemetry.errors import StoreError

# Rows in one statement: SQLite allows 32,766 parameters.
_CHUNK = 1_000


class SqlOperations:
    """`OperationsStore` on one database. Raises StoreError where it can't be opened or refuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._engine = _engine(url)
            METADATA.create_all(self._engine)
            self._check_version()
        except SQLAlchemyError as error:
            raise StoreError(_shown(url), f"can't be opened: {_reason(error)}") from error

    def devices(self) -> list[Device]:
        """See OperationsStore.devices."""
        rows = self._rows(select(DEVICES).order_by(DEVICES.c.number))
        return [_device(r) for r in rows]

    def put_devices(self, devices: Iterable[Device]) -> None:
        """See OperationsStore.put_devices."""
        values = [
            {f: getattr(d, f) for f in Device.__dataclass_fields__}
            | {"limits": json.dumps(d.limits)}
            for d in devices
        ]
        self._upsert(DEVICES, "id", values, keep=("id", "number"))

    def save_alerts(self, alerts: Sequence[Alert], events: Sequence[AlertEvent]) -> None:
        """See OperationsStore.save_alerts."""
        values = [{f: getattr(a, f) for f in Alert.__dataclass_fields__} for a in alerts]
        # Alerts that stop standing are written first, so that a new one may take their place.
        values.sort(key=lambda v: v["state"] in STANDING)
        lines = [{f: getattr(e, f) for f in AlertEvent.__dataclass_fields__} for e in events]
        try:
            with self._engine.begin() as db:
                for value in values:
                    changed = db.execute(update(ALERTS).where(ALERTS.c.id == value["id"]), value)
                    if changed.rowcount == 0:
                        db.execute(insert(ALERTS), value)
                if lines:
                    db.execute(insert(ALERT_EVENTS), lines)
        except IntegrityError as error:
            raise StoreError(
                _shown(self.url), "an alert of this rule and device stands already"
            ) from error
        except SQLAlchemyError as error:
            raise StoreError(_shown(self.url), f"can't write: {_reason(error)}") from error

    def alert(self, alert_id: str) -> Alert | None:
        """See OperationsStore.alert."""
        rows = self._rows(select(ALERTS).where(ALERTS.c.id == alert_id))
        return _alert(rows[0]) if rows else None

    def standing(self) -> list[Alert]:
        """See OperationsStore.standing."""
        states = [*STANDING, AlertState.RETURNED]
        query = select(ALERTS).where(ALERTS.c.state.in_(states))
        return [
            _alert(r)
            for r in self._rows(query.order_by(ALERTS.c.raised.desc(), ALERTS.c.id.desc()))
        ]

    def alerts(
        self,
        *,
        states: Sequence[str] = (),
        devices: Sequence[str] | None = None,
        rules: Sequence[str] = (),
        start: int | None = None,
        end: int | None = None,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[Alert]:
        """See OperationsStore.alerts."""
        query = select(ALERTS)
        if states:
            query = query.where(ALERTS.c.state.in_(states))
        if devices is not None:
            query = query.where(ALERTS.c.device.in_(devices))
        if rules:
            query = query.where(ALERTS.c.rule.in_(rules))
        if start is not None:
            query = query.where(ALERTS.c.raised >= start)
        if end is not None:
            query = query.where(ALERTS.c.raised < end)
        if after is not None:
            query = query.where(tuple_(ALERTS.c.raised, ALERTS.c.id) < after)
        query = query.order_by(ALERTS.c.raised.desc(), ALERTS.c.id.desc()).limit(limit)
        return [_alert(r) for r in self._rows(query)]

    def alert_events(self, alert_id: str) -> list[AlertEvent]:
        """See OperationsStore.alert_events."""
        query = select(ALERT_EVENTS).where(ALERT_EVENTS.c.alert == alert_id)
        rows = self._rows(query.order_by(ALERT_EVENTS.c.number))
        return [AlertEvent(**_fields(r, AlertEvent)) for r in rows]

    def last_cleared(self) -> dict[tuple[str, str], int]:
        """See OperationsStore.last_cleared."""
        query = (
            select(ALERTS.c.rule, ALERTS.c.device, func.max(ALERTS.c.cleared).label("at"))
            .where(ALERTS.c.cleared.is_not(None))
            .group_by(ALERTS.c.rule, ALERTS.c.device)
        )
        return {(r.rule, r.device): int(r.at) for r in self._rows(query)}

    def put_quarantine(self, items: Iterable[QuarantineItem]) -> None:
        """See OperationsStore.put_quarantine."""
        merged: dict[str, dict[str, Any]] = {}
        for item in items:
            if item.id in merged:
                merged[item.id]["seen"] += item.seen
            else:
                merged[item.id] = {f: getattr(item, f) for f in QuarantineItem.__dataclass_fields__}
        self._upsert(QUARANTINE, "id", list(merged.values()), keep=None)

    def quarantine(
        self,
        *,
        reasons: Sequence[str] = (),
        devices: Sequence[str] | None = None,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[QuarantineItem]:
        """See OperationsStore.quarantine."""
        query = select(QUARANTINE)
        if reasons:
            query = query.where(QUARANTINE.c.reason.in_(reasons))
        if devices is not None:
            query = query.where(QUARANTINE.c.device.in_(devices))
        if after is not None:
            query = query.where(tuple_(QUARANTINE.c.received, QUARANTINE.c.id) < after)
        query = query.order_by(QUARANTINE.c.received.desc(), QUARANTINE.c.id.desc()).limit(limit)
        return [QuarantineItem(**_fields(r, QuarantineItem)) for r in self._rows(query)]

    def quarantine_item(self, item_id: str) -> QuarantineItem | None:
        """See OperationsStore.quarantine_item."""
        rows = self._rows(select(QUARANTINE).where(QUARANTINE.c.id == item_id))
        return QuarantineItem(**_fields(rows[0], QuarantineItem)) if rows else None

    def quarantine_counts(self) -> dict[str, int]:
        """See OperationsStore.quarantine_counts."""
        query = select(QUARANTINE.c.reason, func.count().label("n")).group_by(QUARANTINE.c.reason)
        return {r.reason: int(r.n) for r in self._rows(query)}

    def close(self) -> None:
        """See OperationsStore.close."""
        self._engine.dispose()

    def _rows(self, query: Any) -> Sequence[Row[Any]]:
        try:
            with self._engine.connect() as db:
                return db.execute(query).all()
        except SQLAlchemyError as error:
            raise StoreError(_shown(self.url), f"can't read: {_reason(error)}") from error

    def _upsert(
        self, table: Table, key: str, values: list[dict[str, Any]], keep: tuple[str, ...] | None
    ) -> None:
        """Insert; where the key is there, replace all but `keep`. With None, count `seen` up."""
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        try:
            with self._engine.begin() as db:
                for i in range(0, len(values), _CHUNK):
                    statement = dialect.insert(table).values(values[i : i + _CHUNK])
                    new = statement.excluded
                    changed = (
                        {"seen": table.c.seen + new.seen, "received": new.received}
                        if keep is None
                        else {c: new[c] for c in values[0] if c not in keep}
                    )
                    db.execute(statement.on_conflict_do_update(index_elements=[key], set_=changed))
        except SQLAlchemyError as error:
            raise StoreError(_shown(self.url), f"can't write: {_reason(error)}") from error

    def _check_version(self) -> None:
        with self._engine.begin() as db:
            found = db.execute(select(META.c.version)).scalar()
            if found is None:
                db.execute(insert(META), {"version": VERSION})
            elif found != VERSION:
                raise StoreError(
                    _shown(self.url),
                    f"must have schema version {VERSION}",
                    found,
                    "it was written by another version of the platform",
                )


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    # WAL lets readers go on beside a writer; FULL makes a commit survive a power cut.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"pragma {pragma}")


def _fields(row: Row[Any], into: Any) -> dict[str, Any]:
    return {f: row._mapping[f] for f in into.__dataclass_fields__}


def _alert(row: Row[Any]) -> Alert:
    found = _fields(row, Alert)
    nan = float("nan")
    for name in ("value", "worst"):
        found[name] = nan if found[name] is None else found[name]
    return Alert(**found | {"state": AlertState(found["state"])})


def _device(row: Row[Any]) -> Device:
    return Device(**_fields(row, Device) | {"limits": json.loads(row.limits)})


def _shown(url: str) -> str:
    """The address without its password."""
    head, _, tail = url.rpartition("@")
    return f"…@{tail}" if head else url


def _reason(error: SQLAlchemyError) -> str:
    return str(error.orig) if isinstance(error, OperationalError) else str(error).splitlines()[0]
