"""The simulated weather against the published normals of Ho Chi Minh City and Hanoi, and its fronts and cells."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.climate import HANOI, HO_CHI_MINH_CITY, Normals
from simulators.fleet import Instants, Rows
from simulators.hourly import Hourly
from simulators.sky import saturation
from telemetry.arrays import Times, Values
from telemetry.clock import HOUR, MINUTE, SECOND, parse_time
from tests.simulators.cities import scene

CITIES = [("hcmc", HO_CHI_MINH_CITY), ("hanoi", HANOI)]
YEARS = 2


def _station(name: str, step: int) -> tuple[Rows, Values]:
    """(rows of the first weather station at even steps over two years, month 0…11 of each)."""
    fleet = scene(name).fleets["weather"]
    start = parse_time("2025-12-31T17:00:00Z")
    time = np.arange(start, start + YEARS * 365 * 24 * HOUR, step, dtype=np.int64)
    rows = fleet.at_times(np.zeros(len(time), dtype=np.intp), time // fleet.interval, time)
    month = rows.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    return rows, np.asarray(month, dtype=np.float64)


def _by_month(values: Values, month: Values) -> Values:
    return np.array([values[month == m].mean() for m in range(12)])


@pytest.mark.parametrize(("name", "normals"), CITIES)
def test_temperature_and_humidity_have_their_normals(name: str, normals: Normals) -> None:
    rows, month = _station(name, HOUR)
    sky = scene(name).weather.sky.at(rows.t)  # of the city: a street is warmer or cooler
    daily = sky.temperature.reshape(-1, 24)
    of_day = month.reshape(-1, 24)[:, 0]
    assert np.abs(_by_month(daily.max(axis=1), of_day) - normals.high).max() < 2.0
    assert np.abs(_by_month(daily.min(axis=1), of_day) - normals.low).max() < 2.0
    humidity = 100 * saturation(np.minimum(sky.dew, sky.temperature)) / saturation(sky.temperature)
    assert np.abs(_by_month(humidity, month) - normals.humidity).max() < 8.0
    assert sky.temperature.min() > 6.0  # what a station of the kind takes for plausible


@pytest.mark.parametrize(("name", "normals"), CITIES)
def test_rain_has_its_normals(name: str, normals: Normals) -> None:
    rows, month = _station(name, 5 * MINUTE)
    place = rows.take(np.zeros(1, dtype=np.intp))
    fell = scene(name).weather.rain.rates(place, rows.t)[0] / 12.0
    monthly = np.array([fell[month == m].sum() for m in range(12)]) / YEARS
    assert monthly.sum() == pytest.approx(sum(normals.rain), rel=0.25)
    assert np.corrcoef(monthly, normals.rain)[0, 1] > 0.85
    days = fell.reshape(-1, 288).sum(axis=1) >= 0.5
    assert days.sum() / YEARS == pytest.approx(sum(normals.rain_days), rel=0.3)


def test_cells_drift_with_the_wind() -> None:
    of = scene("hcmc").weather
    start = parse_time("2026-09-01T00:00:00Z") / SECOND
    turns = []
    for cell in of.rain.cells(start, start + 20 * 86_400.0):
        wind = of.sky.at(np.array([cell.start]))
        turns.append(
            np.cos(np.arctan2(cell.north, cell.east) - np.arctan2(wind.north[0], wind.east[0]))
        )
    assert len(turns) > 100
    assert np.mean(turns) > 0.9


def test_a_cold_front_of_the_north_brings_cold_wind_and_pressure() -> None:
    sky = scene("hanoi").weather.sky
    window = parse_time("2026-01-10T00:00:00Z") // HOUR // 156
    start, strength = sky._front(window)
    assert strength > 0.5
    before, after = (
        sky.at(np.array([start - 6.0]) * 3_600),
        sky.at(np.array([start + 18.0]) * 3_600),
    )
    assert after.temperature[0] < before.temperature[0] - 2.0
    assert after.pressure[0] > before.pressure[0] + 3.0
    assert after.north[0] < -1.0  # from the north
    assert scene("hcmc").weather.sky.climate.north == 0.0


def test_hours_are_the_same_whoever_asks_first() -> None:
    calls = []

    def squares(hours: Times) -> Values:
        calls.append(len(hours))
        return np.asarray(hours**2, dtype=np.float64).reshape(-1, 1)

    table = Hourly(squares)
    assert table.between(23, 25)[:, 0].tolist() == [529.0, 576.0, 625.0]
    assert table.at(np.array([1.5 * 3_600]))[0, 0] == pytest.approx(2.5)  # linear, not 2.25
    assert table.between(23, 25)[:, 0].tolist() == [529.0, 576.0, 625.0]
    assert calls == [24, 24]


def test_slices_of_time_give_the_same_weather() -> None:
    fleet = scene("hanoi").fleets["weather"]
    model = scene("hanoi").models["weather"]
    start = parse_time("2026-07-10T00:00:00Z")
    whole = fleet.rows(start, start + 6 * HOUR)
    part = fleet.rows(start + 2 * HOUR, start + 3 * HOUR)
    a, b = model.values(whole), model.values(part)
    same = np.isin(whole.time * 100 + whole.device, part.time * 100 + part.device)
    for name in a:
        assert np.array_equal(a[name][same], b[name]), name
    assert Instants(whole.time, whole.local).hour[0] == whole.hour[0]
