"""The nearest within a distance: what comparing each with each finds, and ties by their rank."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.nearest import METRES_PER_DEG, NONE, nearest
from telemetry.arrays import Index, Values

REACH_M = 10_000.0


def one_by_one(lat: Values, lon: Values, count: int) -> Index:
    found = np.full((len(lat), count), NONE)
    for i in range(len(lat)):
        east = (lon - lon[i]) * np.cos(np.radians((lat + lat[i]) / 2))
        far = np.hypot(east, lat - lat[i]) * METRES_PER_DEG
        order = [j for j in np.lexsort((np.arange(len(lat)), far)).tolist() if j != i]
        near = [j for j in order if far[j] <= REACH_M][:count]
        found[i, : len(near)] = near
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 150),
    st.sampled_from([0.001, 0.05, 0.3, 3.0]),
    st.sampled_from([10.78, 21.03, -65.0, 0.0]),
)
def test_it_finds_what_comparing_all_finds(seed: int, n: int, span: float, lat: float) -> None:
    rng = np.random.default_rng(seed)
    lats, lons = lat + span * rng.random(n), 106.0 + span * rng.random(n)
    # Some stand close together, some at one place.
    lats[: n // 3] = lat + 1e-4 * rng.integers(0, 3, n // 3)
    lons[: n // 3] = 106.0 + 1e-4 * rng.integers(0, 3, n // 3)
    found = nearest(lats, lons, np.arange(n), 8, REACH_M)
    assert found.tolist() == one_by_one(lats, lons, 8).tolist()


@pytest.mark.parametrize(("metres", "seen"), [(9_999.0, True), (10_001.0, False)])
def test_within_and_beyond_the_distance(metres: float, seen: bool) -> None:
    lat, lon = np.array([10.0, 10.0 + metres / METRES_PER_DEG]), np.array([106.0, 106.0])
    assert (nearest(lat, lon, np.arange(2), 3, REACH_M)[0, 0] == 1) == seen


def test_none_and_one_have_no_neighbours() -> None:
    for n in (0, 1):
        place = np.zeros(n)
        assert nearest(place, place, np.arange(n), 3, REACH_M).tolist() == [[NONE] * 3] * n


def test_ten_thousand_places() -> None:
    rng = np.random.default_rng(1)
    lat, lon = 10.5 + 0.5 * rng.random(10_000), 106.4 + 0.5 * rng.random(10_000)
    found = nearest(lat, lon, np.arange(10_000), 8, REACH_M)
    some = slice(0, 9_999, 1_111)
    far = np.hypot(
        (lon - lon[some, None]) * np.cos(np.radians((lat + lat[some, None]) / 2)),
        lat - lat[some, None],
    )
    assert found[some].tolist() == np.argsort(far, axis=1)[:, 1:9].tolist()
