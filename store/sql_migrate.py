"""A database gets the tables of this program: made where there are none, else step by step from its own.

All of it is one transaction, and one process does it at a time: whatever happens, the database is as it
was, or as it is to be. Which step it has reached stands in `alembic_version`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from store.schema import META, METADATA, REVISION, VERSION
from store.sql_trouble import reason, remedy
from telemetry.errors import StoreError

_LOG = logging.getLogger(__name__)
# How long a process waits for another one that is at it. [s]
_WAIT_S = 300
MARK = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
# The last version that carried no mark.
_UNMARKED = 2


def revision(db: Connection) -> str | None:
    """The step that a database has reached; "": one of before there were marks; None: it is empty."""
    tables = set(inspect(db).get_table_names())
    if MARK.name in tables:
        return db.execute(select(MARK.c.version_num)).scalar()
    return "" if tables & set(METADATA.tables) else None


def bring_up_to_date(engine: Engine, place: str) -> None:
    """Make the tables, or take the steps that are missing.

    `place` is the address as it may be shown. Raises StoreError where the database is of a newer program,
    or a step fails: nothing has changed then.
    """
    with engine.connect() as db:
        if revision(db) == REVISION:
            return
    found = None
    try:
        with alone(engine) as db:
            found = revision(db)
            if found is None:
                _make(db)
            elif found != REVISION:
                _refuse_newer(db, place, found)
                _LOG.info("%s: tables go from %s to %s", place, found or "the first", REVISION)
                _upgrade(db)
                _LOG.info("%s: tables are at %s", place, REVISION)
    except SQLAlchemyError as error:
        if found is None:
            raise
        what = f"its tables could not go from {found or 'the first'} to {REVISION}: {reason(error)}"
        raise StoreError(place, what, remedy=f"{remedy(error) or _REPORT}. {_AS_IT_WAS}") from error


_AS_IT_WAS = "Nothing in it has changed: the version that wrote it can go on with it"
_REPORT = "keep a copy of the database and report it with the log"


def _make(db: Connection) -> None:
    METADATA.create_all(db)
    MARK.create(db)
    db.execute(META.insert(), {"version": VERSION})
    db.execute(MARK.insert(), {"version_num": REVISION})


def go_to(db: Connection, step: str) -> None:
    """Take a database to a step, from where it is, or from nothing."""
    if step == REVISION and revision(db) is None:
        _make(db)
    else:
        _upgrade(db, step)


def _upgrade(db: Connection, to: str = REVISION) -> None:
    # It takes a while to import: only a database that lags behind waits for it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "store:migrations")
    config.set_main_option("version_locations", "store:migrations/versions")
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = db
    command.upgrade(config, to)


def _refuse_newer(db: Connection, place: str, found: str) -> None:
    if found:
        newer = not found.isdecimal() or int(found) > int(REVISION)
        here, known = found, REVISION
    else:
        version = _version(db)
        newer, here, known = version > _UNMARKED, str(version), str(_UNMARKED)
    if newer:
        raise StoreError(
            place,
            f"must have tables that this version knows, up to {known}",
            here,
            "a newer version of the platform wrote it: start that one, or restore a backup of before",
        )


def _version(db: Connection) -> int:
    if META.name not in inspect(db).get_table_names():
        return 0
    return db.execute(select(META.c.version)).scalar() or 0


@contextmanager
def alone(engine: Engine) -> Iterator[Connection]:
    """One transaction, in which no other process is."""
    with engine.begin() as db:
        if db.dialect.name == "postgresql":
            db.execute(text("set local statement_timeout = 0"))
            db.execute(text(f"set local lock_timeout = '{_WAIT_S}s'"))
            db.execute(text("select pg_advisory_xact_lock(hashtext('urban.schema'))"))
            yield db
        else:
            before = db.exec_driver_sql("pragma busy_timeout").scalar()
            db.exec_driver_sql(f"pragma busy_timeout={_WAIT_S * 1000}")
            db.exec_driver_sql("begin immediate")  # its driver begins no transaction for a DDL
            yield db
            db.exec_driver_sql(f"pragma busy_timeout={before}")
