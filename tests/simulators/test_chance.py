"""Seeded chance: the same draw for the same key and index, and moments as promised."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from simulators.chance import derived, key, keys, normal, smooth, uniform, wander


# SplitMix64 from state 0, the reference implementation's first outputs (Vigna, splitmix64.c).
def test_the_hash_is_splitmix64() -> None:
    first = 0xE220A8397B1DCDAF
    assert float(uniform(0, 0)) == (first >> 11) * 2.0**-53
    second = 0x6E789E6AA1B965F4
    assert float(uniform(0, 1)) == (second >> 11) * 2.0**-53


@given(st.integers(0, 2**63 - 1), st.integers(-(2**62), 2**62))
def test_a_draw_does_not_depend_on_its_neighbours(of: int, index: int) -> None:
    alone = uniform(of, index)
    among = uniform(of, np.array([index - 1, index, index + 1]))
    assert among[1] == alone
    assert 0 <= float(alone) < 1


def test_moments() -> None:
    index = np.arange(200_000)
    of = key(1, "moments")
    draws = normal(of, index)
    assert abs(draws.mean()) < 0.01
    assert abs(draws.std() - 1) < 0.01
    assert np.abs(draws).max() <= 3.5
    assert abs(uniform(of, index).mean() - 0.5) < 0.005
    assert abs(np.corrcoef(draws[1:], draws[:-1])[0, 1]) < 0.01
    t = index * 10.0
    assert abs(wander(of, t, 3_600.0, 900.0, 60.0).std() - 1) < 0.1


def test_smooth_noise_is_smooth_and_starts_anew_nowhere() -> None:
    t = 1_795_000_000.0 + np.arange(0.0, 7_200.0)
    steps = np.diff(smooth(key(2, "a"), t, 600.0))
    # 1.5 / period is the steepest that the easing gets, times the largest difference of two draws.
    assert np.abs(steps).max() < 7.0 * 1.16 * 1.5 / 600.0


def test_keys_differ_by_every_word() -> None:
    found = {key(1, "a"), key(2, "a"), key(1, "b"), key(1, "a", "c"), key(1, "ac")}
    assert len(found) == 5
    assert keys(1, ["a", "b"]).tolist() == [key(1, "a"), key(1, "b")]
    assert int(derived(key(1, "a"), 1)) != int(derived(key(1, "a"), 2))
