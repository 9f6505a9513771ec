"""The operations store on PostgreSQL: what a network and a second process bring, and what SQLite does not mind."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event

from devices.device import Device
from ingest.broker import free_port
from store.operations import OperationsStore
from store.records import AlertEvent, AlertState
from store.sql_address import address, shown
from store.sql_store import SqlOperations
from telemetry.errors import StoreError
from telemetry.settings import load_settings
from tests.brokers import wait_until
from tests.services import require
from tests.store.postgres import PASSWORD, QUOTED, Postgres, postgres_present
from tests.store.test_operations_contract import alert, item

pytestmark = pytest.mark.postgresql


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    found = postgres.borrow()
    yield found
    postgres.give_back(found)


def words(url: str) -> str:
    """What is said where the store can't be opened; never the password."""
    with pytest.raises(StoreError) as caught:
        SqlOperations(url)
    text = str(caught.value)
    assert "\n" not in text and PASSWORD not in text and QUOTED not in text and "wrong" not in text
    return text


def test_a_password_of_any_characters_opens_it_and_is_never_shown(url: str) -> None:
    store = SqlOperations(url)
    assert store.devices() == []
    store.close()
    assert shown(url).startswith("postgresql://…@127.0.0.1:") and QUOTED not in shown(url)
    assert "s3cret" not in shown("postgresql://h/db?password=s3cret")
    assert PASSWORD not in str(address(url)) and PASSWORD not in repr(address(url))


@pytest.mark.parametrize(
    ("user", "password", "database", "said"),
    [
        ("city", "wrong", "postgres", "password authentication failed.*; check user and password"),
        (
            "nobody",
            "wrong",
            "postgres",
            "password authentication failed.*; check user and password",
        ),
        ("city", QUOTED, "absent", '"absent" does not exist; make the database: createdb'),
    ],
)
def test_who_is_not_let_in_is_told_why(
    postgres: Postgres, user: str, password: str, database: str, said: str
) -> None:
    text = words(postgres.url(database, user, password))
    assert re.search(said, text), text


def test_no_server_is_said_with_its_place() -> None:
    port = free_port()
    text = words(f"postgresql://city:{QUOTED}@127.0.0.1:{port}/city")
    assert f"…@127.0.0.1:{port}/city" in text
    assert "is PostgreSQL running, and are host and port of URBAN_OPERATIONS its own?" in text


def test_a_role_without_the_right_to_make_tables_is_told_which_it_needs(
    postgres: Postgres, url: str
) -> None:
    database = url.rpartition("/")[2]
    postgres.run("drop role if exists guest")
    postgres.run("create role guest login password 'guest-pw'")
    text = words(postgres.url(database, "guest", "guest-pw"))
    assert "permission denied for schema public; let the role make tables: grant" in text
    # With the least that the README asks for, it opens.
    postgres.run("grant create, usage on schema public to guest", database)
    store = SqlOperations(postgres.url(database, "guest", "guest-pw"))
    store.put_devices([Device(id="aq-1", kind="air")])
    store.close()
    postgres.run("drop owned by guest", database)
    postgres.run("drop role guest")


def test_the_documents_role_can_do_all_that_is_needed_and_no_more(postgres: Postgres) -> None:
    text = (Path(__file__).parents[2] / "docs" / "postgresql.md").read_text(encoding="utf-8")
    server, database = re.findall(r"```sql\n(.+?)```", text, flags=re.S)
    for statement in server.split(";")[:-1]:
        postgres.run(statement)
    with postgres.connect("urban") as db:
        db.execute(database)
    url = postgres.url("urban", "urban", "choose-one")
    store = SqlOperations(url)
    store.save_alerts([alert(1)], [AlertEvent(alert="a1", time=1, what="raised")])
    store.close()
    postgres.run("revoke create on schema public from urban", "urban")
    store = SqlOperations(url)
    assert [a.id for a in store.standing()] == ["a1"]
    store.close()
    with psycopg.connect(url) as theirs, pytest.raises(psycopg.errors.InsufficientPrivilege):
        theirs.execute("create schema another")
    with pytest.raises(StoreError, match="password authentication|permission denied"):
        SqlOperations(postgres.url("urban", "urban", "x"))
    postgres.run("drop database urban")
    postgres.run("drop role urban")


