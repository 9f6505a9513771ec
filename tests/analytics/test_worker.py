"""The worker over real stores: facts are written, restarts and kills change nothing, failures are loud."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from analytics.alerts.book import AlertBook
from analytics.engine import Engine
from analytics.facts import Facts
from analytics.worker import Worker
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from store.telemetry import Series
from telemetry.clock import HOUR, MINUTE, SECOND, ManualClock
from telemetry.errors import StoreError
from telemetry.ledger import Ledger
from telemetry.live import Hub
from telemetry.readings import Readings
from tests.analytics.city import T0, ZONE, Row, batch, catalogue
from tests.analytics.test_snapshot import a_day


def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for a condition; fail when it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        threading.Event().wait(0.002)


class Site:
    """Stores in a folder, a clock, and the worker that is running now."""

    def __init__(self, path: Path) -> None:
        path.mkdir(exist_ok=True)
        self.path = path
        self.known = catalogue()
        self.clock = ManualClock(T0)
        self._still = threading.Lock()  # a clock that leaps ahead of its batch would make that late
        self.telemetry = DuckDBStore(path / "telemetry.duckdb", self.known)
        self.operations = SqlOperations(f"sqlite:///{path / 'operations.db'}")
        self.operations.put_devices(self.known.devices)
        self.hub = Hub()
        self.worker = self.new_worker()

    def new_worker(self, save_every: float = 3600.0) -> Worker:
        book = AlertBook(self.operations, self.known, self.hub, self.clock)
        engine = Engine(self.known, ZONE)
        self.worker = Worker(
            engine, self.telemetry, self.operations, book, self.hub, self.clock,
            self.path / "analytics.npz", save_every,
        )  # fmt: skip
        step = self.worker._step

        def still() -> bool:
            with self._still:
                return step()

        self.worker._step = still  # type: ignore[method-assign]
        return self.worker

    def append(self, rows: list[Row]) -> None:
        with self._still:
            self.telemetry.append(batch(self.known, rows), Ledger.empty())
            self.clock.advance(max(0, max(r[2] for r in rows) - self.clock.now()))
        self.worker.wake()

    def caught_up(self) -> None:
        self.worker.wake()
        until(self.worker.caught_up)

    def kill(self) -> None:
        """End the worker as SIGKILL would: nothing more is saved."""
        self.worker._save = lambda: None  # type: ignore[method-assign]
        self.worker.stop()

    def close(self) -> None:
        self.worker.stop()
        self.telemetry.close()
        self.operations.close()

    def standing(self) -> list[str]:
        """Rules that stand, silence left out: the clock of these tests leaps."""
        return [a.rule for a in self.operations.standing() if a.rule != "device_offline"]

    def written(self) -> dict[str, object]:
        """Everything that analytics wrote, by name and not by code."""
        whole = self.telemetry.raw(Series(), 0, T0 + 1000 * HOUR, 1_000_000)
        online = self.known.kinds.quantity_code["online"]
        whole = whole.take(whole.quantity != online)
        order = whole.order()
        rollups = [
            self.telemetry.rollups(step, Series(), 0, T0 + 1000 * HOUR) for step in (MINUTE, HOUR)
        ]
        alerts = self.operations.alerts(limit=10_000)
        return {
            "readings": [repr(c[order].tolist()) for c in whole.columns()[:5]],
            "rollups": [
                [repr(np.asarray(getattr(r, f)).tolist()) for f in r.__dataclass_fields__]
                for r in rollups
            ],
            # When it was announced is of the clock, and so is when silence, as a cause, let it out.
            "alerts": sorted(
                (a.but(announced=0, released=None) for a in alerts if a.rule != "device_offline"),
                key=lambda a: a.id,
            ),
        }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path / "site")
    yield found
    found.close()


def test_readings_become_facts_alerts_and_news(site: Site) -> None:
    site.worker.start()
    levels = [1.35, 1.41, 1.47, 1.46]
    for i, level in enumerate(levels):
        site.append([("phu-an", "level", T0 + i * 300 * SECOND, level)])
    site.append([("gio-1", "pressure", T0 + 2 * HOUR, 1010.0)])
    site.caught_up()
    kinds = site.known.kinds
    stage = site.telemetry.raw(
        Series(quantities=np.array([kinds.quantity_code["flood_stage"]], np.int16)), 0, 2**62, 10
    )
    assert stage.value.tolist() == [0, 1, 1, 1]
    hour = site.telemetry.rollups(HOUR, Series(), T0, T0 + HOUR)
    assert hour.count.tolist() == [4]
    assert hour.sum[0] == pytest.approx(sum(levels))
    assert site.standing() == ["flood_bd1"]
    assert site.worker.trouble() == ""


def run_through(site: Site, batches: list[list[Row]], kills: dict[int, bool]) -> dict[str, object]:
    """Feed a day; at the named batches kill the worker, True: right after it saved its state."""
    site.worker.start()
    for i, rows in enumerate(batches):
        site.append(rows)
        if i in kills:
            if kills[i]:
                site.caught_up()
                with site._still:
                    site.worker._save()
            site.kill()
            site.new_worker().start()
    site.caught_up()
    return site.written()


@pytest.mark.parametrize(
    "kills", [{4: False}, {4: True, 9: False}, {2: True, 3: False, 5: True, 11: False}], ids=str
)
def test_killed_at_any_moment_the_facts_are_the_same(
    tmp_path: Path, kills: dict[int, bool]
) -> None:
    batches = a_day(5)
    found: list[dict[str, object]] = []
    cases: list[tuple[str, dict[int, bool]]] = [("whole", {}), ("killed", kills)]
    for name, when in cases:
        site = Site(tmp_path / name)
        try:
            found.append(run_through(site, batches, when))
        finally:
            site.close()
    assert found[0]["alerts"]
    assert found[1] == found[0]


def watched(worker: Worker) -> list[Readings]:
    """The batches that the worker's engine is given from now on."""
    taken: list[Readings] = []
    real = worker.engine.process

    def process(batch: Readings, now: int) -> Facts:
        taken.append(batch)
        return real(batch, now)

    worker.engine.process = process  # type: ignore[method-assign]
    return taken


