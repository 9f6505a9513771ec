"""Healthy values: plausible, believable in their changes, alive, and shaped like a city's day and year."""

from __future__ import annotations

import numpy as np
import pytest

from devices.kind import Quantity
from simulators.fleet import Rows
from simulators.models import DeclaredModel
from telemetry.arrays import Mask, Values
from tests.simulators.cities import KINDS, day_of, mean_at, scene

# The dry and the wet season, a flood month in the north, the change of a year.
STARTS = ("2026-11-20", "2026-07-10", "2026-03-01", "2025-12-31")
CASES = [(c, k.name) for c in ("hcmc", "hanoi") for k in KINDS]


@pytest.mark.parametrize(("name", "kind"), CASES)
@pytest.mark.parametrize("start", STARTS)
def test_healthy_values_pass_the_quality_tests(name: str, kind: str, start: str) -> None:
    rows, values = day_of(name, kind, f"{start}T00:00:00Z", 1.5)
    for quantity in KINDS[kind].quantities:
        if quantity.derived:
            continue
        column = values[quantity.name]
        place = f"{name} {start} {kind}.{quantity.name}"
        assert np.isfinite(column).all(), place
        assert column.min() >= quantity.plausible.low, place
        assert column.max() <= quantity.plausible.high, place
        _check_changes(rows, column, quantity, KINDS[kind].interval_s, place)
        _check_alive(rows, column, quantity, place)


def _check_changes(
    rows: Rows, column: Values, quantity: Quantity, interval_s: int, place: str
) -> None:
    step = np.diff(column)
    if quantity.circular:
        step = (step + 180) % 360 - 180
    same: Mask = np.diff(rows.device) == 0
    if quantity.rate_per_min is not None:
        assert np.abs(step[same]).max() <= quantity.rate_per_min * interval_s / 60 + 1e-9, place
    if quantity.spike is not None:
        height = np.abs(step[:-1] - step[1:]) / 2
        assert height[same[:-1] & same[1:]].max() <= quantity.spike + 1e-9, place


def _check_alive(rows: Rows, column: Values, quantity: Quantity, place: str) -> None:
    """No device stands still, within its resolution, for as long as would be suspect."""
    if quantity.flat_line_s is None:
        return
    for device in range(int(rows.device.max()) + 1):
        own = rows.device == device
        values, t = column[own], rows.t[own]
        anchor, since = values[0], t[0]
        for value, at in zip(values.tolist(), t.tolist(), strict=True):
            resting = quantity.rest is not None and abs(value - quantity.rest) < 1e-9
            if resting or abs(value - anchor) > quantity.resolution + 1e-9:
                anchor, since = value, at
            assert at - since < quantity.flat_line_s, f"{place}: device {device}"


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
@pytest.mark.parametrize("start", STARTS)
def test_a_healthy_city_raises_hardly_an_alert(name: str, start: str) -> None:
    """No rule on a measured quantity is met for longer than a moment; water levels are the sea's."""
    for kind in KINDS:
        rows, values = day_of(name, kind.name, f"{start}T00:00:00Z", 1)
        for rule in kind.rules:
            if rule.quantity in values:
                column = values[rule.quantity]
                met = column > rule.level if rule.above is not None else column < rule.level
                assert met.mean() < 0.001, f"{name} {start} {kind.name}.{rule.code}"
    assert len(rows)


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_fine_dust_is_part_of_all_dust(name: str) -> None:
    for start in STARTS:
        _, values = day_of(name, "air", f"{start}T00:00:00Z", 1)
        assert (values["pm25"] <= values["pm10"]).all()


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_the_day_has_its_shape(name: str) -> None:
    start = "2026-11-22T17:00:00Z"  # Monday 00:00 local
    rows, traffic = day_of(name, "traffic", start)
    vehicles = sum(traffic[q] for q in ("motorcycle", "car", "bus", "truck", "bicycle"))
    assert isinstance(vehicles, np.ndarray)
    assert mean_at(rows, vehicles, 7) > 5 * mean_at(rows, vehicles, 2)
    assert traffic["motorcycle"].sum() > 0.6 * vehicles.sum()
    assert mean_at(rows, traffic["speed"], 17) < 0.75 * mean_at(rows, traffic["speed"], 2)
    assert mean_at(rows, traffic["occupancy"], 17) > 3 * mean_at(rows, traffic["occupancy"], 2)
    assert mean_at(rows, traffic["truck"], 7) < mean_at(rows, traffic["truck"], 22)
    rows, noise = day_of(name, "noise", start)
    assert mean_at(rows, noise["laeq"], 17) > mean_at(rows, noise["laeq"], 2) + 6
    assert (noise["lamax"] > noise["laeq"]).all()
    rows, air = day_of(name, "air", start)
    assert mean_at(rows, air["o3"], 14) > mean_at(rows, air["o3"], 5) + 15
    assert mean_at(rows, air["no2"], 7) > 1.5 * mean_at(rows, air["no2"], 2)
    assert mean_at(rows, air["pm25"], 7) > mean_at(rows, air["pm25"], 14)
    rows, weather = day_of(name, "weather", start)
    assert mean_at(rows, weather["temperature"], 13) > mean_at(rows, weather["temperature"], 5) + 2
    assert mean_at(rows, weather["humidity"], 13) < mean_at(rows, weather["humidity"], 5)


