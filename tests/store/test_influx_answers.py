"""What InfluxDB may answer: try again, send less, find the bad readings, or stop and say what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import urllib3

from devices.registry import Kinds
from store.influx1 import Influx1Server, influx1_address
from store.influx_http import Answer, Patience, Refused, TooLarge, until_taken
from store.influx_store import InfluxStore
from telemetry.clock import DAY, SECOND
from telemetry.errors import SettingsError, StoreError
from telemetry.readings import Readings
from tests.services import require
from tests.store.influx_world import (
    AT_ONCE,
    T0,
    city,
    deliver,
    everything,
    logged,
    open_store,
    pm25,
    totals,
)
from tests.store.influxd import Influxd, influxd_present
from tests.store.scripted import CUT_BEFORE, Scripted, Step


class Waits:
    """A sleep that only remembers."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def patience(self, total_s: float = 60.0) -> Patience:
        return Patience(total_s, self.seconds.append, lambda: 1.0)


def say(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {k.replace("_", "-"): v for k, v in headers.items()}, body)


def ask(patience: Patience, *told: Answer | Exception, size: int = 10) -> bytes:
    steps = iter(told)

    def send() -> Answer:
        step = next(steps)
        if isinstance(step, Exception):
            raise step
        return step

    return until_taken("influx", send, size, patience)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(status: int) -> None:
    waits = Waits()
    assert ask(waits.patience(), say(status), say(status), say(200, b"taken")) == b"taken"
    assert waits.seconds == [0.1, 0.2]


def test_time_outs_and_broken_connections_are_tried_again() -> None:
    waits = Waits()
    pool = urllib3.HTTPConnectionPool("127.0.0.1")
    slow = urllib3.exceptions.ReadTimeoutError(pool, "/write", "read timed out")
    broken = urllib3.exceptions.ProtocolError("aborted", ConnectionResetError(104, "reset"))
    assert ask(waits.patience(), slow, broken, say(204)) == b""
    assert len(waits.seconds) == 2


def test_retry_after_is_kept_to() -> None:
    waits = Waits()
    ask(waits.patience(), say(429, retry_after="7"), say(503, retry_after="not a number"), say(204))
    assert waits.seconds == [7.0, 0.2]


def test_waiting_is_jittered() -> None:
    seconds: list[float] = []
    chances = iter([0.0, 0.5])
    ask(Patience(60, seconds.append, lambda: next(chances)), say(503), say(503), say(204))
    assert seconds == pytest.approx([0.05, 0.15])


def test_patience_ends_in_words() -> None:
    waits = Waits()
    with pytest.raises(
        StoreError, match=r"did not take a request within 3 s.*503: overloaded.*again"
    ):
        ask(waits.patience(3.0), *[say(503, b'{"error":"overloaded"}')] * 100)
    assert sum(waits.seconds) <= 3.0
    with pytest.raises(StoreError, match="within 60 s") as told:
        ask(waits.patience(), say(429, retry_after="3600"))
    assert told.value.retry_after_s == 3600, "who comes back later knows when"


@pytest.mark.parametrize(
    ("status", "words"), [(401, "let us in"), (403, "let us in"), (404, "no such")]
)
def test_wrong_logins_and_names_stop_at_once_and_say_what_to_do(status: int, words: str) -> None:
    waits = Waits()
    with pytest.raises(StoreError, match=f"{words}.*check.*URBAN_TELEMETRY") as told:
        ask(waits.patience(), say(status, b'{"code":"x","message":"no"}'))
    assert not isinstance(told.value, Refused | TooLarge)
    assert waits.seconds == []


def test_bad_lines_are_told_from_a_bad_server() -> None:
    waits = Waits()
    for status in (400, 422):
        with pytest.raises(Refused) as told:
            ask(waits.patience(), say(status, b'{"error":"partial write: dropped=3"}'))
        assert told.value.dropped == 3
    # telegraf #11005: a type conflict may arrive as a 500, and trying again would be for ever.
    conflict = b'{"error":"write failed: field type conflict: input field \\"x\\" is type float"}'
    with pytest.raises(Refused):
        ask(waits.patience(), say(500, conflict))
    with pytest.raises(TooLarge):
        ask(waits.patience(), say(413))
    # influxdb-client gives a TLS failure as status 0: nothing was taken.
    for status in (0, 302):
        with pytest.raises(StoreError, match=f"answered {status}"):
            ask(waits.patience(), say(status))


