"""Lamps from readings: power, factor, voltage, cycling by the minute; energy, hours, saving by the night."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.device import Device
from telemetry.clock import DAY, HOUR, MINUTE
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row, Told

LAMP = Device(id="den-1", kind="lamp", lat=10.78, lon=106.70, limits={"rated_power": 100.0})
NAMES = (
    "lamp_power_low", "lamp_power_high", "power_factor_low", "supply_voltage_low",
    "supply_voltage_high", "cycling_failure", "energy_night", "burning_hours", "dimming_saving",
)  # fmt: skip
EVENING = 13 * 60  # 20:00 local, in minutes after T0


def lamp(
    minute: float, power: float, dimming: float = 100.0, volts: float = 230.0, factor: float = 0.95
) -> list[Row]:
    time = T0 + int(minute * MINUTE)
    values = {"power": power, "dimming": dimming, "voltage": volts, "power_factor": factor}
    return [("den-1", q, time, v) for q, v in values.items()]


def ones(told: Told, name: str) -> list[int]:
    return [(t - T0) // MINUTE - EVENING for t, v in by_time(told, name, "den-1").items() if v]


def told_by(messages: list[list[Row]]) -> Told:
    rows = [row for message in messages for row in message]
    return told_of(known_with([LAMP]), rows, rows[-1][2] + HOUR)


def test_power_of_a_warm_lamp() -> None:
    powers = [60.0, 98.0, 80.0, 98.0, 120.0, 98.0]
    told = told_by([lamp(EVENING + 5 * i, p) for i, p in enumerate(powers)])
    assert ones(told, "lamp_power_low") == [10]  # not the first: it may be warming up
    assert ones(told, "lamp_power_high") == [20]
    assert told.changes("lamp_power_low") == [("raise", "den-1"), ("clear", "den-1")]


def test_power_factor_and_voltage() -> None:
    told = told_by([
        lamp(EVENING, 98.0), lamp(EVENING + 5, 98.0, factor=0.85), lamp(EVENING + 10, 98.0, volts=206.0),
        lamp(EVENING + 15, 98.0, volts=207.0), lamp(EVENING + 20, 98.0, volts=254.0),
    ])  # fmt: skip
    assert ones(told, "power_factor_low") == [5]
    assert ones(told, "supply_voltage_low") == [10]
    assert ones(told, "supply_voltage_high") == [20]


def test_three_switches_in_three_quarters_of_an_hour_are_cycling() -> None:
    powers = [98.0, 0.0, 98.0, 0.0, 98.0, 98.0]
    told = told_by([lamp(EVENING + 5 * i, p) for i, p in enumerate(powers)])
    assert ones(told, "cycling_failure") == [15, 20, 25]


def test_it_burns_by_day_whatever_it_was_told() -> None:
    noon = 5 * 60
    told = told_by([lamp(noon + 5 * i, 98.0, dimming=100.0) for i in range(5)])
    assert told.changes("lamp_day_burner") == [("raise", "den-1")]
    told = told_by([lamp(EVENING + 5 * i, 98.0, dimming=100.0) for i in range(5)])
    assert told.changes("lamp_day_burner") == []


def night(energy: bool = True) -> list[Row]:
    """Noon to noon: five hours at 100 %, four at 50 %, two at 70 %, then dark again."""
    rows: list[Row] = []
    used = 40.0
    for m in range(0, 26 * 60, 5):
        h = (m / 60 - 7.0) % 24  # 18:00 local is 11:00 UTC; six hours after local noon
        level = 100.0 if 4 <= h < 9 else 50.0 if 9 <= h < 13 else 70.0 if 13 <= h < 15 else 0.0
        rows += lamp(5 * 60 - 60 + m, max(level, 0.5), level)
        used += max(level, 0.5) / 1_000 * 5 / 60
        if energy:
            rows.append(("den-1", "energy", rows[-1][2], used))
    return rows


def test_a_night_s_energy_hours_and_saving() -> None:
    told = told_of(known_with([LAMP]), night(), T0 + 2 * DAY)
    (burned,) = by_time(told, "burning_hours", "den-1").values()
    (saved,) = by_time(told, "dimming_saving", "den-1").values()
    (energy,) = by_time(told, "energy_night", "den-1").values()
    assert burned == 11.0
    assert saved == 23.64
    used = 5 * 0.1 + 4 * 0.05 + 2 * 0.07 + 13 * 0.0005
    assert abs(energy - used) < 0.002
    told = told_of(known_with([LAMP]), night(energy=False), T0 + 2 * DAY)
    (integrated,) = by_time(told, "energy_night", "den-1").values()
    assert abs(integrated - used) < 0.002


@settings(max_examples=12, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 900), max_size=6),
    st.sampled_from([0, 60, 599]),
)
def test_any_order_within_the_lateness_and_any_cut_tells_the_same(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [r for r in night() if rng.random() > 0.05]
    known = known_with([LAMP])
    told = [
        told_of(known, r, T0 + 2 * DAY, c)
        for r, c in ((rows, []), (delayed(rows, seed, delay_s), cuts))
    ]
    for name in NAMES:
        assert told[0].of(name) == told[1].of(name), name
