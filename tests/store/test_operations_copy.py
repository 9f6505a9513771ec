"""The operations store into files and back: every table, of one moment, from either database into either."""

from __future__ import annotations

import gzip
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Engine,
    Float,
    LargeBinary,
    MetaData,
    Table,
    event,
    select,
)
from sqlalchemy.types import Integer

from store.copy_files import Manifest, check, copied, read_manifest, write_manifest
from store.operations_copy import copy_operations, occupied, restore_operations
from store.schema import METADATA, REVISION
from store.sql_engine import open_engine
from store.sql_migrate import alone, go_to
from store.sql_store import SqlOperations
from telemetry.errors import StoreError
from tests.store.postgres import Postgres
from tests.store.test_operations_contract import alert, item

SQLITE, POSTGRESQL = "sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)
Rows = dict[str, list[tuple[Any, ...]]]


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """A new, empty database of a sort."""
    lent: list[tuple[Postgres, str]] = []

    def make(sort: str) -> str:
        if sort == "sqlite":
            return f"sqlite:///{tmp_path / uuid.uuid4().hex}.db"
        server: Postgres = request.getfixturevalue("postgres")
        lent.append((server, server.borrow()))
        return lent[-1][1]

    yield make
    for server, url in lent:
        server.give_back(url)


def quiet(part: str, share: float) -> None:
    assert part and 0 <= share <= 1


def fill(url: str, step: str = REVISION) -> None:
    """Something in every column of every table."""
    engine = open_engine(url)
    with alone(engine) as db:
        go_to(db, step)
        tables = MetaData()
        tables.reflect(db)
        for table in tables.sorted_tables:
            if table.name in METADATA.tables and table.name != "meta":
                db.execute(table.insert(), [row(table, n) for n in (1, 2, 3)])
    engine.dispose()


def row(table: Table, n: int) -> dict[str, Any]:
    return {c.name: value(c, n) for c in table.columns}


def value(column: Column[Any], n: int) -> Any:
    sort, name = column.type, column.name
    if isinstance(sort, LargeBinary):
        return bytes([0, n, 255])
    if isinstance(sort, Boolean):
        return n == 2
    if isinstance(sort, Float):
        return None if n == 3 and column.nullable else n / 3
    if isinstance(sort, Integer):
        return n + 10**18 * (n == 2 and isinstance(sort, BigInteger) and name != "number")
    if name in ("limits", "tags"):
        return {"limits": "{}", "tags": "[]"}[name]
    return f"{n}Ắ\n\\\"'{name}"[: getattr(sort, "length", None)]


def everything(url: str) -> Rows:
    engine = open_engine(url)
    found: Rows = {}
    with engine.connect() as db:
        tables = MetaData()
        tables.reflect(db)
        for table in tables.sorted_tables:
            rows = db.execute(select(table).order_by(*table.columns)).all()
            found[table.name] = [
                tuple(bytes(v) if isinstance(v, memoryview) else v for v in r) for r in rows
            ]
    engine.dispose()
    return found


def copy(url: str, root: Path) -> Manifest:
    files, revision, sequences = copy_operations(url, root, quiet)
    made = Manifest(
        made="2026-11-28T02:00:00Z", program="0", city="hcmc", telemetry="duckdb",
        operations=url.partition(":")[0], revision=revision, sequences=sequences, files=files,
    )  # fmt: skip
    write_manifest(root, made)
    return read_manifest(root)


@pytest.mark.parametrize("into", [SQLITE, POSTGRESQL])
@pytest.mark.parametrize("source", [SQLITE, POSTGRESQL])
def test_every_table_comes_back_as_it_was(
    database: Callable[[str], str], tmp_path: Path, source: str, into: str
) -> None:
    one, other = database(source), database(into)
    fill(one)
    manifest = copy(one, tmp_path / "copy")
    check(tmp_path / "copy", manifest, quiet)
    assert manifest.rows("operations") == {n: 3 for n in METADATA.tables if n != "meta"}
    assert occupied(other) == ""
    restore_operations(other, tmp_path / "copy", manifest, quiet)
    assert everything(other) == everything(one)
    assert "alerts" in occupied(other)
    store = SqlOperations(other)  # numbers go on behind those that were given
    store.save_alerts([alert(9)], [])
    before = store.last_alert_event()
    store.put_quarantine([item("q", 1)])
    assert before == 3 and store.revision() == REVISION
    store.close()


@pytest.mark.postgresql
def test_a_number_that_was_given_is_never_given_again(
    database: Callable[[str], str], tmp_path: Path, postgres: Postgres
) -> None:
    one, other = database("postgresql"), database("postgresql")
    fill(one)
    with postgres.connect(one.rpartition("/")[2]) as db:
        db.execute("select setval('alert_events_number_seq', 70)")
    restore_operations(other, tmp_path, copy(one, tmp_path), quiet)
    with postgres.connect(other.rpartition("/")[2]) as db:
        assert db.execute("select nextval('alert_events_number_seq')").fetchone() == (71,)
        assert db.execute("select nextval('devices_number_seq')").fetchone() == (4,)


