"""Tests of closed minutes and hours: each finds what it is for, names itself, and is quiet about the rest."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.engine import Engine
from devices.device import Catalogue, Device
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from telemetry.readings import Readings
from tests.analytics.city import T0, ZONE, catalogue
from tests.analytics.slow import Judged, in_time, series

NOON = parse_time("2026-11-22T05:00:00Z")  # local noon
TEN = 600


def stations(n: int, kind: str = "weather", area: str = "26737") -> Catalogue:
    return catalogue([Device(id=f"w-{i}", kind=kind, area=area) for i in range(n)])


def warmth(days: float, seed: int, every_s: int = TEN) -> Values:
    """Days of temperature: 24 to 32 degrees, and some noise."""
    t = np.arange(int(days * 86_400 / every_s)) * every_s / 86_400
    noise = np.random.default_rng(seed).normal(0, 0.2, len(t))
    return np.asarray(28 + 4 * np.sin(2 * np.pi * t) + noise)


@pytest.mark.parametrize(
    ("start", "value", "suspect"),
    [("2026-07-10", 12.0, True), ("2026-07-10", 15.0, False), ("2026-01-10", 12.0, False), ("2026-01-10", 40.5, True)],
)  # fmt: skip
def test_a_band_declared_by_month(start: str, value: float, suspect: bool) -> None:
    known = stations(1)
    values = value + np.array([0.0, 0.1, 0.0])
    day = series(known, "w-0", "temperature", values, TEN, parse_time(f"{start}T03:00:00Z"))
    judged = Judged(known).hear(day).end()
    assert judged.why == ({("w-0", "temperature"): {"climatology": 3}} if suspect else {})
    assert len(judged.flagged("w-0", "temperature")) == 3 * suspect


def test_a_band_is_learned_by_local_hour() -> None:
    known = stations(1)
    values = warmth(20, 1)
    cold = (np.arange(len(values)) * TEN >= 19 * 86_400) & (values > 31)
    values[cold] -= (
        13  # the warmest hours are as cold as no hour of that time was, but as the night can be
    )
    judged = Judged(known).hear(series(known, "w-0", "temperature", values, TEN)).end()
    flagged = judged.flagged("w-0", "temperature")
    assert judged.first["w-0", "temperature", "climatology"] >= T0 + 19 * DAY
    assert judged.why["w-0", "temperature"]["climatology"] == cold.sum()
    assert min(flagged) >= T0 + 19 * DAY


def test_nothing_is_flagged_before_two_weeks_of_an_hour_are_known() -> None:
    known = stations(1)
    values = warmth(13, 2)
    values[-30:] = np.linspace(values[-31], 11, 30)
    judged = Judged(known).hear(series(known, "w-0", "temperature", values, TEN)).end()
    assert "climatology" not in judged.why["w-0", "temperature"]


def test_a_band_follows_a_change_that_stays() -> None:
    known = stations(1, "water")
    ph = 7 + 0.1 * np.sin(np.arange(90 * 24) / 4)
    ph[30 * 24 :] += 2.5  # another water, for good
    judged = Judged(known).hear(series(known, "w-0", "ph", ph, 3600)).end()
    flagged = judged.flagged("w-0", "ph")
    assert min(flagged) >= T0 + 30 * DAY - HOUR  # with the shoulder of the step
    assert T0 + 33 * DAY < max(flagged) < T0 + 60 * DAY


def test_a_signal_that_fades_is_attenuated_and_comes_back() -> None:
    known = catalogue()
    hours = np.arange(72 * 12) / 12
    tide = 1.0 + 0.4 * np.sin(2 * np.pi * hours / 12.4)
    still = (hours >= 24) & (hours < 48)
    tide[still] = 1.0 + 0.009 * np.sin(2 * np.pi * hours[still] / 0.6)
    judged = Judged(known).hear(series(known, "phu-an", "level", tide, 300)).end()
    why = judged.why["phu-an", "level"]
    # Twelve hours of it must have passed; an hour that moves again ends it.
    assert judged.first["phu-an", "level", "attenuated"] == T0 + 36 * HOUR
    assert why["attenuated"] == 13 * 12
    assert all(f != 4 for f in judged.flags.values())


@pytest.mark.parametrize(("count", "found"), [(6, True), (4, False)])
def test_a_station_that_departs_from_its_area(count: int, found: bool) -> None:
    known = stations(count)
    parts = []
    for i in range(count):
        values = warmth(2, i)
        if i == 0:
            values[24 * 6 : 36 * 6] += np.minimum(
                np.arange(72), 9
            )  # within the rate, but 9 degrees off
        parts.append(series(known, f"w-{i}", "temperature", values, TEN))
    judged = Judged(known).hear(in_time(parts)).end()
    assert ("neighbour" in judged.why["w-0", "temperature"]) == found
    assert {d for d, _ in judged.why if "neighbour" in judged.why[d, "temperature"]} <= {"w-0"}
    if found:
        # Off by more than 5 degrees from hour 25 on, told after two such hours, over when one is well.
        first = judged.first["w-0", "temperature", "neighbour"]
        assert first in (T0 + 26 * HOUR, T0 + 27 * HOUR)
        assert max(judged.flagged("w-0", "temperature")) < T0 + 37 * HOUR


def test_other_areas_and_devices_without_one_are_no_neighbours() -> None:
    areas = ["a", "a", "a", "b", "b", ""]
    known = catalogue([Device(id=f"w-{i}", kind="weather", area=a) for i, a in enumerate(areas)])
    parts = [
        series(known, f"w-{i}", "temperature", warmth(1, i) - 9 * (i == 0), TEN) for i in range(6)
    ]
    judged = Judged(known).hear(in_time(parts)).end()
    assert judged.why == {}


@pytest.mark.parametrize(("km", "found"), [(1.9, True), (2.1, False)])
def test_neighbours_are_the_nearest_stations_within_ten_kilometres_whatever_their_area(
    km: float, found: bool
) -> None:
    """Five stations in a row, each in an area of its own: the first has four others up to 5 times km away."""
    known = catalogue(
        [
            Device(
                id=f"w-{i}", kind="weather", area=str(i), lon=106.7,
                lat=10.7 + (0 if i == 0 else i + 1) * km / 111.195,
            )
            for i in range(5)
        ]
    )  # fmt: skip
    parts = [
        series(known, f"w-{i}", "temperature", warmth(1, i) - 9 * (i == 0), TEN) for i in range(5)
    ]
    judged = Judged(known).hear(in_time(parts)).end()
    assert ("neighbour" in judged.why["w-0", "temperature"]) == found


def test_a_slow_drift_against_the_neighbours() -> None:
    known = stations(6)
    parts = []
    for i in range(6):
        values = warmth(30, i, 1800)
        if i == 0:
            values += 0.2 * np.clip(np.arange(len(values)) / 48 - 10, 0, None)  # 0.2 degrees a day
        parts.append(series(known, f"w-{i}", "temperature", values, 1800))
    judged = Judged(known).hear(in_time(parts)).end()
    assert set(judged.why) == {("w-0", "temperature")}
    assert set(judged.why["w-0", "temperature"]) == {"drift"}
    first = judged.first["w-0", "temperature", "drift"]
    assert T0 + 15 * DAY < first < T0 + 24 * DAY  # when it is 1 to 3 degrees off


def test_pm25_is_a_part_of_pm10() -> None:
    known = catalogue()
    fine, coarse = [30.0, 31.0, 60.0, 32.0], [50.0, 50.0, 40.0, 50.0]
    parts = [series(known, "aq-1", q, v, 60) for q, v in (("pm25", fine), ("pm10", coarse))]
    judged = Judged(known).hear(in_time(parts)).end()
    assert {k: dict(v) for k, v in judged.why.items()} == {
        ("aq-1", "pm25"): {"pair": 1},
        ("aq-1", "pm10"): {"pair": 1},
    }
    assert judged.flagged("aq-1", "pm25") == judged.flagged("aq-1", "pm10") == [T0 + 2 * MINUTE]


def test_a_lamp_takes_no_more_than_its_dimming_asks_for() -> None:
    known = catalogue()
    power, dimming = [98.0, 60.0, 98.0, 98.0], [100.0, 50.0, 50.0, 0.0]
    parts = [series(known, "den-1", q, v, 300) for q, v in (("power", power), ("dimming", dimming))]
    judged = Judged(known).hear(in_time(parts)).end()
    # 98 W at 50 % of 100 W; that it burns while told to be dark is for the detector to say.
    assert judged.flagged("den-1", "power") == [T0 + 10 * MINUTE]
    assert judged.flagged("den-1", "dimming") == []


def test_a_feeder_measures_no_less_than_its_lamps_take() -> None:
    lamps = [Device(id=f"l-{i}", kind="lamp", parent="tu-1") for i in range(20)]
    known = catalogue([*lamps, Device(id="tu-1", kind="feeder")])
    rng = np.random.default_rng(1)
    parts = [series(known, d.id, "power", 98 + rng.normal(0, 1, 72), 300) for d in lamps]
    own = 2000 + rng.normal(0, 5, 360)
    own[180:240] = 1500 + rng.normal(0, 5, 60)  # the fourth hour: a phase of the meter is lost
    parts.append(series(known, "tu-1", "power", own, 60))
    judged = Judged(known).hear(in_time(parts)).end()
    assert {k: dict(v) for k, v in judged.why.items()} == {("tu-1", "power"): {"meter": 60}}
    # An hour's verdict stands for the next one.
    assert min(judged.flagged("tu-1", "power")) == T0 + 4 * HOUR


def test_a_flag_of_a_closed_minute_takes_its_values_out_of_the_windows() -> None:
    known = catalogue()
    parts = [
        series(known, "aq-1", "pm25", [30.0, 80.0], 60),
        series(known, "aq-1", "pm10", [50.0, 40.0], 60),
    ]
    engine = Judged(known).engine
    facts = engine.process(in_time(parts), T0 + HOUR)
    assert not len(facts.flags)
    facts = engine.process(Readings.of([1], [parts[0].quantity[0]], [T0 + HOUR], [9.0]), T0 + HOUR)
    minutes = facts.rollups[MINUTE]
    assert sorted(zip(minutes.start.tolist(), minutes.count.tolist(), strict=True)) == [
        (T0, 1), (T0, 1), (T0 + MINUTE, 0), (T0 + MINUTE, 0)
    ]  # fmt: skip
    assert facts.flags.flag.tolist() == [3, 3, 1]


def test_weeks_of_state_survive_a_kill_after_each_day() -> None:
    known = stations(6)
    parts = []
    for i in range(6):
        values = warmth(26, i, 1800)
        if i == 0:
            values += 0.2 * np.clip(np.arange(len(values)) / 48 - 10, 0, None)
        if i == 1:
            values[20 * 48 : 20 * 48 + 6] -= 14  # learned bands
        parts.append(series(known, f"w-{i}", "temperature", values, 1800))
    rows = in_time(parts)
    whole, killed = Judged(known).hear(rows).end(), Judged(known)
    for day in np.unique(rows.time // DAY).tolist():
        # Before the day: after a restart event time stands still until something is heard.
        killed.engine = Engine.restore(killed.engine.snapshot(), known, ZONE)
        killed.hear(rows.take(rows.time // DAY == day))
    killed.end()
    assert {k: v for k, v in killed.flags.items() if v > 1} == {
        k: v for k, v in whole.flags.items() if v > 1
    }
    assert killed.why == whole.why
    assert whole.why["w-0", "temperature"]["drift"] > 0
    assert whole.why["w-1", "temperature"]["climatology"] > 0
