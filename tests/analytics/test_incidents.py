"""Incidents, recurring congestion and detector faults of stations on one road, minute by minute."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.traffic.bottleneck import PEMS_RISE, PEMS_SLOW, active, points
from analytics.traffic.incident_tests import deviate, recent
from analytics.traffic.incidents import CRITICAL, LEAST, RISE
from analytics.traffic.stations import next_downstream
from devices.device import Device
from telemetry.clock import DAY, HOUR, MINUTE
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row, Told

UP = Device(id="xe-1", kind="traffic", limits={"road": 1, "chainage_m": 100, "lanes": 2})
DOWN = Device(id="xe-2", kind="traffic", limits={"road": 1, "chainage_m": 1100, "lanes": 2})
DATA = Path(os.environ.get("URBAN_DATA_SETS", Path(__file__).parents[3] / "shared" / "data"))


def at(
    device: str, minute: float, occupancy: float, speed: float = 40.0, n: float = 20
) -> list[Row]:
    time = T0 + int(minute * MINUTE)
    return [
        (device, "occupancy", time, occupancy), (device, "speed", time, speed),
        (device, "motorcycle", time, n),
    ]  # fmt: skip


def minutes(told: Told, quantity: str, device: str = "xe-1") -> dict[int, float]:
    return {(t - T0) // MINUTE: v for t, v in by_time(told, quantity, device).items()}


def test_a_blocked_road_is_an_incident_from_the_second_minute_and_over_when_it_flows() -> None:
    rows: list[Row] = []
    for m in range(20):
        blocked = 8 <= m < 15
        rows += at("xe-1", m, 24.0 if blocked else 15.0, 15.0 if blocked else 40.0) + at(
            "xe-2", m, 6.0 if blocked else 14.0
        )
    told = told_of(known_with([UP, DOWN]), rows, T0 + HOUR)
    found = minutes(told, "incident")
    assert [m for m, v in found.items() if v == 1] == list(range(9, 15))
    assert told.changes("traffic_incident") == [("raise", "xe-1"), ("clear", "xe-1")]


def test_a_station_alone_sees_a_sudden_rise() -> None:
    rows = [
        row
        for m in range(20)
        for row in (at("xe-2", m, 45.0, 15.0) if 8 <= m < 12 else at("xe-2", m, 12.0 + m % 2))
    ]
    told = told_of(known_with([DOWN]), rows, T0 + HOUR)
    found = minutes(told, "incident", "xe-2")
    assert [m for m, v in found.items() if v == 1] == [9, 10, 11]


def test_a_platoon_that_keeps_its_speed_is_none() -> None:
    rows = [
        r for m in range(20) for r in at("xe-2", m, 45.0 if 8 <= m < 12 else 12.0 + m % 2, 31.0)
    ]
    found = minutes(told_of(known_with([DOWN]), rows, T0 + HOUR), "incident", "xe-2")
    assert set(found.values()) == {0}


def test_a_rise_in_light_traffic_is_none() -> None:
    rows = [r for m in range(20) for r in at("xe-2", m, 15.0 if m >= 8 else 2.0)]
    found = minutes(told_of(known_with([DOWN]), rows, T0 + HOUR), "incident", "xe-2")
    assert set(found.values()) == {0}


def jam(day: int) -> list[Row]:
    """One and a half hours from 08:00 local time at walking pace, from one minute to the next."""
    start = (day * DAY + HOUR) // MINUTE
    return [
        row
        for m in range(-10, 90)
        for row in at("xe-2", start + m, 12.0 + m % 2 if m < 0 else 60.0, 40.0 if m < 0 else 8.0)
    ]


def test_what_comes_back_day_by_day_is_no_incident() -> None:
    rows = [row for day in range(4) for row in jam(day)]
    told = told_of(known_with([DOWN]), rows, T0 + 4 * DAY, cuts=range(0, len(rows), 100))
    incidents = {t // (DAY // MINUTE) for t, v in minutes(told, "incident", "xe-2").items() if v}
    assert incidents == {0, 1, 2}
    recurring = {t // (DAY // MINUTE) for t, v in minutes(told, "recurring", "xe-2").items() if v}
    assert recurring == {3}
    assert any(minutes(told, "bottleneck", "xe-2").values())


def test_stations_follow_each_other_on_one_road_within_reach() -> None:
    road = np.array([1.0, 1.0, 2.0, 1.0, np.nan, np.nan])
    chainage = np.array([900.0, 100.0, 500.0, 9_000.0, 1.0, 2.0])
    assert next_downstream(road, chainage).tolist() == [-1, 0, -1, -1, -1, -1]


@pytest.mark.parametrize(("minutes_held", "fault"), [(1, {0}), (2, {0, 3})])
def test_locked_on(minutes_held: int, fault: set[int]) -> None:
    rows = [
        r for m in range(9) for r in at("xe-2", m, 100.0 if 4 <= m < 4 + minutes_held else 70.0)
    ]
    told = told_of(known_with([DOWN]), rows, T0 + HOUR)
    assert set(minutes(told, "detector_fault", "xe-2").values()) == fault


def test_no_hits_for_four_hours() -> None:
    rows = [r for m in range(250) for r in at("xe-2", m, 0.0, n=0.0 if m >= 5 else 3.0)]
    found = minutes(told_of(known_with([DOWN]), rows, T0 + 6 * HOUR), "detector_fault", "xe-2")
    assert [m for m, v in found.items() if v == 1] == list(range(244, 250))


def test_motorcycles_are_no_chatter_until_the_stations_own_bound() -> None:
    rows = [r for m in range(5) for r in at("xe-2", m, 30.0, n=300.0)]  # IRIS: 152 in two lanes
    told = told_of(known_with([DOWN]), rows, T0 + HOUR)
    assert set(minutes(told, "detector_fault", "xe-2").values()) == {0}
    own = Device(id="xe-2", kind="traffic", limits={"most_vehicles_per_min": 200.0})
    told = told_of(known_with([own]), rows, T0 + HOUR)
    assert set(minutes(told, "detector_fault", "xe-2").values()) == {2}


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 400), max_size=6),
    st.sampled_from([0, 60, 599]),
)
def test_any_order_within_the_lateness_and_any_cut_tells_the_same(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    for m in range(60):
        blocked = 20 <= m % 30 < 27
        for device in ("xe-1", "xe-2"):
            if rng.random() > 0.1:
                full = 27.0 if blocked and device == "xe-1" else 15.0 - 9.0 * blocked
                speed = 15.0 if full > 20 else 40.0
                rows += at(device, m, full + float(rng.integers(0, 20)) / 10, speed)
    known = known_with([UP, DOWN])
    until = T0 + 2 * HOUR
    told = [
        told_of(known, r, until, c) for r, c in ((rows, []), (delayed(rows, seed, delay_s), cuts))
    ]
    for name in ("incident", "bottleneck", "recurring", "detector_fault"):
        assert told[0].of(name) == told[1].of(name)
    assert told[0].of("incident")


@pytest.mark.skipif(not (DATA / "nab_traffic").is_dir(), reason=f"no recordings in {DATA}")
def test_a_real_detector_raises_few_sudden_rises() -> None:
    with (DATA / "nab_traffic" / "occupancy_t4013.csv").open() as file:
        values = np.array([[float(r["value"]) for r in csv.DictReader(file)]])
    mean, sigma = recent(values, 5)
    now = values[:, 5:]
    sudden = (deviate(now, mean, sigma) >= CRITICAL) & (now - mean >= RISE) & (now >= LEAST)
    alone = deviate(now, mean, sigma) >= CRITICAL
    assert 0 < sudden.sum() < 0.013 * now.size  # the published share of false alarms
    assert sudden.sum() < 0.5 * alone.sum()


@pytest.mark.skipif(not (DATA / "los_loop").is_dir(), reason=f"no recordings in {DATA}")
def test_bottlenecks_of_a_real_freeway_stand_in_the_day_s_shifts() -> None:
    speed = np.loadtxt(DATA / "los_loop" / "los_speed.csv", delimiter=",", skiprows=1).T  # mph
    free = np.percentile(speed, 85, axis=1, keepdims=True)
    slow = active(points(speed, np.broadcast_to(free, speed.shape), PEMS_RISE, PEMS_SLOW))
    hour = (np.arange(6, speed.shape[1]) * 5 / 60) % 24
    by_day, by_night = slow[:, (hour >= 5) & (hour < 20)].mean(), slow[:, hour < 5].mean()
    assert 0.02 < by_day < 0.4
    assert by_night < by_day / 5
