"""LAeq, Lden (Directive 2002/49/EC) and the limits of QCVN 26:2010, with worked values."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.indices.noise import ORDINARY, SPECIAL, laeq, lden, limit, within

N = np.nan
TODAY = np.array([(date(2026, 11, 22) - date(1970, 1, 1)).days])


@pytest.mark.parametrize(
    ("levels", "expected"),
    [([65, 70, 75], 71.740), ([55] * 4, 55.0), ([65, N, 75, 70], 71.740), ([0.0], 0.0), ([N, N], N)],
)  # fmt: skip
def test_laeq(levels: list[float], expected: float) -> None:
    assert laeq(np.array([levels]))[0] == pytest.approx(expected, abs=5e-4, nan_ok=True)


@pytest.mark.parametrize(
    ("parts", "expected"), [((70, 68, 62), 71.338), ((65, 65, 65), 71.395), ((70, N, 62), N)]
)
def test_lden(parts: tuple[float, float, float], expected: float) -> None:
    assert lden(*parts) == pytest.approx(expected, abs=5e-4, nan_ok=True)


@pytest.mark.parametrize(
    ("area", "clock", "expected"),
    [
        (SPECIAL, 5, 45), (SPECIAL, 6, 55), (SPECIAL, 20, 55), (SPECIAL, 21, 45), (SPECIAL, 0, 45),
        (ORDINARY, 5, 55), (ORDINARY, 6, 70), (ORDINARY, 20, 70), (ORDINARY, 21, 55), (N, 12, 70),
    ],
)  # fmt: skip
def test_limits_by_area_and_time(area: float, clock: int, expected: float) -> None:
    assert limit(np.array([area]), TODAY, np.array([clock])).tolist() == [expected]


def test_before_the_first_edition_there_is_no_limit() -> None:
    assert np.isnan(limit(np.array([2.0]), np.array([0]), np.array([12]))[0])


@pytest.mark.parametrize(
    ("missing", "there"), [([], True), ([23, 0], True), ([23, 0, 1], False), ([12], True)]
)
def test_three_quarters_of_a_night(missing: list[int], there: bool) -> None:
    hours = np.ones((1, 24)) * 1e6
    hours[0, missing] = N
    found = within(hours, np.arange(24)[None, :], np.array([23]), np.array([7]))
    assert np.isnan(found[0]) != there
    assert np.isnan(found[0]) or found[0] == pytest.approx(60.0)
