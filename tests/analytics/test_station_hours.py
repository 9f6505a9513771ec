"""What rests on hours, through the engine: days, years, limits; late, taken back, in any order and cut."""

from __future__ import annotations

import itertools
import math
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from analytics.indices.calendar import LocalCalendar
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from tests.analytics.city import ZONE, Row, Told, batch, catalogue, engine

MIDNIGHT = parse_time("2026-11-21T00:00:00+07:00")
NOON = 12 * HOUR


def run(rows: list[Row], until: int, cuts: list[int] | None = None, order: list[Row] | None = None) -> Told:  # fmt: skip
    known = catalogue()
    e, told = engine(known), Told(known)
    arrival = rows if order is None else order
    bounds = sorted({0, len(arrival), *(min(c, len(arrival)) for c in cuts or [])})
    for a, b in itertools.pairwise(bounds):
        told.take(e.process(batch(known, arrival[a:b]), until))
    flush(e, told, until)
    return told


def flush(e: Engine, told: Told, at: int) -> None:
    known = e.layout.catalogue
    told.take(e.process(batch(known, [("gio-1", "pressure", at, 1010.0)]), at))


def hourly(pollutant: str, values: list[float], start: int = MIDNIGHT) -> list[Row]:
    # Told twice an hour, a little apart: two good values, and no flat line.
    rows: list[Row] = []
    for hour, value in enumerate(values):
        if not math.isnan(value):
            at = start + hour * HOUR
            rows += [("aq-1", pollutant, at + 10 * MINUTE, value - 1), ("aq-1", pollutant, at + 40 * MINUTE, value + 1)]  # fmt: skip
    return rows


def test_a_day_is_told_when_it_has_ended_at_its_local_start() -> None:
    rows = hourly("pm25", [47.0] * 24)
    before = run(rows, MIDNIGHT + DAY + 5 * MINUTE)
    assert before.of("vn_aqi_day") == {}  # the watermark is ten minutes behind
    told = run(rows, MIDNIGHT + DAY + 11 * MINUTE)
    assert told.of("vn_aqi_day") == {("aq-1", MIDNIGHT): 94.0}  # 50 + 50/25 · 22
    assert told.of("pm25_24h") == {("aq-1", MIDNIGHT): 47.0}
    assert told.of("limit_24h") == {("aq-1", MIDNIGHT): 104.45}
    assert told.changes("air_limit_24h") == [("raise", "aq-1")]


def test_the_same_mean_was_within_the_limit_of_2025() -> None:
    start = parse_time("2025-11-21T00:00:00+07:00")
    told = run(hourly("pm25", [47.0] * 24, start), start + DAY + HOUR)
    assert told.of("limit_24h") == {("aq-1", start): 94.0}
    assert told.changes("air_limit_24h") == []


@pytest.mark.parametrize(("hours", "there"), [(17, False), (18, True)])
def test_three_quarters_of_a_day(hours: int, there: bool) -> None:
    told = run(hourly("pm25", [40.0] * hours), MIDNIGHT + 2 * DAY)
    assert (("aq-1", MIDNIGHT) in told.of("vn_aqi_day")) == there
    assert (("aq-1", MIDNIGHT) in told.of("limit_24h")) == there


def test_a_late_hour_makes_a_day_whole() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    told.take(e.process(batch(known, hourly("pm25", [40.0] * 17)), MIDNIGHT + DAY))
    flush(e, told, MIDNIGHT + DAY + 20 * MINUTE)
    assert told.of("vn_aqi_day") == {}
    late: list[Row] = [("aq-1", "pm25", MIDNIGHT + 23 * HOUR + 30 * MINUTE, 58.0)]
    told.take(e.process(batch(known, late, MIDNIGHT + DAY + 20 * MINUTE), MIDNIGHT + DAY + 20 * MINUTE))  # fmt: skip
    flush(e, told, MIDNIGHT + DAY + 2 * HOUR)
    assert told.of("pm25_24h") == {("aq-1", MIDNIGHT): 41.0}


def test_a_day_goes_when_one_of_its_hours_was_a_spike() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rows = [*hourly("pm25", [40.0] * 17), ("aq-1", "pm25", MIDNIGHT + 23 * HOUR, 400.0)]
    told.take(e.process(batch(known, rows), MIDNIGHT + 23 * HOUR))
    flush(e, told, MIDNIGHT + DAY + HOUR)
    assert told.of("vn_aqi_day") != {}
    told.take(e.process(batch(known, [("aq-1", "pm25", MIDNIGHT + DAY + HOUR, 40.0)]), MIDNIGHT + DAY + HOUR))  # fmt: skip
    flush(e, told, MIDNIGHT + DAY + 3 * HOUR)
    assert told.of("vn_aqi_day") == {} and told.of("pm25_24h") == {}