def test_speed_falls_where_occupancy_rises() -> None:
    rows, traffic = day_of("hcmc", "traffic", "2026-11-22T17:00:00Z")
    for device in range(0, 40, 7):
        own = rows.device == device
        assert np.corrcoef(traffic["speed"][own], traffic["occupancy"][own])[0, 1] < -0.6


def test_sundays_are_quieter_in_the_morning() -> None:
    sunday, monday = "2026-11-21T17:00:00Z", "2026-11-22T17:00:00Z"
    at_seven = [
        mean_at(rows, values["motorcycle"], 7)
        for rows, values in (day_of("hcmc", "traffic", start) for start in (sunday, monday))
    ]
    assert at_seven[0] < 0.7 * at_seven[1]


def test_the_year_has_its_seasons() -> None:
    def rain(name: str, month: int) -> float:
        _, values = day_of(name, "weather", f"2026-{month:02d}-05T00:00:00Z", 12)
        return float(values["rain"].sum())

    assert rain("hcmc", 9) > 20 * rain("hcmc", 2) / 2 + 10
    _, winter = day_of("hanoi", "weather", "2026-01-15T00:00:00Z", 5)
    _, summer = day_of("hanoi", "weather", "2026-07-15T00:00:00Z", 5)
    assert 12 < winter["temperature"].mean() < 21 < 27 < summer["temperature"].mean() < 33
    _, south = day_of("hcmc", "weather", "2026-01-15T00:00:00Z", 5)
    assert 24 < south["temperature"].mean() < 30


def test_rain_washes_the_air_and_wets_it() -> None:
    rows, _ = day_of("hcmc", "weather", "2026-09-05T00:00:00Z", 12)
    weather = scene("hcmc").weather
    here = weather.at(rows)
    lately = here.rain.lately()
    dry, wet = lately < 0.01, lately > 10
    assert wet.sum() > 20
    temperature, humidity = here.temperature, here.humidity
    assert temperature[wet].mean() < temperature[dry].mean() - 1.5
    assert humidity[wet].mean() > humidity[dry].mean() + 5


def test_rain_crosses_the_map() -> None:
    """It rains on some stations and not on others, and not at one time."""
    rows, values = day_of("hcmc", "weather", "2026-09-05T00:00:00Z", 12)
    first = {}
    for device in range(8):
        own = rows.device == device
        fell = np.flatnonzero(values["rain"][own] > 0.5)
        first[device] = rows.t[own][fell[0]] if len(fell) else None
    assert len({t for t in first.values() if t is not None}) > 2


def test_bins_fill_and_are_emptied() -> None:
    rows, values = day_of("hcmc", "waste", "2026-11-18T17:00:00Z", 5)
    for device in range(len(scene("hcmc").fleets["waste"])):
        fill = values["fill"][rows.device == device]
        drops = np.diff(fill)[np.diff(fill) < -15]
        assert 2 <= len(drops) <= 5
        assert (np.diff(fill) > -1.5).sum() >= len(fill) - 1 - len(drops)


def test_a_kind_without_a_model_of_its_own_is_simulated_from_its_declaration() -> None:
    rows, _ = day_of("hcmc", "air", "2026-11-20T00:00:00Z", 0.2)
    values = DeclaredModel(KINDS["air"]).values(rows)
    assert set(values) == {q.name for q in KINDS["air"].quantities if not q.derived}
    for quantity in KINDS["air"].quantities:
        if quantity.name in values:
            column = values[quantity.name]
            assert quantity.plausible.low < column.min() < column.max() < quantity.plausible.high
