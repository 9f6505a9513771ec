"""Who was offline in a history that is filled in: told when it was, however it is cut, right after a start too."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.alerts.book import AlertBook
from analytics.engine import Engine
from analytics.own import Hearing
from analytics.worker import Worker
from devices.device import Catalogue, Device
from store.duckdb_store import DuckDBStore
from store.records import AlertState
from store.sql_store import SqlOperations
from telemetry.clock import HOUR, MINUTE, SECOND, ManualClock
from telemetry.ledger import Ledger
from telemetry.live import Hub
from tests.analytics.city import T0, ZONE, Row, Told, batch, catalogue
from tests.analytics.test_worker import until

TIMEOUT = 300 * SECOND  # devices/kinds/air.py
DEVICES = tuple(Device(id=f"aq-{n}", kind="air") for n in range(3))
YESTERDAY = T0 - 24 * HOUR


def history(minutes: int, silent: dict[str, list[tuple[int, int]]]) -> list[Row]:
    """Every station once a minute, but in its silences [from, to), in order of time."""
    return [
        (d.id, "pm25", YESTERDAY + m * MINUTE + n * SECOND, 12.0 + m % 3)
        for m in range(minutes)
        for n, d in enumerate(DEVICES)
        if not any(a <= m < b for a, b in silent.get(d.id, []))
    ]


def will(device: str, minute: int) -> Row:
    return (device, "online", YESTERDAY + minute * MINUTE, 0.0)


class History:
    """An engine that was started at T0, and reads a history as fast as it can."""

    def __init__(self, known: Catalogue | None = None) -> None:
        self.known = known or catalogue(DEVICES)
        self.engine = Engine(self.known, ZONE)
        self.engine.count_from(T0)
        self.told = Told(self.known)
        self.now = T0

    def read(self, rows: list[Row], cuts: list[int] | None = None) -> History:
        for a, b in itertools.pairwise(sorted({0, len(rows), *(cuts or [])})):
            self.now += SECOND
            self.told.take(self.engine.process(batch(self.known, rows[a:b], self.now), self.now))
            self.told.take(self.engine.advance(self.now))
        return self

    def changes(self, device: str) -> list[tuple[str, float]]:
        """(what, minute of the history) of the station's alert."""
        return [
            (w, (t - YESTERDAY) / MINUTE)
            for w, r, d, t, _ in self.told.transitions
            if (r, d) == ("device_offline", device) and w != "update"
        ]


def test_a_will_of_the_history_is_an_alert_though_it_is_received_right_after_the_start() -> None:
    rows = history(200, {"aq-1": [(60, 130)]})
    rows = sorted([*rows, will("aq-1", 61)], key=lambda r: r[2])
    found = History().read(rows, list(range(0, len(rows), 50)))
    assert found.changes("aq-1") == [("raise", 61), ("clear", 130 + 1 / 60)]


def test_silence_in_it_is_an_alert_from_when_the_time_out_ran_out() -> None:
    found = History().read(history(200, {"aq-1": [(60, 130)]}), [100, 250, 400])
    assert found.changes("aq-1") == [("raise", 64 + 1 / 60), ("clear", 130 + 1 / 60)]
    assert found.changes("aq-0") == found.changes("aq-2") == []


def test_who_never_comes_back_in_it_stands_offline_since_then() -> None:
    found = History().read(history(200, {"aq-1": [(60, 999)]}))
    assert found.changes("aq-1") == [("raise", 64 + 1 / 60)]


def test_within_its_time_out_it_is_not_silent() -> None:
    gap = TIMEOUT // MINUTE
    assert History().read(history(99, {"aq-1": [(60, 59 + gap)]})).changes("aq-1") == []
    assert len(History().read(history(99, {"aq-1": [(60, 60 + gap)]})).changes("aq-1")) == 2


def test_a_station_that_reports_hourly_is_not_silent_in_between() -> None:
    rows: list[Row] = [("aq-0", "pm25", YESTERDAY + h * HOUR, 12.0 + h) for h in range(20)]
    assert History().read(rows, list(range(20))).changes("aq-0") == []