def test_us_aqi_and_limits_of_hours() -> None:
    rows = hourly("o3", [196.3] * 12) + hourly("pm25", [40.95] * 12)
    told = run(rows, MIDNIGHT + NOON + HOUR)
    at = "aq-1", MIDNIGHT + 11 * HOUR
    assert told.of("us_aqi")[at] == 187  # 0.100 ppm O3 over 8 hours: 151 + 49 · 14/19
    assert told.of("us_aqi_main")[at] == 2
    assert told.of("o3_8h")[at] == 196.3
    assert told.of("limit_8h")[at] == 163.59  # of 120, rounded up
    assert told.of("limit_1h")[at] == 98.15  # of 200
    assert told.of("vn_aqi_main")[at] == told.of("vn_aqi_main")["aq-1", MIDNIGHT + 10 * HOUR]
    eight = {(t - MIDNIGHT) // HOUR for _, t in told.of("o3_8h")}
    assert eight == set(range(5, 12))  # six of eight hours


def test_a_mean_of_eight_hours_outlives_its_last_hours() -> None:
    told = run(hourly("o3", [100.0] * 8), MIDNIGHT + 24 * HOUR)
    assert {(t - MIDNIGHT) // HOUR for _, t in told.of("o3_8h")} == set(range(5, 10))


def test_a_year_is_told_once_three_quarters_of_its_days_are_there() -> None:
    start = parse_time("2025-01-01T00:00:00+07:00")
    rows: list[Row] = []
    for day in range(274):
        rows += hourly("no2", [44.0 + (h % 3) for h in range(18)], start + day * DAY)
    known = catalogue()
    e, told = engine(known), Told(known)
    for a in range(0, len(rows), 2000):
        chunk = rows[a : a + 2000]
        told.take(e.process(batch(known, chunk), chunk[-1][2]))
    assert told.of("no2_year") == {}  # 273 of 365 days have ended
    flush(e, told, start + 275 * DAY)
    assert told.of("no2_year") == {("aq-1", start): 45.0}
    assert told.of("limit_year") == {("aq-1", start): 112.5}
    assert told.changes("air_limit_year") == [("raise", "aq-1")]


def test_one_reading_a_year() -> None:
    rows: list[Row] = [("aq-1", "pm25", MIDNIGHT - y * 365 * DAY, 40.0) for y in (3, 2, 1, 0)]
    told = run(rows, MIDNIGHT + DAY)
    assert {q for _, q, _ in told.derived} <= {"online"}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 400), max_size=8))
@example(264, [27])  # once, an hour of one series was lost with another's that left the ring
def test_any_order_within_the_lateness_and_any_cut_gives_the_same_last_word(
    seed: int, cuts: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(50, 400))
    minutes = np.unique(rng.integers(0, 40 * 60, n))
    # Neighbours in time differ by more than stands still: quality, which goes by order, flags nothing.
    rows: list[Row] = []
    for k, m in enumerate(minutes):
        pollutant, step = (("pm25", 0.5), ("o3", 0.5), ("no2", 0.5), ("co", 2.0))[k // 3 % 4]
        rows.append(("aq-1", pollutant, MIDNIGHT + int(m) * MINUTE, 30.0 + step * (k * 7 % 13)))
    arrival = sorted(rows, key=lambda r: r[2] + int(rng.integers(0, 599)) * 10**9)
    until = MIDNIGHT + 60 * HOUR
    want, found = run(rows, until), run(rows, until, cuts, arrival)
    derived = {k: v for k, v in want.derived.items() if k[1] != "online"}
    assert {k: v for k, v in found.derived.items() if k[1] != "online"} == derived


def test_state_of_a_million_hours_is_bounded() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    sizes = []
    for chunk in range(20):
        start = MIDNIGHT + chunk * 100 * HOUR
        told.take(e.process(batch(known, hourly("pm25", [40.0] * 100, start)), start + 100 * HOUR))
        sizes.append(e.state_bytes())
    # The first hundred hours have an index: what its rule remembers is of one size from then on.
    assert set(sizes) == {sizes[0]}


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [("Asia/Ho_Chi_Minh", "2026-11-21", 24), ("Europe/Paris", "2026-03-29", 23), ("Europe/Paris", "2026-10-25", 25), ("Asia/Kolkata", "2026-11-21", 24)],
)  # fmt: skip
def test_local_days(zone: str, day: str, hours: int) -> None:
    calendar = LocalCalendar(ZoneInfo(zone))
    number = np.array([np.datetime64(day, "D").astype(int)])
    first, end = calendar.first_hour(number), calendar.first_hour(number + 1)
    assert end - first == hours
    assert calendar.day(np.arange(first[0], end[0])).tolist() == [number[0]] * hours
    assert calendar.day(first - 1) == number - 1 and calendar.day(end) == number + 1
    assert calendar.clock(first).tolist() == [0]
    assert calendar.year(number).tolist() == [2026]
    assert calendar.first_day(np.array([1970, 2026])).tolist() == [0, 20454]
    assert ZONE.key == "Asia/Ho_Chi_Minh"
