"""The operations store on any SQL database that SQLAlchemy speaks to; SQLite here, PostgreSQL in a city."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.exc import SQLAlchemyError

from devices.device import Device
from store.schema import DEVICES
from store.sql_access import SqlAccess
from store.sql_address import shown
from store.sql_alerts import SqlAlerts
from store.sql_audit import SqlAudit
from store.sql_base import fields_of
from store.sql_commands import SqlCommands
from store.sql_engine import open_engine
from store.sql_history import SqlHistory
from store.sql_migrate import bring_up_to_date, revision
from store.sql_notify import SqlNotify
from store.sql_quality import SqlQuality
from store.sql_quarantine import SqlQuarantine
from store.sql_rules import SqlRules
from store.sql_trouble import refused
from telemetry.errors import StoreError


class SqlOperations(
    SqlAlerts,
    SqlHistory,
    SqlQuarantine,
    SqlNotify,
    SqlRules,
    SqlQuality,
    SqlCommands,
    SqlAccess,
    SqlAudit,
):
    """`OperationsStore` on one database. Raises StoreError where it can't be opened or refuses.

    read_only  look at a database without changing it, not even its tables; it must be there
    """

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        self.url = url
        self._engine = open_engine(url, read_only=read_only)
        try:
            if not read_only:
                bring_up_to_date(self._engine, shown(url))
        except SQLAlchemyError as error:
            self._engine.dispose()
            raise refused(shown(url), "can't be opened", error) from error
        except StoreError:
            self._engine.dispose()
            raise

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

    def revision(self) -> str:
        """The step of store/migrations that its tables have reached; "" where they carry no mark."""
        try:
            with self._engine.connect() as db:
                return revision(db) or ""
        except SQLAlchemyError as error:
            raise refused(shown(self.url), "can't read", error) from error

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


def _device(row: Row[Any]) -> Device:
    return Device(
        **fields_of(row, Device)
        | {"limits": json.loads(row.limits), "tags": tuple(json.loads(row.tags))}
    )
