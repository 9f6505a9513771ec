"""What every part of the SQL store does alike: rows out, statements in, the database's errors in our words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from telemetry.errors import StoreError


class SqlBase:
    """A database and how to speak to it. Raises StoreError where it refuses."""

    url: str
    _engine: Engine

    def _rows(self, query: Any) -> Sequence[Row[Any]]:
        try:
            with self._engine.connect() as db:
                return db.execute(query).all()
        except SQLAlchemyError as error:
            raise StoreError(shown(self.url), f"can't read: {reason(error)}") from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction; durable when it is left."""
        try:
            with self._engine.begin() as db:
                yield db
        except SQLAlchemyError as error:
            raise StoreError(shown(self.url), f"can't write: {reason(error)}") from error

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insert that knows `on conflict`, in this database's dialect."""
        if self._engine.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)


def fields_of(row: Row[Any], into: Any) -> dict[str, Any]:
    """The columns of a row that a record has a field for."""
    return {f: row._mapping[f] for f in into.__dataclass_fields__}


def shown(url: str) -> str:
    """The address without its password."""
    head, _, tail = url.rpartition("@")
    return f"…@{tail}" if head else url


def reason(error: SQLAlchemyError) -> str:
    """What the database says, in one line."""
    return str(error.orig) if isinstance(error, OperationalError) else str(error).splitlines()[0]
