"""Whole days of a traffic detector by PeMS, and IRIS' spikes: each bound, motorcycles, order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.traffic.detector_days import COUNTS, DayFault, judge_day
from devices.device import Device
from telemetry.clock import HOUR, MINUTE
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row, Told

STATION = Device(id="xe-1", kind="traffic")
FIVE = T0 - 2 * HOUR  # 05:00 local
WHOLE = 17 * 60

# (occupancy [%], motorcycles, cars) of a minute
Minute = tuple[float, float, float]


def counts(**given: float) -> dict[str, np.ndarray]:
    of = dict.fromkeys(COUNTS, 0.0) | {"heard": 1_000.0, "wheels": 500.0} | given
    return {name: np.array([value]) for name, value in of.items()}


# Caltrans PeMS, detector health, urban: 60 % of samples; 59, 20, 2 and 50 % of them; 50 in a row.
@pytest.mark.parametrize(
    ("given", "longest", "fault"),
    [
        ({"heard": 612}, 0, 0), ({"heard": 611}, 0, 1), ({"zero": 589}, 0, 0), ({"zero": 590}, 0, 2),
        ({"high": 199}, 0, 0), ({"high": 200}, 0, 3), ({"empty": 19}, 0, 0), ({"empty": 20}, 0, 4),
        ({"unfelt": 249}, 0, 0), ({"unfelt": 250}, 0, 4), ({}, 49, 0), ({}, 50, 5),
    ],
)  # fmt: skip
def test_below_and_at_each_bound_of_pems(given: dict[str, float], longest: int, fault: int) -> None:
    assert judge_day(counts(**given), np.array([longest])).tolist() == [fault]


def rows_of(of: Callable[[int], Minute], minutes: range = range(WHOLE)) -> list[Row]:
    names = ("occupancy", "motorcycle", "car")
    return [
        ("xe-1", name, FIVE + m * MINUTE, value)
        for m in minutes
        for name, value in zip(names, of(m), strict=True)
    ]


def usual(m: int) -> Minute:
    return 12.0 + m % 7, 20.0 + m % 5, 4.0 + m % 3


def told_by(rows: list[Row]) -> Told:
    return told_of(known_with([STATION]), rows, FIVE + 20 * HOUR, range(0, len(rows), 180))


def day_of(of: Callable[[int], Minute], minutes: range = range(WHOLE)) -> dict[int, float]:
    return by_time(told_by(rows_of(of, minutes)), "detector_day", "xe-1")


@pytest.mark.parametrize(
    ("of", "fault"),
    [
        (usual, DayFault.NONE),
        (lambda m: (0.0, 0.0, 0.0) if m % 5 < 3 else usual(m), DayFault.CARD_OFF),
        (lambda m: (75.0 + m % 9, 30.0, 3.0) if m < 300 else usual(m), DayFault.HIGH_VALUE),
        (lambda m: (9.0, 0.0, 0.0) if m % 50 == 0 else usual(m), DayFault.INTERMITTENT),
        (lambda m: (0.0, 20.0, 3.0) if m % 2 else usual(m), DayFault.INTERMITTENT),
        # A loop hardly feels a motorcycle: streams of them are no fault.
        (lambda m: (0.0, 60.0 + m % 9, 0.0) if m % 10 else usual(m), DayFault.NONE),
    ],
)
def test_a_whole_day(of: Callable[[int], Minute], fault: DayFault) -> None:
    assert day_of(of) == {FIVE: fault}


@pytest.mark.parametrize(("minutes", "fault"), [(245, 0), (250, 5), (500, 5)])
def test_four_hours_and_ten_minutes_of_one_occupancy(minutes: int, fault: int) -> None:
    # The five minutes have one mean; a value that itself stands still is found by the flat line test.
    assert day_of(
        lambda m: (12.0 + m % 5, 20.0, 4.0) if 100 <= m < 100 + minutes else usual(m)
    ) == {FIVE: fault}


@pytest.mark.parametrize(("minutes", "fault"), [(612, 0), (611, 1)])
def test_too_few_samples(minutes: int, fault: int) -> None:
    assert day_of(usual, range(minutes)) == {FIVE: fault}


def test_a_day_raises_one_alert_and_the_next_good_one_clears_it() -> None:
    bad = rows_of(lambda m: (9.0, 0.0, 0.0) if m % 20 == 0 else usual(m))
    good = [(d, q, t + 24 * HOUR, v) for d, q, t, v in rows_of(usual)]
    rows = [*bad, *good]
    told = told_of(known_with([STATION]), rows, FIVE + 44 * HOUR, range(0, len(rows), 180))
    assert told.changes("traffic_detector_day") == [("raise", "xe-1"), ("clear", "xe-1")]


# IRIS: a jump of 25 % adds a sample, calm takes one off; more than two samples are a fault.
@pytest.mark.parametrize(
    ("occupancies", "fault"),
    [
        ([10, 36, 10, 10, 10, 36, 10], []),
        ([10, 36, 10, 36, 36, 36], [3]),
        ([10, 35, 10, 35, 10, 35], []),
        ([10, 36, 10, 10, 36, 10, 36], [5, 6]),
    ],
)
def test_occupancy_spikes(occupancies: list[float], fault: list[int]) -> None:
    rows = rows_of(lambda m: (float(occupancies[m]), 20.0, 3.0), range(len(occupancies)))
    found = by_time(told_by(rows), "detector_fault", "xe-1")
    assert [(t - FIVE) // MINUTE for t, v in found.items() if v == 4] == fault


@settings(max_examples=8, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 3_000), max_size=6),
    st.sampled_from([0, 599]),
)
def test_any_order_within_the_lateness_and_any_cut_tells_the_same(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    share = rng.random()
    rows = [
        row
        for m in range(WHOLE)
        if rng.random() < 0.5 + share / 2
        for row in rows_of(
            lambda m: (0.0, 0.0, 0.0) if rng.random() < share else usual(m), range(m, m + 1)
        )
    ]
    known, until = known_with([STATION]), FIVE + 20 * HOUR
    told = [
        told_of(known, r, until, c) for r, c in ((rows, []), (delayed(rows, seed, delay_s), cuts))
    ]
    for name in ("detector_day", "detector_fault"):
        assert told[0].of(name) == told[1].of(name)
    assert told[0].of("detector_day")
