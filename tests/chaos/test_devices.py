"""Devices that misbehave: wrong clocks, poison in every batch, 50 times the rate. They harm only themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ingest.fairness import Fairness, Rates
from ingest.receiver import Receiver
from ingest.sink import Sink
from ingest.spool import Spool
from store.telemetry import Series
from telemetry.address import BrokerAddress
from telemetry.clock import DAY, HOUR, SECOND, SystemClock
from telemetry.readings import Readings
from tests.brokers import Broker, Publisher, make_broker, publish_all, wait_until
from tests.chaos.ingestor import IngestProcess, Place
from tests.chaos.load import Load, settle
from tests.chaos.order import assert_order_kept
from tests.ingest.conftest import Bench, build, holds

DEVICES = 20
MAD = 50  # times the rate of the others
# Batches are shared, so a mad device's messages delay the others by the time that one batch takes to write, and
# no more. (tests/chaos/test_fairness.py measures it on the whole platform, with and without one.)
P99_S = 1.0


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = build(tmp_path)
    yield made
    made.telemetry.close()
    made.operations.close()


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[Broker]:
    """What devices do is the same on every broker."""
    made = make_broker("nats", tmp_path / "broker")
    made.start()
    yield made
    made.stop()


class Arrivals:
    """When each reading was stored: (device, time) → monotonic seconds."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self.stored: dict[tuple[str, int], float] = {}

    def __call__(self, readings: Readings) -> None:
        now = time.monotonic()
        for device, at in zip(readings.device.tolist(), readings.time.tolist(), strict=True):
            self.stored[self._bench.catalogue.devices[device].id, at] = now


def _receiver(port: int, bench: Bench, arrivals: Arrivals, batch: int = 500) -> Receiver:
    sink = Sink(bench.pipeline, Spool(bench.folder / "spool", 2**30), arrivals)
    made = Receiver(BrokerAddress("127.0.0.1", port), "urban-ingest", sink, SystemClock(), batch)
    made.start()
    assert made.wait_until_subscribed(20), made.trouble()
    return made


