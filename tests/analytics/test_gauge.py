"""A gauge that stands still for three whole hours is told, in any order; a quiet water and a gap are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.gauge import stands_still
from devices.device import Device
from telemetry.clock import HOUR, MINUTE
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row

GAUGE = Device(id="nha-be", kind="level")


def levels(minutes: range, low: float = 0.9, ripple: float = 0.0) -> list[Row]:
    """A level each five minutes, up and down by a ripple."""
    return [
        ("nha-be", "level", T0 + m * MINUTE, low + ripple * (m // 5 % 2))
        for m in minutes
        if m % 5 == 0
    ]


def told(rows: list[Row]) -> list[tuple[str, str]]:
    return told_of(known_with([GAUGE]), rows, T0 + 12 * HOUR).changes("gauge_stuck")


def test_three_whole_hours_without_a_step_are_an_alert_that_ends_when_it_moves() -> None:
    moves, stands = levels(range(90), ripple=0.02), levels(range(90, 390))
    again = levels(range(390, 660), ripple=0.02)
    found = told_of(known_with([GAUGE]), moves + stands + again, T0 + 12 * HOUR)
    # Still from 1:30 on: the hours 2, 3 and 4. Its values count no more from 4:30 until 6:30.
    assert by_time(found, "gauge_stuck", "nha-be")[T0 + 4 * HOUR] == 1
    assert found.changes("gauge_stuck") == [("raise", "nha-be"), ("clear", "nha-be")]


@pytest.mark.parametrize(
    "rows",
    [
        levels(range(90), ripple=0.02) + levels(range(90, 240)),  # two whole hours
        levels(range(300), ripple=0.002),  # more than the sensor's step
        levels(range(120)) + levels(range(180, 300)),  # an hour is not known
    ],
)
def test_less_than_that_is_none(rows: list[Row]) -> None:
    assert told(rows) == []


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.integers(0, 590), st.lists(st.integers(1, 80), max_size=5))
def test_any_order_within_the_lateness_and_any_cuts_tell_the_same(
    seed: int, delay_s: int, cuts: list[int]
) -> None:
    rows, known = levels(range(90), ripple=0.02) + levels(range(90, 390)), known_with([GAUGE])
    until = T0 + 12 * HOUR
    one = told_of(known, rows, until).of("gauge_stuck")
    assert set(one.values()) == {0, 1}
    assert told_of(known, delayed(rows, seed, delay_s), until, cuts).of("gauge_stuck") == one


def test_one_step_of_the_sensor_is_standing_still() -> None:
    low = np.array([[0.900, 0.900, 0.9], [0.9, 0.9, 0.9], [0.9, np.nan, 0.9]], dtype=np.float32)
    high = np.array([[0.901, 0.901, 0.9], [0.9, 0.902, 0.9], [0.9, np.nan, 0.9]], dtype=np.float32)
    assert stands_still(low, high, 0.001).tolist() == [True, False, False]