def test_a_connection_cut_under_a_big_body_means_send_less() -> None:
    cut = urllib3.exceptions.ProtocolError("aborted", BrokenPipeError(32, "broken pipe"))
    with pytest.raises(TooLarge):
        ask(Waits().patience(), cut, size=25_000_001)


@pytest.mark.parametrize(
    "url",
    [
        "influx1://host:8086",
        "influx1://host:8086/a/b",
        "influx1://host:port/db",
        "influx1:///db",
        "influx://host/db",
        "http://host/db",
    ],
)
def test_a_wrong_address_is_said_in_words(url: str) -> None:
    with pytest.raises(
        SettingsError, match="must look like influx1://user:password@host:8086/database"
    ):
        influx1_address(url)


def test_an_address_keeps_its_password_to_itself() -> None:
    address = influx1_address("influx1s://me:p%40ss@[::1]:9/my%20db")
    assert (address.base, address.path) == ("https://[::1]:9", ("my db",))
    assert (address.user, address.password) == ("me", "p@ss")
    assert "p@ss" not in f"{address} {address!r}"
    assert influx1_address("influx1://h/db").base == "http://h:8086"


@pytest.fixture
def proxy(influxd: Influxd) -> Iterator[Scripted]:
    made = Scripted(influxd.http)
    yield made
    made.close()


def through(proxy: Scripted, influxd: Influxd) -> str:
    return f"influx1://127.0.0.1:{proxy.port}/{influxd.url().rpartition('/')[2]}"


def many(kinds: Kinds, count: int = 200) -> Readings:
    return pm25(kinds, *((i % 3, i, float(i)) for i in range(count)))


