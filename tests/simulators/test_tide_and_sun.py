"""Tide and twilight against published values, and what follows from them: levels, lamps, energy."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from devices.tide import VUNG_TAU, longitudes, tide
from simulators.fleet import LocalTime
from simulators.light_plan import LightPlan
from simulators.sun import Sun
from telemetry.clock import SECOND, parse_time
from tests.simulators.cities import city, day_of, scene

# Highest water at Vũng Tàu, Indochina time, m above mean sea level: TICON-4's constituents by the
# predictor neaps. Its own subset of ten constituents has an rms error of 0.060 m.
CHECKS = [
    ("2025-11-06T14:31:00+07:00", 1.590),
    ("2025-11-07T15:26:00+07:00", 1.620),
    ("2025-12-04T23:56:00+07:00", 1.453),
    ("2025-12-06T15:36:00+07:00", 1.587),
    ("2025-10-22T01:23:00+07:00", 1.274),
    ("2026-01-21T01:51:00+07:00", 1.243),
]
RMS_M = 0.060


def test_tide_heights() -> None:
    t = np.array([parse_time(when) / SECOND for when, _ in CHECKS])
    error = tide(t) - np.array([height for _, height in CHECKS])
    assert np.sqrt((error**2).mean()) <= RMS_M
    assert np.abs(error).max() < 2 * RMS_M


@pytest.mark.parametrize(("when", "height"), CHECKS)
def test_tide_times(when: str, height: float) -> None:
    minutes = np.arange(-180, 181)
    around = np.asarray(parse_time(when) / SECOND + minutes * 60.0, dtype=np.float64)
    # A crest is flat: 20 minutes beside it the water stands a centimetre lower.
    assert abs(int(minutes[np.argmax(tide(around))])) <= 20


def test_tide_range_over_a_nodal_cycle() -> None:
    # Vũng Tàu: HAT 4.345 m, LAT -0.176 m, mean sea level 2.721 m above the gauge's zero.
    t = parse_time("2026-01-01T00:00:00Z") / SECOND + np.arange(0, 18.6 * 365.25 * 86_400, 3_600.0)
    heights = tide(t)
    assert abs(heights.max() - (4.345 - 2.721)) < 0.12
    assert abs(heights.min() - (-0.176 - 2.721)) < 0.25
    assert abs(heights.mean()) < 0.01


def test_one_constituent_alone_repeats_with_its_period() -> None:
    # S2 has a period of 12 h exactly and no node factor.
    t = parse_time("2026-03-03T00:00:00Z") / SECOND + np.array([0.0, 43_200.0])
    first, again = tide(t, {"S2": VUNG_TAU["S2"]}).tolist()
    assert first == pytest.approx(again, abs=1e-9)
    moon = longitudes(np.array([parse_time("2000-01-01T12:00:00Z") / SECOND]))
    assert moon.s[0] == pytest.approx(218.3164477)  # Meeus, chapter 47


def test_level_at_phu_an_follows_vung_tau() -> None:
    rows, values = day_of("hcmc", "level", "2026-11-22T00:00:00Z", 2)
    at = rows.device == scene("hcmc").fleets["level"].index["phu-an"]
    gauge = 0.30 + 0.80 * tide(rows.t[at] - 3.3 * 3_600)
    rest = values["level"][at] - gauge
    assert rest.min() > -0.03  # ripples
    assert rest.max() < 0.4 + 0.09  # surge up to 0.4 m, rain some centimetres
    assert rest.std() < 0.1


def test_king_tides_exceed_alarm_levels_and_neaps_do_not() -> None:
    _, spring = day_of("hcmc", "level", "2025-11-05T00:00:00Z", 3)
    rows, neap = day_of("hcmc", "level", "2025-04-06T00:00:00Z", 3)
    water = np.isnan(scene("hcmc").fleets["level"].limit("ground", np.nan))[rows.device]
    assert spring["level"].max() > 1.4
    assert neap["level"][water].max() < 1.4


def test_the_red_river_has_no_tide() -> None:
    rows, values = day_of("hanoi", "level", "2026-11-22T00:00:00Z", 1)
    at = rows.device == scene("hanoi").fleets["level"].index["long-bien"]
    level = values["level"][at]
    assert level.min() > 1.0
    assert level.max() < 9.5
    assert level.max() - level.min() < 0.6


# Civil twilight and sun at Ho Chi Minh City, astral with 6° (pvlib agrees); local times.
TWILIGHT = [
    ("2026-06-21", "05:08:51", "05:32:26", "18:17:27", "18:41:03", 10.467),
    ("2026-12-21", "05:43:05", "06:06:25", "17:35:49", "17:59:09", 11.740),
    ("2026-03-21", "05:35:44", "05:57:10", "18:03:48", "18:25:15", 11.165),
]


def _day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(("day", "dawn", "rise", "set_", "dusk", "_dark"), TWILIGHT)
def test_sun_times(day: str, dawn: str, rise: str, set_: str, dusk: str, _dark: float) -> None:
    found = Sun(city("hcmc")).of_day(_day(day))
    wanted = [parse_time(f"{day}T{text}+07:00") / SECOND for text in (dawn, rise, set_, dusk)]
    # The source names no point of the city: 7 km east are a quarter of a minute.
    assert found == pytest.approx(wanted, abs=30)


@pytest.mark.parametrize(("day", "_dawn", "_rise", "_set", "_dusk", "dark"), TWILIGHT)
def test_lamps_burn_from_civil_dusk_to_civil_dawn(
    day: str, _dawn: str, _rise: str, _set: str, _dusk: str, dark: float
) -> None:
    sun = Sun(city("hcmc"))
    before, after = sun.of_day(_day(day)), sun.of_day(_day(day) + 1)
    assert (after[0] - before[3]) / 3_600 == pytest.approx(dark, abs=0.02)
    rows, values = day_of("hcmc", "lamp", f"{day}T12:00:00+07:00", 1)
    burning = values["dimming"] > 0
    night = (rows.t >= before[3]) & (rows.t < after[0])
    assert (burning == night).all()
    assert burning.any() and not burning.all()


def test_the_plan_saves_what_it_should() -> None:
    """1 - Σh·p/Σh of 5 h at 100 %, 4 h at 50 %, 2 h at 70 % is 23.64 %; this plan's night is close."""
    of = city("hcmc")
    plan = LightPlan(Sun(of), LocalTime(of.zone))
    parts = plan.parts(_day("2026-11-22"))
    hours = sum(end - start for start, end, _ in parts)
    full = sum(share * (end - start) for start, end, share in parts)
    assert [share for _, _, share in parts] == [1.0, 0.5, 0.7]
    assert 0.22 < 1 - full / hours < 0.26


