"""What the feed writes: only what counts, only what changed, and every line of an alert's history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analytics.alerts.book import AlertBook, Told
from analytics.alerts.platform_rules import RULE_OF_PART
from analytics.notify.describe import Describer
from devices.device import Catalogue, Device
from devices.subject import platform
from grafana.feed import AGAIN, BoardFeed
from grafana.figures import KindTable, area_lines, kind_lines, kind_table
from store.command_records import CommandRecord, CommandState
from store.sql_store import SqlOperations
from store.telemetry import Series
from telemetry.clock import MINUTE, SECOND, ManualClock, parse_time
from telemetry.errors import StoreError
from telemetry.flags import Flag
from telemetry.live import Hub
from telemetry.readings import Readings
from tests.simulators.cities import KINDS, city

NOW = parse_time("2026-11-22T05:00:00Z")
HERE, THERE = (a.code for a in city("hcmc").areas[:2])
Row = tuple[str, str, int, float, int]


def catalogue() -> Catalogue:
    made = Catalogue(KINDS)
    for name, area in (("aq-1", HERE), ("aq-2", HERE), ("aq-3", THERE)):
        made.put(Device(id=name, kind="air", area=area, lat=10.7, lon=106.7))
    made.put(Device(id="aq-9", kind="air", registered=False))
    return made


def latest(known: Catalogue, *rows: Row) -> Readings:
    """(device, quantity, seconds ago, value, flag)."""
    codes = {d.id: i for i, d in enumerate(known.devices)}
    times = [NOW - ago * SECOND for _, _, ago, _, _ in rows]
    return Readings.of(
        [codes[d] for d, *_ in rows],
        [KINDS.quantity_code[q] for _, q, *_ in rows],
        times,
        [r[3] for r in rows],
        [r[4] for r in rows],
        times,
    )


def table(*rows: Row) -> KindTable:
    known = catalogue()
    return kind_table(KINDS["air"], latest(known, *rows), known, NOW)


def test_a_value_counts_while_it_says_something_about_now() -> None:
    found = table(
        ("aq-1", "pm25", 30, 12.0, Flag.GOOD),
        ("aq-2", "pm25", 30, 900.0, Flag.FAIL),
        ("aq-3", "pm25", 299, 20.0, Flag.NOT_EVALUATED),
        ("aq-9", "pm25", 30, 99.0, Flag.GOOD),
    )
    column = found.names.index("pm25")
    assert [d.id for d in found.devices] == ["aq-1", "aq-2", "aq-3"]
    assert found.values[:, column].tolist()[0] == 12.0 and found.values[2, column] == 20.0
    assert np.isnan(found.values[1, column])
    old = table(("aq-1", "pm25", 301, 12.0, Flag.GOOD))
    assert np.isnan(old.values).all() and not old.online.any()


def test_what_a_device_said_before_it_fell_silent_does_not_count() -> None:
    rows: tuple[Row, ...] = (("aq-1", "pm25", 30, 12.0, 1), ("aq-1", "online", 10, 0.0, 1))
    found = table(*rows)
    assert not found.online[0] and np.isnan(found.values[0]).all()


def test_figures_of_areas_and_kinds() -> None:
    found = table(
        ("aq-1", "pm25", 30, 10.0, 1), ("aq-2", "pm25", 130, 30.0, 1), ("aq-3", "pm25", 30, 50.0, 3)
    )  # fmt: skip
    first, second = list(area_lines(found, city("hcmc"), NOW))
    assert "pm25_mean=20,pm25_min=10,pm25_max=30" in first and "devices=2i" in first
    assert "pm25" not in second and "devices=1i" in second
    kind, *quality = list(kind_lines(found, NOW))
    # aq-2 is late for its minute, and within its time-out.
    assert "devices=3i,online=3i,offline=0i,current=2i" in kind
    pm25 = next(line for line in quality if "quantity=pm25 " in line)
    assert "good=2i,not_evaluated=0i,suspect=1i,fail=0i,missing=0i" in pm25


class Taken:
    """Where the lines go; away when it is told so."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.away = False

    def put_figures(self, lines: list[str]) -> None:
        if self.away:
            raise StoreError("InfluxDB", "is away")
        self.lines += lines

    def of(self, measurement: str) -> list[str]:
        return [line for line in self.lines if line.startswith(f"{measurement},")]


class Holds:
    """The part of a telemetry store that the feed reads."""

    def __init__(self, readings: Readings) -> None:
        self.readings = readings

    def latest(self, series: Series) -> Readings:
        return self.readings


