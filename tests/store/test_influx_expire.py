"""Retention in InfluxDB: the log is trimmed behind analytics, policies follow the settings, rights are asked for in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.registry import Kinds
from store.influx1 import Influx1Server, influx1_address
from store.influx_expire import keep
from store.influx_log import KEPT
from store.influx_server import LOG
from store.influx_store import InfluxStore
from store.telemetry import Series
from telemetry.clock import DAY, HOUR, SECOND, SystemClock
from telemetry.errors import StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from telemetry.retention import Retention
from tests.brokers import wait_until
from tests.services import require
from tests.store.influx2_fake import FakeInflux2
from tests.store.influx_world import T0, city, deliver, logged, open_store, pm25, totals
from tests.store.influxd import Influxd, influxd_present

pytestmark = pytest.mark.influxdb
FOR_EVER = Retention()


@pytest.fixture(params=["1.x", "2.x"])
def url(request: pytest.FixtureRequest, influxd: Influxd) -> str:
    if request.param == "1.x":
        return influxd.url()
    fake: FakeInflux2 = request.getfixturevalue("influx2")
    return fake.url("t" + influxd.url().rpartition("/t")[2])


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Influxd]:
    """A server that asks who is there: an administrator, and a user who may read and write one database."""
    require("influxd", influxd_present())
    server = Influxd(tmp_path / "influxd", auth=True)
    server.start()
    yield server
    server.stop()


def numbers(store: InfluxStore) -> list[int]:
    return [s.position for s in store.since(0, 1_000_000)]


def test_the_log_is_trimmed_behind_analytics_and_two_days_late(url: str, kinds: Kinds) -> None:
    store = open_store(url, city(kinds))
    for i in range(5):
        deliver(store, pm25(kinds, (0, i, float(i))))
    assert store.expire(FOR_EVER, T0, 5) == {}
    for i in range(5, 8):
        deliver(store, pm25(kinds, (0, i, float(i))))
    assert store.expire(FOR_EVER, T0 + KEPT - 1, 8) == {}, "too young"
    assert store.expire(FOR_EVER, T0 + KEPT, 3) == {"log": 2}, "analytics has saved up to 3"
    assert numbers(store) == [3, 4, 5, 6, 7, 8]
    assert store.expire(FOR_EVER, T0 + KEPT, 8) == {"log": 3}, "five were there two days ago"
    assert numbers(store) == [6, 7, 8]
    assert store.expire(FOR_EVER, T0 + KEPT, 8) == {}
    # Analytics goes on where it was, and nothing else has changed.
    assert [s.position for s in store.since(6, 100)] == [7, 8]
    assert totals(store) == {"received": 8, "stored": 8}
    assert len(store.raw(Series(), 0, 2 * T0, 100)) == 8
    store.close()
    again = open_store(url, city(kinds))
    assert again.position() == 8 and numbers(again) == [6, 7, 8]
    deliver(again, pm25(kinds, (0, 7, 7.0), (0, 8, 8.0)))
    assert again.position() == 9 and totals(again) == {"received": 10, "stored": 9, "duplicate": 1}
    again.close()


def test_the_newest_records_stay_so_that_numbers_go_on(url: str, kinds: Kinds) -> None:
    store = open_store(url, city(kinds))
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    deliver(store, pm25(kinds, (0, 1, 2.0)))
    store.append(Readings.empty(), Ledger.of([(T0, 0, 0, 1)]))
    assert store.expire(FOR_EVER, T0, 99) == {}
    assert store.expire(FOR_EVER, T0 + KEPT, 99) == {"log": 1}
    store.close()
    again = open_store(url, city(kinds))
    assert (again.position(), logged(again)) == (2, [(0, 1, 2.0)])
    deliver(again, pm25(kinds, (0, 2, 3.0)))
    assert again.position() == 4
    again.close()


def test_a_large_record_goes_with_all_its_pieces(influxd: Influxd, kinds: Kinds) -> None:
    store = open_store(influxd.url(), city(kinds, 40))
    wide = [(d, 60 * i, d * 1.37 + i * 0.77) for d in range(40) for i in range(400)]
    deliver(store, pm25(kinds, *wide))
    deliver(store, pm25(kinds, (0, 99_999, 1.0)))

    def pieces() -> int:
        (found,) = store._server.query(['SELECT count(data) FROM "log"."log_piece"'])
        return sum(sum(f.column("count")) for f in found)

    assert pieces() >= 1
    store.expire(FOR_EVER, T0, 2)
    assert store.expire(FOR_EVER, T0 + KEPT, 2) == {"log": 1}
    assert pieces() == 0
    store.close()


def test_what_the_last_record_held_and_has_left_since_is_not_refused_at_the_next_start(
    influxd: Influxd, kinds: Kinds
) -> None:
    now, url = SystemClock().now(), influxd.url()
    refused: list[Readings] = []
    store = open_store(url, city(kinds), on_refused=lambda rows, why: refused.append(rows))
    code = kinds.quantity_code["pm25"]
    times = [now - 60 * DAY, now]
    store.append(Readings.of([0, 0], [code, code], times, [1.0, 2.0], 1, now), Ledger.empty())
    store.expire(Retention.of_days(30, 0, 0), now, 0)
    wait_until(lambda: len(store.raw(Series(), 0, now + DAY, 9)) == 1)
    store.close()
    again = open_store(url, city(kinds), on_refused=lambda rows, why: refused.append(rows))
    assert refused == [] and again.position() == 1
    again.close()


def test_policies_follow_the_settings_both_ways(influxd: Influxd, kinds: Kinds) -> None:
    url = influxd.url()
    store = open_store(url, city(kinds))
    server = Influx1Server(influx1_address(url))

    def kept() -> list[int]:
        found = server._policies()
        return [found[name].kept_for // HOUR for name in ("autogen", "r1m", "r1h", LOG)]

    assert kept() == [0, 0, 0, 0]
    for days, hours in (
        ((400, 1830, 0), [401 * 24, 1831 * 24, 0, 0]),
        ((8, 9, 10), [9 * 24, 10 * 24, 11 * 24, 0]),
        ((0, 0, 0), [0, 0, 0, 0]),
    ):
        store.expire(Retention.of_days(*days), T0, 0)
        assert kept() == hours
    server.close()
    store.close()


def test_without_the_right_the_words_say_what_an_administrator_must_run(guarded: Influxd) -> None:
    root = Influx1Server(influx1_address(guarded.url("city")))
    root.query(["CREATE USER root WITH PASSWORD 'r00t' WITH ALL PRIVILEGES"])
    root.close()
    root = Influx1Server(influx1_address(guarded.url("city", "root:r00t@")))
    root.prepare()
    root.query(["CREATE USER writer WITH PASSWORD 'wr1te'", "GRANT ALL ON city TO writer"])
    writer = Influx1Server(influx1_address(guarded.url("city", "writer:wr1te@")))
    keep(writer, FOR_EVER)  # as it is: nothing to ask for
    with pytest.raises(StoreError) as caught:
        keep(writer, Retention.of_days(400, 0, 0))
    told = str(caught.value)
    assert "autogen" in told and "ingest --setup" in told and "wr1te" not in told
    assert 'ALTER RETENTION POLICY "autogen" ON "city" DURATION 9624h' in told
    # The log needs no more than the right to write.
    writer.write(LOG, b"log rows=1i 1000000000")
    writer.remove(LOG, "log", 2 * SECOND)
    keep(root, Retention.of_days(400, 0, 0))
    root.close()
    writer.close()
