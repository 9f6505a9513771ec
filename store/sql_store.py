"""The operations store on any SQL database that SQLAlchemy speaks to; SQLite here, PostgreSQL in a city."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Engine,
    Row,
    Table,
    create_engine,
    event,
    func,
    insert,
    make_url,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from devices.device import Device
from store.records import STANDING, Alert, AlertEvent, AlertState
from store.schema import ALERT_EVENTS, ALERTS, DEVICES, META, VERSION
from store.sql_base import fields_of, reason, shown
from store.sql_migrate import add_missing
from store.sql_notify import SqlNotify
from store.sql_quarantine import SqlQuarantine
from store.sql_rules import SqlRules
from telemetry.errors import StoreError

_IN_ONE_QUERY = 500  # values of one `in (…)`


class SqlOperations(SqlQuarantine, SqlNotify, SqlRules):
    """`OperationsStore` on one database. Raises StoreError where it can't be opened or refuses.

    read_only  look at a database without changing it, not even its tables; it must be there (SQLite)
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = url
        try:
            self._engine = _engine(_read_only(url) if read_only else url)
            if not read_only:
                add_missing(self._engine)
                self._check_version()
        except SQLAlchemyError as error:
            raise StoreError(shown(url), f"can't be opened: {reason(error)}") from error

    def devices(self) -> list[Device]:
        """See OperationsStore.devices."""
        rows = self._rows(select(DEVICES).order_by(DEVICES.c.number))
        return [_device(r) for r in rows]

    def put_devices(self, devices: Iterable[Device]) -> None:
        """See OperationsStore.put_devices."""
        values = [
            {f: getattr(d, f) for f in Device.__dataclass_fields__}
            | {"limits": json.dumps(d.limits), "tags": json.dumps(d.tags)}
            for d in devices
        ]
        self._put_all(DEVICES, "id", values, keep=("id", "number"))

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
                shown(self.url), "an alert of this rule and device stands already"
            ) from error
        except SQLAlchemyError as error:
            raise StoreError(shown(self.url), f"can't write: {reason(error)}") from error

    def alert(self, alert_id: str) -> Alert | None:
        """See OperationsStore.alert."""
        rows = self._rows(select(ALERTS).where(ALERTS.c.id == alert_id))
        return _alert(rows[0]) if rows else None

    def alerts_by_id(self, ids: Iterable[str]) -> dict[str, Alert]:
        """See OperationsStore.alerts_by_id."""
        wanted = list(dict.fromkeys(ids))
        found: dict[str, Alert] = {}
        for start in range(0, len(wanted), _IN_ONE_QUERY):
            some = wanted[start : start + _IN_ONE_QUERY]
            found |= {
                r.id: _alert(r) for r in self._rows(select(ALERTS).where(ALERTS.c.id.in_(some)))
            }
        return found

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
        return [AlertEvent(**fields_of(r, AlertEvent)) for r in rows]

    def last_cleared(self) -> dict[tuple[str, str], int]:
        """See OperationsStore.last_cleared."""
        query = (
            select(ALERTS.c.rule, ALERTS.c.device, func.max(ALERTS.c.cleared).label("at"))
            .where(ALERTS.c.cleared.is_not(None))
            .group_by(ALERTS.c.rule, ALERTS.c.device)
        )
        return {(r.rule, r.device): int(r.at) for r in self._rows(query)}

    def close(self) -> None:
        """See OperationsStore.close."""
        self._engine.dispose()

    def _put_all(
        self, table: Table, key: str, values: list[dict[str, Any]], keep: tuple[str, ...]
    ) -> None:
        """Insert; where the key is there, replace all but `keep`."""
        if not values:
            return
        statement = self._insert(table)
        changed = {c: statement.excluded[c] for c in values[0] if c not in keep}
        with self._writing() as db:
            db.execute(statement.on_conflict_do_update(index_elements=[key], set_=changed), values)

    def _check_version(self) -> None:
        with self._engine.begin() as db:
            found = db.execute(select(META.c.version)).scalar()
            if found is None:
                db.execute(insert(META), {"version": VERSION})
            elif found != VERSION:
                raise StoreError(
                    shown(self.url),
                    f"must have schema version {VERSION}",
                    found,
                    "it was written by another version of the platform",
                )


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _read_only(url: str) -> str:
    path = make_url(url).database or ""
    return f"sqlite:///file:{quote(path)}?mode=ro&uri=true"


def _prepare_sqlite(connection: Any, _: object) -> None:
    # WAL lets readers go on beside a writer; FULL makes a commit survive a power cut.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=10000", "foreign_keys=ON"):
        connection.execute(f"pragma {pragma}")


def _alert(row: Row[Any]) -> Alert:
    found = fields_of(row, Alert)
    nan = float("nan")
    for name in ("value", "worst"):
        found[name] = nan if found[name] is None else found[name]
    return Alert(**found | {"state": AlertState(found["state"])})


def _device(row: Row[Any]) -> Device:
    return Device(
        **fields_of(row, Device)
        | {"limits": json.loads(row.limits), "tags": tuple(json.loads(row.tags))}
    )
