"""Legal limits as dated data: QCVN 05:2023 with its change of 2026, and that a limit without a source is refused."""

from __future__ import annotations

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from analytics.indices import vn_aqi, vn_wqi
from analytics.indices.air_limits import WINDOWS, share
from devices import legal
from devices.city import load_city
from devices.registry import load_kinds
from telemetry.errors import DeclarationError

SUBJECTS = ("air_index", "air_limits", "water_index", "water_limits", "noise", "flood")

# QCVN 05:2023/BTNMT, table 1, as printed [µg/Nm³].
TABLE_1 = {
    "so2": (350, None, 125, 50),
    "co": (30_000, 10_000, None, None),
    "no2": (200, None, 100, 40),
    "o3": (200, 120, None, None),
    "pm10": (None, None, 100, 50),
    "pm25": (None, None, 50, 25),
}
CELLS = [(p, w, v) for p, row in TABLE_1.items() for w, v in zip(WINDOWS, row, strict=True)]


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


@pytest.mark.parametrize(("pollutant", "window", "value"), CELLS)
def test_table_1_below_at_and_above(pollutant: str, window: str, value: float | None) -> None:
    assert (pollutant in WINDOWS[window]) == (value is not None)
    if value is None:
        return
    for c, over in ((value - 0.01, False), (value, False), (value + 0.01, True)):
        means = np.full((1, len(WINDOWS[window])), np.nan)
        means[0, WINDOWS[window].index(pollutant)] = c
        found, main = share(window, means, np.array([day("2025-06-01")]))
        assert (found[0] > 100) == over, c
        assert WINDOWS[window][int(main[0])] == pollutant


@pytest.mark.parametrize(
    ("on", "mean", "over"),
    [
        ("2025-12-31", 47.0, False), ("2026-01-01", 47.0, True), ("2025-12-31", 50.0, False),
        ("2025-12-31", 50.01, True), ("2026-01-01", 45.0, False), ("2026-01-01", 45.01, True),
    ],
)  # fmt: skip
def test_pm25_over_24_hours_is_50_until_2025_and_45_from_2026(
    on: str, mean: float, over: bool
) -> None:
    found, _ = share("24h", np.array([[mean, np.nan, np.nan, np.nan]]), np.array([day(on)]))
    assert (found[0] > 100) == over


def test_the_largest_share_decides() -> None:
    means = np.array([[118.0, 9_000.0], [np.nan, 9_000.0], [np.nan, np.nan]])
    found, main = share("8h", means, np.full(3, day("2026-05-01")))
    assert found[:2].tolist() == [98.34, 90.0] and np.isnan(found[2])
    assert main[:2].tolist() == [0, 1] and np.isnan(main[2])


def test_before_the_first_edition_there_is_no_limit() -> None:
    found, _ = share("1h", np.full((1, 4), 300.0), np.array([day("2009-01-01")]))
    assert np.isnan(found[0])
    with pytest.raises(DeclarationError, match="no edition was in force"):
        legal.in_force("air_limits", date(2009, 1, 1))


@pytest.mark.parametrize("subject", SUBJECTS)
def test_editions_follow_one_another_without_a_gap(subject: str) -> None:
    found = legal.editions(subject)
    for one, two in zip(found, found[1:], strict=False):  # noqa: RUF007
        assert two.valid_from - one.valid_to == timedelta(days=1)
    assert found[-1].valid_to == date.max
    assert all(e.source and e.confidence in legal.CONFIDENCES for e in found)


def test_rules_and_indices_name_the_editions_of_the_table() -> None:
    assert legal.edition("air_index") == vn_aqi.EDITION.name == vn_aqi.INDEX.edition
    assert legal.edition("water_index") == vn_wqi.INDICES[0].edition
    named = {e.name for s in SUBJECTS for e in legal.editions(s)}
    for kind in ("air", "noise", "water", "level"):
        rules = load_kinds()[kind].rules
        assert {r.edition for r in rules if r.edition} <= named


def test_what_is_not_verified_says_so() -> None:
    assert legal.in_force("noise", date(2025, 11, 13)).confidence == "verified"
    now = legal.in_force("noise")
    assert now.confidence == "unverified" and "QCVN 26:2025" in now.note
    assert "bien-hoa" in legal.in_force("flood").table["unverified"]
    assert "bien-hoa" not in legal.in_force("flood").table["stations"]


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_the_cities_follow_the_editions_in_force(name: str) -> None:
    city = load_city(name)
    for subject in SUBJECTS:
        assert city.editions[subject] == legal.edition(subject)
    levels = legal.in_force("flood").table["stations"]
    own = {s.id: [s.limits[n] for n in ("bd1", "bd2", "bd3")] for s in city.sites if "bd1" in s.limits}  # fmt: skip
    assert own and own == {station: levels[station] for station in own}


GOOD: dict[str, Any] = {"subject": "x", "name": "Q", "valid_from": date(2020, 1, 1), "source": "s", "confidence": "verified", "unit": "m"}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "needs name"),
        ({"source": ""}, "needs source"),
        ({"valid_from": None}, "needs valid_from"),
        ({"confidence": "sure"}, "confidence must be one of"),
        ({"valid_to": date(2019, 1, 1)}, "must not be before valid_from"),
    ],
)
def test_a_limit_without_its_papers_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DeclarationError, match=message):
        legal.load({"edition": [{**deepcopy(GOOD), **change}]}, "legal.toml")


def test_editions_that_overlap_are_refused() -> None:
    later = {**GOOD, "valid_from": date(2021, 1, 1)}
    with pytest.raises(DeclarationError, match="must begin after"):
        legal.load({"edition": [GOOD, later]}, "legal.toml")
