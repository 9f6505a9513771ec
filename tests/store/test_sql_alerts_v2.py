"""Alerts of version 1 are brought to version 2, with everything in them, or stay as they were."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from analytics.alerts.book import AlertBook
from analytics.facts import Transitions, What
from store.migrations import alert_subjects
from store.records import Alert, AlertState
from store.schema import VERSION
from store.sql_store import SqlOperations
from telemetry.clock import ManualClock
from telemetry.errors import StoreError
from telemetry.live import Hub
from tests.analytics.city import T0, catalogue
from tests.analytics.test_book import transitions

# As version 1 made them.
OLD = """
create table meta(version integer not null);
insert into meta values (1);
create table alerts(id varchar(40) primary key not null, rule varchar(64) not null, device varchar(64) not null,
    kind varchar(32) not null, quantity varchar(32) not null, severity integer not null,
    state varchar(16) not null, raised bigint not null, updated bigint not null, value float, worst float,
    level float not null, cleared bigint, acknowledged bigint, acknowledged_by text not null,
    cause varchar(40) not null);
create index alerts_raised on alerts(raised, id);
create index alerts_device on alerts(device);
create unique index one_standing_alert on alerts(rule, device)
    where state in ('unacknowledged', 'acknowledged', 'suppressed');
create table alert_events(number integer primary key autoincrement, alert varchar(40) not null,
    time bigint not null, what varchar(16) not null, by text not null, value float, text text not null);
"""
INSERT = "insert into alerts values (?,?,'phu-an','level','flood_stage',?,?,?,?,?,?,0.5,?,?,?,'')"


def rows() -> list[tuple[Any, ...]]:
    s = 1_000_000_000
    return [
        ("a1", "flood_bd1", 2, "cleared", T0, T0 + 9 * s, 0.0, 1.0, T0 + 9 * s, T0 + 5 * s, "Lan"),
        ("a2", "flood_bd1", 2, "acknowledged", T0 + 20 * s, T0 + 40 * s, 2.0, 2.0, None, T0 + 30 * s, "Lan"),
        ("a3", "flood_bd2", 3, "unacknowledged", T0 + 25 * s, T0 + 40 * s, 2.0, 2.0, None, None, ""),
        ("a4", "flood_bd3", 4, "returned", T0 + 10 * s, T0 + 15 * s, 0.0, 3.0, T0 + 15 * s, None, ""),
    ]  # fmt: skip


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "o.db"
    with sqlite3.connect(path) as db:
        db.executescript(OLD)
        db.executemany(INSERT, rows())
        db.executemany(
            "insert into alert_events(alert, time, what, by, value, text) values (?, ?, ?, '', null, '')",
            [("a1", T0, "raised"), ("a1", T0 + 9, "cleared"), ("a2", T0 + 20, "raised")],
        )
    db.close()
    return path


def test_alerts_conditions_and_history_are_kept(old: Path) -> None:
    for _ in range(2):  # the second time there is nothing to do
        store = SqlOperations(f"sqlite:///{old}")
        found = {a.id: a for a in store.alerts()}
        store.close()
        assert set(found) == {"a1", "a2", "a3", "a4"}
        assert (found["a2"].subject, found["a2"].family, found["a2"].active) == (
            "phu-an",
            "flood_bd1",
            True,
        )
        assert (found["a2"].acknowledged_by, found["a2"].announced) == ("Lan", found["a2"].raised)
        assert (found["a4"].active, found["a4"].worst) == (False, 3.0)
    store = SqlOperations(f"sqlite:///{old}")
    stand = {(c.rule, c.stands, c.time) for c in store.conditions()}
    s = 1_000_000_000
    assert stand == {
        ("flood_bd1", True, T0 + 40 * s), ("flood_bd2", True, T0 + 40 * s), ("flood_bd3", False, T0 + 15 * s),
    }  # fmt: skip
    lines = [(e.what, e.state, e.severity) for e in store.alert_events("a1")]
    assert lines == [("raised", "unacknowledged", 2), ("cleared", "cleared", 2)]
    store.close()
    with sqlite3.connect(old) as db:
        assert db.execute("select version from meta").fetchall() == [(VERSION,)]
    db.close()


def test_levels_that_were_alerts_of_their_own_go_on_as_one(old: Path) -> None:
    store = SqlOperations(f"sqlite:///{old}")
    known = catalogue()
    store.put_devices(known.devices)
    book = AlertBook(store, known, Hub(), ManualClock(T0))
    (alert,) = book.standing()
    assert (alert.id, alert.rule, alert.family, alert.severity) == (
        "a3",
        "flood_bd2",
        "flood_stage",
        3,
    )
    assert [e.text for e in store.alert_events("a2")][-1] == "goes on as a3"
    # What version 1 had taken in is old news, and the last level to go ends the one alert.
    book.apply(told(known, What.RAISE, "flood_bd3", 12))
    book.apply(told(known, What.CLEAR, "flood_bd2", 50))
    assert [a.rule for a in book.standing()] == ["flood_bd1"]
    book.apply(told(known, What.CLEAR, "flood_bd1", 60))
    assert [(a.id, a.state) for a in book.standing()] == [("a3", AlertState.RETURNED)]
    store.close()


def told(known: Any, what: What, rule: str, s: int) -> Transitions:
    return transitions(known, (what, rule, "phu-an", s, 1.0))


def test_a_kill_in_between_leaves_version_1(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(alert_subjects, "_OVER", "insert into nothing values (1)")
        with pytest.raises(StoreError, match="could not go from the first"):
            SqlOperations(f"sqlite:///{old}")
    with sqlite3.connect(old) as db:
        assert db.execute("select count(device) from alerts").fetchall() == [(4,)]
        assert db.execute("select version from meta").fetchall() == [(1,)]
    db.close()
    store = SqlOperations(f"sqlite:///{old}")
    assert len(store.alerts()) == 4
    store.close()


def test_the_database_itself_holds_one_open_alert(tmp_path: Path) -> None:
    store = SqlOperations(f"sqlite:///{tmp_path / 'o.db'}")
    made = Alert(
        id="a", rule="flood_bd1", family="flood_stage", subject="phu-an", kind="level", quantity="flood_stage",
        severity=2, state=AlertState.SHELVED, raised=1, updated=1, value=1.0, worst=1.0, level=0.5,
    )  # fmt: skip
    store.save_alerts([made], [])
    for state in AlertState:
        second = made.but(id="b", rule="flood_bd2", state=state)
        if state is not AlertState.CLEARED:
            with pytest.raises(StoreError, match="is open already"):
                store.save_alerts([second], [])
    store.save_alerts([made.but(id="b", state=AlertState.CLEARED)], [])
    store.close()
