"""Nulls, one reading a year, and values at each bound: stacks, containers, trees and lamps."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.lamp_quality import factor_low, power_high, power_low
from analytics.lighting import burns_by_day, lamp_fails, supply_lost
from analytics.trees import uprooting
from analytics.waste import is_fire, time_to_full
from devices.device import Device
from devices.kind import Kind
from telemetry.clock import DAY, HOUR, MINUTE
from tests.analytics.arrivals import by_time, known_with, told_of
from tests.analytics.city import KINDS, T0, Row

YEAR = 8760 * HOUR
DEVICES = {
    "emission": Device(id="lo-1", kind="emission"),
    "waste": Device(id="rac-1", kind="waste"),
    "tree": Device(id="cay-1", kind="tree", lat=10.78, lon=106.70),
    "lamp": Device(id="den-1", kind="lamp", limits={"rated_power": 100.0}),
}


def measured(kind: Kind) -> list[str]:
    return [q.name for q in kind.quantities if not q.derived]


def middle(kind: Kind, name: str) -> float:
    quantity = kind.quantity(name)
    assert quantity is not None
    low, high = quantity.plausible.low, quantity.plausible.high
    return float(np.round(low + min(high - low, 60.0) / 2, 3))


@pytest.mark.parametrize("kind", DEVICES)
def test_nulls_derive_nothing(kind: str) -> None:
    device, names = DEVICES[kind], measured(KINDS[kind])
    rows: list[Row] = [
        (device.id, n, T0 + m * MINUTE, math.nan) for m in range(0, 1500, 10) for n in names
    ]
    told = told_of(known_with([device]), rows, T0 + 2 * DAY, range(0, len(rows), 100))
    assert {q for _, q, _ in told.derived if q != "online"} <= set(names)


@pytest.mark.parametrize("kind", DEVICES)
@pytest.mark.parametrize("cut", [True, False])
def test_one_reading_a_year(kind: str, cut: bool) -> None:
    device, names = DEVICES[kind], measured(KINDS[kind])
    rows: list[Row] = [
        (device.id, n, T0 + y * YEAR, middle(KINDS[kind], n) + 2 * y)
        for y in range(3)
        for n in names
    ]
    cuts = range(0, len(rows), len(names)) if cut else []
    told = told_of(known_with([device]), rows, T0 + 2 * YEAR + DAY, cuts, advance=False)
    # Rates, trends, means and nights need more than that; what one reading says is there.
    needs_more = {
        "fill_rate", "time_to_full", "lean", "lean_trend", "energy_night", "burning_hours",
        "dimming_saving", "dust_1h", "dust_24h", "dust_of_limit", "lamp_power_low", "uprooting",
    }  # fmt: skip
    assert not {q for _, q, _ in told.derived} & needs_more
    for single in {"waste": ["fire"], "lamp": ["supply_voltage_low"]}.get(kind, []):
        assert list(by_time(told, single, device.id)) == [T0 + y * YEAR for y in range(3)]


def test_lamps_below_at_and_above() -> None:
    rated, full = np.full(3, 100.0), np.full(3, 100.0)
    assert lamp_fails(np.array([49.9, 50.0, 50.1]), full, rated).tolist() == [True, False, False]
    assert burns_by_day(np.array([9.9, 10.0, 10.1]), 0 * full, rated).tolist() == [
        False,
        False,
        True,
    ]
    assert supply_lost(np.array([49.9, 50.0, np.nan])).tolist() == [True, False, False]
    assert power_low(np.array([49.9, 84.9, 85.0]), full, rated).tolist() == [False, True, False]
    assert power_low(np.array([50.0, 85.1, np.nan]), full, rated).tolist() == [True, False, False]
    assert power_high(np.array([114.9, 115.0, 115.1]), full, rated).tolist() == [False, False, True]
    at = np.array([0.89, 0.90, 0.91])
    assert factor_low(at, full).tolist() == [True, False, False]
    assert factor_low(at - 0.2, full / 2).tolist() == [True, False, False]
    assert not factor_low(at * np.nan, full).any()


def test_containers_below_at_and_above() -> None:
    assert is_fire(np.array([64.9, 65.0, 65.1]), np.zeros(3)).tolist() == [False, True, True]
    assert is_fire(np.array([44.9, 45.0, 45.0]), np.array([30.0, 30.0, 29.9])).tolist() == [
        False, True, False,
    ]  # fmt: skip
    assert not is_fire(np.array([np.nan, 50.0]), np.array([99.0, np.nan])).any()
    assert np.isnan(time_to_full(np.array([40.0, np.nan]), np.array([0.05, 1.0]))).all()
    assert time_to_full(np.array([40.0, 100.0]), np.array([0.06, 1.0])).tolist() == [720.0, 0.0]


@pytest.mark.parametrize(("drop", "emptied"), [(19, False), (20, True), (21, True)])
def test_emptied_by_twenty_points(drop: int, emptied: bool) -> None:
    rows: list[Row] = [
        ("rac-1", "fill", T0 + h * HOUR, v) for h, v in enumerate([60.0, 61.0, 61.0 - drop])
    ]
    told = told_of(known_with([DEVICES["waste"]]), rows, T0 + 5 * HOUR)
    assert by_time(told, "collected", "rac-1")[T0 + 2 * HOUR] == emptied


def test_trees_below_at_and_above() -> None:
    tilt = np.array([7.9, 8.0, 8.1, np.nan])
    calm, wind = np.zeros(4, dtype=bool), np.ones(4, dtype=bool)
    assert uprooting(tilt, np.full(4, 3.0), calm).tolist()[:3] == [0, 1, 1]
    assert uprooting(tilt + 5, np.full(4, 3.0), wind).tolist()[:3] == [0, 1, 1]
    assert np.isnan(uprooting(tilt, np.full(4, 3.0), calm)[3])


@pytest.mark.parametrize(("minutes", "told_"), [(39, False), (40, True)])
def test_a_stack_s_hour_needs_two_thirds_of_its_minutes(minutes: int, told_: bool) -> None:
    rows: list[Row] = [
        ("lo-1", name, T0 + m * MINUTE, value + m % 2 / 10)
        for m in range(minutes)
        for name, value in (("hcl", 40.0), ("o2", 10.0))
    ]
    told = told_of(known_with([DEVICES["emission"]]), rows, T0 + 3 * HOUR)
    assert (by_time(told, "hcl_1h", "lo-1") != {}) is told_


@pytest.mark.parametrize(("o2", "told_"), [(20.7, True), (20.9, False), (21.0, False)])
def test_gas_of_a_stack_at_the_oxygen_of_air(o2: float, told_: bool) -> None:
    rows: list[Row] = [
        ("lo-1", name, T0 + m * MINUTE, value)
        for m in range(60)
        for name, value in (("hcl", 0.5 + m % 2 / 10), ("o2", o2 + m % 2 / 50))
    ]
    told = told_of(known_with([DEVICES["emission"]]), rows, T0 + 3 * HOUR)
    assert (by_time(told, "hcl_1h", "lo-1") != {}) is told_
