"""Stacks, containers and trees from readings: data rules, states left out, trends, wind, in any order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics import emission
from devices import legal
from devices.device import Device
from telemetry.clock import DAY, HOUR, MINUTE
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row

STACK = Device(id="lo-1", kind="emission")
BIN = Device(id="rac-1", kind="waste")
TREE = Device(id="cay-1", kind="tree", lat=10.78, lon=106.70)
NEAR = Device(id="gio-1", kind="weather", lat=10.79, lon=106.70)
FAR = Device(id="gio-2", kind="weather", lat=10.95, lon=106.70)
MIDNIGHT = T0 - 7 * HOUR  # local


def stack(minutes: range, status: float = 0.0, dust: float = 80.0, o2: float = 10.0) -> list[Row]:
    rows: list[Row] = []
    for m in minutes:
        shaken = 1 if m % 2 else -1  # no analyser stands still
        rows += [
            ("lo-1", "dust", T0 + m * MINUTE, dust + 0.2 * shaken),
            ("lo-1", "o2", T0 + m * MINUTE, o2 + 0.02 * shaken),
            ("lo-1", "device_status", T0 + m * MINUTE, status),
        ]
    return rows


def test_an_hour_at_reference_o2() -> None:
    told = told_of(known_with([STACK]), stack(range(60)), T0 + 2 * HOUR)
    assert by_time(told, "dust_1h", "lo-1") == {T0: 65.5}
    assert by_time(told, "dust_30min", "lo-1") == {T0: 65.5, T0 + 30 * MINUTE: 65.5}
    assert told.of("so2_1h") == {}


@pytest.mark.parametrize("status", [1.0, 2.0])
def test_calibration_and_fault_are_left_out(status: float) -> None:
    rows = stack(range(40)) + stack(range(40, 60), status, dust=120.0)
    told = told_of(known_with([STACK]), rows, T0 + 2 * HOUR)
    assert by_time(told, "dust_1h", "lo-1") == {T0: 65.5}
    rows = stack(range(39)) + stack(range(39, 60), status, dust=120.0)
    assert told_of(known_with([STACK]), rows, T0 + 2 * HOUR).of("dust_1h") == {}


def test_over_the_limit_for_an_hour_is_one_alert_with_an_edition() -> None:
    rows = stack(range(60)) + stack(range(60, 120), dust=140.0) + stack(range(120, 180))
    told = told_of(known_with([STACK]), rows, T0 + 4 * HOUR, cuts=range(0, len(rows), 30))
    assert told.changes("emission_dust_limit") == [("raise", "lo-1"), ("clear", "lo-1")]


def test_an_hour_is_judged_by_the_limit_of_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"subject": "emission", "source": "a permit", "unit": "mg/m3", "confidence": "verified"}
    editions = legal.load(
        {
            "edition": [
                table
                | {"name": "one", "valid_from": date(2016, 5, 1), "valid_to": date(2026, 11, 21)}
                | {"limits": {"1h": {"dust": 100}}},
                table
                | {"name": "two", "valid_from": date(2026, 11, 22), "limits": {"1h": {"dust": 50}}},
            ]
        },
        "test",
    )
    dated = legal.Dated(editions, lambda e: e.table["limits"]["1h"]["dust"])
    monkeypatch.setattr(emission, "hour_limit", lambda pollutant: dated)
    shift = T0 - MIDNIGHT + HOUR  # from 23:00 local on the 21st
    rows = [(d, q, t - shift, v) for d, q, t, v in stack(range(120))]
    told = told_of(known_with([STACK]), rows, T0, cuts=range(0, len(rows), 30))
    assert by_time(told, "dust_1h", "lo-1") == {MIDNIGHT - HOUR: 65.5, MIDNIGHT: 65.5}
    assert by_time(told, "dust_of_limit", "lo-1") == {MIDNIGHT - HOUR: 65.5, MIDNIGHT: 130.9}
    assert told.changes("emission_dust_limit") == [("raise", "lo-1")]


def test_a_local_day_needs_three_quarters_of_its_minutes() -> None:
    def day(minutes: int) -> dict[int, float]:
        rows = [(d, q, t - T0 + MIDNIGHT, v) for d, q, t, v in stack(range(minutes))]
        told = told_of(known_with([STACK]), rows, MIDNIGHT + 25 * HOUR, range(0, len(rows), 400))
        return by_time(told, "dust_24h", "lo-1")

    assert day(1080) == {MIDNIGHT: 65.5}
    assert day(1079) == {}


def hourly(device: str, quantity: str, of: Callable[[int], float], hours: range) -> list[Row]:
    return [(device, quantity, T0 + h * HOUR + 600 * 10**9, of(h)) for h in hours]


def test_filling_and_emptying() -> None:
    rows = hourly(
        "rac-1", "fill", lambda h: 20.0 + 3 * h if h < 20 else 4.0 + 2 * (h - 20), range(30)
    )
    told = told_of(known_with([BIN]), rows, T0 + 32 * HOUR)
    rate, left = by_time(told, "fill_rate", "rac-1"), by_time(told, "time_to_full", "rac-1")
    assert T0 + 2 * HOUR not in rate
    assert rate[T0 + 19 * HOUR] == 3.0
    assert left[T0 + 19 * HOUR] == pytest.approx((100 - 77) / 3, abs=0.05)
    assert T0 + 21 * HOUR not in rate
    assert rate[T0 + 29 * HOUR] == 2.0
    emptied = [t for t, v in by_time(told, "collected", "rac-1").items() if v]
    assert emptied == [T0 + 20 * HOUR]


def test_a_fire_is_found_before_it_is_hot() -> None:
    temperatures = [33.0, 33.5, 34.0, 52.0, 70.0, 50.0]
    rows: list[Row] = [
        ("rac-1", "temperature", T0 + i * 30 * MINUTE, v) for i, v in enumerate(temperatures)
    ]
    told = told_of(known_with([BIN]), rows, T0 + 4 * HOUR, cuts=range(6))
    assert list(by_time(told, "fire", "rac-1").values()) == [0, 0, 0, 1, 1, 0]
    assert told.changes("waste_heating") == [("raise", "rac-1"), ("clear", "rac-1")]


def test_a_warm_noon_is_no_fire() -> None:
    rows = hourly("rac-1", "temperature", lambda h: 30.0 + 18.0 * np.sin(np.pi * h / 12), range(12))
    told = told_of(known_with([BIN]), rows, T0 + DAY)
    assert set(told.of("fire").values()) == {0}


def tree(of: Callable[[int], float], wind: Callable[[int], float], days: int = 8) -> list[Row]:
    hours = range(24 * days)
    rows = hourly("cay-1", "tilt", of, hours) + hourly(
        "gio-1", "wind_speed", lambda h: wind(h) + h % 2 / 10, hours
    )
    return sorted(rows + hourly("gio-2", "wind_speed", lambda h: 2.0, hours), key=lambda r: r[2])


def last(of: Callable[[int], float], wind: Callable[[int], float], name: str) -> float:
    rows = tree(of, wind)
    told = told_of(known_with([TREE, NEAR, FAR]), rows, T0 + 9 * DAY, range(0, len(rows), 72))
    return list(by_time(told, name, "cay-1").values())[-1]


def test_a_lean_and_its_trend() -> None:
    assert last(lambda h: 3.0 + h / 24, lambda h: 2.0, "lean_trend") == pytest.approx(1.0, abs=0.01)
    assert last(lambda h: 3.0, lambda h: 2.0, "lean") == 3.0


def test_sway_in_the_wind_of_the_nearest_station_is_no_lean() -> None:
    def windy(h: int) -> float:
        return 12.0 if h >= 170 else 2.0

    def tilt(h: int) -> float:
        return 9.0 if h >= 170 else 3.0

    assert last(tilt, windy, "lean") == 3.0
    assert last(tilt, windy, "uprooting") == 0
    assert last(tilt, lambda h: 2.0, "lean") == 9.0
    assert last(tilt, lambda h: 2.0, "uprooting") == 1


def test_a_tree_that_is_uprooted_raises_once() -> None:
    rows = tree(lambda h: 3.0 if h < 60 else 20.0, lambda h: 2.0, days=4)
    told = told_of(known_with([TREE, NEAR]), [r for r in rows if r[0] != "gio-2"], T0 + 5 * DAY)
    assert told.changes("tree_uprooting") == [("raise", "cay-1")]


@settings(max_examples=15, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 600), max_size=6),
    st.sampled_from([0, 60, 599]),
)
def test_any_order_within_the_lateness_and_any_cut_tells_the_same(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = stack(range(130))
    rows += [("rac-1", "fill", T0 + i * 30 * MINUTE, 20.0 + i) for i in range(30)]
    rows += [("rac-1", "temperature", T0 + i * 30 * MINUTE, 40.0 + i / 2) for i in range(30)]
    rows += [("cay-1", "tilt", T0 + i * 10 * MINUTE, 3.0 + i / 100) for i in range(90)]
    rows += [("gio-1", "wind_speed", T0 + i * 10 * MINUTE, 7.0 + i % 3) for i in range(90)]
    rows = sorted((r for r in rows if rng.random() > 0.05), key=lambda r: r[2])
    known = known_with([STACK, BIN, TREE, NEAR])
    until = T0 + 17 * HOUR
    told = [
        told_of(known, r, until, c) for r, c in ((rows, []), (delayed(rows, seed, delay_s), cuts))
    ]
    names = ("dust_30min", "dust_1h", "dust_24h", "fill_rate", "time_to_full", "collected", "fire")
    for name in (*names, "lean", "lean_trend", "uprooting"):
        assert told[0].of(name) == told[1].of(name), name