@pytest.mark.parametrize("sort", [SQLITE, POSTGRESQL])
def test_a_copy_of_an_older_version_is_brought_up_to_date(
    database: Callable[[str], str], tmp_path: Path, sort: str
) -> None:
    old, new = database(sort), database(sort)
    fill(old, "0007")
    manifest = copy(old, tmp_path)
    assert manifest.revision == "0007"
    restore_operations(new, tmp_path, manifest, quiet)
    store = SqlOperations(new)
    assert store.revision() == REVISION
    assert [d.name for d in store.devices()] == [d[3] for d in everything(old)["devices"]]
    store.close()
    assert len(everything(new)["quarantine"]) == 3


@pytest.mark.parametrize("sort", [SQLITE, POSTGRESQL])
def test_it_is_of_one_moment_though_others_write(
    database: Callable[[str], str], tmp_path: Path, sort: str
) -> None:
    url = database(sort)
    store = SqlOperations(url)
    store.save_alerts([alert(1)], [])
    written: list[str] = []

    def between(part: str, share: float) -> None:
        # The first table is being copied: what comes now stands in no table of the copy.
        name = f"q{len(written)}"
        store.put_quarantine([item(name, 1)])
        store.save_alerts([alert(10 + len(written), subject=name)], [])
        written.append(name)

    files, _, _ = copy_operations(url, tmp_path, between)
    store.close()
    assert written
    rows = {f.path.split("/")[1].split(".")[0]: f.rows for f in files}
    assert (rows["alerts"], rows["quarantine"]) == (1, 0)


def test_what_is_interrupted_leaves_the_database_as_it_was(
    database: Callable[[str], str], tmp_path: Path
) -> None:
    one, other = database("sqlite"), database("sqlite")
    fill(one)
    fill(other)
    manifest = copy(one, tmp_path / "copy")
    SqlOperations(other).put_quarantine([item("mine", 5)])
    before = everything(other)
    path = tmp_path / "copy" / "operations" / "quarantine.jsonl.gz"
    lines = gzip.decompress(path.read_bytes()).splitlines()
    path.write_bytes(gzip.compress(b"\n".join(lines[:-1])))
    with pytest.raises(StoreError, match="quarantine"):
        restore_operations(other, tmp_path / "copy", manifest, quiet)
    assert everything(other) == before


def test_a_file_that_is_not_what_was_written_is_found(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b.gz"
    file.parent.mkdir()
    file.write_bytes(b"12345")
    manifest = Manifest(
        made="", program="", city="", telemetry="duckdb", operations="", revision=REVISION,
        sequences={}, files=[copied(tmp_path, file, 1)],
    )  # fmt: skip
    check(tmp_path, manifest, quiet)
    file.write_bytes(b"12346")
    with pytest.raises(StoreError, match="checksum"):
        check(tmp_path, manifest, quiet)
    file.unlink()
    with pytest.raises(StoreError, match="missing"):
        check(tmp_path, manifest, quiet)


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../../b"])
def test_a_manifest_names_nothing_outside_of_its_folder(tmp_path: Path, path: str) -> None:
    (tmp_path / "x").write_bytes(b"")
    file = copied(tmp_path, tmp_path / "x", 0)
    manifest = Manifest(
        made="", program="", city="", telemetry="duckdb", operations="", revision=REVISION,
        sequences={}, files=[type(file)(path, 0, 0, file.sha256)],
    )  # fmt: skip
    write_manifest(tmp_path, manifest)
    with pytest.raises(StoreError, match="outside"):
        read_manifest(tmp_path)


def test_newer_tables_and_none_at_all_are_refused_in_words(
    database: Callable[[str], str], tmp_path: Path
) -> None:
    one = database("sqlite")
    fill(one)
    manifest = copy(one, tmp_path)
    newer = Manifest(
        **{f: getattr(manifest, f) for f in manifest.__struct_fields__} | {"revision": "9999"}
    )
    with pytest.raises(StoreError, match="9999"):
        restore_operations(database("sqlite"), tmp_path, newer, quiet)
    with sqlite3.connect(tmp_path / "empty.db") as db:
        db.executescript("pragma journal_mode=WAL; create table mine(x)")
    with pytest.raises(StoreError, match="nothing to back up"):
        copy_operations(f"sqlite:///{tmp_path / 'empty.db'}", tmp_path, quiet)


def test_the_copy_changes_nothing(database: Callable[[str], str], tmp_path: Path) -> None:
    url = database("sqlite")
    fill(url)
    wrote: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.split()[0].lower() in ("insert", "update", "delete", "create", "drop"):
            wrote.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        copy_operations(url, tmp_path, quiet)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert wrote == []
