"""California #8, standard normal deviate, EWMA and PeMS' bottleneck: published values and every transition."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.traffic.bottleneck import PEMS_RISE, PEMS_SLOW, active, points
from analytics.traffic.incident_tests import (
    Stage,
    california_8,
    deviate,
    ewma_limit,
    features,
    recent,
)


@pytest.mark.parametrize(
    ("up", "down", "before", "wanted"),
    [(35, 8, 16, (27, 0.7714, 0.5)), (22, 20, 19, (2, 0.0909, -0.0526))],
)
def test_features(up: float, down: float, before: float, wanted: tuple[float, ...]) -> None:
    assert [float(x) for x in features(up, down, before)] == pytest.approx(wanted, abs=5e-5)


INCIDENT, NORMAL = (35, 8, 16), (22, 20, 19)


@pytest.mark.parametrize(
    ("stage", "occupancies", "then"),
    [
        (Stage.FREE, NORMAL, Stage.FREE),
        (Stage.FREE, INCIDENT, Stage.TENTATIVE),
        (Stage.TENTATIVE, INCIDENT, Stage.CONFIRMED),
        (Stage.CONFIRMED, INCIDENT, Stage.CONTINUING),
        (Stage.CONTINUING, INCIDENT, Stage.CONTINUING),
        (Stage.CONTINUING, (40, 20, 8), Stage.CONTINUING),  # OCCRDF exactly 0.5
        (Stage.CONTINUING, NORMAL, Stage.FREE),
        (Stage.FREE, (60, 40, 20), Stage.WAVE_1),  # downstream jumped to 40 %: a compression wave
        (Stage.WAVE_1, (60, 40, 40), Stage.WAVE_1 + 1),
        (Stage.WAVE_1, INCIDENT, Stage.WAVE_1 + 1),  # no incident while a wave passes
        (Stage.WAVE_5, (60, 40, 40), Stage.FREE),
        (Stage.WAVE_5, NORMAL, Stage.FREE),
        (Stage.WAVE_1 + 2, (60, 40, 20), Stage.WAVE_1),
        (Stage.TENTATIVE, (60, 40, 20), Stage.WAVE_1),
        (Stage.CONTINUING, (60, 40, 20), Stage.FREE),
        (Stage.FREE, (16, 8, 16), Stage.TENTATIVE),  # OCCDF exactly 8, OCCRDF exactly 0.5
        (Stage.FREE, (15.9, 8, 16), Stage.FREE),
        (Stage.CONFIRMED, (np.nan, 8, 16), Stage.FREE),
        (Stage.FREE, (0, 0, 0), Stage.FREE),
    ],
)
def test_every_transition(stage: int, occupancies: tuple[float, ...], then: int) -> None:
    assert california_8(stage, *occupancies) == then


@pytest.mark.parametrize(("value", "wanted"), [(32, 4.5), (18, 1.0), (9, -1.25)])
def test_standard_normal_deviate(value: float, wanted: float) -> None:
    assert deviate(value, 14.0, 4.0) == wanted


def test_recent_is_of_the_minutes_before() -> None:
    mean, sigma = recent(np.array([[10.0, 18.0, 10.0, 18.0, 99.0]]), 4)
    assert (mean[0, 0], sigma[0, 0]) == (14.0, 4.0)
    mean, _ = recent(np.array([[np.nan, np.nan, 10.0, 18.0, 99.0]]), 4)
    assert np.isnan(mean[0, 0])


@pytest.mark.parametrize(("weight", "width", "limit"), [(0.2, 3.0, 1.0), (0.1, 2.7, 0.619)])
def test_ewma_limits(weight: float, width: float, limit: float) -> None:
    assert ewma_limit(1.0, weight, width) == pytest.approx(limit, abs=5e-4)


def test_pems_bottleneck_in_its_own_units() -> None:
    speed = np.array([[39.9, 40.0, 30.0, 30.0]])
    ahead = np.array([[60.0, 60.0, 50.0, 49.9]])
    assert points(speed, ahead, PEMS_RISE, PEMS_SLOW).tolist() == [[True, False, True, False]]


@pytest.mark.parametrize(
    ("found", "is_active"), [("1111100", True), ("1010111", True), ("1111000", False), ("0", False)]
)
def test_five_of_any_seven_points(found: str, is_active: bool) -> None:
    row = np.array([[c == "1" for c in found.rjust(7, "0")]])
    assert active(row).tolist() == [[is_active]]