def test_tls_is_asked_for_by_the_query_and_refused_in_words(url: str) -> None:
    assert "switch TLS on at the server" in words(f"{url}?sslmode=require")
    assert "sslmode is disable" in words(f"{url}?sslmode=perhaps")
    assert "only what libpq takes" in words(f"{url}?colour=red")


@pytest.mark.parametrize(
    "bad",
    [
        "postgresql://city:wrong@pw@127.0.0.1:5432/city",
        "postgresql://city:wrong@127.0.0.1:fivefour/city",
        "postgresql://city:wrong@127.0.0.1:5432",
        "postgresql://city:wrong@127.0.0.1:5432/",
    ],
)
def test_an_address_that_is_none_is_said_without_its_password(bad: str) -> None:
    text = words(bad)
    assert text.startswith("URBAN_OPERATIONS: ") and "@ is written %40" in text


def test_the_setting_takes_it() -> None:
    given = "postgresql://city:pw@127.0.0.1:5432/city"
    assert load_settings({"URBAN_OPERATIONS": given}).operations_url == given


def test_another_encoding_than_utf8_is_refused(postgres: Postgres) -> None:
    latin = postgres.database(encoding="LATIN1", order="")
    assert "must be in UTF8, got 'LATIN1'; make one: createdb" in words(latin)


def test_looking_changes_nothing_and_makes_nothing(url: str) -> None:
    looker = SqlOperations(url, read_only=True)
    with pytest.raises(StoreError, match="can't read"):
        looker.devices()
    SqlOperations(url).close()
    assert looker.devices() == []
    with pytest.raises(StoreError, match="read-only"):
        looker.put_devices([Device(id="aq-1", kind="air")])
    looker.close()


def test_what_a_hostile_message_brings_is_kept_and_stops_nobody(
    operations: OperationsStore,
) -> None:
    hostile = item(
        "q1",
        10,
        path="$.a\0b",
        detail="half \ud83d of a pair, whole \U0001f600",
        topic="t" * 60_000,
    )
    operations.put_quarantine([hostile, item("q2", 11)])
    found = operations.quarantine_item("q1")
    assert found is not None
    assert (found.path, found.detail) == ("$.a�b", "half � of a pair, whole \U0001f600")
    assert (found.topic, found.payload) == (hostile.topic, hostile.payload)
    assert len(operations.quarantine()) == 2


def test_order_is_of_bytes_whatever_the_language(operations: OperationsStore) -> None:
    names = ["B", "a", "Á", "a-1", "a1", "Z", "đ"]
    operations.put_quarantine([item(n, 10) for n in names])
    found = [q.id for q in operations.quarantine()]
    assert found == sorted(names, key=str.encode, reverse=True)
    assert [q.id for q in operations.quarantine(after=(10, "a"))] == ["Z", "B"]


def test_numbers_beyond_32_bits(operations: OperationsStore) -> None:
    operations.put_quarantine([item("q1", 2**62, seen=2**31)])
    operations.put_quarantine([item("q1", 2**62, seen=2**31)])
    (found,) = operations.quarantine(after=(2**62 + 1, ""))
    assert (found.seen, found.received) == (2**32, 2**62)


def test_a_restart_of_the_server_is_gone_through(tmp_path: Path) -> None:
    require("postgresql", postgres_present())
    server = Postgres()
    try:
        server.start()
        store = SqlOperations(server.database())
        store.save_alerts([alert(1)], [AlertEvent(alert="a1", time=1, what="raised")])
        for kill in (False, True):
            server.stop(kill=kill)
            with pytest.raises(StoreError, match="is PostgreSQL running|shutting down|closed"):
                store.save_alerts([alert(2)], [])
            with pytest.raises(StoreError, match="can't read"):
                store.standing()
            server.start()
            assert [a.id for a in store.standing()] == ["a1"]
            store.save_alerts([alert(1, value=95.0)], [])
        assert len(store.alert_events("a1")) == 1
        store.close()
    finally:
        server.close()


