"""Lamp failure, day burner, supply loss: told at once, and the same last word whatever came late."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.device import Device
from telemetry.clock import HOUR, MINUTE, SECOND
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row

LAMP = Device(id="den-1", kind="lamp", lat=10.78, lon=106.70, limits={"rated_power": 100.0})
OTHER = Device(id="den-2", kind="lamp", limits={"rated_power": 100.0})
FEEDER = Device(id="tu-1", kind="feeder")
NAMES = ("lamp_failure", "day_burner", "supply_loss")
EVENING = 13 * HOUR  # 20:00 local


def lamp(minute: float, power: float, dimming: float, device: str = "den-1") -> list[Row]:
    time = T0 + EVENING + int(minute * MINUTE)
    return [(device, "power", time, power), (device, "dimming", time, dimming)]


def test_a_command_that_comes_late_takes_back_what_was_told_without_it() -> None:
    rows = [*lamp(0, 98, 100), *lamp(6, 20, 100), *lamp(8, 20, 100)]
    # It had been switched off between, and was still warming up.
    late = lamp(3, 0, 0)
    known = known_with([LAMP])
    alone = told_of(known, rows, T0 + EVENING + HOUR)
    assert list(by_time(alone, "lamp_failure", "den-1").values()) == [1, 1]
    for cuts in ([], [len(rows)]):
        told = told_of(known, [*rows, *late], T0 + EVENING + HOUR, cuts)
        assert by_time(told, "lamp_failure", "den-1") == {}


def test_power_before_its_command_is_judged_by_it() -> None:
    for dimming, wanted in ((100.0, [0]), (0.0, [1])):
        day = [(d, q, t - EVENING - HOUR, v) for d, q, t, v in lamp(0, 22, dimming, "den-2")]
        told = told_of(known_with([OTHER]), day, T0 + HOUR, cuts=[1])
        assert list(by_time(told, "day_burner", "den-2").values()) == wanted


def test_a_voltage_that_comes_late_is_told_in_its_place() -> None:
    rows: list[Row] = [("tu-1", "voltage", T0 + m * MINUTE, 230.0) for m in (0, 2, 3)]
    late: Row = ("tu-1", "voltage", T0 + MINUTE, 0.0)
    told = told_of(known_with([FEEDER]), [*rows, late], T0 + HOUR, cuts=[3])
    assert by_time(told, "supply_loss", "tu-1") == {T0: 0, T0 + MINUTE: 1, T0 + 2 * MINUTE: 0}


def test_older_than_what_is_kept_changes_nothing() -> None:
    rows: list[Row] = [("tu-1", "voltage", T0 + (m + 2) * SECOND, 230.0 + m % 3) for m in range(40)]
    late: Row = ("tu-1", "voltage", T0, 0.0)
    told = told_of(known_with([FEEDER]), [*rows, late], T0 + HOUR, cuts=[40])
    assert by_time(told, "supply_loss", "tu-1") == {T0 + 2 * SECOND: 0}


@pytest.mark.parametrize(
    ("power", "dimming", "failed"),
    [(49.9, 100, 1), (50.0, 100, 0), (24.9, 50, 1), (25.0, 50, 0), (35.0, 100, 1), (20.0, 50, 1)],
)
def test_below_and_at_half_of_what_is_expected(power: float, dimming: float, failed: int) -> None:
    rows = [*lamp(0, 98, dimming), *lamp(6, power, dimming)]
    told = told_of(known_with([LAMP]), rows, T0 + EVENING + HOUR)
    assert by_time(told, "lamp_failure", "den-1") == {rows[-1][2]: failed}


def test_nulls_and_one_reading_a_year() -> None:
    year = 8760 * HOUR
    rows = [*lamp(0, math.nan, math.nan), *lamp(1, 98, 100)]
    rows += [(d, q, t + year, 20.0 if q == "power" else 100.0) for d, q, t, _ in lamp(0, 0, 0)]
    told = told_of(known_with([LAMP]), rows, T0 + 2 * year, cuts=[1, 3, 4])
    # It was told to burn a year ago, and nothing since then says otherwise.
    assert by_time(told, "lamp_failure", "den-1") == {T0 + EVENING + year: 1}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 160), max_size=8),
    st.sampled_from([0, 60, 599]),
)
def test_any_order_within_the_lateness_and_any_cut_tells_the_same(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    messages = [(0, 0), (98, 100), (20, 50), (35, 100), (22, 0), (math.nan, 100), (49, 50)]
    rows: list[Row] = []
    for m in range(0, 50, 2):
        for device in ("den-1", "den-2"):
            if rng.random() > 0.2:
                rows += lamp(m, *messages[int(rng.integers(len(messages)))], device)
        volts = 0.0 if rng.random() < 0.3 else 225.0 + m
        rows.append(("tu-1", "voltage", T0 + EVENING + m * MINUTE, volts))
    known = known_with([LAMP, OTHER, FEEDER])
    until = T0 + EVENING + 3 * HOUR
    told = [
        told_of(known, r, until, c) for r, c in ((rows, []), (delayed(rows, seed, delay_s), cuts))
    ]
    for name in NAMES:
        assert told[0].of(name) == told[1].of(name), name
    assert told[0].of("supply_loss")
