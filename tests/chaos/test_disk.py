"""A full disk while the store is away: nothing is acknowledged beyond what is on disk, we say so in words,
and everything arrives once there is room and a store again."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.receiver import Receiver
from ingest.sink import Sink
from ingest.spool import Spool
from telemetry.address import BrokerAddress
from telemetry.clock import SystemClock
from telemetry.errors import StoreError
from tests.brokers import Broker, publish_all, wait_until
from tests.chaos.order import assert_order_kept
from tests.ingest.conftest import Bench, build, holds

MESSAGES = 3_000
BATCH = 100
_DISK_BYTES = 200_000


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = build(tmp_path)
    yield made
    made.telemetry.close()
    made.operations.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 200 kB: what comes does not fit on it."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", str(place)]
    if os.getuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system may be mounted by root only")
    yield place
    subprocess.run(["umount", str(place)], check=True)


class Store:
    """Takes the telemetry store of a bench away, and gives it back."""

    def __init__(self, bench: Bench, patch: pytest.MonkeyPatch) -> None:
        self._bench, self._patch = bench, patch

    def go(self) -> None:
        self._patch.setattr(self._bench.telemetry, "append", _refuse)

    def come(self) -> None:
        self._patch.undo()


@pytest.fixture
def store(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Store:
    return Store(bench, monkeypatch)


def test_a_disk_that_is_full_stops_acknowledging_and_recovers_by_itself(
    broker: Broker, bench: Bench, disk: Path, store: Store
) -> None:
    ballast = disk / "ballast"
    ballast.write_bytes(b"\0" * (_DISK_BYTES // 2))
    store.go()
    ours = _receiver(broker, bench, Spool(disk / "spool", 2**30))
    publish_all(broker.port, _messages())
    wait_until(lambda: "No space left on device" in ours.trouble())
    assert "nothing is acknowledged" in ours.trouble()
    full = _bytes(disk / "spool")
    ballast.unlink()
    wait_until(lambda: _bytes(disk / "spool") > 1.2 * full)  # room is used as soon as it is there
    wait_until(lambda: "No space left on device" in ours.trouble())
    store.come()
    _assert_all_arrive(bench, ours)


def test_a_spool_at_its_bound_stops_acknowledging_and_recovers_by_itself(
    broker: Broker, bench: Bench, store: Store, tmp_path: Path
) -> None:
    store.go()
    ours = _receiver(broker, bench, Spool(tmp_path / "spool", 100_000))
    publish_all(broker.port, _messages())
    wait_until(lambda: "the spool is full" in ours.trouble())
    assert "nothing is acknowledged" in ours.trouble() and "URBAN_SPOOL_MB" in ours.trouble()
    store.come()
    _assert_all_arrive(bench, ours)


def test_what_is_acknowledged_is_what_is_on_disk_and_no_message_more(
    broker: Broker, bench: Bench, store: Store, tmp_path: Path
) -> None:
    first, second = tmp_path / "spool", tmp_path / "another"
    store.go()
    ours = _receiver(broker, bench, Spool(first, 100_000))
    publish_all(broker.port, _messages())
    wait_until(lambda: "the spool is full" in ours.trouble())
    ours.stop()
    on_disk = _spooled(first, tmp_path / "copy")
    assert 0 < on_disk < MESSAGES
    store.come()
    # The same session with an empty spool: the broker still has exactly what the first one does not hold.
    ours = _receiver(broker, bench, Spool(second, 2**30))
    wait_until(lambda: _count(bench, "messages") == MESSAGES - on_disk)
    ours.stop()
    ours = _receiver(broker, bench, Spool(first, 100_000))
    _assert_all_arrive(bench, ours)
    assert _count(bench, "messages") == MESSAGES, "acknowledged, and sent again"


def _refuse(*_: object) -> int:
    raise StoreError("the store", "is away")


def _receiver(broker: Broker, bench: Bench, spool: Spool) -> Receiver:
    address = BrokerAddress("127.0.0.1", broker.port)
    made = Receiver(address, "urban-ingest", Sink(bench.pipeline, spool), SystemClock(), BATCH)
    made.start()
    assert made.wait_until_subscribed(20), made.trouble()
    return made


def _messages() -> list[tuple[str, bytes]]:
    return [
        (f"city/air/disk-{i % 7}/telemetry", b'{"time": %d, "pm25": %d}' % (1_790_000_000 + i, i % 400))
        for i in range(MESSAGES)
    ]  # fmt: skip


def _assert_all_arrive(bench: Bench, ours: Receiver) -> None:
    wait_until(lambda: _count(bench, "stored") >= MESSAGES, 60)
    wait_until(lambda: ours.trouble() == "")
    ours.stop()
    stored = {(int(d[5:]), t // 10**9): v for (d, _, t), v in bench.stored().items()}
    assert stored == {(i % 7, 1_790_000_000 + i): i % 400 for i in range(MESSAGES)}
    assert_order_kept(bench.telemetry)
    assert holds(bench.account())


def _count(bench: Bench, outcome: str) -> int:
    return bench.account().get(outcome, 0)


def _bytes(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.glob("*.spool"))


def _spooled(folder: Path, copy: Path) -> int:
    """Messages that wait on disk, counted in a copy."""
    shutil.copytree(folder, copy)
    spool, count = Spool(copy, 2**30), 0
    while spool:
        count += len(spool.oldest())
        spool.done()
    spool.close()
    return count
