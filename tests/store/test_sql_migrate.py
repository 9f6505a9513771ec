"""A database of an earlier version is opened, completed and kept; one that is only looked at stays as it is."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from store.records import QuarantineFilter, QuarantineState
from store.sql_store import SqlOperations
from telemetry.errors import StoreError

# As the first version made it.
OLD = """
create table meta(version integer not null);
insert into meta values (1);
create table quarantine(
    id varchar(40) primary key not null, received bigint not null, topic text not null,
    payload blob not null, reason varchar(32) not null, path text not null, detail text not null,
    device varchar(64) not null, kind varchar(32) not null, seen integer not null);
insert into quarantine values
    ('q1', 10, 'city/air/x/telemetry', x'68656c6c6f', 'not_json', '$', 'words', 'x', 'air', 3);
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "o.db"
    with sqlite3.connect(path) as db:
        db.executescript(OLD)
    db.close()
    return path


def test_an_earlier_database_gets_what_it_lacks(old: Path) -> None:
    for _ in range(2):  # the second time there is nothing to add
        store = SqlOperations(f"sqlite:///{old}")
        (found,) = store.quarantine(preview=2)
        assert (found.id, found.seen, found.state) == ("q1", 3, QuarantineState.WAITING)
        assert (found.payload, found.size, found.acted, found.note) == (b"he", 5, None, "")
        assert store.devices() == []
        store.close()
    with sqlite3.connect(old) as db:
        indexes = {row[1] for row in db.execute("pragma index_list(quarantine)")}
        # What the earlier version writes still fits.
        db.execute(
            "insert into quarantine(id, received, topic, payload, reason, path, detail, device, kind, seen)"
            " values ('q2', 11, 't', x'00', 'not_json', '$', '', '', '', 1)"
        )
    db.close()
    assert {"quarantine_age", "quarantine_state"} <= indexes
    store = SqlOperations(f"sqlite:///{old}")
    assert store.quarantine_counts(QuarantineFilter()) == {"not_json": 2}
    store.close()


def test_looking_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    SqlOperations(f"sqlite:///{path}").close()
    before = path.read_bytes()
    store = SqlOperations(f"sqlite:///{path}", read_only=True)
    assert store.devices() == []
    with pytest.raises(StoreError, match="readonly"):
        store.purge_quarantine(0, 0)
    store.close()
    assert path.read_bytes() == before


def test_looking_at_nothing_makes_nothing(tmp_path: Path) -> None:
    store = SqlOperations(f"sqlite:///{tmp_path / 'none.db'}", read_only=True)
    with pytest.raises(StoreError, match="can't read"):
        store.devices()
    store.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_another_process_is_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("begin immediate")
    other.execute("create table theirs(a)")
    ending = threading.Timer(0.5, other.execute, ["commit"])
    ending.start()
    store = SqlOperations(f"sqlite:///{path}")
    assert store.devices() == []
    store.close()
    ending.join()
    other.close()