class Bench:
    """A feed by hand."""

    def __init__(self, folder: Path) -> None:
        self.known = catalogue()
        self.clock, self.taken = ManualClock(NOW), Taken()
        self.operations = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
        self.book = AlertBook(self.operations, self.known, Hub(), self.clock)
        self.holds = Holds(latest(self.known, ("aq-1", "pm25", 0, 12.0, 1)))
        self.folder = folder
        self.feed = self.again()

    def again(self, name: str = "hcmc") -> BoardFeed:
        """A feed as a new process makes it."""
        describe = Describer(self.known, city(name), self.book.rules)
        return BoardFeed(
            self.taken, self.holds, self.operations, self.known, city(name), describe,  # type: ignore[arg-type]
            self.clock, self.folder, every_s=0.01,
        )  # fmt: skip

    def tell(self, stands: bool) -> None:
        told = Told(
            rule=RULE_OF_PART["disk"],
            subject=platform("disk"),
            stands=stands,
            time=self.clock.now(),
        )
        self.book.tell([told])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.operations.close()


def test_a_device_is_written_when_it_changes_and_every_ten_minutes(bench: Bench) -> None:
    bench.feed.step()
    assert len(bench.taken.of("board.device")) == 3
    bench.clock.advance(MINUTE)
    bench.feed.step()
    assert len(bench.taken.of("board.device")) == 3
    bench.holds.readings = latest(bench.known, ("aq-1", "pm25", -60, 13.0, 1))
    bench.feed.step()
    assert len(bench.taken.of("board.device")) == 4
    bench.clock.advance(AGAIN)
    bench.feed.step()
    assert len(bench.taken.of("board.device")) == 7


def test_what_could_not_be_written_is_written_next(bench: Bench) -> None:
    bench.taken.away = True
    with pytest.raises(StoreError):
        bench.feed.step()
    bench.taken.away = False
    bench.feed.step()
    assert len(bench.taken.of("board.device")) == 3


def test_no_line_of_an_alert_is_left_out_over_outages_and_restarts(bench: Bench) -> None:
    bench.tell(True)
    bench.taken.away = True
    with pytest.raises(StoreError):
        bench.feed.step()
    bench.clock.advance(MINUTE)
    bench.tell(False)
    bench.taken.away = False
    bench.feed.step()
    bench.again().step()
    events = bench.taken.of("board.event")
    assert sum("what=raised" in e for e in events) == sum("what=cleared" in e for e in events) == 1
    assert all("kind=platform" in e and "title_vi=" in e and "act_en=" in e for e in events)
    times = [int(e.rpartition(" ")[2]) for e in events if "what=raised" in e or "what=cleared" in e]
    assert sorted(times) == [NOW, NOW + MINUTE]


def test_what_stands_is_counted_and_listed_until_it_is_over(bench: Bench) -> None:
    bench.tell(True)
    bench.feed.step()
    (line,) = bench.taken.of("board.open")
    assert "subject=platform:disk" in line
    every = [x for x in bench.taken.of("board.alerts") if "kind=all" in x]
    assert len(every) == 4 and sum("shown=1i" in x for x in every) == 1
    assert "shown=0i" in next(x for x in bench.taken.of("board.alerts") if "kind=air" in x)


def test_a_command_is_written_when_it_is_asked_for_and_when_it_is_answered(bench: Bench) -> None:
    asked = CommandRecord(
        id="c1", batch="b", device="aq-1", kind="air", command="interval", value=60.0,
        requested=NOW - SECOND, requested_by="Lan", expires=NOW + MINUTE,
    )  # fmt: skip
    bench.operations.add_commands([asked])
    bench.taken.away = True
    with pytest.raises(StoreError):
        bench.feed.step()
    bench.taken.away = False
    for _ in range(2):  # the second time nothing is new
        bench.feed.step()
    (line,) = bench.taken.of("board.command")
    assert 'state="requested"' in line and "value=60" in line and "applied" not in line
    done = asked.but(state=CommandState.ACKNOWLEDGED, answered=NOW, applied=60.0)
    bench.operations.settle_commands([done], [CommandState.REQUESTED])
    bench.feed.step()
    last = bench.taken.of("board.command")[-1]
    assert 'state="acknowledged"' in last and "applied=60" in last and "answered_s=1" in last
    assert last.rpartition(" ")[2] == line.rpartition(" ")[2], "the same point"


def test_the_thread_lives_through_an_outage(bench: Bench) -> None:
    from tests.brokers import wait_until

    bench.taken.away = True
    bench.feed.start()
    try:
        wait_until(lambda: "away" in bench.feed.trouble(), 20)
        bench.taken.away = False
        wait_until(lambda: bench.feed.trouble() == "", 20)
        assert bench.taken.of("board.device")
    finally:
        bench.feed.stop()
    assert bench.feed.trouble() == "has ended"