@pytest.mark.influxdb
@pytest.mark.parametrize("answer", [(413, {}, b""), CUT_BEFORE], ids=["413", "reset"])
def test_a_body_that_is_too_large_is_halved(
    proxy: Scripted, influxd: Influxd, kinds: Kinds, answer: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.influx_http.BIG_BODY", 2_000)
    store = open_store(through(proxy, influxd), city(kinds), AT_ONCE)
    proxy.rule = lambda path, body: answer if "rp=" not in path and len(body) > 2_000 else None
    deliver(store, many(kinds))
    assert len(everything(store)) == 200
    assert totals(store) == {"received": 200, "stored": 200}
    store.close()


@pytest.mark.influxdb
def test_a_real_server_closes_the_connection_on_a_huge_body(influxd: Influxd) -> None:
    """influxd 1.6.7, max-body-size 25,000,000: 413, or a reset while we are still sending."""
    server = Influx1Server(influx1_address(influxd.url()))
    server.prepare()
    with pytest.raises(TooLarge):
        server.write("", b"air,device=a x=1 1\n" * 1_400_000)
    server.close()


@pytest.mark.influxdb
def test_only_the_bad_readings_are_refused(
    influxd: Influxd, kinds: Kinds, caplog: pytest.LogCaptureFixture
) -> None:
    """Someone has written pm25 as an integer in one week; every other reading is stored."""
    refused: list[tuple[Readings, str]] = []
    url = influxd.url()
    store = open_store(url, city(kinds), on_refused=lambda r, why: refused.append((r, why)))
    weeks_later = 30 * DAY // SECOND
    store._server.write("", b"air,device=other pm25=1i %d" % T0)
    good = pm25(kinds, *((i % 3, weeks_later + i, float(i)) for i in range(50)))
    pm10 = Readings.of(
        good.device,
        good.quantity * 0 + kinds.quantity_code["pm10"],
        good.time - 30 * DAY,
        good.value,
        1,
        T0,
    )
    bad = pm25(kinds, *((i % 3, i, float(i)) for i in range(50)))
    deliver(store, Readings.concat([good, bad, pm10]))
    lost = Readings.concat([r for r, _ in refused])
    assert sorted(zip(lost.device.tolist(), lost.time.tolist(), strict=True)) == sorted(
        zip(bad.device.tolist(), bad.time.tolist(), strict=True)
    )
    assert set(lost.quantity.tolist()) == {kinds.quantity_code["pm25"]}
    assert all("type conflict" in why for _, why in refused)
    assert len(everything(store)) == 100
    counts = totals(store)
    assert counts == {"received": 150, "stored": 100, "quarantined:store_refused": 50}
    assert not store.seen(bad).any()
    assert store.seen(Readings.concat([good, pm10])).all()
    store.close()
    # The next run writes the last record again: refused again, counted once.
    with caplog.at_level(logging.CRITICAL):
        again = open_store(url, city(kinds))
    assert "refuses" in caplog.text
    assert totals(again) == counts
    again.close()


@pytest.mark.influxdb
def test_a_single_poisoned_reading_is_found_among_many(
    proxy: Scripted, influxd: Influxd, kinds: Kinds
) -> None:
    """A 2.x server refuses the whole body and names no number: bisect."""
    refused: list[tuple[Readings, str]] = []
    store = open_store(
        through(proxy, influxd), city(kinds), AT_ONCE, lambda r, why: refused.append((r, why))
    )
    poison = b"pm25=77.0,"
    told: Step = (400, {}, b'{"code":"invalid","message":"unable to parse that line"}')
    proxy.rule = lambda path, body: told if poison in body else None
    proxy.writes.clear()
    deliver(store, many(kinds))
    assert [(r.value.tolist(), why) for r, why in refused] == [
        ([77.0], "unable to parse that line")
    ]
    assert len(everything(store)) == 199
    assert len(proxy.writes) < 25
    store.close()


@pytest.mark.influxdb
def test_what_no_line_can_carry_is_refused_and_the_rest_stored(
    influxd: Influxd, kinds: Kinds
) -> None:
    refused: list[tuple[Readings, str]] = []
    store = open_store(
        influxd.url(), city(kinds), on_refused=lambda r, why: refused.append((r, why))
    )
    deliver(store, pm25(kinds, (0, 0, 1.0), (1, 0, float("inf")), (2, 0, float("-inf"))))
    assert [r.device.tolist() for r, _ in refused] == [[1, 2]]
    assert everything(store) == [(0, 0, 1.0)]
    assert len(logged(store)) == 3
    assert totals(store)["stored"] == 1
    store.close()


@pytest.mark.influxdb
def test_a_database_that_is_gone_is_said_in_words(influxd: Influxd, kinds: Kinds) -> None:
    url = influxd.url()
    store = open_store(url, city(kinds), AT_ONCE)
    store._server.query([f"DROP DATABASE {url.rpartition('/')[2]}"])
    with pytest.raises(StoreError, match="URBAN_TELEMETRY|database not found"):
        deliver(store, pm25(kinds, (0, 0, 1.0)))
    with pytest.raises(StoreError, match="database not found"):
        everything(store)
    store.close()


@pytest.mark.influxdb
def test_a_server_with_log_in(tmp_path_factory: pytest.TempPathFactory, kinds: Kinds) -> None:
    require("influxd", influxd_present())
    server = Influxd(tmp_path_factory.mktemp("locked"), auth=True)
    server.start()
    stores: list[InfluxStore] = []
    try:
        admin = Influx1Server(influx1_address(server.url("city", "root:p%40ss@")))
        _first_user(server)
        with pytest.raises(StoreError, match=r"let us in \(401.*check name, password"):
            open_store(server.url("city", "root:wrong@"), city(kinds), AT_ONCE)
        admin.query(["CREATE USER urban WITH PASSWORD 'x'", "CREATE DATABASE city"])
        admin.query(["GRANT ALL ON city TO urban"])
        with pytest.raises(StoreError, match="CREATE RETENTION POLICY.*ON .*city"):
            open_store(server.url("city", "urban:x@"), city(kinds), AT_ONCE)
        admin.prepare()
        stores.append(open_store(server.url("city", "urban:x@"), city(kinds), AT_ONCE))
        deliver(stores[0], pm25(kinds, (0, 0, 1.0)))
        admin.query(["REVOKE ALL ON city FROM urban"])
        with pytest.raises(StoreError, match="let us in"):
            deliver(stores[0], pm25(kinds, (0, 1, 2.0)))
        admin.query(["GRANT ALL ON city TO urban"])
        deliver(stores[0], pm25(kinds, (0, 1, 2.0)))
        assert totals(stores[0]) == {"received": 2, "stored": 2}
        admin.close()
    finally:
        for store in stores:
            store.close()
        server.stop()


def _first_user(server: Influxd) -> None:
    statement = "CREATE USER root WITH PASSWORD 'p@ss' WITH ALL PRIVILEGES"
    url = f"http://127.0.0.1:{server.http}/query?{urlencode({'q': statement})}"
    assert urllib3.request("POST", url).status == 200
