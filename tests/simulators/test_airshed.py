"""Air in boxes: no seam between blocks, wind carries it on, rain washes it, emissions and light shape its day."""

from __future__ import annotations

import numpy as np
import pytest

from simulators.air import LIGHT_PPB, photostationary
from simulators.airshed import BLOCK_H, SIDE, SPECIES
from simulators.events import Event
from simulators.models import Scene
from simulators.placement import simulated_devices
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, parse_time
from tests.simulators.cities import KINDS, SEED, city, mean_at, scene

START = parse_time("2026-02-10T03:00:00Z")


def _forced(*events: Event) -> Scene:
    place = city("hcmc")
    return Scene(
        place, KINDS, simulated_devices(place, KINDS, 300, SEED), SEED, events, nature=False
    )


def _air(of: Scene, start: int, days: float = 1.0) -> dict[str, Values]:
    return of.models["air"].values(of.fleets["air"].rows(start, start + int(days * DAY)))


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_blocks_meet_without_a_seam(name: str) -> None:
    of = scene(name).airshed
    for block in range(4_090, 4_094):
        first = block * BLOCK_H
        end = of._calculated(np.arange(first - BLOCK_H, first + 1, dtype=np.int64))[-1]
        begin = of._calculated(np.arange(first, first + 2, dtype=np.int64))[0]
        apart = np.abs(end - begin).max(axis=(1, 2)) / end.mean(axis=(1, 2))
        assert apart.max() < 0.01


def test_wind_carries_air_on() -> None:
    of = scene("hcmc").airshed
    air = np.zeros((len(SPECIES), SIDE, SIDE))
    air[:, SIDE // 2, SIDE // 2] = 100.0
    # 1.5 · 1.852 m/s for half an hour is one box.
    moved = of._moved(air, np.zeros(len(SPECIES)), 5_000.0 / 1_800.0 / 1.5, 0.0)
    assert moved[0, SIDE // 2, SIDE // 2 + 1] == pytest.approx(100.0)
    assert moved.sum() == pytest.approx(air.sum())
    askew = of._moved(air, np.zeros(len(SPECIES)), -1.0, 0.7)
    centre = np.array(np.unravel_index(int(askew[0].argmax()), askew[0].shape)) - SIDE // 2
    assert askew.sum() == pytest.approx(air.sum())
    assert centre[0] >= 0 >= centre[1]


def test_downwind_of_the_city_the_air_is_worse_than_upwind() -> None:
    of = scene("hcmc")
    grid, hours = of.airshed._table.between(START // HOUR, START // HOUR + 24 * 20), 24 * 20
    t = np.asarray((START // HOUR + np.arange(hours)) * 3_600.0, dtype=np.float64)
    sky = of.weather.sky.at(t)
    strong = np.flatnonzero((sky.wind_speed > 2.5) & (np.abs(sky.east) > np.abs(sky.north)))
    middle, ring = SIDE // 2, 4
    sides = grid[strong, 0, middle]
    down = np.where(sky.east[strong] > 0, sides[:, middle + ring], sides[:, middle - ring])
    up = np.where(sky.east[strong] > 0, sides[:, middle - ring], sides[:, middle + ring])
    assert len(strong) > 20
    assert (down > up).mean() > 0.95  # it may have turned just now
    assert down.mean() > 1.5 * up.mean()


def test_rain_washes_dust_out_and_leaves_carbon_monoxide() -> None:
    rain = Event(START, START + 5 * HOUR, "cloudburst", strength=25.0)
    wet, dry = (_air(s, START + 3 * HOUR, 0.1) for s in (_forced(rain), scene("hcmc")))
    assert wet["pm25"].mean() < 0.6 * dry["pm25"].mean()
    assert wet["pm10"].mean() < 0.6 * dry["pm10"].mean()
    assert wet["co"].mean() > 0.9 * dry["co"].mean()


def test_an_inversion_holds_down_what_the_city_emits() -> None:
    cap = Event(START, START + 40 * HOUR, "inversion", strength=0.6)
    capped, free = (_air(s, START + 16 * HOUR) for s in (_forced(cap), scene("hcmc")))
    for quantity in ("pm25", "no2", "co"):
        assert capped[quantity].mean() > 1.3 * free[quantity].mean(), quantity


def test_smoke_brings_its_gases_along_and_stays_where_it_is() -> None:
    fleet = scene("hcmc").fleets["air"]
    at = (float(fleet.lat[2]), float(fleet.lon[2]))
    fire = Event(START, START + 6 * HOUR, "burning", *at, 3_000.0, 100.0)
    smoky, clear = (_air(s, START + 2 * HOUR, 0.1) for s in (_forced(fire), scene("hcmc")))
    rows = fleet.rows(START + 2 * HOUR, START + 2 * HOUR + int(0.1 * DAY))
    here, far = rows.device == 2, rows.device == int(np.argmax(np.abs(fleet.lat - at[0])))
    assert (smoky["pm25"] - clear["pm25"])[here].mean() == pytest.approx(100, rel=0.25)
    assert (smoky["co"] - clear["co"])[here].mean() > 400
    assert np.array_equal(smoky["pm25"][far], clear["pm25"][far])


def test_ozone_follows_the_sun_and_is_eaten_at_the_kerb() -> None:
    of = scene("hcmc")
    rows = of.fleets["air"].rows(START, START + 4 * DAY)
    v = of.models["air"].values(rows)
    assert mean_at(rows, v["o3"], 13) > 3 * mean_at(rows, v["o3"], 6)
    kerb = of.models["air"]._kerb[rows.device]  # type: ignore[attr-defined]
    assert v["o3"][kerb > 0.7].mean() < 0.85 * v["o3"][kerb == 0].mean()
    assert v["no2"][kerb > 0.7].mean() > 1.2 * v["no2"][kerb == 0].mean()


def test_the_photostationary_state_is_one() -> None:
    """j·[NO2] = k·[NO]·[O3], with j/k = 18 ppb under a high sun, and nothing is made or lost."""
    nox, oxidant = np.array([2.0, 30.0, 90.0]), np.array([60.0, 60.0, 40.0])
    no2, o3 = photostationary(nox, oxidant, np.full(3, LIGHT_PPB))
    assert LIGHT_PPB * no2 == pytest.approx((nox - no2) * o3)
    assert no2 + o3 == pytest.approx(oxidant)
    # Without light the less of the two is used up.
    no2, o3 = photostationary(nox, oxidant, np.zeros(3))
    assert no2 == pytest.approx(np.minimum(nox, oxidant))
