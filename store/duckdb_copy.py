"""A DuckDB file → Parquet, a file a table, and back. In one transaction: of one moment, also beside a writer."""

from __future__ import annotations

from pathlib import Path

import duckdb

from store.copy_files import CopiedFile, Manifest, Tell, copied
from store.duckdb_file import open_duckdb
from store.duckdb_store import SCHEMA
from telemetry.errors import StoreError

PART = "telemetry"
_FOLDER = "telemetry"
# Parquet is written and read in pieces of this many rows: what is in memory at once.
_GROUP = 100_000


def copy_duckdb(db: duckdb.DuckDBPyConnection, root: Path, tell: Tell) -> list[CopiedFile]:
    """Write every table into `root`. `db`: a connection or cursor of its own. Raises StoreError."""
    folder = root / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = []
    try:
        db.execute("begin")
        counts = {name: _count(db, name) for name in _tables(db)}
        whole, done = sum(counts.values()) or 1, 0
        for name, rows in counts.items():
            tell(PART, done / whole)
            path = folder / f"{name}.parquet"
            db.execute(
                f"copy {name} to '{_quoted(path)}' "
                f"(format parquet, compression zstd, row_group_size {_GROUP})"
            )
            files.append(copied(root, path, rows))
            done += rows
        tell(PART, 1.0)
    except duckdb.Error as error:
        raise StoreError(str(root), f"DuckDB can't be copied: {error}") from error
    finally:
        db.execute("rollback")
    return files


def copy_duckdb_file(path: Path, root: Path, tell: Tell) -> list[CopiedFile]:
    """The same of a file that no process has open. Raises StoreBusy where one has, StoreError."""
    if not path.exists():
        raise StoreError(str(path), "is not there: nothing was stored yet")
    db = open_duckdb(path, read_only=True)
    try:
        return copy_duckdb(db, root, tell)
    finally:
        db.close()


def restore_duckdb(path: Path, root: Path, manifest: Manifest, memory_mb: int, tell: Tell) -> None:
    """Make the file anew from a copy; it stands in its place when it is whole."""
    beside = path.with_name(path.name + ".restored")
    remove_duckdb(beside)
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = manifest.rows(_FOLDER)
    whole, done = sum(counts.values()) or 1, 0
    db = open_duckdb(beside, memory_mb=memory_mb)
    try:
        # In the order of the file, so that it is as quick to read as the one that was copied.
        db.execute(SCHEMA)
        there = _tables(db)
        for name, rows in counts.items():
            source = f"read_parquet('{_quoted(root / _FOLDER / f'{name}.parquet')}')"
            made = f"insert into {name} by name" if name in there else f"create table {name} as"
            db.execute(f"{made} select * from {source}")
            if _count(db, name) != rows:
                raise StoreError(str(root), f"holds {_count(db, name)} rows of {name}", rows)
            done += rows
            tell(PART, done / whole)
        db.execute("checkpoint")
    except duckdb.Error as error:
        raise StoreError(str(path), f"can't be restored: {error}") from error
    finally:
        db.close()
    remove_duckdb(path)
    beside.replace(path)


def remove_duckdb(path: Path) -> None:
    """Remove a file and what DuckDB keeps beside it."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + ".wal").unlink(missing_ok=True)


def _tables(db: duckdb.DuckDBPyConnection) -> list[str]:
    found = db.execute(
        "select table_name from duckdb_tables() where not internal order by table_name"
    ).fetchall()
    return [str(name) for (name,) in found]


def _count(db: duckdb.DuckDBPyConnection, table: str) -> int:
    row = db.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return int(row[0])


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
