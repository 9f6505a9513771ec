"""VN_AQI of a day: the worked day of QĐ 1459/QĐ-TCMT, and its 8-hour means."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.indices.vn_aqi import POLLUTANTS
from analytics.indices.vn_aqi_day import daily, moving_means
from telemetry.arrays import AnyArray

N = np.nan
OZONE = [15.7, 14.2, 17.7, 18.9, 19.3, 15.7, 19.7, 22.6, 27.1, 29.0, 31.9, 25.3, 34.7, 35.2, 41.6, 45.7, 49.2, 55.8,
         69.6, 78.3, 91.5, 97.7, 81.2, 71.8, 43.5, 34.3, 21.5, 20.5, 19.4, 20.4, 21.3]  # fmt: skip
DAY = np.array([24])


def hours(day: list[float], before: float = N) -> AnyArray:
    return np.array([[before] * 7 + day])


def test_eight_hour_means_of_the_worked_day() -> None:
    means = moving_means(np.array([OZONE]))
    assert means.shape == (1, 24)
    assert means[0, 0] == pytest.approx(17.975)
    assert means[0].max() == pytest.approx(74.3875)
    assert means[0].argmax() == 16  # the 17th


def test_the_worked_day() -> None:
    # O3 8 h 89.3 → 45, O3 1 h 114.6 → 36, NO2 130.8 → 65, PM2.5 55.7 → 110: AQI^d 110 (Kém).
    ozone = hours([0.0] * 15 + [81.6] * 4 + [86.9714] * 3 + [114.6, 86.9714], 0.0)
    index, main = daily(
        {"pm25": hours([55.7] * 24), "o3": ozone, "no2": hours([20.0] * 23 + [130.8])}, DAY
    )
    assert index.tolist() == [110]
    assert POLLUTANTS[main[0]] == "pm25"


@pytest.mark.parametrize(
    ("gases", "index", "main"),
    [
        ({"no2": [20.0] * 23 + [130.8]}, 65, "no2"),
        ({"o3": [89.3] * 24}, 45, "o3"),  # the 8-hour column gives 44.65, the 1-hour column 27.9
        ({"o3": [0.0] * 23 + [250.0]}, 125, "o3"),  # the 1-hour column: one hour barely moves eight
        ({"o3": [500.0] * 24}, 225, "o3"),  # above 400 over 8 hours the 1-hour column holds
        ({"so2": [N] * 7 + [100.0] * 17}, 30, "pm10"),  # 17 of 24 hours: too few
        ({"so2": [N] * 6 + [100.0] * 18}, 40, "so2"),
        ({"co": [4200.0] * 24}, 30, "pm10"),
    ],
)
def test_the_day_is_the_largest_of_its_pollutants(
    gases: dict[str, list[float]], index: int, main: str
) -> None:
    found, which = daily(
        {"pm10": hours([30.0] * 24), **{g: hours(h) for g, h in gases.items()}}, DAY
    )
    assert found.tolist() == [index]
    assert POLLUTANTS[which[0]] == main


@pytest.mark.parametrize(("length", "there", "published"), [(24, 17, False), (24, 18, True), (23, 18, True), (25, 18, False), (25, 19, True)])  # fmt: skip
def test_three_quarters_of_the_day(length: int, there: int, published: bool) -> None:
    day = [40.0] * there + [N] * (25 - there)
    index, main = daily({"pm25": hours(day)}, np.array([length]))
    assert np.isnan(index[0]) == (not published)
    assert main[0] == (0 if published else -1)


def test_gases_alone_give_no_index() -> None:
    index, main = daily({"o3": hours([250.0] * 24)}, DAY)
    assert np.isnan(index[0]) and main[0] == -1