def _air(device: str, at: int, value: int) -> tuple[str, bytes]:
    """A message of one value, at a time in ns that is told in whole seconds."""
    body = b'{"time": %d, "pm25": %d}' % (at // SECOND, value)
    return f"city/air/{device}/telemetry", body


def test_a_clock_an_hour_ahead_is_refused_and_one_a_year_behind_is_late(
    nats: Broker, bench: Bench
) -> None:
    now = SystemClock().now() // SECOND * SECOND
    ours = _receiver(nats.port, bench, Arrivals(bench))
    ahead = [_air("ahead", now + HOUR + i * SECOND, 1) for i in range(50)]
    behind = [_air("behind", now - 365 * DAY + i * SECOND, 2) for i in range(50)]
    sane = [_air("behind", now - 100 * SECOND, 3), *(_air("sane", now - (50 - i) * SECOND, 4) for i in range(50))]  # fmt: skip
    publish_all(nats.port, sane)
    wait_until(lambda: bench.account().get("messages", 0) == 51)
    publish_all(nats.port, [*ahead, *behind])
    wait_until(lambda: bench.account().get("messages", 0) == 151)
    ours.stop()
    assert_order_kept(bench.telemetry)
    account = bench.account()
    assert account["quarantined:time_ahead"] == 50
    assert account["stored"] == 101 and holds(account)
    assert account["late"] == 50
    latest = bench.telemetry.latest(Series())
    newest = dict(zip(latest.device.tolist(), latest.value.tolist(), strict=True))
    assert newest[bench.catalogue.code("behind")] == 3, "what is late is not the latest"
    assert {d for d, _, _ in bench.stored()} == {"behind", "sane"}


def test_poison_in_every_batch_takes_no_good_message_with_it(nats: Broker, bench: Bench) -> None:
    ours = _receiver(nats.port, bench, Arrivals(bench), batch=20)
    at = SystemClock().now() - HOUR
    poison = [b"\xff\xfe", b"{", b"[" * 5_000, b'{"pm25": 1e999}', b'{"pm25": "x"}', b"\0" * 70_000]
    sent = []
    for i in range(100):
        sent += [_air(f"good-{n}", at + i * SECOND, i) for n in range(9)]
        sent.append((f"city/air/bad-{i}/telemetry", poison[i % len(poison)]))
    publish_all(nats.port, sent)
    wait_until(lambda: bench.account().get("messages", 0) == 1_000)
    ours.stop()
    assert_order_kept(bench.telemetry)
    account = bench.account()
    assert account["stored"] == 900 == len(bench.stored())
    assert sum(n for name, n in account.items() if name.startswith("quarantined:")) == 100
    assert "quarantined:internal_error" not in account
    assert len(bench.operations.quarantine(limit=1_000)) == 100


@pytest.mark.timeout(60)
def test_a_device_at_50_times_its_rate_leaves_the_others_their_latency(
    nats: Broker, bench: Bench
) -> None:
    arrivals = Arrivals(bench)
    bench.pipeline._fairness = Fairness(bench.catalogue, Rates())
    ours = _receiver(nats.port, bench, arrivals)
    others, mad = Publisher(nats.port, "others"), Publisher(nats.port, "mad")
    sent: dict[tuple[str, int], float] = {}
    base = SystemClock().now() // HOUR * HOUR - DAY
    clock, rounds = threading.Event(), 40
    for i in range(rounds):
        for n in range(DEVICES):
            sent[f"calm-{n}", base + i * SECOND] = time.monotonic()
            others.send(i * DEVICES + n, *_air(f"calm-{n}", base + i * SECOND, i))
        for k in range(MAD):
            mad.send(i * MAD + k, *_air("mad", base + (i * MAD + k) * SECOND, 1))
        clock.wait(0.1)  # ten readings a second of each, 500 of the mad one
    wait_until(lambda: bench.account().get("messages", 0) == rounds * (DEVICES + MAD), 20)
    ours.stop()
    assert_order_kept(bench.telemetry)
    others.close()
    mad.close()
    latency = np.array([arrivals.stored[key] - at for key, at in sent.items()])
    assert np.quantile(latency, 0.99) < P99_S, f"p99 {np.quantile(latency, 0.99):.2f} s"
    account = bench.account()
    assert holds(account)
    # Of the mad one's half an hour a burst and what an hour has room for are stored, and all of the others.
    assert account["stored"] == rounds * DEVICES + 1_200
    assert account["quarantined:rate_limited"] == rounds * MAD - 1_200
    items = bench.operations.quarantine(limit=10_000)
    assert {(i.device, i.reason) for i in items} == {("mad", "rate_limited")}


def test_the_log_keeps_each_devices_order(nats: Broker, bench: Bench) -> None:
    ours = _receiver(nats.port, bench, Arrivals(bench), batch=50)
    base = SystemClock().now() // SECOND * SECOND - DAY
    count = 1_000
    publish_all(nats.port, [_air(f"d-{i % 7}", base + i * SECOND, i % 400) for i in range(count)])
    wait_until(lambda: bench.account().get("stored", 0) == count)
    ours.stop()
    log = bench.telemetry.since(0, 10**6)
    assert [b.position for b in log] == list(range(1, len(log) + 1)) and len(log) > 5
    device = np.concatenate([b.readings.device for b in log])
    at = np.concatenate([b.readings.time for b in log])
    for code in np.unique(device):
        assert np.all(np.diff(at[device == code]) > 0)


@pytest.mark.timeout(90)
def test_memory_stays_flat_while_messages_come(nats: Broker, tmp_path: Path) -> None:
    ingestor = IngestProcess(Place(tmp_path, nats.port))
    ingestor.start()
    wait_until(lambda: ingestor.report()["trouble"] == "", 30)
    try:
        load = Load(nats.port, burst=20, padding=1_000)
        load.wait_for(10_000)
        warm = _resident_mb(ingestor)
        load.wait_for(20_000)
        grown = _resident_mb(ingestor) - warm
        confirmed = load.finish()
        assert settle(ingestor, len(confirmed)).kept == confirmed
    finally:
        ingestor.close()
    print(f"{warm:.0f} MB, grown by {grown:.0f} MB")
    # 20,000 messages of 1 kB that stayed in memory would be twice this.
    assert grown < 12, f"grown by {grown:.0f} MB from {warm:.0f} MB"


def _resident_mb(ingestor: IngestProcess) -> float:
    pages = int(Path(f"/proc/{ingestor.pid}/statm").read_text().split()[1])
    return pages * 4096 / 2**20
