"""InfluxDB 2.x's own: log-in, buckets, and its answers through influxdb-client."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from devices.registry import Kinds
from store.influx import open_influx
from store.influx2 import Influx2Server, influx2_address
from store.influx_http import Patience
from store.influx_store import InfluxStore
from telemetry.errors import SettingsError, StoreError
from telemetry.readings import Readings
from tests.store.influx2_admin import Told, problem
from tests.store.influx2_fake import FakeInflux2
from tests.store.influx_world import AT_ONCE, T0, city, deliver, everything, logged, pm25, totals
from tests.store.influxd import Influxd

pytestmark = pytest.mark.influxdb


@pytest.fixture
def fake(influxd: Influxd) -> Iterator[FakeInflux2]:
    made = FakeInflux2(influxd.http)
    yield made
    made.close()


@pytest.fixture
def bucket() -> str:
    return f"t{uuid.uuid4().hex}"


def open2(url: str, kinds: Kinds, patience: Patience = AT_ONCE) -> InfluxStore:
    return open_influx(url, city(kinds), patience=patience)


def test_readings_go_to_the_bucket_and_the_rest_to_buckets_beside_it(
    fake: FakeInflux2, bucket: str, kinds: Kinds
) -> None:
    store = open2(fake.url(bucket), kinds)
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    assert fake.buckets == [bucket, f"{bucket}/log", f"{bucket}/r1m", f"{bucket}/r1h"]
    assert {b for b, _ in fake.writes} == {bucket, f"{bucket}/log"}
    assert everything(store) == logged(store) == [(0, 0, 1.0)]
    store.close()
    again = open2(fake.url(bucket), kinds)
    assert everything(again) == [(0, 0, 1.0)]
    again.close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(
    fake: FakeInflux2, bucket: str, kinds: Kinds, status: int
) -> None:
    waits: list[float] = []
    store = open2(fake.url(bucket), kinds, Patience(60.0, waits.append, lambda: 1.0))
    told = [problem(status, "unavailable", "busy", Retry_After="9")]
    fake.rule = lambda bucket, body: told.pop() if told else None
    deliver(store, pm25(kinds, (0, 0, 1.0)))
    assert waits == [9.0]
    assert totals(store) == {"received": 1, "stored": 1}
    store.close()


def test_one_bad_line_refuses_the_whole_body_and_only_its_reading_is_lost(
    fake: FakeInflux2, bucket: str, kinds: Kinds
) -> None:
    refused: list[Readings] = []
    server = Influx2Server(influx2_address(fake.url(bucket)), AT_ONCE)
    store = InfluxStore(server, city(kinds), lambda rows, why: refused.append(rows))

    def rule(bucket: str, body: bytes) -> Told | None:
        bad = b"pm25=7.0," in body
        return problem(400, "invalid", "unable to parse 'air,…'") if bad else None

    fake.rule = rule
    deliver(store, pm25(kinds, *((i % 3, i, float(i)) for i in range(40))))
    assert [r.value.tolist() for r in refused] == [[7.0]]
    assert len(everything(store)) == 39
    store.close()


def test_a_type_conflict_is_a_422_that_stores_the_rest(
    fake: FakeInflux2, bucket: str, kinds: Kinds
) -> None:
    refused: list[Readings] = []
    server = Influx2Server(influx2_address(fake.url(bucket)), AT_ONCE)
    store = InfluxStore(server, city(kinds), lambda rows, why: refused.append(rows))
    server.write("", b"air,device=other pm25=1i %d" % T0)
    rows = pm25(kinds, (0, 0, 1.0), (1, 0, 2.0))
    pm10 = rows.quantity * 0 + kinds.quantity_code["pm10"]
    good = Readings.of(rows.device, pm10, rows.time, rows.value, 1, T0)
    deliver(store, Readings.concat([rows, good]))
    assert sum(len(r) for r in refused) == 2
    assert totals(store) == {"received": 4, "stored": 2, "quarantined:store_refused": 2}
    store.close()


def test_a_body_that_is_too_large_is_halved(fake: FakeInflux2, bucket: str, kinds: Kinds) -> None:
    store = open2(fake.url(bucket), kinds)
    large = problem(413, "request too large", "cannot read data: request too large")
    fake.rule = lambda b, body: large if b == bucket and len(body) > 1_000 else None
    deliver(store, pm25(kinds, *((i % 3, i, float(i)) for i in range(40))))
    assert len(everything(store)) == 40
    store.close()


def test_wrong_tokens_and_missing_rights_are_said_in_words(
    fake: FakeInflux2, bucket: str, kinds: Kinds
) -> None:
    with pytest.raises(StoreError, match=r"let us in \(401: unauthorized access\).*token") as told:
        open2(fake.url(bucket, "wrong"), kinds)
    assert "wrong" not in str(told.value)
    fake.read_only = True
    with pytest.raises(StoreError, match=f"influx bucket create --org city-org --name {bucket}"):
        open2(fake.url(bucket), kinds)


def test_a_bucket_that_is_gone_stops_and_keeps_everything(
    fake: FakeInflux2, bucket: str, kinds: Kinds
) -> None:
    store = open2(fake.url(bucket), kinds)
    fake.buckets.remove(bucket)
    with pytest.raises(StoreError, match="no such database or bucket.*URBAN_TELEMETRY"):
        deliver(store, pm25(kinds, (0, 0, 1.0)))
    fake.buckets.append(bucket)
    deliver(store, pm25(kinds, (0, 1, 2.0)))
    assert everything(store) == [(0, 0, 1.0), (0, 1, 2.0)]
    assert totals(store) == {"received": 2, "stored": 2}
    store.close()


def test_a_wrong_address_is_said_in_words() -> None:
    with pytest.raises(SettingsError, match="must look like influx://token@host:8086/org/bucket"):
        influx2_address("influx://token@host:8086/bucket")


def test_an_address_of_something_else_is_said_in_words(kinds: Kinds) -> None:
    with pytest.raises(SettingsError, match="influx1://.*influx://"):
        open_influx("http://host:8086/db", city(kinds))
