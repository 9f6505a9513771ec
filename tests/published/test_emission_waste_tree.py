"""Flue gas at reference O2, robust slopes, time to full, fire, uprooting: published values and each bound."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from analytics.emission_limits import SUBJECT, at_reference_o2, hour_limit
from analytics.robust import mean, median, theil_sen
from analytics.trees import uprooting
from analytics.waste import is_fire, time_to_full
from devices import legal
from devices.registry import load_kinds


@pytest.mark.parametrize(
    ("measured", "o2", "wanted"), [(80, 10, 65.455), (80, 15, 120.0), (200, 12, 200.0)]
)
def test_correction_to_reference_o2(measured: float, o2: float, wanted: float) -> None:
    # QCVN 61-MT:2016: C · (21 - 12) / (21 - O2)
    assert at_reference_o2(measured, o2) == pytest.approx(wanted, abs=5e-4)


def test_air_is_no_flue_gas() -> None:
    assert np.isfinite(at_reference_o2(1.0, 20.89))
    assert np.isnan(at_reference_o2([1.0, 1.0, 1.0], [20.9, 21.0, np.nan])).all()


# QCVN 61-MT:2016/BTNMT, table 2 [mg/Nm3]
TABLE_2 = {"dust": 100.0, "hcl": 50.0, "co": 250.0, "so2": 250.0, "nox": 500.0}


def day(text: str) -> np.ndarray:
    return np.array([(date.fromisoformat(text) - date(1970, 1, 1)).days])


@pytest.mark.parametrize(("pollutant", "limit"), TABLE_2.items())
def test_limits_by_day(pollutant: str, limit: float) -> None:
    limits = hour_limit(pollutant)
    assert np.isnan(limits.on(day("2016-04-30"))[0])
    for text in ("2016-05-01", "2025-06-30", "2025-07-01"):
        assert limits.on(day(text))[0] == limit


def test_what_is_not_verified_says_so() -> None:
    assert legal.in_force(SUBJECT, date(2025, 6, 30)).confidence == "verified"
    now = legal.in_force(SUBJECT, date(2025, 7, 1))
    assert now.confidence == "unverified"
    assert "QCVN 19:2024" in now.note


def test_the_rules_of_the_kind_go_by_the_limit_in_force() -> None:
    rules = {r.quantity: r for r in load_kinds()["emission"].rules}
    for pollutant in TABLE_2:
        rule = rules[f"{pollutant}_of_limit"]
        assert (rule.above, rule.edition) == (100.0, legal.edition(SUBJECT))


def test_theil_sen_is_not_moved_by_one_wrong_value() -> None:
    hours = np.arange(8)
    fill = 20.0 + 3.0 * hours
    fill[3] = 99.0
    assert theil_sen(hours, fill[None, :], 4)[0] == 3.0
    fill[2:] = np.nan
    assert np.isnan(theil_sen(hours, fill[None, :], 4)[0])


def test_median_and_mean_leave_out_what_is_not_known() -> None:
    values = np.array([[3.0, np.nan, 1.0, 2.0], [4.0, np.nan, np.nan, 1.0], [np.nan] * 4])
    assert median(values).tolist()[:2] == [2.0, 2.5]
    assert mean(values).tolist()[:2] == [2.0, 2.5]
    assert np.isnan(median(values)[2])
    assert np.isnan(mean(values)[2])


def test_time_to_full() -> None:
    found = time_to_full(np.array([40.0, 100.0, 103.0, 40.0, 40.0]), np.array([3.0, 3, 3, 0.0, -1]))
    assert found[:3].tolist() == [20.0, 0.0, 0.0]
    assert np.isnan(found[3:]).all()


@pytest.mark.parametrize(
    ("temperature", "rate", "fire"),
    [
        (65.0, 0.0, True),
        (64.9, 29.9, False),
        (45.0, 30.0, True),
        (44.9, 99.0, False),
        (50, np.nan, False),
    ],
)
def test_fire(temperature: float, rate: float, fire: bool) -> None:
    assert is_fire(np.array([temperature]), np.array([rate])).tolist() == [fire]


@pytest.mark.parametrize(
    ("tilt", "windy", "state"), [(7.9, False, 0), (8.0, False, 1), (12.9, True, 0), (13.0, True, 1)]
)
def test_uprooting_against_a_usual_lean_of_3(tilt: float, windy: bool, state: float) -> None:
    assert uprooting(np.array([tilt]), np.array([3.0]), np.array([windy])).tolist() == [state]