def test_it_tells_the_position_that_a_restart_goes_on_from(site: Site) -> None:
    site.worker.start()
    site.append(a_day(1)[0])
    site.caught_up()
    assert site.worker.saved() == 0, "taken in, and not saved yet"
    site.worker.stop()
    assert site.worker.saved() == 1
    site.new_worker().start()
    assert site.worker.saved() == 1
    site.append(a_day(1)[1])
    site.caught_up()
    site.kill()
    assert site.worker.saved() == 1


def test_a_restart_goes_on_behind_the_snapshot(site: Site) -> None:
    site.worker.start()
    for rows in a_day(1)[:5]:
        site.append(rows)
    site.caught_up()
    site.worker.stop()
    again = site.new_worker()
    again.start()
    taken = watched(again)
    site.append([("gio-1", "pressure", T0 + 15 * HOUR, 1010.0)])
    site.caught_up()
    assert sum(len(b) for b in taken) == 1


def test_a_snapshot_of_another_log_is_left_aside(
    site: Site, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    site.worker.start()
    site.append([("gio-1", "pressure", T0, 1010.0)])
    site.caught_up()
    site.worker.stop()
    other = Site(tmp_path / "other")
    try:
        (other.path / "analytics.npz").write_bytes((site.path / "analytics.npz").read_bytes())
        with caplog.at_level(logging.WARNING):
            other.worker.start()
        assert "is of another log" in caplog.text
        other.append([("tu-1", "voltage", T0, 0.0)])
        other.caught_up()
        assert other.standing() == ["feeder_supply_loss"]
    finally:
        other.close()


def test_a_store_that_is_away_is_waited_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    put = site.telemetry.put_derived
    failures: list[int] = []

    def away(readings: Readings) -> None:
        if len(failures) < 8:
            failures.append(len(readings))
            site.worker.wake()
            raise StoreError("telemetry", "is away")
        put(readings)

    monkeypatch.setattr(site.telemetry, "put_derived", away)
    site.worker.start()
    site.append([("tu-1", "voltage", T0, 0.0)])
    until(lambda: site.worker.trouble() != "" or len(failures) >= 8)
    site.caught_up()
    until(lambda: site.worker.trouble() == "")
    assert len(failures) == 8
    assert site.standing() == ["feeder_supply_loss"]


def poisoned(worker: Worker, bad: float) -> None:
    """Make every engine of this process fail on a batch that holds the value `bad`."""
    real = Engine.process

    def process(self: Engine, batch: Readings, now: int) -> Facts:
        if (batch.value == bad).any():
            real(self, batch, now)  # the state is spoilt before the failure shows
            worker.wake()
            raise RuntimeError("boom")
        return real(self, batch, now)

    Engine.process = process  # type: ignore[method-assign]


def test_a_batch_that_fails_again_and_again_is_left_out_loudly(
    site: Site, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Engine, "process", Engine.process)
    poisoned(site.worker, 1013.0)
    rows: list[Row] = [
        ("aq-1", "pm25", T0, 10.0),
        ("gio-1", "pressure", T0 + SECOND, 1013.0),
        ("aq-1", "pm25", T0 + 2 * SECOND, 12.0),
        ("aq-2", "pm25", T0 + 20 * MINUTE, 20.0),
    ]
    for row in rows:
        site.append([row])
    with caplog.at_level(logging.CRITICAL):
        site.worker.start()
        site.caught_up()
    assert "leaves out batch 2" in caplog.text
    minute = site.telemetry.rollups(MINUTE, Series(), T0, T0 + MINUTE)
    assert (minute.count.tolist(), minute.sum.tolist()) == ([2], [22.0])


def test_an_alert_that_stands_in_the_book_clears_after_the_state_is_lost(site: Site) -> None:
    site.worker.start()
    site.append([("tu-1", "voltage", T0, 0.0)])
    site.append([("aq-1", "online", T0, 0.0)])
    site.caught_up()
    site.kill()
    site.clock.advance(40 * HOUR)  # longer than the log is looked back at
    site.new_worker().start()
    at = T0 + 40 * HOUR
    site.append([("tu-1", "voltage", at, 230.0), ("aq-1", "pm25", at, 12.0)])
    site.caught_up()
    states = {a.rule: a.state for a in site.operations.standing() if a.device in ("tu-1", "aq-1")}
    assert states == {"feeder_supply_loss": "returned", "device_offline": "returned"}


def test_without_a_snapshot_an_old_log_is_read_from_its_last_day(site: Site) -> None:
    site.worker.start()
    for hour in range(60):
        rows: list[Row] = [
            ("aq-1", "pm25", T0 + hour * HOUR + i * 10 * MINUTE, 30.0 + (hour + i) % 9)
            for i in range(6)
        ]
        site.append(rows)
    site.caught_up()
    before = site.written()
    site.kill()
    again = site.new_worker()
    again._begin()
    taken = watched(again)
    again._begin = lambda: None  # type: ignore[method-assign]
    again.start()
    site.caught_up()
    assert 38 * 6 <= sum(len(b) for b in taken) <= 40 * 6
    assert site.written() == before


def test_time_passes_while_nothing_comes(site: Site) -> None:
    site.worker.start()
    site.append([("aq-1", "pm25", T0, 10.0)])
    site.caught_up()
    for _ in range(6):
        site.clock.advance(4 * MINUTE)
        # Somebody is heard: were nobody, the fault would be taken as ours.
        site.append([("gio-1", "pressure", site.clock.now(), 1010.0)])
        site.caught_up()
        until(lambda: site.worker.engine._looked >= site.clock.now() - 3 * SECOND)
    until(
        lambda: (
            ("device_offline", "aq-1") in {(a.rule, a.device) for a in site.operations.standing()}
        )
    )


def test_why_values_are_flagged_is_kept_by_hour(site: Site) -> None:
    site.worker.start()
    values = [10.0, 11.0, 300.0, 12.0, 11.0, 700.0]
    site.append([("aq-1", "pm25", T0 + i * MINUTE, v) for i, v in enumerate(values)])
    site.append([("gio-1", "pressure", T0 + 2 * HOUR, 1010.0)])
    site.caught_up()
    found = {f.test: f for f in site.operations.quality("aq-1", T0, T0 + HOUR)}
    assert set(found) == {"range", "rate", "spike"}
    assert found["range"].count == 1
    # The shoulders of a spike are spikes by the average method; the last value waits for its next one.
    assert found["spike"].count == 4
    assert found["spike"].worst == 4


def test_what_is_settled_has_its_rollups_late_readings_too(site: Site) -> None:
    site.worker.start()
    for rows in a_day(3):  # late ones among them
        site.append(rows)
    site.caught_up()
    settled = site.worker.settled // HOUR * HOUR
    assert settled > T0 + 10 * HOUR
    kinds = site.known.kinds
    measured = np.flatnonzero(~(kinds.declared & ~kinds.accepted).any(axis=0)).astype(np.int16)
    own = Series(quantities=measured)
    read = site.telemetry.windows(own, T0, settled, HOUR)
    kept = site.telemetry.rollups(HOUR, own, T0, settled)
    for name in ("device", "quantity", "start", "count"):
        np.testing.assert_array_equal(getattr(read, name), getattr(kept, name))
    counted = read.count > 0
    for name in ("sum", "min", "max", "last"):
        ours, theirs = getattr(read, name)[counted], getattr(kept, name)[counted]
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
