"""What every part of the SQL store does alike: rows out, statements in, the database's errors in our words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Row, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from store.sql_address import shown
from store.sql_trouble import refused


class SqlBase:
    """A database and how to speak to it. Raises StoreError where it refuses."""

    url: str
    _engine: Engine

    def _rows(self, query: Any) -> Sequence[Row[Any]]:
        try:
            with self._engine.connect() as db:
                return db.execute(query).all()
        except SQLAlchemyError as error:
            raise refused(shown(self.url), "can't read", error) from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """One transaction; durable when it is left."""
        try:
            with self._engine.begin() as db:
                yield db
        except SQLAlchemyError as error:
            raise refused(shown(self.url), "can't write", error) from error

    def _insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An insert that knows `on conflict`, in this database's dialect."""
        if self._engine.dialect.name == "postgresql":
            return postgresql.insert(table)
        return sqlite.insert(table)


def fields_of(row: Row[Any], into: Any) -> dict[str, Any]:
    """The columns of a row that a record has a field for."""
    return {f: row._mapping[f] for f in into.__dataclass_fields__}
