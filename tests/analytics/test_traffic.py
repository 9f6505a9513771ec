"""Traffic stations minute by minute → five minutes: volume to delay, in any order, with gaps and late minutes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.device import Device
from telemetry.clock import HOUR, MINUTE, SECOND
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row

STREET = Device(id="xe-1", kind="traffic", limits={"free_flow_kmh": 50.0, "section_km": 2.0})
FREEWAY = Device(
    id="xe-2", kind="traffic", limits={"free_flow_kmh": 100.0, "freeway": 1.0, "lanes": 3.0}
)
MIX = {"motorcycle": 40.0, "car": 7.0, "bus": 1.0, "truck": 1.0, "bicycle": 1.0}
TOLD = ("volume", "pcu", "space_mean_speed", "density", "los", "travel_time_index", "delay")


def minute(at: float, speed: float, device: str = "xe-1", occupancy: float = 20.0) -> list[Row]:
    time = T0 + int(at * MINUTE)
    rows: list[Row] = [(device, name, time, n) for name, n in MIX.items()]
    return [*rows, (device, "speed", time, speed), (device, "occupancy", time, occupancy)]


def test_five_minutes_of_a_street() -> None:
    known = known_with([STREET])
    rows = [row for m in range(10) for row in minute(m, 25.0 if m < 5 else 48.0)]
    told = told_of(known, rows, T0 + HOUR)
    of = {name: list(by_time(told, name, "xe-1").values()) for name in TOLD}
    assert of["volume"] == [3000, 3000]
    # (40·0.25 + 7 + 2.5 + 2.5 + 0.3) · 60
    assert of["pcu"] == [1338, 1338]
    assert of["space_mean_speed"] == [25.0, 48.0]
    assert of["density"] == [120.0, 62.5]
    assert of["los"] == [4, 1]  # exactly 50 % of 50 km/h is not more than 50 %: D
    assert of["travel_time_index"] == [2.0, 1.04]
    # 250 vehicles · (2/25 - 2/50) h
    assert of["delay"] == [pytest.approx(10.0), pytest.approx(250 * (2 / 48 - 2 / 50), abs=0.005)]


def test_a_freeway_is_judged_by_its_density() -> None:
    rows = [row for m in range(5) for row in minute(m, 90.0, "xe-2")]
    told = told_of(known_with([FREEWAY]), rows, T0 + HOUR)
    # TCXDVN 104, 60 km/h and more: (40·0.5 + 7 + 2 + 2 + 0.5) · 60 = 1890 PCU/h on three lanes at
    # 90 km/h are 7 pc/km/ln = 11.27 pc/mi/ln: just over A's 11.
    assert list(by_time(told, "los", "xe-2").values()) == [2]


def test_two_minutes_of_five_are_too_few_and_three_are_scaled_up() -> None:
    rows = [row for m in (0, 3, 5, 6, 9) for row in minute(m, 30.0)]
    told = told_of(known_with([STREET]), rows, T0 + HOUR)
    assert by_time(told, "volume", "xe-1") == {T0 + 5 * MINUTE: 3000}


def test_density_comes_from_occupancy_where_no_speed_is_measured() -> None:
    rows = [r for m in range(5) for r in minute(m, 30.0, occupancy=10.0) if r[1] != "speed"]
    told = told_of(known_with([STREET]), rows, T0 + HOUR)
    length = (40 * 1.9 + 7 * 4.5 + 10.0 + 8.0 + 1.8) / 50
    found = by_time(told, "density", "xe-1")[T0]
    assert found == pytest.approx(2 * 100.0 / (length + 2.0), abs=0.05)
    assert by_time(told, "los", "xe-1") == {}


def test_a_minute_that_comes_late_corrects_its_five() -> None:
    rows = [row for m in range(10) if m != 2 for row in minute(m, 30.0)]
    late = [(d, q, t, 2 * v if q == "motorcycle" else v) for d, q, t, v in minute(2, 30.0)]
    told = told_of(known_with([STREET]), [*rows, *late], T0 + HOUR, cuts=[len(rows)])
    assert by_time(told, "volume", "xe-1")[T0] == 60 * (5 * 50 + 40) / 5


def test_a_null_and_a_reading_a_year_are_no_trouble() -> None:
    rows: list[Row] = [("xe-1", "speed", T0, math.nan), ("xe-1", "speed", T0 + 8760 * HOUR, 30.0)]
    told = told_of(known_with([STREET]), rows, T0 + 8761 * HOUR)
    assert told.of("volume") == {}


@pytest.mark.parametrize("cuts", [[], [21]])
def test_what_came_before_a_silence_of_a_year_is_told_too(cuts: list[int]) -> None:
    rows = [row for m in (0, 1, 2) for row in minute(m, 30.0)]
    after: Row = ("xe-1", "speed", T0 + 8760 * HOUR, 30.0)
    known = known_with([STREET])
    told = told_of(known, [*rows, after], T0 + 8761 * HOUR, cuts, advance=False)
    assert by_time(told, "volume", "xe-1") == {T0: 3000}


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 500), max_size=6),
    st.sampled_from([0, 60, 599]),
)
def test_any_order_within_the_lateness_and_any_cut_tells_the_same(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for m in sorted(rng.choice(90, 50, replace=False).tolist()):
        at = m + int(rng.integers(0, 59)) / 60
        rows += minute(at, 30.0 + float(rng.integers(0, 40)) / 10)
    known = known_with([STREET])
    until = T0 + 2 * HOUR + 30 * SECOND
    in_order, other = (
        told_of(known, r, until, c) for r, c in ((rows, []), (delayed(rows, seed, delay_s), cuts))
    )
    for name in TOLD:
        assert by_time(other, name, "xe-1") == by_time(in_order, name, "xe-1")
    assert in_order.of("volume")
