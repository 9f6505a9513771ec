"""The operations store → files of rows, and back: of one moment, from SQLite or PostgreSQL into either.

Tables are taken as they are in the database, not as this version declares them: a copy of an older version
is put back at its own step, and goes on from there as its database would have.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import (
    Connection,
    MetaData,
    Table,
    bindparam,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import SQLAlchemyError

from store.copy_files import CopiedFile, Manifest, Tell, copied, read_lines, write_lines
from store.schema import METADATA, REVISION
from store.sql_address import shown
from store.sql_engine import open_engine
from store.sql_migrate import MARK, alone, go_to, revision
from store.sql_trouble import refused
from telemetry.errors import StoreError

PART = "operations"
_FOLDER = "operations"
_ROWS_AT_ONCE = 1_000
# Marks of the schema: made with it, and no content.
_OF_SCHEMA = {MARK.name, "meta"}


def copy_operations(
    url: str, root: Path, tell: Tell
) -> tuple[list[CopiedFile], str, dict[str, int]]:
    """Write every table into `root`, of one moment, also while others write.

    Returns the files, the step of the tables, and the numbers that were given. Raises StoreError.
    """
    engine = open_engine(url, read_only=True)
    try:
        with engine.connect() as db:
            _one_moment(db)
            step = revision(db)
            if step is None:
                raise StoreError(shown(url), "holds no tables of ours: there is nothing to back up")
            if not step:
                raise StoreError(
                    shown(url), "is of a version from before there were steps",
                    remedy="start the platform once, which brings it up to date",
                )  # fmt: skip
            tables = _ours(db)
            counts = {t.name: _count(db, t) for t in tables}
            whole = sum(counts.values()) or 1
            files, before = [], 0
            for table in tables:
                path = root / _FOLDER / f"{table.name}.jsonl.gz"
                rows = _rows(db, table)
                lines = _told(_lines(table, rows), before, whole, tell)
                files.append(copied(root, path, write_lines(path, lines) - 1))
                before += counts[table.name]
            return files, step, _sequences(db, tables)
    except SQLAlchemyError as error:
        raise refused(shown(url), "can't be copied", error) from error
    finally:
        engine.dispose()


def occupied(url: str) -> str:
    """What stands in the way of putting a copy there, in words; "" where the database is empty."""
    engine = open_engine(url)
    try:
        with engine.connect() as db:
            if revision(db) is None:
                return ""
            full = [t.name for t in _ours(db) if t.name not in _OF_SCHEMA and _count(db, t)]
        return f"{shown(url)} holds {', '.join(full)}" if full else ""
    except SQLAlchemyError as error:
        raise refused(shown(url), "can't be looked at", error) from error
    finally:
        engine.dispose()


def restore_operations(url: str, root: Path, manifest: Manifest, tell: Tell) -> None:
    """Put the tables back, in place of those that are there: in one transaction, whole or not at all."""
    if not manifest.revision.isdecimal() or int(manifest.revision) > int(REVISION):
        raise StoreError(
            str(root), f"must be of tables that this version knows, up to {REVISION}",
            manifest.revision, "restore it with the version that made it, or a newer one",
        )  # fmt: skip
    engine = open_engine(url)
    try:
        with alone(engine) as db:
            _drop(db)
            go_to(db, manifest.revision)
            _fill(db, root, manifest, tell)
            _give_numbers(db, manifest.sequences)
            go_to(db, REVISION)
    except SQLAlchemyError as error:
        raise refused(shown(url), "can't be restored", error) from error
    finally:
        engine.dispose()


def _one_moment(db: Connection) -> None:
    if db.dialect.name == "postgresql":
        db.exec_driver_sql("set transaction isolation level repeatable read, read only")
        db.exec_driver_sql("set local idle_in_transaction_session_timeout = 0")
        db.exec_driver_sql("set local statement_timeout = 0")
    else:
        db.exec_driver_sql("begin")  # its driver begins none for a SELECT


def _ours(db: Connection) -> list[Table]:
    """The tables that are there and are ours, each after those that it refers to."""
    there = set(inspect(db).get_table_names())
    names = [n for n in METADATA.tables if n in there]
    found = MetaData()
    found.reflect(db, only=names, resolve_fks=False)
    return [t for t in found.sorted_tables if t.name not in _OF_SCHEMA]


def _count(db: Connection, table: Table) -> int:
    return db.execute(select(func.count()).select_from(table)).scalar_one()


def _rows(db: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    query = select(table).order_by(*table.primary_key.columns)
    result = db.execution_options(stream_results=True, yield_per=_ROWS_AT_ONCE).execute(query)
    for row in result:
        yield tuple(row)


def _lines(table: Table, rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
    yield msgspec.json.encode([str(c.name) for c in table.columns])
    for row in rows:
        yield msgspec.json.encode([_encoded(value) for value in row])


def _told(lines: Iterator[bytes], before: int, whole: int, tell: Tell) -> Iterator[bytes]:
    for n, line in enumerate(lines):
        if n % _ROWS_AT_ONCE == 0:
            tell(PART, min((before + n) / whole, 1.0))
        yield line


def _encoded(value: Any) -> Any:
    """A value for JSON; an object stands for what JSON has no word for."""
    if isinstance(value, bytes | memoryview):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _decoded(value: Any) -> Any:
    if isinstance(value, dict):
        if "bytes" in value:
            return base64.b64decode(value["bytes"])
        return float(value["float"])
    return value


def _drop(db: Connection) -> None:
    there = MetaData()
    names = set(inspect(db).get_table_names()) & ({*METADATA.tables, MARK.name})
    there.reflect(db, only=sorted(names), resolve_fks=False)
    there.drop_all(db)


def _fill(db: Connection, root: Path, manifest: Manifest, tell: Tell) -> None:
    counts = manifest.rows(_FOLDER)
    whole, done = sum(counts.values()) or 1, 0
    tables = {t.name: t for t in _ours(db)}
    for name in [n for n in tables if n in counts]:
        lines = read_lines(root / _FOLDER / f"{name}.jsonl.gz")
        columns = msgspec.json.decode(next(lines), type=list[str])
        statement = tables[name].insert().values({c: bindparam(c) for c in columns})
        written = 0
        while some := list(islice(lines, _ROWS_AT_ONCE)):
            rows = [msgspec.json.decode(line, type=list[Any]) for line in some]
            db.execute(
                statement,
                [dict(zip(columns, map(_decoded, row), strict=True)) for row in rows],
            )
            written += len(rows)
            tell(PART, (done + written) / whole)
        done += written
        if written != counts[name] or _count(db, tables[name]) != counts[name]:
            raise StoreError(str(root), f"holds {written} rows of {name}", counts[name])
    if unknown := set(counts) - set(tables):
        raise StoreError(str(root), "holds tables that this version does not know", sorted(unknown))


def _sequences(db: Connection, tables: list[Table]) -> dict[str, int]:
    """Table → the highest number that it gave: one that was given is never given again."""
    found: dict[str, int] = {}
    if db.dialect.name == "postgresql":  # SQLite counts on from the highest row
        for table, name in _sequenced(db, tables):
            last, called = db.exec_driver_sql(f"select last_value, is_called from {name}").one()
            found[table.name] = int(last) if called else 0
    return found


def _sequenced(db: Connection, tables: Iterable[Table]) -> Iterator[tuple[Table, str]]:
    """Tables whose key counts up by itself on PostgreSQL, with their sequences."""
    for table in tables:
        keys = list(table.primary_key.columns)
        if len(keys) == 1:
            name = db.execute(_SEQUENCE, {"t": table.name, "c": keys[0].name}).scalar()
            if name:
                yield table, str(name)


_SEQUENCE = text("select pg_get_serial_sequence(:t, :c)")


def _give_numbers(db: Connection, sequences: dict[str, int]) -> None:
    if db.dialect.name != "postgresql":
        return
    for table, name in _sequenced(db, _ours(db)):
        (key,) = table.primary_key.columns
        highest = db.execute(select(func.max(key))).scalar() or 0
        last = max(int(highest), sequences.get(table.name, 0))
        given = {"n": name, "v": max(last, 1), "called": last > 0}
        db.execute(text("select setval(cast(:n as regclass), :v, :called)"), given)
