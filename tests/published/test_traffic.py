"""Traffic: the worked values of TCXDVN 104, Cao & Sano, HCM, PeMS and Greenshields, each bound from both sides."""

from __future__ import annotations

import math

import numpy as np
import pytest

from analytics.traffic import flow
from analytics.traffic.equivalents import (
    MOTORCYCLES,
    RURAL,
    RURAL_MOUNTAIN,
    URBAN,
    URBAN_FAST,
    URBAN_SLOW,
    equivalents,
    urban_pcu,
)  # fmt: skip

HOUR_OF_A_STREET = {"motorcycle": 3200, "car": 420, "bus": 35, "truck": 20, "bicycle": 60}


def test_passenger_car_units_of_a_street_s_hour() -> None:
    # TCXDVN 104:2007, 30–50 km/h: 3200·0.25 + 420 + 35·2.5 + 20·2.5 + 60·0.3
    assert equivalents(HOUR_OF_A_STREET, URBAN) == pytest.approx(1375.5)


def test_motorcycle_equivalents_of_the_same_hour() -> None:
    # Cao & Sano 2012 (Hanoi): 3200 + 420·3.4 + 35·10.5 + 60·1.4; trucks have no factor there
    assert equivalents(HOUR_OF_A_STREET, MOTORCYCLES) == pytest.approx(5079.5)


@pytest.mark.parametrize(
    ("factors", "motorcycle", "bicycle", "truck"),
    [
        (URBAN_FAST, 0.5, 0.5, 2.0), (URBAN, 0.25, 0.3, 2.5), (URBAN_SLOW, 0.15, 0.2, 2.5),
        (RURAL, 0.3, 0.2, 2.0), (RURAL_MOUNTAIN, 0.3, 0.2, 2.5),
    ],
)  # fmt: skip
def test_factors_are_the_standards(
    factors: object, motorcycle: float, bicycle: float, truck: float
) -> None:
    of = factors.of  # type: ignore[attr-defined]
    assert (of["motorcycle"], of["bicycle"], of["truck"], of["car"]) == (
        motorcycle,
        bicycle,
        truck,
        1,
    )


def test_the_band_follows_the_speed_of_the_street() -> None:
    vehicles = {"motorcycle": np.full((4, 1), 100.0)}
    found = urban_pcu(vehicles, np.array([20.0, 30.0, 50.0, 60.0]))
    assert found.ravel().tolist() == [15, 25, 25, 50]


@pytest.mark.parametrize(
    ("occupancy", "length", "density"),
    [(0.10, 4.5, 15.385), (0.25, 4.5, 38.462), (0.10, 1.9, 25.641)],
)
def test_density_of_occupancy(occupancy: float, length: float, density: float) -> None:
    assert flow.density_of_occupancy(occupancy, length) == pytest.approx(density, abs=5e-4)


def test_length_of_a_mix_lies_between_its_classes() -> None:
    assert flow.mean_length({"motorcycle": 8, "car": 2}) == pytest.approx((8 * 1.9 + 2 * 4.5) / 10)
    assert math.isnan(flow.mean_length({"motorcycle": 0.0}))


@pytest.mark.parametrize(
    ("density", "speed", "volume"), [(20, 50, 1000), (60, 30, 1800), (100, 10, 1000)]
)
def test_greenshields(density: float, speed: float, volume: float) -> None:
    found = flow.greenshields(density, 60.0, 120.0)
    assert [float(x) for x in found] == pytest.approx([speed, volume])


@pytest.mark.parametrize(
    ("vehicles", "occupancy", "speed"), [(10, 0.12, 65.0), (8, 0.35, 17.83), (12, 0.08, 117.0)]
)
def test_speed_of_a_single_loop(vehicles: int, occupancy: float, speed: float) -> None:
    assert flow.loop_speed(vehicles, occupancy, 6.5, 30.0) == pytest.approx(speed, abs=0.005)
    assert np.isnan(flow.loop_speed(vehicles, 0.0, 6.5, 30.0))


@pytest.mark.parametrize(
    ("vehicles", "length", "speed", "lost", "index"),
    [(500, 0.8, 25, 9.333, 2.4), (300, 0.5, 62, 0.0, 60 / 62)],
)
def test_pems_delay_and_travel_time_index(
    vehicles: float, length: float, speed: float, lost: float, index: float
) -> None:
    # PeMS, miles and mph, 60 mph: VMT 400, VHT 16.0; VMT 150, VHT 2.419
    assert flow.delay(vehicles, speed, 60.0, length) == pytest.approx(lost, abs=5e-4)
    assert flow.travel_time_index(speed, 60.0) == pytest.approx(index)


def test_space_mean_speed_is_harmonic() -> None:
    # 10 at 60 km/h and 10 at 20 km/h: 20 / (10/60 + 10/20) = 30, not 40
    assert flow.space_mean_speed([10, 10], [60, 20]) == pytest.approx(30.0)
    assert flow.space_mean_speed([10, 10], [60, np.nan]) == pytest.approx(60.0)
    assert flow.space_mean_speed([0, 0], [60, 20]) == pytest.approx(30.0)
    assert flow.space_mean_speed([5], [0.0]) == flow.SLOWEST
    assert np.isnan(flow.space_mean_speed([1.0], [np.nan]))


@pytest.mark.parametrize("level", range(5))
def test_freeway_levels_at_their_bounds(level: int) -> None:
    bound = flow.FREEWAY_PC_MI[level]  # HCM: A ≤ 11, B ≤ 18, C ≤ 26, D ≤ 35, E ≤ 45
    found = flow.freeway_level([bound - 0.01, bound, bound + 0.01]).tolist()
    assert found == [level + 1, level + 1, level + 2]


def test_freeway_density_bounds_in_kilometres() -> None:
    assert [round(b / flow.MILE_KM) for b in flow.FREEWAY_PC_MI] == [7, 11, 16, 22, 28]


@pytest.mark.parametrize("level", range(5))
def test_street_levels_at_their_bounds(level: int) -> None:
    bound = flow.STREET_PERCENT[level]  # HCM 2010: A > 85, B > 67, C > 50, D > 40, E > 30
    found = flow.street_level([bound + 0.01, bound, bound - 0.01], 100.0).tolist()
    assert found == [level + 1, level + 2, level + 2]
    assert np.isnan(flow.street_level(np.nan, 100.0))
