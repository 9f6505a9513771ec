"""Levels against the published king tides, roads under water, canals after rain, and what the water carries."""

from __future__ import annotations

import numpy as np
import pytest

from devices.tide import tide
from simulators.events import Event
from simulators.fleet import Rows
from simulators.models import Scene
from simulators.placement import simulated_devices
from simulators.water import saturated
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from tests.simulators.cities import KINDS, SEED, city, scene

# Highest water as published, m above the national datum; 2025-11-20 at all three stations.
PUBLISHED = [
    ("phu-an", "2025-11-06", 1.77),
    ("phu-an", "2025-11-20", 1.55),
    ("nha-be", "2025-11-20", 1.52),
    ("thu-dau-mot", "2025-11-20", 1.66),
    ("phu-an", "2025-12-05", 1.67),
    ("phu-an", "2026-01-21", 1.52),
]


def _forced(*events: Event) -> Scene:
    place = city("hcmc")
    return Scene(
        place, KINDS, simulated_devices(place, KINDS, 300, SEED), SEED, events, nature=False
    )


def _of(
    of: Scene, kind: str, device: str, start: int, days: float
) -> tuple[Rows, dict[str, Values]]:
    fleet = of.fleets[kind]
    rows = fleet.rows(start, start + int(days * DAY))
    rows = rows.take(np.flatnonzero(rows.device == fleet.index[device]))
    return rows, of.models[kind].values(rows)


@pytest.mark.parametrize(("device", "date", "peak"), PUBLISHED)
def test_king_tides_of_the_record(device: str, date: str, peak: float) -> None:
    _, v = _of(scene("hcmc"), "level", device, parse_time(f"{date}T00:00:00+07:00"), 1)
    assert v["level"].max() == pytest.approx(peak, abs=0.03)


def test_the_year_of_the_record_has_as_many_high_days() -> None:
    """Published: more than 75 days with 1.4 m or more from January to November 2025, station not named."""
    of = scene("hcmc")
    fleet, begin = of.fleets["level"], parse_time("2025-01-01T00:00:00+07:00")
    time = begin + np.arange(334 * 48, dtype=np.int64) * 30 * MINUTE

    def high_days(device: str) -> int:
        rows = fleet.at_times(np.full(len(time), fleet.index[device]), time // fleet.interval, time)
        level = of.models["level"].values(rows)["level"]
        return int((level.reshape(-1, 48).max(axis=1) >= 1.4).sum())

    assert high_days("phu-an") >= 40
    assert 75 <= high_days("thu-dau-mot") <= 120


def test_roads_at_low_points_flood_at_king_tides_and_are_dry_else() -> None:
    of = scene("hcmc")
    fleet = of.fleets["level"]
    low = [d for d in fleet.devices if "ground" in d.limits]
    assert len(low) == 2
    for device in low:
        ground = device.limits["ground"]
        _, flood = _of(of, "level", device.id, parse_time("2025-11-06T00:00:00+07:00"), 1)
        depth = flood["level"] - ground
        assert 0.15 <= depth.max() <= 0.40  # the record: 0.15 to 0.3 m
        assert (np.abs(depth) < 0.05).mean() > 0.6  # most of the day it is dry
        _, dry = _of(of, "level", device.id, parse_time("2025-04-06T00:00:00+07:00"), 1)
        assert np.abs(dry["level"] - ground).max() < 0.06


def test_a_cloudburst_swells_canals_more_than_the_river_and_stands_on_roads() -> None:
    start = parse_time("2026-02-10T03:00:00Z")  # neap, dry season
    wet = _forced(Event(start, start + 2 * HOUR, "cloudburst", strength=70.0))
    more = {}
    for device in ("phu-an", "level-0004", "level-0006"):
        (_, with_rain), (rows, without) = (
            _of(s, "level", device, start, 0.5) for s in (wet, scene("hcmc"))
        )
        rise = with_rain["level"] - without["level"]
        more[device] = rise.max()
        assert rise[rows.time < start + 5 * MINUTE].max() < 0.01
        assert rise[-1] < 0.35 * rise.max()  # it runs off again
        assert with_rain["rain"].sum() == pytest.approx(70 * 100 / 60, rel=0.1)
    assert 0.05 < more["phu-an"] < 0.15 < more["level-0004"] < 0.6
    assert more["level-0006"] > 0.2  # a road: what the drains don't hold


def test_salt_comes_up_the_river_with_the_tide_in_the_dry_season() -> None:
    of = scene("hcmc")
    fleet = of.fleets["water"]
    down = min(fleet.devices, key=lambda d: d.lat or 90.0)
    up = max(fleet.devices, key=lambda d: d.lat or -90.0)
    april, september = (parse_time(f"2026-{m}-05T00:00:00Z") for m in ("04", "09"))

    def conductivity(device: str, start: int) -> tuple[Rows, Values]:
        rows, v = _of(of, "water", device, start, 4)
        return rows, v["conductivity"]

    rows, salt = conductivity(down.id, april)
    assert salt.mean() > 10 * conductivity(down.id, september)[1].mean()
    assert salt.mean() > 10 * conductivity(up.id, april)[1].mean()
    lag_s = 3_600 * (3.3 + 8.0 * ((down.lat or 0.0) - 10.7702))
    assert np.corrcoef(np.log(salt), tide(rows.t - lag_s))[0, 1] > 0.8


def test_waste_water_takes_the_oxygen_and_a_shower_flushes_the_streets() -> None:
    start = parse_time("2026-02-10T03:00:00Z")
    fleet = scene("hcmc").fleets["water"]
    at = max(fleet.devices, key=lambda d: d.lat or -90.0)
    spill = Event(start, start + 10 * HOUR, "spill", at.lat, at.lon, 2_000.0, 45.0)
    span = (start + 3 * HOUR, 0.2)
    _, foul = _of(_forced(spill), "water", at.id, *span)
    _, clean = _of(scene("hcmc"), "water", at.id, *span)
    assert foul["dissolved_oxygen"].max() < 0.4 * clean["dissolved_oxygen"].min()
    for quantity in ("bod5", "cod", "ammonium", "conductivity", "coliform", "turbidity"):
        assert foul[quantity].min() > clean[quantity].max(), quantity
    rain = Event(start, start + 2 * HOUR, "cloudburst", strength=60.0)
    _, flushed = _of(_forced(rain), "water", at.id, start + 2 * HOUR, 0.05)
    _, before = _of(scene("hcmc"), "water", at.id, start + 2 * HOUR, 0.05)
    assert flushed["turbidity"].mean() > before["turbidity"].mean() + 20
    assert flushed["conductivity"].mean() < 0.9 * before["conductivity"].mean()
    assert flushed["ph"].mean() < before["ph"].mean()


def test_oxygen_of_saturated_water_is_the_decisions() -> None:
    # QĐ 1460/QĐ-TCMT, worked values.
    wanted = {20.0: 9.0218, 25.0: 8.1757, 28.0: 7.7235, 30.0: 7.4374}
    assert saturated(np.array(list(wanted))) == pytest.approx(list(wanted.values()), abs=5e-5)
