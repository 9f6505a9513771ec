"""Lamps: TALQ's ratios at their bounds, saving by dimming, and civil twilight as astral and pvlib give it."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.lamp_nights import saving, share_on
from analytics.lamp_quality import factor_low, power_high, power_low
from analytics.twilight import day_span, is_day
from telemetry.clock import SECOND, parse_time

HCMC = np.array([10.7765]), np.array([106.7010])


@pytest.mark.parametrize(
    ("power", "dimming", "low", "high"),
    [
        (98, 100, False, False), (85, 100, False, False), (84.9, 100, True, False),
        (50, 100, True, False), (49.9, 100, False, False), (20, 50, False, False),
        (115, 100, False, False), (115.1, 100, False, True), (60, 50, False, True), (22, 0, False, False),
    ],
)  # fmt: skip
def test_power(power: float, dimming: float, low: bool, high: bool) -> None:
    given = np.array([power]), np.array([float(dimming)]), np.array([100.0])
    assert (power_low(*given).item(), power_high(*given).item()) == (low, high)


@pytest.mark.parametrize(
    ("factor", "dimming", "low"),
    [(0.9, 100, False), (0.89, 100, True), (0.7, 50, False), (0.69, 50, True), (0.4, 0, False)],
)
def test_power_factor(factor: float, dimming: float, low: bool) -> None:
    assert factor_low(np.array([factor]), np.array([float(dimming)])).item() == low


def test_saving_by_dimming() -> None:
    # 5 h at 100 %, 4 h at 50 %, 2 h at 70 % of 11 h
    assert saving(np.array([5.0, 4.0, 2.0]), np.array([100.0, 50.0, 70.0])) == pytest.approx(
        23.64, abs=0.005
    )
    assert np.isnan(saving(np.zeros(3), np.full(3, 100.0)))


def test_share_of_an_hour() -> None:
    mean, low, high = np.array([25.0, 75.0, 0.0]), np.array([0, 50.0, 0]), np.array([100.0, 100, 0])
    assert share_on(mean, low, high, np.zeros(3)).tolist() == [0.25, 1.0, 0.0]


@pytest.mark.parametrize(
    ("day", "dawn", "dusk"),
    [
        ("2026-06-21", "05:08:51", "18:41:03"),
        ("2026-12-21", "05:43:05", "17:59:09"),
        ("2026-03-21", "05:35:44", "18:25:15"),
    ],
)
def test_civil_twilight_in_ho_chi_minh_city(day: str, dawn: str, dusk: str) -> None:
    for clock, until_then in ((dawn, False), (dusk, True)):
        moment = parse_time(f"{day}T{clock}+07:00")
        around = np.array([moment - 45 * SECOND, moment + 45 * SECOND])
        found = is_day(np.repeat(HCMC[0], 2), np.repeat(HCMC[1], 2), around)
        assert found.tolist() == [until_then, not until_then]


def test_without_a_place_and_where_the_sun_stays_up_it_is_no_day() -> None:
    time = np.array([parse_time("2026-06-21T05:00:00Z")])
    assert not is_day(np.array([np.nan]), np.array([106.7]), time).any()
    assert not is_day(np.array([80.0]), np.array([20.0]), time).any()


def test_astral_is_asked_once_a_place_and_day() -> None:
    day_span.cache_clear()
    time = parse_time("2026-06-21T00:00:00Z") + np.arange(20_000) * SECOND
    is_day(np.full(20_000, 10.78), np.full(20_000, 106.7), time)
    assert day_span.cache_info().misses <= 2