def test_a_statement_that_waits_for_another_is_given_up(postgres: Postgres, url: str) -> None:
    store = SqlOperations(f"{url}?options=-c%20lock_timeout%3D200ms")
    with postgres.connect(url.rpartition("/")[2]) as other, other.transaction():
        other.execute("lock table devices in access exclusive mode")
        with pytest.raises(StoreError, match="lock timeout.*; another program holds"):
            store.put_devices([Device(id="aq-1", kind="air")])
    store.put_devices([Device(id="aq-1", kind="air")])
    store.close()


def _raise_one(url: str, name: int, ready: object, go: object, told: object) -> None:
    """In a process of its own: open the store, wait for the others, raise the alert."""
    store = SqlOperations(url)
    ready.release()  # type: ignore[attr-defined]
    go.wait(60)  # type: ignore[attr-defined]
    try:
        store.save_alerts([alert(name)], [AlertEvent(alert=f"a{name}", time=1, what="raised")])
        told.put("")  # type: ignore[attr-defined]
    except StoreError as error:
        told.put(str(error))  # type: ignore[attr-defined]
    store.close()


def test_two_processes_that_raise_the_same_alert_open_one(url: str) -> None:
    context = get_context("spawn")
    ready, go, told = context.Semaphore(0), context.Event(), context.Queue()
    SqlOperations(url).close()
    processes = [context.Process(target=_raise_one, args=(url, n, ready, go, told)) for n in (1, 2)]
    for process in processes:
        process.start()
    for _ in processes:
        assert ready.acquire(timeout=60)
    go.set()
    answers = sorted(told.get(timeout=60) for _ in processes)
    for process in processes:
        process.join(60)
    assert answers[0] == "" and "is open already" in answers[1]
    store = SqlOperations(url)
    (standing,) = store.standing()
    assert [e.alert for _, e in store.alert_events_after(0, 9)] == [standing.id]
    store.close()


def test_who_follows_the_history_passes_no_line_by(postgres: Postgres, url: str) -> None:
    """A line's number is given before its transaction ends: the next one waits until then."""
    slow, quick, reader = (SqlOperations(url) for _ in range(3))
    told, go = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        told.set()
        go.wait(60)

    event.listen(slow._engine, "commit", hold)
    waits = "select 1 from pg_locks where locktype = 'advisory' and not granted"
    with ThreadPoolExecutor(2) as threads:
        line = AlertEvent(alert="a", time=1, what="updated")
        first = threads.submit(slow.save_alerts, [], [line])
        assert told.wait(60)
        second = threads.submit(quick.save_alerts, [], [line])
        try:
            wait_until(lambda: second.done() or bool(postgres.run(waits)), 60)
            assert reader.alert_events_after(0, 9) == [], "the second is seen before the first"
        finally:
            go.set()
        first.result(60)
        second.result(60)
    assert [n for n, _ in reader.alert_events_after(0, 9)] == [1, 2]
    for store in (slow, quick, reader):
        store.close()


def test_two_ingestors_that_are_told_the_same_do_not_lock_each_other_out(url: str) -> None:
    stores = [SqlOperations(url), SqlOperations(url)]
    items = [item(f"q{n}", n) for n in range(200)]

    def put(which: int) -> None:
        for _ in range(5):
            stores[which].put_quarantine(items if which else reversed(items))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(put, range(2)))
    assert {q.seen for q in stores[0].quarantine(limit=1_000)} == {10}
    assert stores[0].quarantine_counts() == {"not_json": 200}
    for store in stores:
        store.close()


def test_a_cleared_alert_makes_room_and_a_state_is_kept(url: str) -> None:
    store = SqlOperations(url)
    store.save_alerts([alert(1, AlertState.SHELVED, value=float("inf"), worst=float("nan"))], [])
    (found,) = store.standing()
    assert found.value == float("inf") and found.worst != found.worst
    with pytest.raises(StoreError, match="open already"):
        store.save_alerts([alert(2)], [])
    store.save_alerts([alert(1, AlertState.CLEARED), alert(2)], [])
    assert [a.id for a in store.standing()] == ["a2"]
    store.close()


def test_connections_that_were_cut_are_made_anew(postgres: Postgres, url: str) -> None:
    store = SqlOperations(url)
    assert store.devices() == []
    ended = postgres.run(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'urban'"
    )
    assert ended[0][0] >= 1
    wait_until(
        lambda: not postgres.run("select 1 from pg_stat_activity where application_name = 'urban'")
    )
    assert store.devices() == []
    store.close()
