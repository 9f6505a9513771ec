"""Every database that there has been is brought to today's tables with all that is in it, or stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect, text

from store import sql_migrate
from store.migrations import alert_subjects
from store.records import QuarantineState
from store.schema import REVISION, VERSION
from store.sql_address import address
from store.sql_store import SqlOperations
from telemetry.errors import StoreError
from tests.conftest import EITHER
from tests.store import old_tables
from tests.store.old_tables import STEPS, T0, differences


@pytest.fixture(params=EITHER)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'o.db'}"
        return
    server = request.getfixturevalue("postgres")
    found: str = server.borrow()
    yield found
    server.give_back(found)


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """The bare database."""
    found = create_engine(address(url))
    yield found
    found.dispose()


def contents(engine: Engine) -> dict[str, list[Any]]:
    """Tables, columns and rows."""
    with engine.connect() as db:
        tables = inspect(db)
        return {
            name: [
                [c["name"] for c in tables.get_columns(name)],
                sorted(map(repr, db.execute(text(f"select * from {name}")))),
            ]
            for name in tables.get_table_names()
        }


def test_the_newest_step_is_the_schemas() -> None:
    config = Config()
    config.set_main_option("script_location", "store:migrations")
    steps = ScriptDirectory.from_config(config)
    assert steps.get_heads() == [REVISION]
    assert [s.revision for s in steps.walk_revisions()][::-1][: len(STEPS)] == STEPS


def test_the_steps_make_what_the_schema_declares(engine: Engine) -> None:
    with engine.begin() as db:
        if db.dialect.name == "sqlite":
            db.exec_driver_sql("begin immediate")
        sql_migrate._upgrade(db)
    assert differences(engine) == []


def test_a_new_database_is_what_the_schema_declares(url: str, engine: Engine) -> None:
    store = SqlOperations(url)
    assert store.revision() == REVISION
    store.close()
    assert differences(engine) == []


@pytest.mark.parametrize("step", STEPS)
def test_what_any_earlier_program_left_is_kept(url: str, engine: Engine, step: str) -> None:
    old_tables.make(url, step)
    for _ in range(2):  # the second time there is nothing to do
        store = SqlOperations(url)
        assert store.revision() == REVISION
        _check(store, step)
        store.close()
    assert differences(engine) == []
    with engine.connect() as db:
        assert db.execute(text("select version from meta")).fetchall() == [(VERSION,)]


def _check(store: SqlOperations, step: str) -> None:
    one, two = store.devices()
    assert (one.id, one.name, one.lat, one.limits, one.tags) == (
        "phu-an", "Trạm Phú An", 10.77, {"bd1": 1.4}, (),
    )  # fmt: skip
    assert two.id == "aq-1"
    found = {a.id: a for a in store.alerts()}
    assert set(found) == {"a1", "a2", "a3", "a4"}
    assert (found["a2"].subject, found["a2"].family, found["a2"].active) == (
        "phu-an", "flood_bd1", True,
    )  # fmt: skip
    assert (found["a2"].acknowledged_by, found["a1"].cleared) == ("Lan", T0 + 9_000_000_000)
    assert (found["a4"].active, found["a4"].worst, found["a4"].state) == (False, 3.0, "returned")
    assert found["a3"].worst != found["a3"].worst
    lines = [(e.what, e.text) for e in store.alert_events("a1")]
    assert lines == [("raised", "chữ"), ("cleared", "chữ")]
    (item,) = store.quarantine(preview=2)
    assert (item.seen, item.state, item.payload, item.size) == (
        3,
        QuarantineState.WAITING,
        b"\xff\0",
        7,
    )
    assert {c.rule for c in store.conditions()} >= {"flood_bd1"}
    if step >= "0003":
        assert (store.notify_cursor("duty"), store.notified("duty")) == (2, {"a2"})
    if step >= "0005":
        assert [r.code for r in store.custom_rules()] == ["b_rule"]
    if step >= "0006":
        assert [o.why for o in store.out_of_service()] == ["thay cảm biến"]


def test_what_comes_next_is_numbered_on(url: str) -> None:
    old_tables.make(url, "0001")
    store = SqlOperations(url)
    (a1,) = (a for a in store.alerts() if a.id == "a1")
    (line, *_) = store.alert_events("a1")
    store.save_alerts([a1], [line])
    assert store.last_alert_event() == 4
    with pytest.raises(StoreError, match="is open already"):
        store.save_alerts([a1.but(id="b1", state="unacknowledged")], [])
    store.close()


@pytest.mark.parametrize("table", ["alerts", "alert_events", "meta"])
def test_a_database_that_a_kill_left_half_made_is_completed(
    url: str, engine: Engine, table: str
) -> None:
    old_tables.make(url, "0007")
    with engine.begin() as db:
        db.execute(text(f"drop table {table}"))
    SqlOperations(url).close()
    assert differences(engine) == []


@pytest.mark.parametrize(
    "newer", ["update alembic_version set version_num = '0999'", "update alembic_version set version_num = 'abc'",
              "drop table alembic_version"],
)  # fmt: skip
def test_a_newer_programs_database_is_refused_and_left_alone(
    url: str, engine: Engine, newer: str
) -> None:
    SqlOperations(url).close()
    with engine.begin() as db:
        db.execute(text(newer))
    before = contents(engine)
    with pytest.raises(
        StoreError, match="a newer version of the platform wrote it: start that one"
    ):
        SqlOperations(url)
    assert contents(engine) == before


@pytest.mark.parametrize("step", ["0001", "0005"])
def test_a_step_that_fails_leaves_everything_as_it_was(
    url: str, engine: Engine, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_tables.make(url, step)
    before = contents(engine)
    with monkeypatch.context() as broken:
        broken.setattr(alert_subjects, "_OVER", "insert into nothing values (1)")
        with pytest.raises(
            StoreError, match=f"could not go from the first to {REVISION}: .*nothing"
        ) as told:
            SqlOperations(url)
    assert "Nothing in it has changed" in str(told.value)
    assert contents(engine) == before
    store = SqlOperations(url)
    assert len(store.alerts()) == 4
    store.close()


def _open(url: str, ready: Any, go: Any, told: Any) -> None:
    ready.release()
    go.wait(60)
    try:
        store = SqlOperations(url)
        told.put(len(store.alerts()))
        store.close()
    except Exception as error:
        told.put(repr(error))


@pytest.mark.parametrize("step", ["", "0001"])
def test_processes_that_start_at_once_do_not_get_into_each_others_way(
    url: str, engine: Engine, step: str
) -> None:
    if step:
        old_tables.make(url, step)
    context = get_context("spawn")
    ready, go, told = context.Semaphore(0), context.Event(), context.Queue()
    processes = [context.Process(target=_open, args=(url, ready, go, told)) for _ in range(3)]
    for process in processes:
        process.start()
    for _ in processes:
        assert ready.acquire(timeout=60)
    go.set()
    answers = [told.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(60)
    assert answers == [4 if step else 0] * 3
    assert differences(engine) == []
