"""An address → an engine whose every connection is fit for use: durable, bounded in time, in UTF-8."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, create_engine, event

from store.sql_address import address, shown
from telemetry.errors import StoreError

# Connections kept, and how long a thread waits for one when all are in use. [s]
_KEPT, _MORE, _WAIT_S = 5, 15, 10
# SQLite: how long one waits for another, and how often it asks where SQLite itself does not wait. [s]
_BUSY_S, _TRY_S = 10, 0.02


def open_engine(url: str, *, read_only: bool = False) -> Engine:
    """An engine; it connects when it is first used.

    PostgreSQL: a connection that was lost (the server was restarted) is found before it is used, and
    made anew. read_only: the database is never changed, whatever is asked.
    """
    place = address(url, read_only=read_only)
    if place.get_backend_name() == "sqlite":
        if not read_only:
            _keep_private(place.database)
        engine = create_engine(place)
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    engine = create_engine(
        place, pool_pre_ping=True, pool_size=_KEPT, max_overflow=_MORE, pool_timeout=_WAIT_S
    )
    event.listen(engine, "connect", lambda connection, _: _check_encoding(shown(url), connection))
    return engine


def _keep_private(path: str | None) -> None:
    """It holds hashes of passwords: for its owner only, and so are the files that SQLite makes beside it."""
    if not path or path == ":memory:":
        return
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return  # SQLite says it in its own words
    try:
        if os.fstat(handle).st_mode & 0o077:
            os.fchmod(handle, 0o600)
    except PermissionError:
        pass  # another user's, who shares it
    finally:
        os.close(handle)


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.execute(f"pragma busy_timeout={_BUSY_S * 1000}")
    _to_wal(connection)
    # WAL lets readers go on beside a writer; FULL makes a commit survive a power cut.
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"pragma {pragma}")


def _to_wal(connection: Any) -> None:
    # SQLite does not wait for another process here, whatever its busy_timeout: two that make a file at once
    # would be told that it is locked.
    for _ in range(int(_BUSY_S / _TRY_S)):
        try:
            connection.execute("pragma journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(_TRY_S)
    connection.execute("pragma journal_mode=WAL")


def _check_encoding(place: str, connection: Any) -> None:
    found = connection.info.parameter_status("server_encoding")
    if found != "UTF8":
        raise StoreError(
            place,
            "the database must be in UTF8",
            found,
            "make one: createdb --encoding=UTF8 --template=template0",
        )
