"""US AQI against EPA-454/B-24-002: worked values, every band's ends, and aqi-hub 0.3.3 (which floors)."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from aqi_hub.aqi_usa.aqi import cal_iaqi_usa
from hypothesis import given
from hypothesis import strategies as st

from analytics.indices.us_aqi import COMPONENTS, PER_UNIT, TABLE, hourly, so2, sub_index
from telemetry.arrays import AnyArray

N = np.nan


@pytest.mark.parametrize(
    ("column", "concentration", "index"),
    [
        ("pm25", 9.0, 50), ("pm25", 12.0, 56), ("pm25", 35.49, 100), ("pm25", 35.5, 101), ("pm25", 40.9, 114),
        ("pm25", 0.0, 0), ("pm25", 9.1, 51), ("pm25", 9.09, 50), ("pm25", 325.4, 500),
        ("pm10", 60, 53), ("pm10", 200, 123), ("pm10", 54.9, 50), ("pm10", 55, 51),
        ("o3_8h", 0.0685, 93), ("o3_8h", 0.078, 126), ("o3_8h", 0.070, 100), ("o3_8h", 0.2, 300),
        ("o3_1h", 0.125, 101), ("co", 8.4, 90), ("so2_1h", 36, 51), ("no2", 110, 103),
    ],
)  # fmt: skip
def test_worked_values(column: str, concentration: float, index: int) -> None:
    assert sub_index(column, concentration) == index


@pytest.mark.parametrize("column", list(TABLE))
def test_each_band_below_at_and_above(column: str) -> None:
    table = TABLE[column]
    for low, high, i_low, i_high in table.bands:
        assert sub_index(column, low) == i_low
        assert sub_index(column, high) == i_high
        assert sub_index(column, high + 0.99 * table.step) == i_high  # cut, not rounded
        if low > 0:
            below = sub_index(column, low - table.step)
            assert below == i_low - 1 or (np.isnan(below) and low == table.bands[0][0])


@pytest.mark.parametrize("column", list(TABLE))
def test_beyond_the_last_band(column: str) -> None:
    top = TABLE[column].bands[-1][1]
    beyond = sub_index(column, 1.2 * top)
    assert beyond > TABLE[column].bands[-1][3] if TABLE[column].open_top else np.isnan(beyond)
    assert np.isnan(sub_index(column, N))


@pytest.mark.parametrize(
    ("hour", "day", "index"),
    [
        (304, N, 200),
        (305, N, 200),
        (400, 250, 200),
        (400, 305, 201),
        (400, 604, 300),
        (100, 900, 112),
    ],
)
def test_sulphur_dioxide_above_its_hourly_column(hour: float, day: float, index: float) -> None:
    assert so2([hour], [day]) == index


# Theirs: name, digit, top. Their CO table has a band from 4.4 on where EPA's has it from 4.5, so it is left out.
HUB = {"pm25": ("PM25_24H", 10, 325), "pm10": ("PM10_24H", 1, 603), "so2_1h": ("SO2_1H", 1, 304), "no2": ("NO2_1H", 1, 1248), "o3_1h": ("O3_1H", 1000, 0.6)}  # fmt: skip


@given(st.sampled_from(sorted(HUB)), st.floats(0, 1))
def test_aqi_hub_agrees_within_its_floor(column: str, share: float) -> None:
    name, digit, top = HUB[column]
    low = TABLE[column].bands[0][0]
    # Half a digit above the grid: neither cuts a float's noise to the digit below.
    concentration = (int((low + share * (top - low)) * digit) + 0.5) / digit
    if concentration < low:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = cal_iaqi_usa(concentration, name)
    if theirs is not None:
        assert int(sub_index(column, concentration)) - theirs in (0, 1)


def hours(**given: list[float]) -> dict[str, AnyArray]:
    return {p: np.array([(given.get(p, []) + [N] * 12)[:12]]) for p in COMPONENTS}


def test_the_hour_is_the_largest_of_its_pollutants() -> None:
    index, main = hourly(hours(pm25=[40.9] * 12, o3=[0.078 * PER_UNIT["o3"]] * 8))
    assert index.tolist() == [126] and COMPONENTS[main[0]] == "o3"
    index, main = hourly(hours(pm25=[40.9] * 12, co=[8.4 * PER_UNIT["co"]] * 8))
    assert index.tolist() == [114] and COMPONENTS[main[0]] == "pm25"


@pytest.mark.parametrize(("there", "published"), [(5, False), (6, True)])
def test_ozone_needs_six_of_eight_hours(there: int, published: bool) -> None:
    index, _ = hourly(hours(o3=[100.0] * there))
    assert np.isnan(index[0]) == (not published)


def test_without_particles_and_ozone_there_is_no_index() -> None:
    index, main = hourly(hours(no2=[400.0], so2=[400.0], co=[9000.0] * 8))
    assert np.isnan(index[0]) and main[0] == -1


def test_units_at_25_degrees() -> None:
    # 10 ppm CO are 11,456 µg/m³; 1 ppb SO2 2.620, NO2 1.882, O3 1.963 µg/m³.
    assert 10 * PER_UNIT["co"] == pytest.approx(11_456)
    for gas, mass in (("so2", 64.066), ("no2", 46.0055), ("co", 28.01), ("o3", 47.998)):
        per = mass / 24.45 * (1000 if gas in ("co", "o3") else 1)
        assert PER_UNIT[gas] == pytest.approx(per, rel=1e-3)