def test_what_a_device_kept_while_it_had_no_link_is_no_silence() -> None:
    """Heard live, then after three hours all that it kept, newest or oldest first."""
    for turn in (1, -1):
        found = History()
        for m in range(10):
            at = T0 + m * MINUTE
            found.told.take(
                found.engine.process(batch(found.known, [("aq-0", "pm25", at, 9.0 + m % 2)]), at)
            )
        kept: list[Row] = [("aq-0", "pm25", T0 + m * MINUTE, 9.0 + m % 2) for m in range(10, 190)]
        found.now = T0 + 190 * MINUTE
        found.read(kept[::turn], [20, 40, 60])
        assert found.changes("aq-0") == []


def test_a_recording_that_is_read_beside_a_newer_history_makes_nobody_offline() -> None:
    found = History().read(history(600, {"aq-2": [(0, 999)]}))
    older: list[Row] = [
        ("aq-2", "pm25", YESTERDAY - 100 * HOUR + m * MINUTE, 9.0 + m % 2) for m in range(300)
    ]
    assert found.read(older, [50, 100, 200]).changes("aq-2") == []


SILENCES = st.lists(st.tuples(st.integers(0, 110), st.integers(1, 60)), max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    SILENCES, st.lists(st.integers(0, 119), max_size=4), st.lists(st.integers(0, 400), max_size=9)
)
def test_however_it_is_cut_the_alerts_are_the_same(
    silences: list[tuple[int, int]], wills: list[int], cuts: list[int]
) -> None:
    rows = history(120, {"aq-1": [(a, a + n) for a, n in silences]})
    rows = sorted([*rows, *(will("aq-1", m) for m in wills)], key=lambda r: (r[2], r[1]))
    whole = History().read(rows).changes("aq-1")
    assert History().read(rows, [c for c in cuts if c < len(rows)]).changes("aq-1") == whole


@pytest.mark.parametrize("at", [30, 150, 290, 450])
def test_nor_does_a_restart_in_the_middle_of_it_matter(at: int) -> None:
    rows = history(200, {"aq-1": [(60, 130)], "aq-2": [(90, 999)]})
    whole = History().read(rows)
    cut = History().read(rows[:at])
    cut.engine = Engine.restore(cut.engine.snapshot(), cut.known, ZONE)
    cut.read(rows[at:])
    for device in ("aq-0", "aq-1", "aq-2"):
        assert cut.changes(device) == whole.changes(device)


def test_the_first_start_of_a_platform_tells_the_offline_of_its_history(tmp_path: Path) -> None:
    """The worker as the platform starts it: silence counts from the start, and history comes at once."""
    known, clock = catalogue(DEVICES), ManualClock(T0)
    telemetry = DuckDBStore(tmp_path / "telemetry.duckdb", known)
    operations = SqlOperations(f"sqlite:///{tmp_path / 'operations.db'}")
    book = AlertBook(operations, known, Hub(), clock)
    worker = Worker(
        Engine(known, ZONE), telemetry, operations, book, Hub(), clock, tmp_path / "analytics.npz",
        hearing=Hearing(T0),
    )  # fmt: skip
    worker.start()
    try:
        rows = history(240, {"aq-1": [(60, 130)], "aq-2": [(100, 999)]})
        rows = sorted([*rows, will("aq-1", 61), will("aq-2", 101)], key=lambda r: r[2])
        for a in range(0, len(rows), 90):
            clock.advance(SECOND)
            telemetry.append(batch(known, rows[a : a + 90], clock.now()), Ledger.empty())
            worker.wake()
        until(worker.caught_up)
        (stands,) = (a for a in book.standing() if a.state is AlertState.UNACKNOWLEDGED)
        assert (stands.subject, stands.raised) == ("aq-2", YESTERDAY + 101 * MINUTE)
        had = [a.subject for a in operations.alerts(rules=["device_offline"])]
        assert sorted(had) == ["aq-1", "aq-2"]
    finally:
        worker.stop()
        telemetry.close()
        operations.close()
