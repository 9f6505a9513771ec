"""Street lights: the ratios that TALQ-style rules give (design values, see analytics/lighting.py)."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.lighting import burns_by_day, lamp_fails, supply_lost


@pytest.mark.parametrize(
    ("power", "dimming", "rated", "failing"),
    [
        (98, 100, 100, False),  # 0.98 of what it should draw
        (20, 50, 100, True),  # 20 W of expected 50 W: 0.4
        (35, 100, 100, True),  # 0.35
        (50, 100, 100, False),  # exactly half is not less than half
        (49.9, 100, 100, True),
        (0, 0, 100, False),  # told to be dark
        (0, 100, np.nan, False),  # rated power unknown: nothing is inferred
    ],
)
def test_lamp_failure(power: float, dimming: float, rated: float, failing: bool) -> None:
    found = lamp_fails(np.array([power]), np.array([dimming]), np.array([rated]))
    assert found.tolist() == [failing]


@pytest.mark.parametrize(
    ("power", "dimming", "rated", "burning"),
    [
        (22, 0, 100, True),
        (10, 0, 100, False),  # exactly a tenth is not more than a tenth
        (10.1, 0, 100, True),
        (22, 50, 100, False),
        (22, 0, np.nan, False),
    ],
)
def test_day_burner(power: float, dimming: float, rated: float, burning: bool) -> None:
    found = burns_by_day(np.array([power]), np.array([dimming]), np.array([rated]))
    assert found.tolist() == [burning]


def test_supply_loss_below_50_v() -> None:
    assert supply_lost(np.array([0.0, 49.9, 50.0, 230.0])).tolist() == [True, True, False, False]
