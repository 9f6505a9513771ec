"""Flood alarm levels of QĐ 05/2020/QĐ-TTg: the stations' levels below, at and above, and known floods."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.indices.flood_stage import stage

PHU_AN = (1.40, 1.50, 1.60)
HA_NOI = (9.5, 10.5, 11.5)


@pytest.mark.parametrize(
    ("level", "limits", "expected"),
    [
        (1.39, PHU_AN, 0),
        (1.40, PHU_AN, 1),
        (1.41, PHU_AN, 1),
        (1.49, PHU_AN, 1),
        (1.50, PHU_AN, 2),
        (1.59, PHU_AN, 2),
        (1.60, PHU_AN, 3),
        (1.77, PHU_AN, 3),  # the flood of 6/11/2025
        (9.49, HA_NOI, 0),
        (10.49, HA_NOI, 1),
        (10.50, HA_NOI, 2),
        (11.50, HA_NOI, 3),
    ],
)
def test_stage(level: float, limits: tuple[float, ...], expected: int) -> None:
    assert stage([level], limits).tolist() == [expected]


def test_without_alarm_levels_or_a_level_there_is_no_stage() -> None:
    none = (np.nan,) * 3
    assert np.isnan(stage([1.7], none)).all()
    assert np.isnan(stage([np.nan], PHU_AN)).all()


def test_a_station_with_only_level_three_published() -> None:
    assert stage([1.55, 1.60], (np.nan, np.nan, 1.60)).tolist() == [0, 1]
