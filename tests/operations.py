"""A test's operations store: on a file in its folder, or on a database of a PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.sql_store import SqlOperations
from tests.store.postgres import Postgres

_server: Postgres | None = None
_databases: dict[Path, str] = {}
_opened: list[SqlOperations] = []


def opened(path: Path) -> SqlOperations:
    """The store that would be in the file `path`; the same path is the same store."""
    if _server is None:
        return SqlOperations(f"sqlite:///{path}")
    if path not in _databases:
        _databases[path] = _server.borrow()
    _opened.append(SqlOperations(_databases[path]))
    return _opened[-1]


@contextmanager
def on(server: Postgres) -> Iterator[None]:
    """Stores are opened on `server` meanwhile, and closed in the end."""
    global _server
    _server = server
    try:
        yield
    finally:
        _server = None
        for store in _opened:
            store.close()
        for url in _databases.values():
            server.give_back(url)
        _opened.clear()
        _databases.clear()