def test_lamp_power_follows_dimming_and_its_counter_is_the_integral() -> None:
    rows, values = day_of("hcmc", "lamp", "2026-11-21T05:00:00Z", 1)
    rated = scene("hcmc").fleets["lamp"].limit("rated_power", np.nan)[rows.device]
    share = values["power"] / rated
    assert np.abs(share - values["dimming"] / 100)[values["dimming"] > 0].max() < 0.05
    assert (values["power"][values["dimming"] == 0] < 0.1 * rated.min()).all()
    for lamp in range(0, len(scene("hcmc").fleets["lamp"]), 17):
        at = rows.device == lamp
        energy = values["energy"][at]
        assert (np.diff(energy) >= -1e-9).all()
        used = float((values["power"][at] * 300 / 3.6e6).sum())
        assert energy[-1] - energy[0] == pytest.approx(used, rel=0.03)


def test_a_feeder_carries_the_sum_of_its_lamps() -> None:
    of = scene("hcmc")
    fleet = of.fleets["feeder"]
    lamps = of.fleets["lamp"]
    now = parse_time("2026-11-21T13:30:00Z")
    slot = np.array([now // fleet.interval])
    for n, feeder in enumerate(fleet.devices):
        own = of.models["feeder"].values(fleet.at_times(np.array([n]), slot, np.array([now])))
        hung = np.array([i for i, d in enumerate(lamps.devices) if d.parent == feeder.id])
        at = lamps.at_times(hung, np.full(len(hung), 1), np.full(len(hung), now))
        total = float(of.models["lamp"].values(at)["power"].sum())
        assert total > 1_000
        assert total < float(own["power"][0]) < 1.03 * total + 30
