"""What InfluxDB refuses for good is in quarantine with its message, and the account says so; the rest is stored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from devices.device import Catalogue
from devices.intake import MAX_PLACES, Message
from devices.registry import load_kinds
from ingest.decode import Decoder
from ingest.pipeline import Pipeline
from ingest.refusals import Refusals
from ingest.sink import Sink
from ingest.spool import Spool
from store.influx import open_influx
from store.influx_store import InfluxStore
from store.sql_store import SqlOperations
from store.telemetry import Series
from telemetry.errors import StoreError
from telemetry.readings import Readings
from tests.ingest.conftest import NOW, holds
from tests.services import require
from tests.store.influx_world import AT_ONCE
from tests.store.influxd import Influxd, influxd_present
from tests.store.scripted import CUT_BEFORE, Scripted, Step

pytestmark = pytest.mark.influxdb

POISON = b"pm25=77.0,"
TOLD: Step = (400, {}, b'{"code":"invalid","message":"unable to parse that line"}')
TOPIC = "city/air/aq-1/telemetry"


@dataclass
class World:
    """Ingest on an InfluxDB that can be told what to answer."""

    url: str
    folder: Path
    proxy: Scripted
    telemetry: InfluxStore
    operations: SqlOperations
    pipeline: Pipeline

    def send(self, *messages: tuple[str, bytes]) -> list[Readings]:
        """Returns what was stored."""
        batch = [Message(topic, payload, NOW) for topic, payload in messages]
        return [self.pipeline.write(p).readings for p in self.pipeline.prepare(batch)]

    def account(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for row in self.telemetry.account(0, 2**62):
            total[row.outcome] = total.get(row.outcome, 0) + row.count
        return total

    def stored(self) -> int:
        return len(self.telemetry.raw(Series(), 0, 2**62, 10**6))


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def proxy(influxd: Influxd) -> Iterator[Scripted]:
    made = Scripted(influxd.http)
    made.rule = lambda path, body: TOLD if POISON in body else None
    yield made
    made.close()


@contextmanager
def opened(url: str, folder: Path, proxy: Scripted) -> Iterator[World]:
    catalogue = Catalogue(load_kinds())
    operations = SqlOperations(f"sqlite:///{folder / 'o.db'}")
    for device in operations.devices():
        catalogue.put(device)
    refusals = Refusals(operations, catalogue)
    telemetry = open_influx(url, catalogue, refusals.take, AT_ONCE)
    decoder = Decoder(catalogue)
    pipeline = Pipeline(catalogue, telemetry, operations, decoder, refusals=refusals)
    yield World(url, folder, proxy, telemetry, operations, pipeline)
    telemetry.close()
    operations.close()


@pytest.fixture
def world(influxd: Influxd, proxy: Scripted, tmp_path: Path) -> Iterator[World]:
    url = f"influx1://127.0.0.1:{proxy.port}/{influxd.url().rpartition('/')[2]}"
    with opened(url, tmp_path, proxy) as made:
        yield made


def flat(at: int, pm25: float) -> tuple[str, bytes]:
    return TOPIC, b'{"time": %d, "pm25": %.1f, "pm10": 5}' % (NOW // 10**9 - 1_000 + at, pm25)


def pack(values: list[float]) -> tuple[str, bytes]:
    records = (f'{{"n":"pm25","t":{i},"v":{v!r}}}' for i, v in enumerate(values))
    base = f'{{"bn":"aq-1/","bt":{NOW // 10**9 - 2_000},'
    return TOPIC, ("[" + base + ",".join(records)[1:] + "]").encode()


def test_a_refused_value_is_kept_with_its_message_and_the_rest_is_stored(world: World) -> None:
    good, bad = [flat(i, float(i)) for i in range(50)], flat(60, 77.0)
    (written,) = world.send(*good, bad)
    assert len(written) == 101 == world.stored(), "what is told to others is what is stored"
    (item,) = world.operations.quarantine()
    assert (item.topic, item.payload) == bad
    assert (item.reason, item.path, item.device, item.kind, item.received) == (
        "store_refused",
        "$.pm25",
        "aq-1",
        "air",
        NOW,
    )
    assert "unable to parse that line" in item.detail and "pm25" in item.detail
    account = world.account()
    assert account["quarantined:store_refused"] == 1
    assert account["stored"] == 101 and account["received"] == 102 and holds(account)


def test_a_value_of_a_pack_is_named_by_its_place(world: World) -> None:
    message = pack([1.0, 2.0, 77.0, 4.0])
    world.send(message)
    (item,) = world.operations.quarantine()
    assert item.path == "$[2].v" and item.payload == message[1]
    assert world.stored() == 3


def test_a_pack_that_is_refused_whole_is_not_kept_a_thousand_times(world: World) -> None:
    world.proxy.rule = lambda path, body: TOLD if "rp=" not in path else None
    count = 4 * MAX_PLACES
    message = pack([float(i) for i in range(count)])
    world.send(message)
    items = world.operations.quarantine(limit=1_000)
    assert len(items) == MAX_PLACES + 1
    assert {i.payload for i in items} == {message[1]}
    (whole,) = [i for i in items if i.path == "$"]
    assert whole.seen == count - MAX_PLACES and f"{count} values of one message" in whole.detail
    assert world.account()["quarantined:store_refused"] == count


def test_what_comes_again_is_one_item_and_can_be_sent_again_once_the_cause_is_mended(
    world: World,
) -> None:
    message = flat(0, 77.0)
    world.send(message)
    world.send(message)
    (item,) = world.operations.quarantine()
    assert item.seen == 2
    sink = Sink(world.pipeline, Spool(world.folder / "spool", 2**20))
    (again,) = sink.judge([Message(item.topic, item.payload, item.received, qos=0)])
    assert (again.stored, again.duplicate, again.quarantined) == (0, 1, ["store_refused"])
    world.proxy.rule = lambda path, body: None
    (mended,) = sink.judge([Message(item.topic, item.payload, item.received, qos=0)])
    assert (mended.stored, mended.duplicate, mended.quarantined) == (1, 1, [])
    sink.close()
    assert world.stored() == 2 and holds(world.account())


def test_a_batch_whose_refusals_cannot_be_kept_is_not_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StoreError("operations", "disk is full")

    monkeypatch.setattr(world.operations, "put_quarantine", full)
    with pytest.raises(StoreError, match="disk is full"):
        world.send(flat(0, 77.0), flat(1, 1.0))
    assert "stored" not in world.account()
    monkeypatch.undo()
    # The next batch finishes it first: its message is still known.
    world.send(flat(2, 2.0))
    (item,) = world.operations.quarantine()
    assert (item.topic, item.payload) == flat(0, 77.0)
    account = world.account()
    assert account["quarantined:store_refused"] == 1 and holds(account)
    assert world.stored() == account["stored"] == 5


def test_a_process_that_dies_over_a_refusal_leaves_it_to_the_next(
    world: World, influxd: Influxd
) -> None:
    """The record is written, its points are not, and nothing was acknowledged: the message comes again."""
    bad = flat(0, 77.0)
    world.proxy.script.extend([None, CUT_BEFORE])  # the record; then the points are lost on the way
    with pytest.raises(StoreError):
        world.send(bad)
    with opened(world.url, world.folder, world.proxy) as next_run:
        (item,) = next_run.operations.quarantine()
        assert item.topic == TOPIC and item.device == "aq-1" and item.reason == "store_refused"
        assert item.payload.startswith(b"air,device=aq-1 pm25=77.0,pm25_flag=1i,received=")
        assert holds(next_run.account())
        next_run.send(bad)
        (item,) = next_run.operations.quarantine()
        assert item.payload == bad[1] and item.path == "$.pm25"
        assert holds(next_run.account()) and next_run.stored() == 1
    # Nor does another start put the line in the place of the message.
    with opened(world.url, world.folder, world.proxy) as third:
        (item,) = third.operations.quarantine()
        assert item.payload == bad[1]
