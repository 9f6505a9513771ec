"""The operations store on any SQL database that SQLAlchemy speaks to; SQLite here, PostgreSQL in a city."""

from __future__ import annotations

from sqlalchemy.exc import SQLAlchemyError

from store.sql_access import SqlAccess
from store.sql_address import shown
from store.sql_alerts import SqlAlerts
from store.sql_audit import SqlAudit
from store.sql_commands import SqlCommands
from store.sql_devices import SqlDevices
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
    SqlDevices,
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
