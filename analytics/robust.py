"""Slopes and means that single wrong values do not move: Theil–Sen, medians. NaN is a value that is not known."""

from __future__ import annotations

import numpy as np

from telemetry.arrays import AnyArray, Values


def theil_sen(time: AnyArray, value: AnyArray, least: int) -> Values:
    """Median of the slopes of all pairs, along the last axis (Sen 1968). NaN with fewer than `least` values.

    time   of each value, one dimension, ascending; value [..., n]
    """
    a, b = np.triu_indices(len(time), 1)
    slope = (value[..., b] - value[..., a]) / (time[b] - time[a])
    return np.where((~np.isnan(value)).sum(axis=-1) >= least, median(slope), np.nan)


def median(value: AnyArray) -> Values:
    """Median of the known values along the last axis; NaN where none is known."""
    n = (~np.isnan(value)).sum(axis=-1)
    if value.shape[-1] == 0:
        return np.full(n.shape, np.nan)
    ordered = np.sort(value, axis=-1)  # NaN last
    low = np.take_along_axis(ordered, np.maximum((n - 1) // 2, 0)[..., None], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(n // 2, value.shape[-1] - 1)[..., None], axis=-1)
    return np.where(n > 0, (low + high[..., 0]) / 2, np.nan)


def mean(value: AnyArray) -> Values:
    """Mean of the known values along the last axis; NaN where none is known."""
    known = ~np.isnan(value)
    n = known.sum(axis=-1)
    total = np.where(known, value, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))


def looking_back(value: AnyArray, length: int) -> AnyArray:
    """[rows, length - 1 + bins] → [rows, bins, length]: the `length` bins up to and with each."""
    return np.lib.stride_tricks.sliding_window_view(value, length, axis=1)
