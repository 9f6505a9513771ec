"""VN_AQI against QĐ 1459/QĐ-TCMT: its worked NowCast example, every breakpoint, and computed values."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.indices.vn_aqi import (
    EDITION,
    POLLUTANTS,
    category,
    hourly,
    nowcast,
    round_half_up,
    sub_index,
)

N = float("nan")
OFFICIAL = [20.6, 19.6, 22.4, 20.3, 16.5, 19.0, 16.5, 19.5, 23.5, 20.5, 24.7, 26.9]
SECOND_MISSING = [50, N, 40, *[30] * 9]


@pytest.mark.parametrize(
    ("hours", "cast", "index"),
    [
        (OFFICIAL, 20.265765, 40.53),
        (SECOND_MISSING, 42.456731, 84.913),
        ([35.0] * 12, 35.0, 70.0),
        ([0.0] * 12, 0.0, 0.0),
    ],
    ids=["official", "c2 missing", "flat", "all zero"],
)
def test_nowcast(hours: list[float], cast: float, index: float) -> None:
    found = nowcast([hours])
    assert found[0] == pytest.approx(cast, abs=5e-7)
    assert sub_index("pm25", found)[0] == pytest.approx(index, abs=2e-3)


@pytest.mark.parametrize(
    ("first_three", "published"),
    [
        ((1, 1, 1), True),
        ((N, 1, 1), True),
        ((1, N, 1), True),
        ((1, 1, N), True),
        ((N, N, 1), False),
        ((1, N, N), False),
        ((N, 1, N), False),
        ((N, N, N), False),
    ],
)
def test_nowcast_needs_two_of_the_last_three_hours(
    first_three: tuple[float, ...], published: bool
) -> None:
    assert (not np.isnan(nowcast([[*first_three, *[1.0] * 9]])[0])) == published


def test_the_official_weight() -> None:
    assert min(OFFICIAL) / max(OFFICIAL) == pytest.approx(0.613383, abs=5e-7)


@pytest.mark.parametrize(
    ("pollutant", "concentration", "index", "rounded"),
    [
        ("pm25", 12.5, 25, 25),
        ("pm25", 25, 50, 50),
        ("pm25", 37.2, 74.4, 74),
        ("pm25", 65, 125, 125),
        ("pm25", 110.4, 171.714, 172),
        ("pm25", 200, 250, 250),
        ("pm25", 55.7, 109.5, 110),
        ("pm10", 87, 68.5, 69),
        ("pm10", 151, 100.5, 101),
        ("pm10", 460, 350, 350),
        ("o3", 180, 75, 75),
        ("o3", 250, 125, 125),
        ("o3_8h", 89.3, 44.65, 45),
        ("o3_8h", 110, 75, 75),
        ("o3", 114.6, 35.8125, 36),
        ("co", 4200, 21, 21),
        ("co", 20_000, 75, 75),
        ("so2", 100, 40, 40),
        ("no2", 118.7, 59.35, 59),  # the official text prints 60: an erratum
        ("no2", 130.8, 65.4, 65),
    ],
)
def test_sub_index(pollutant: str, concentration: float, index: float, rounded: int) -> None:
    found = sub_index(pollutant, concentration)
    assert found == pytest.approx(index, abs=1e-3)
    assert round_half_up(found) == rounded


# QĐ 1459/QĐ-TCMT, table 2, as printed: (I, column) → µg/m³.
TABLE_2 = {
    "o3": (0, 160, 200, 300, 400, 800, 1000, 1200),
    "o3_8h": (0, 100, 120, 170, 210, 400),
    "co": (0, 10_000, 30_000, 45_000, 60_000, 90_000, 120_000, 150_000),
    "so2": (0, 125, 350, 550, 800, 1600, 2100, 2630),
    "no2": (0, 100, 200, 700, 1200, 2350, 3100, 3850),
    "pm10": (0, 50, 150, 250, 350, 420, 500, 600),
    "pm25": (0, 25, 50, 80, 150, 250, 350, 500),
}
LEVELS = (0, 50, 100, 150, 200, 300, 400, 500)
BREAKPOINTS = [(p, i) for p, points in TABLE_2.items() for i in range(1, len(points)) if points[i]]


@pytest.mark.parametrize(("pollutant", "i"), BREAKPOINTS)
def test_each_breakpoint_below_at_and_above(pollutant: str, i: int) -> None:
    point, before = TABLE_2[pollutant][i], TABLE_2[pollutant][i - 1]
    below = LEVELS[i] - (LEVELS[i] - LEVELS[i - 1]) / (point - before) * 0.01
    assert sub_index(pollutant, point - 0.01) == pytest.approx(below)
    assert sub_index(pollutant, point) == pytest.approx(LEVELS[i])
    above = sub_index(pollutant, point + 0.01)
    if i + 1 == len(TABLE_2[pollutant]):
        # The last breakpoint is the end of the scale; the 8-hour column of O3 ends without one.
        assert np.isnan(above) if pollutant == "o3_8h" else above == 500
    else:
        slope = (LEVELS[i + 1] - LEVELS[i]) / (TABLE_2[pollutant][i + 1] - point)
        assert above == pytest.approx(LEVELS[i] + slope * 0.01)


def test_the_edition_names_its_source() -> None:
    assert EDITION.name == "QĐ 1459/QĐ-TCMT"
    assert EDITION.valid_from == "2019-11-12"
    assert set(POLLUTANTS) | {"o3_8h"} == set(EDITION.breakpoints)


@pytest.mark.parametrize(
    ("index", "vi"),
    [
        (0, "Tốt"), (50, "Tốt"), (51, "Trung bình"), (100, "Trung bình"), (101, "Kém"),
        (150, "Kém"), (151, "Xấu"), (200, "Xấu"), (201, "Rất xấu"), (300, "Rất xấu"),
        (301, "Nguy hại"), (500, "Nguy hại"),
    ],
)  # fmt: skip
def test_categories(index: int, vi: str) -> None:
    assert category(index).vi == vi


def test_the_hour_is_the_largest_of_its_pollutants() -> None:
    index, which = hourly([[55.7] * 12], [[40.0] * 12], {"o3": [114.6], "no2": [130.8]})
    assert index.tolist() == [110]
    assert POLLUTANTS[which[0]] == "pm25"


def test_without_particles_there_is_no_index() -> None:
    index, which = hourly([[N] * 12], [[N] * 12], {"o3": [300.0]})
    assert np.isnan(index[0])
    assert which[0] == -1


def test_one_of_the_particles_is_enough() -> None:
    index, which = hourly([[N] * 12], [[87.0] * 12], {})
    assert index.tolist() == [69]
    assert POLLUTANTS[which[0]] == "pm10"


def test_half_a_point_in_float_noise_is_rounded_up() -> None:
    assert round_half_up([68.49999999999999, 68.5, 68.4999]).tolist() == [69, 69, 68]
