"""Retention in DuckDB: bounded parts beside running work, whole hours of the account, a file that stays small."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from devices.device import Catalogue
from devices.registry import Kinds
from ingest.housekeeping import PAUSE_S
from store import duckdb_expire
from store.duckdb_store import DuckDBStore
from store.telemetry import Series
from telemetry.clock import DAY, HOUR, SECOND
from telemetry.ledger import OUTCOME_CODE, Ledger
from telemetry.readings import Readings
from telemetry.retention import Retention
from tests.brokers import wait_until

T0 = 20_000 * DAY
KEPT = Retention.of_days(10, 10, 10)
NONE = Ledger.empty()


@pytest.fixture
def store(tmp_path: Path, catalogue: Catalogue) -> Iterator[DuckDBStore]:
    made = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    yield made
    made.close()


def many(kinds: Kinds, start: int, count: int) -> Readings:
    """A reading a second."""
    pm25 = np.full(count, kinds.quantity_code["pm25"])
    times = start + np.arange(count) * SECOND
    return Readings.of(np.zeros(count), pm25, times, np.random.default_rng(1).random(count), 1, T0)


def expire_all(store: DuckDBStore, now: int, analysed: int | None = None) -> list[dict[str, int]]:
    upto = store.position() if analysed is None else analysed
    found = []
    while removed := store.expire(KEPT, now, upto):
        found.append(removed)
    return found


def test_it_goes_in_bounded_parts(
    store: DuckDBStore, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_expire, "ROWS_AT_ONCE", 1_000)
    store.append(many(kinds, T0, 2_500), NONE)
    assert expire_all(store, T0 + 20 * DAY) == [{"raw": 1_000}, {"raw": 1_000}, {"raw": 500}]


def test_hours_of_the_account_go_whole(
    store: DuckDBStore, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_expire, "ROWS_AT_ONCE", 3)
    received, stored = OUTCOME_CODE["received"], OUTCOME_CODE["stored"]
    lines = [
        (T0 + hour * HOUR, device, outcome, 1)
        for hour in range(4)
        for device in (0, 1)
        for outcome in (received, stored)
    ]
    store.append(Readings.empty(), Ledger.of(lines))
    while removed := store.expire(KEPT, T0 + 20 * DAY, store.position()):
        assert removed == {"account": 4}
        rows = store.account(0, T0 + DAY)
        assert len(rows) % 4 == 0, "half an hour of the account is out of balance"
    assert store.account(0, T0 + DAY) == []


def test_others_go_on_while_it_removes(
    store: DuckDBStore, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duckdb_expire, "ROWS_AT_ONCE", 500)
    now = T0 + 20 * DAY
    store.append(many(kinds, T0, 50_000), NONE)
    upto, trouble, parts = store.position(), list[BaseException](), list[int]()

    def remove() -> None:
        try:
            while removed := store.expire(KEPT, now, upto):
                parts.append(removed["raw"])
                time.sleep(PAUSE_S)  # as housekeeping does
        except BaseException as error:
            trouble.append(error)

    thread = threading.Thread(target=remove)
    thread.start()
    beside = 0
    while thread.is_alive():
        rows = many(kinds, now + beside * 10 * SECOND, 10)
        store.append(rows, NONE)
        assert store.seen(rows).all()
        store.correct_flags(rows)
        assert len(store.raw(Series(), now, now + DAY, 10**6)) == 10 * (beside + 1)
        beside += 1
    thread.join()
    assert trouble == [] and sum(parts) == 50_000
    # In turns, not one after the other.
    assert beside > 3
    assert len(store.raw(Series(), 0, now + DAY, 10**6)) == 10 * beside


def test_the_file_does_not_grow_for_ever(store: DuckDBStore, kinds: Kinds) -> None:
    sizes = []
    for day in range(60):
        store.append(many(kinds, T0 + day * DAY, 20_000), NONE)
        expire_all(store, T0 + day * DAY)
        sizes.append(store.path.stat().st_size)
    assert len(store.raw(Series(), 0, T0 + 60 * DAY, 10**7)) < 20_000 * 14
    assert max(sizes[30:]) <= 1.5 * max(sizes[15:30]), sizes


def test_reopened_positions_go_on_and_lost_windows_are_known(
    store: DuckDBStore, kinds: Kinds, catalogue: Catalogue
) -> None:
    for _ in range(3):
        store.append(many(kinds, T0, 10), NONE)
    expire_all(store, T0 + 20 * DAY)
    horizon = store._horizon
    store.close()
    again = DuckDBStore(store.path, catalogue)
    assert again.position() == 3 and again._horizon == horizon > T0
    assert again.append(many(kinds, T0 + 20 * DAY, 1), NONE) == 4
    again.close()


def test_a_reader_that_is_at_work_delays_the_checkpoint_and_breaks_nothing(
    store: DuckDBStore, kinds: Kinds
) -> None:
    store.append(many(kinds, T0, 10), NONE)
    with store._cursor() as reader:
        reader.execute("begin")
        reader.execute("select count(*) from readings").fetchall()
        expire_all(store, T0 + 20 * DAY)
        assert reader.execute("select count(*) from readings").fetchall() == [(10,)]
        reader.execute("rollback")
    wait_until(lambda: store.expire(KEPT, T0 + 20 * DAY, 1) == {} and not store._vacuum)
