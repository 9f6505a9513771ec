"""Runs of values that stand still, against one value at a time; a long drift costs no long loop."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.flat import still_since
from analytics.qartod import TOLERANCE


def by_hand(values: list[float], tolerance: float) -> list[tuple[int, int]]:
    """(row of the run's first value, length so far) of each row."""
    found, first = [], 0
    for i, value in enumerate(values):
        jump = i > 0 and abs(value - values[i - 1]) > tolerance + TOLERANCE
        if jump or abs(value - values[first]) > tolerance + TOLERANCE:
            first = i
        found.append((first, i - first + 1))
    return found


def runs(values: np.ndarray, tolerance: float) -> list[tuple[int, int]]:
    n = len(values)
    jump = ~(np.abs(np.diff(values, prepend=np.nan)) <= tolerance + TOLERANCE)
    carried = np.array([0]), np.array([np.nan]), np.array([0]), np.array([0])
    never = np.zeros(n, dtype=bool)
    _, since, length = still_since(
        values, np.arange(n), jump, carried, np.full(n, tolerance), never
    )
    return list(zip(since.tolist(), length.tolist(), strict=True))


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=200))
def test_runs_are_those_of_one_value_at_a_time(steps: list[int]) -> None:
    values = np.cumsum(steps) / 4
    assert runs(values, 0.5) == by_hand(values.tolist(), 0.5)


def test_a_slow_drift_is_no_flat_line() -> None:
    values = np.arange(1000) * 0.4
    assert max(length for _, length in runs(values, 1.0)) == 3


def test_one_long_drift_takes_no_time_of_its_own() -> None:
    values = np.arange(200_000) * 0.4
    started = time.perf_counter()
    runs(values, 1.0)
    assert time.perf_counter() - started < 5.0


def test_a_sensor_that_sticks_after_a_drift_is_seen() -> None:
    values = np.concatenate((np.arange(10) * 0.4, np.full(50, 3.7)))
    assert runs(values, 1.0)[-1][1] >= 50
