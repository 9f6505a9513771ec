"""The operations store on any SQL database that SQLAlchemy speaks to; SQLite here, PostgreSQL in a city."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from sqlalchemy import (
    Engine,
    Row,
    Table,
    create_engine,
    event,
    insert,
    make_url,
    select,
)
from sqlalchemy.exc import SQLAlchemyError

from devices.device import Device
from store.schema import DEVICES, META, VERSION
from store.sql_alerts import SqlAlerts
from store.sql_base import fields_of, reason, shown
from store.sql_history import SqlHistory
from store.sql_migrate import add_missing
from store.sql_notify import SqlNotify
from store.sql_quality import SqlQuality
from store.sql_quarantine import SqlQuarantine
from store.sql_rules import SqlRules
from telemetry.errors import StoreError


class SqlOperations(SqlAlerts, SqlHistory, SqlQuarantine, SqlNotify, SqlRules, SqlQuality):
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


def _device(row: Row[Any]) -> Device:
    return Device(
        **fields_of(row, Device)
        | {"limits": json.loads(row.limits), "tags": tuple(json.loads(row.tags))}
    )
