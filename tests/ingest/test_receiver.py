"""Promise 1 over real brokers: acknowledged only when durable, so that nothing confirmed is lost."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.intake import Message
from ingest.broker import EmbeddedBroker, free_port
from ingest.receiver import Receiver
from ingest.sink import Sink
from ingest.spool import Spool
from telemetry.address import BrokerAddress
from telemetry.clock import SystemClock
from telemetry.errors import StartError, StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from tests.brokers import Broker, make_broker, mosquitto_present, publish_all, wait_until
from tests.ingest.conftest import NOW, Bench, holds
from tests.services import require

BROKERS = [
    pytest.param("nats"),
    pytest.param("mosquitto", marks=pytest.mark.mosquitto),
]


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "mosquitto":
        require("mosquitto", mosquitto_present())
    made = make_broker(request.param, tmp_path / "broker")
    made.start()
    yield made
    made.stop()


def receiver(broker: Broker, bench: Bench, spool_bytes: int = 2**30) -> Receiver:
    address = BrokerAddress("127.0.0.1", broker.port)
    sink = Sink(bench.pipeline, Spool(bench.folder / "spool", spool_bytes))
    made = Receiver(address, "urban-ingest", sink, SystemClock(), 100)
    made.start()
    assert made.wait_until_subscribed(10), made.trouble()
    return made


def messages(start: int, count: int) -> list[tuple[str, bytes]]:
    return [
        (
            f"city/air/aq-{i % 7}0/telemetry",
            b'{"time": %d, "pm25": %d}' % (1_790_000_000 + i, i % 500),
        )
        for i in range(start, start + count)
    ]


def stored(bench: Bench) -> int:
    return bench.account().get("stored", 0)


def test_what_is_published_is_stored_once(broker: Broker, bench: Bench) -> None:
    ours = receiver(broker, bench)
    publish_all(broker.port, messages(0, 1_000))
    wait_until(lambda: stored(bench) == 1_000)
    publish_all(broker.port, messages(500, 1_000))
    wait_until(lambda: stored(bench) == 1_500)
    ours.stop()
    assert len(bench.stored()) == 1_500
    assert bench.account()["duplicate"] == 500
    assert holds(bench.account())


def test_what_is_published_while_we_are_away_comes_later(broker: Broker, bench: Bench) -> None:
    receiver(broker, bench).stop()
    publish_all(broker.port, messages(0, 300))
    ours = receiver(broker, bench)
    wait_until(lambda: stored(bench) == 300)
    ours.stop()
    assert len(bench.stored()) == 300


def test_acknowledged_messages_do_not_come_again(broker: Broker, bench: Bench) -> None:
    ours = receiver(broker, bench)
    publish_all(broker.port, messages(0, 300))
    wait_until(lambda: stored(bench) == 300)
    ours.stop()
    ours = receiver(broker, bench)
    publish_all(broker.port, messages(300, 1))
    wait_until(lambda: stored(bench) == 301)
    ours.stop()
    assert bench.account()["messages"] == 301


def refuse(*_: object) -> int:
    raise StoreError("disk", "is full")


def test_nothing_is_acknowledged_while_neither_store_nor_spool_take_it(
    broker: Broker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(bench.telemetry, "append", refuse)
        ours = receiver(broker, bench, spool_bytes=1)
        publish_all(broker.port, messages(0, 300))
        wait_until(lambda: "the spool is full" in ours.trouble())
        ours.stop()
        assert len(bench.stored()) == 0
    ours = receiver(broker, bench)
    wait_until(lambda: stored(bench) == 300)
    ours.stop()
    assert len(bench.stored()) == 300


def test_while_the_store_is_away_messages_wait_on_disk_and_are_acknowledged(
    broker: Broker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(bench.telemetry, "append", refuse)
        ours = receiver(broker, bench)
        publish_all(broker.port, messages(0, 300))
        wait_until(lambda: sum(len(b) for b in spooled(bench)) == 300)
        ours.stop()
    ours = receiver(broker, bench)
    wait_until(lambda: stored(bench) == 300)
    wait_until(lambda: ours.trouble() == "")
    ours.stop()
    assert spooled(bench) == []
    assert bench.account()["messages"] == 300, "nothing came a second time"


def spooled(bench: Bench) -> list[list[Message]]:
    """What waits on disk, read by a second pair of eyes; drains nothing that the first one counts on."""
    copy = Path(shutil.copytree(bench.folder / "spool", tempfile.mkdtemp(dir=bench.folder) + "/s"))
    waiting, spool = [], Spool(copy, 2**30)
    while spool:
        waiting.append(spool.oldest())
        spool.done()
    spool.close()
    return waiting


def test_a_store_that_comes_back_gets_everything(
    broker: Broker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failures = bench.telemetry.append, [1] * 3

    def sometimes(*args: object) -> int:
        if failures:
            failures.pop()
            raise StoreError("disk", "is full")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.telemetry, "append", sometimes)
    ours = receiver(broker, bench)
    publish_all(broker.port, messages(0, 300))
    wait_until(lambda: stored(bench) == 300)
    wait_until(lambda: ours.trouble() == "")
    ours.stop()


def test_poison_does_not_stop_the_flow(broker: Broker, bench: Bench) -> None:
    ours = receiver(broker, bench)
    mixed = [
        m
        for pair in zip(
            messages(0, 200), [("city/air/aq-1/telemetry", b"\xff{")] * 200, strict=True
        )
        for m in pair
    ]
    publish_all(broker.port, mixed)
    wait_until(lambda: bench.account().get("messages", 0) == 400)
    ours.stop()
    assert stored(bench) == 200
    assert bench.account()["quarantined:not_utf8"] == 200
    assert holds(bench.account())


def test_the_broker_restarts_and_we_come_back(broker: Broker, bench: Bench) -> None:
    ours = receiver(broker, bench)
    publish_all(broker.port, messages(0, 100))
    wait_until(lambda: stored(bench) == 100)
    broker.stop()
    wait_until(lambda: "no connection" in ours.trouble())
    broker.start()
    wait_until(lambda: ours.trouble() == "", 30)
    publish_all(broker.port, messages(100, 100))
    wait_until(lambda: stored(bench) == 200)
    ours.stop()
    assert len(bench.stored()) == 200


def test_a_taken_port_is_said_in_words(tmp_path: Path) -> None:
    first = EmbeddedBroker(tmp_path / "a", 0)
    first.start()
    try:
        with pytest.raises(
            StartError, match=rf"URBAN_MQTT_PORT: port {first.port} .* set URBAN_MQTT_PORT"
        ):
            EmbeddedBroker(tmp_path / "b", first.port).start()
    finally:
        first.stop()


def test_a_broker_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "jetstream").write_text("in the way")
    with pytest.raises(StartError, match=r"embedded broker: did not start: .*see "):
        EmbeddedBroker(tmp_path / "x", free_port()).start()


def test_the_newest_protocol_that_the_broker_speaks_is_used(broker: Broker, bench: Bench) -> None:
    ours = receiver(broker, bench)
    assert ours.session.version == ("3.1.1" if isinstance(broker, EmbeddedBroker) else "5")
    ours.stop()


def test_a_backlog_keeps_the_order_of_telemetry_and_status(broker: Broker, bench: Bench) -> None:
    receiver(broker, bench).stop()
    backlog = [
        ("city/air/aq-1/telemetry", b'{"time": %d, "pm25": 1}' % (1_790_000_000 + i))
        for i in range(3_000)
    ]
    backlog.insert(2_900, ("city/air/aq-1/status", b'{"status": "offline", "time": 1790002900}'))
    publish_all(broker.port, backlog)
    ours = receiver(broker, bench)
    wait_until(lambda: stored(bench) == 3_001)
    ours.stop()
    batches = bench.telemetry.since(0, 10_000)
    online = bench.kinds.quantity_code["online"]
    before = 0
    for batch in batches:
        if (batch.readings.quantity == online).any():
            break
        before += len(batch.readings)
    assert before > 2_500, "the status came long before the readings that were sent before it"


def test_a_message_that_somebody_waits_for_is_told_what_became_of_it(
    broker: Broker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = receiver(broker, bench)
    topic = "city/air/aq-1/telemetry"
    (first,) = ours.submit([(topic, b'{"pm25": 5, "pm10": "x"}', 10**18)])
    assert first.stored == 1
    (again,) = ours.submit([(topic, b'{"pm25": 5, "zz": 1}', 10**18)])
    assert (again.stored, again.duplicate, again.quarantined) == (0, 1, ["unknown_quantity"])
    with monkeypatch.context() as broken:
        broken.setattr(bench.telemetry, "append", refuse)
        with pytest.raises(StoreError, match="is full"):
            ours.submit([(topic, b'{"pm25": 6}', 10**18 + 1)])
    publish_all(broker.port, messages(0, 10))
    wait_until(lambda: stored(bench) == 11)
    ours.stop()
    assert holds(bench.account())


def test_many_that_somebody_waits_for_are_one_write(
    broker: Broker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[int] = []
    whole = bench.telemetry.append

    def counts(readings: Readings, ledger: Ledger) -> int:
        writes.append(len(readings))
        return whole(readings, ledger)

    monkeypatch.setattr(bench.telemetry, "append", counts)
    ours = receiver(broker, bench)
    told = ours.submit([(t, p, NOW + i) for i, (t, p) in enumerate(messages(0, 500))])
    assert [o.stored for o in told] == [1] * 500
    assert writes == [500]
    ours.stop()


def test_a_single_message_after_a_quiet_while_is_written_at_once(
    broker: Broker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.receiver.LINGER_S", 600.0)  # whoever waited would not come at all
    ours = receiver(broker, bench)
    publish_all(broker.port, messages(0, 1))
    wait_until(lambda: stored(bench) == 1)
    # The next one would wait for company, but not where somebody waits for it.
    assert ours.submit([("city/air/aq-1/telemetry", b'{"pm25": 5}', NOW)])[0].stored == 1
    ours.stop()


def test_what_was_received_is_taken_only_when_it_is_in_the_store(
    broker: Broker, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever judges silence must not go past what waits: in the inbox, at hand, or on disk."""
    ours = receiver(broker, bench)
    clock = SystemClock()
    before = clock.now()
    assert ours.taken(before) == before
    with monkeypatch.context() as gone:

        def away(*_: object) -> int:
            raise StoreError("the store", "is away")

        gone.setattr(bench.telemetry, "append", away)
        publish_all(broker.port, messages(0, 10))
        wait_until(lambda: ours.taken(clock.now()) < clock.now() - 100_000_000)
        waits = ours.taken(clock.now())
        assert waits >= before
        publish_all(broker.port, messages(10, 10))
        assert ours.taken(clock.now()) == waits
        assert ours.fault() == "" and "is away" in ours.trouble()
    wait_until(lambda: ours.taken(before + 10**18) == before + 10**18)
    assert len(bench.stored()) == 20
    ours.stop()
