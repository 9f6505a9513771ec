"""Promise 1 on the whole platform: SIGKILL everything, at any moment, under load; nothing confirmed is lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tests.brokers import Publisher, wait_until
from tests.chaos.order import assert_order_kept_in
from tests.platform_process import UpProcess

T0 = 1_790_000_000
DEVICES = 10


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[UpProcess]:
    # Its load is a reading a second of devices that report every minute: that is not what is tested here.
    made = UpProcess(tmp_path, devices=0, rate_factor=0)
    yield made
    made.close()


class Load:
    """A thread that publishes numbered readings until told to stop: number n is device n % 10, second n // 10."""

    def __init__(self, port: int) -> None:
        self.publisher = Publisher(port)
        self.sent = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.005):
            # A confirmation that does not come stops the load: memory stays bounded while all is down.
            if self.sent - len(self.publisher.confirmed) > 2_000:
                continue
            for _ in range(10):
                n = self.sent
                topic = f"city/air/load-{n % DEVICES}/telemetry"
                payload = b'{"time": %d, "pm25": %d}' % (T0 + n // DEVICES, n % 400)
                self.publisher.send(n, topic, payload)
                self.sent += 1


@pytest.mark.timeout(240)
def test_killing_everything_under_load_loses_nothing_confirmed(platform: UpProcess) -> None:
    rng = random.Random(20261122)
    platform.start_ready()
    load = Load(platform.mqtt)
    for _ in range(3):
        target = len(load.publisher.confirmed) + rng.randrange(200, 3_000)
        wait_until(lambda target=target: len(load.publisher.confirmed) >= target, 60)  # type: ignore[misc]
        platform.kill_all()
        platform.start_ready()
    load.stop()
    load.publisher.wait_all(60)
    confirmed = set(load.publisher.confirmed)
    assert len(confirmed) == load.sent > 1_000
    load.publisher.close()
    wait_until(lambda: totals(platform)["stored"] >= load.sent, 60)
    account = totals(platform)
    platform.interrupt()
    stored = readings(platform.folder / "data" / "telemetry.duckdb")
    assert_order_kept_in(platform.folder / "data" / "telemetry.duckdb")
    assert confirmed - stored == set(), "confirmed and lost"
    assert len(stored) == load.sent == account["stored"]
    assert account["balanced"] is True
    assert account["quarantined"] == 0


def totals(platform: UpProcess) -> dict[str, int]:
    """The account of everything since ever."""
    found: dict[str, int] = platform.get("/api/v1/accounting?start=2026-01-01T00:00:00Z")["totals"]
    return found


def readings(path: Path) -> set[int]:
    """The numbers of the stored readings; fails where one is stored twice or has another value."""
    with duckdb.connect(str(path), read_only=True) as db:
        rows = db.execute(
            "select d.name, r.time, r.value from readings r join device d on d.number = r.device "
            "join quantity q on q.number = r.quantity where q.name = 'pm25'"
        ).fetchall()
    numbers = [(time // 10**9 - T0) * DEVICES + int(name.split("-")[1]) for name, time, _ in rows]
    assert len(numbers) == len(set(numbers)), "stored twice"
    assert all(value == n % 400 for n, (_, _, value) in zip(numbers, rows, strict=True))
    return set(numbers)
