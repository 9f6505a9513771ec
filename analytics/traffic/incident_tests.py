"""California algorithm #8 and the standard normal deviate: does the occupancy look like an incident's?

California #8: Payne & Tignor, FHWA 1978, with the thresholds of its table; between two stations of one
road, minute by minute. Standard normal deviate: Dudek, Messer & Nuckles 1974; one station against its
own last minutes. Pure; one value a station.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike

from telemetry.arrays import AnyArray, Values

T1, T2, T3, T4, T5 = 8.0, -0.4, 0.5, 0.3, 30.0  # [%], [1], [1], [1], [%]
LEAST_SIGMA = 1.5  # an occupancy that hardly moves must not make an alarm of noise [%]


class Stage(IntEnum):
    """States of California #8; 1 to 5 count the minutes since a compression wave."""

    FREE = 0
    WAVE_1 = 1
    WAVE_5 = 5
    TENTATIVE = 6
    CONFIRMED = 7
    CONTINUING = 8


def features(up: ArrayLike, down: ArrayLike, before: ArrayLike) -> tuple[Values, Values, Values]:
    """(OCCDF, OCCRDF, DOCCTD) of the occupancies upstream, downstream, and downstream two minutes ago. [%]

    A ratio to an empty road is 0.
    """
    u, d, b = (np.asarray(x, np.float64) for x in (up, down, before))
    difference = u - d
    relative = np.divide(difference, u, out=np.zeros_like(difference), where=u > 0)
    drop = np.divide(b - d, b, out=np.zeros_like(difference), where=b > 0)
    return difference, relative, drop


def california_8(stage: ArrayLike, up: ArrayLike, down: ArrayLike, before: ArrayLike) -> AnyArray:
    """The stage a minute on; FREE where an occupancy is unknown (NaN)."""
    was = np.asarray(stage).astype(np.int64)
    difference, relative, drop = features(up, down, before)
    full = np.asarray(down, np.float64) >= T5
    no_wave = drop >= T2
    standing = relative >= T3
    waved = np.where(
        no_wave, np.where((was >= Stage.WAVE_1) & (was < Stage.WAVE_5), was + 1, Stage.FREE),
        Stage.WAVE_1,
    )  # fmt: skip
    open_road = (difference >= T1) & standing & (drop >= T4)
    below = np.where(
        was >= Stage.WAVE_1,
        np.where(was < Stage.WAVE_5, was + 1, Stage.FREE),
        np.where(open_road, Stage.TENTATIVE, Stage.FREE),
    )
    free = np.where(full, waved, below)
    over = np.where(~no_wave & full & (was < Stage.CONFIRMED), Stage.WAVE_1, Stage.FREE)
    further = np.where(was == Stage.TENTATIVE, Stage.CONFIRMED, Stage.CONTINUING)
    held = np.where(standing, further, over)
    found = np.where(was >= Stage.TENTATIVE, held, free)
    return np.where(np.isnan(difference) | np.isnan(drop), Stage.FREE, found)


def deviate(value: ArrayLike, mean: ArrayLike, sigma: ArrayLike) -> AnyArray:
    """(x - μ) / σ."""
    return np.asarray((np.asarray(value) - np.asarray(mean)) / np.asarray(sigma))


def ewma_limit(sigma: float, weight: float, width: float) -> float:
    """Control limit of an exponentially weighted mean: L·σ·√(λ / (2 - λ))."""
    return width * sigma * float(np.sqrt(weight / (2 - weight)))


def recent(values: AnyArray, minutes: int) -> tuple[Values, Values]:
    """(mean, σ) of the `minutes` before each bin: [rows, minutes + bins] → [rows, bins].

    NaN where fewer than three of them are known.
    """
    count = values.shape[1] - minutes
    # Minute by minute, so that the sums don't depend on how many bins are judged at once.
    parts = [values[:, k : k + count] for k in range(minutes)]
    known = [~np.isnan(p) for p in parts]
    n = sum((k.astype(np.int64) for k in known), np.zeros((len(values), count), np.int64))
    enough = n >= 3
    zero = np.zeros((len(values), count))
    total = sum((np.where(k, p, 0.0) for k, p in zip(known, parts, strict=True)), zero)
    mean = np.divide(total, n, out=np.full(n.shape, np.nan), where=enough)
    squares = sum(
        (np.where(k, p - mean, 0.0) ** 2 for k, p in zip(known, parts, strict=True)), zero
    )
    variance = np.divide(squares, n, out=np.full(n.shape, np.nan), where=enough)
    return mean, np.maximum(np.sqrt(variance), LEAST_SIGMA)
