"""Housekeeping bounds quarantine and removes what is no longer kept; what fails is told, counted and tried again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from ingest import housekeeping
from ingest.housekeeping import Housekeeping
from store.records import QuarantineFilter
from store.telemetry import Series
from telemetry import metrics
from telemetry.clock import DAY, ManualClock
from telemetry.errors import StoreError
from telemetry.retention import Retention
from tests.brokers import wait_until
from tests.ingest.conftest import NOW, Bench, holds
from tests.ingest.test_retention import at


def keeper(
    bench: Bench,
    clock: ManualClock,
    *,
    max_bytes: int = 2**20,
    retention: Retention | None = None,
    analysed: Callable[[], int] | None = None,
) -> Housekeeping:
    return Housekeeping(
        bench.operations, bench.telemetry, clock, 45, max_bytes,
        retention or Retention(), analysed or bench.telemetry.position,
    )  # fmt: skip


def counted(what: str) -> float:
    value: float = metrics.EXPIRED.labels(what)._value.get()
    return value


def failures() -> float:
    value: float = metrics.HOUSEKEEPING_FAILURES._value.get()
    return value


def test_quarantine_is_kept_within_its_age_and_size(bench: Bench) -> None:
    bench.air(b"hello", received=NOW)
    bench.air(b"world", received=NOW + 10 * DAY)
    clock = ManualClock(NOW + 50 * DAY)
    assert keeper(bench, clock).bound_quarantine() == 1
    left = bench.operations.quarantine(QuarantineFilter(), limit=9)
    assert [q.payload for q in left] == [b"world"]
    assert keeper(bench, clock, max_bytes=1).bound_quarantine() == 1


def test_a_flood_is_seen_long_before_the_next_round(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "QUARANTINE_S", 0.01)
    house = keeper(bench, ManualClock(NOW), max_bytes=1_000)
    house.start()
    bench.air(*(b"flood %d" % i for i in range(5)))
    wait_until(lambda: len(bench.operations.quarantine(QuarantineFilter(), limit=9)) == 1)
    house.stop()


def test_what_is_no_longer_kept_goes_in_parts_that_are_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("store.duckdb_expire.ROWS_AT_ONCE", 10)
    bench.air(*(at(NOW - 20 * DAY + i) for i in range(25)), at(NOW))
    before = counted("raw")
    with caplog.at_level(logging.INFO):
        gone = keeper(bench, ManualClock(NOW), retention=Retention.of_days(10, 0, 0)).expire()
    assert gone == {"raw": 25} and counted("raw") - before == 25
    assert "25 of raw" in caplog.text
    assert bench.telemetry.raw(Series(), 0, 2**62, 99).time.tolist() == [NOW]
    assert bench.account()["stored"] == 26 and holds(bench.account())


def test_what_analytics_has_not_saved_stays(bench: Bench) -> None:
    bench.air(at(NOW - 20 * DAY))
    saved = [0]
    house = keeper(
        bench, ManualClock(NOW), retention=Retention.of_days(10, 0, 0), analysed=lambda: saved[0]
    )
    assert house.expire() == {}
    saved[0] = 1
    assert house.expire() == {"raw": 1}


def test_a_store_that_is_away_is_logged_counted_and_tried_again_and_holds_up_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(housekeeping, "RETRY_S", 0.01)
    bench.air(b"hello", received=NOW - 50 * DAY)
    bench.air(at(NOW - 20 * DAY))
    expire, left = bench.telemetry.expire, [StoreError("store", "is away"), ValueError("a bug")]

    def away(*given: Any) -> dict[str, int]:
        if left:
            raise left.pop(0)
        return expire(*given)

    monkeypatch.setattr(bench.telemetry, "expire", away)
    before = failures()
    house = keeper(bench, ManualClock(NOW), retention=Retention.of_days(10, 0, 0))
    house.start()
    wait_until(lambda: len(bench.telemetry.raw(Series(), 0, 2**62, 9)) == 0)
    house.stop()
    assert failures() - before == 2
    assert "store: is away" in caplog.text and "a bug" in caplog.text
    assert bench.operations.quarantine(QuarantineFilter(), limit=9) == []
