"""Seeded chance without state: every draw is a pure function of (key, index), so any slice of time repeats.

A counter is hashed (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
OOPSLA 2014); smooth noise interpolates draws at knots in time (value noise), and octaves of it, summed,
wander as a measured series does.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
from numpy.typing import ArrayLike, NDArray

from telemetry.arrays import Values

Keys = NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 2.0**-53
# The variance of value noise between knots with this easing, averaged: ∫ (1-e)² + e² over [0, 1].
_SMOOTH_GAIN = 1 / np.sqrt(1 - 2 * (1 / 2 - 13 / 35))


def key(seed: int, *words: object) -> int:
    """A key of 64 bits for a thing in a seeded city: key(seed, "aq-0007", "pm25")."""
    text = "\x1f".join((str(seed), *map(str, words)))
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def keys(seed: int, names: list[str], *words: object) -> Keys:
    """One key a name."""
    return np.array([key(seed, name, *words) for name in names], dtype=np.uint64)


def derived(of: ArrayLike, salt: int) -> Keys:
    """Other keys, independent of these: one for each purpose."""
    return _mixed(np.asarray(of, dtype=np.uint64) + np.uint64(salt * int(_GOLDEN) % 2**64))


def uniform(of: ArrayLike, index: ArrayLike = 0) -> Values:
    """Draws in [0, 1); key and index broadcast. The same pair gives the same draw."""
    counter = np.asarray(index, dtype=np.int64).view(np.uint64)
    bits = _mixed(np.asarray(of, dtype=np.uint64) + counter * _GOLDEN)
    return np.asarray((bits >> np.uint64(11)).astype(np.float64) * _TO_UNIT)


def normal(of: ArrayLike, index: ArrayLike = 0) -> Values:
    """Draws of mean 0 and standard deviation 1, never beyond ±3.5: no sensor's noise is unbounded.

    The sum of four uniform draws, 16 bits each, of one hash.
    """
    counter = np.asarray(index, dtype=np.int64).view(np.uint64)
    bits = _mixed(np.asarray(of, dtype=np.uint64) + counter * _GOLDEN)
    low = np.uint64(0xFFFF)
    total = (bits & low) + ((bits >> np.uint64(16)) & low)
    total = total + ((bits >> np.uint64(32)) & low) + (bits >> np.uint64(48))
    # Mean 4 · 32767.5, variance 4 · (2^32 - 1) / 12.
    return np.asarray((total.astype(np.float64) - 131_070.0) / 37_837.227)


def smooth(of: ArrayLike, t: ArrayLike, period_s: float) -> Values:
    """Smooth noise of standard deviation ≈ 1 that changes within `period_s`; t in seconds."""
    place = np.asarray(t, dtype=np.float64) / period_s
    knot = np.floor(place)
    part = place - knot
    ease = part * part * (3.0 - 2.0 * part)
    index = knot.astype(np.int64)
    before, after = normal(of, index), normal(of, index + 1)
    return np.asarray((before + (after - before) * ease) * _SMOOTH_GAIN)


def wander(of: ArrayLike, t: ArrayLike, *periods_s: float) -> Values:
    """Octaves of smooth noise, each half as strong in variance as the one before; standard deviation ≈ 1."""
    shares = np.array([0.5**i for i in range(len(periods_s))])
    weights = np.sqrt(shares / shares.sum())
    total = np.zeros(np.broadcast(of, t).shape)
    for octave, period in enumerate(periods_s):
        total = total + weights[octave] * smooth(derived(of, octave + 1), t, period)
    return total


def _mixed(state: Keys) -> Keys:
    """SplitMix64's finaliser; arithmetic modulo 2^64 is what is wanted."""
    with np.errstate(over="ignore"):
        z = state + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        return np.asarray(z ^ (z >> np.uint64(31)))
