"""What neither store computes nor a roll-up holds: vector means, energy means and percentiles, from readings.

- angles: the mean is the direction of the sum of unit vectors; 359° and 1° make 0°, not 180°
  (WMO-No. 8, Guide to Instruments and Methods of Observation, vol. I, 5.8);
- levels in decibels: the mean is the level of the mean energy, 10 lg(1/n Σ 10^(L/10)) (ISO 1996-1:2016, 3.6.1);
- percentiles: linear between the two values next to it (Hyndman and Fan 1996, definition 7; numpy's own).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from api.context import Context
from api.problems import too_much
from api.scan import scan
from store.telemetry import Series, Windows
from telemetry.arrays import AnyArray, Index, Mask, Values
from telemetry.flags import counts_in_windows

MAX_READINGS = 2_000_000
_NO_DIRECTION = 1e-9  # length of a mean vector that points nowhere

Span = tuple[int, int, int]  # start, end, every [ns]


def true_means(context: Context, found: Windows, span: Span) -> Values:
    """The means of the windows; those of angles and of decibels in their own way.

    NaN where vectors cancel out. Raises a 413 problem where too many readings would be needed.
    """
    mean, kind = found.mean.copy(), context.catalogue.kind_of[found.device]
    for table, each in (
        (context.kinds.circular, _direction),
        (context.kinds.energetic, _level),
    ):
        which: Mask = table[kind, found.quantity] & (found.count > 0)
        if which.any():
            mean[which] = each(context, found, which, span)
    return mean


def percentiles(context: Context, found: Windows, share: float, span: Span) -> Values:
    """The value below which this share of a window's values lies. NaN where none counts."""
    which = found.count > 0
    value = np.full(len(found.count), np.nan)
    pieces = [(row, v) for row, v in _values(context, found, which, span)]
    if not pieces:
        return value
    row = np.concatenate([r for r, _ in pieces])
    values = np.concatenate([v for _, v in pieces])
    order = np.lexsort((values, row))
    row, values = row[order], values[order]
    first = np.flatnonzero(np.append(True, row[1:] != row[:-1]))
    count = np.diff(np.append(first, len(row)))
    place = (count - 1) * share
    low = np.floor(place).astype(np.intp)
    high = np.minimum(low + 1, count - 1)
    part = place - low
    value[row[first]] = values[first + low] * (1 - part) + values[first + high] * part
    return value


def _direction(context: Context, found: Windows, which: Mask, span: Span) -> Values:
    def unit(v: Values) -> AnyArray:
        return np.exp(1j * np.radians(v))

    total, count = _sums(context, found, which, span, unit)
    vector = total / np.maximum(count, 1)
    degrees = np.degrees(np.angle(vector)) % 360.0
    return np.where(np.abs(vector) > _NO_DIRECTION, np.round(degrees, 6) % 360.0, np.nan)[which]


def _level(context: Context, found: Windows, which: Mask, span: Span) -> Values:
    def energy(v: Values) -> AnyArray:
        return 10.0 ** (v / 10) + 0j

    total, count = _sums(context, found, which, span, energy)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = 10 * np.log10(total.real / count)
    return np.where(count > 0, level, np.nan)[which]


def _sums(
    context: Context, found: Windows, which: Mask, span: Span, of: Callable[[Values], AnyArray]
) -> tuple[AnyArray, AnyArray]:
    size = len(found.count)
    total, count = np.zeros(size, dtype=np.complex128), np.zeros(size, dtype=np.int64)
    for row, values in _values(context, found, which, span):
        term = of(values)
        total += np.bincount(row, term.real, size) + 1j * np.bincount(row, term.imag, size)
        count += np.bincount(row, minlength=size)
    return total, count


def _values(
    context: Context, found: Windows, which: Mask, span: Span
) -> Iterator[tuple[Index, Values]]:
    """(row of its window, value) of what counts in the windows that are meant, piece by piece."""
    if int(found.count[which].sum()) > MAX_READINGS:
        raise too_much(
            f"agg: needs more than {MAX_READINGS} readings; ask for less, or for min, max or count",
            "agg",
        )
    if not which.any():
        return
    start, end, every = span
    rows = np.flatnonzero(which)
    place = _Places(context, found, rows, every)
    low, high = int(found.start[rows].min()), int(found.start[rows].max()) + every
    series = Series(np.unique(found.device[rows]), np.unique(found.quantity[rows]))
    for piece in scan(context.telemetry, series, max(low, start), min(high, end)):
        piece = piece.take(counts_in_windows(piece.flag) & np.isfinite(piece.value))
        row = place.of(piece.device, piece.quantity, piece.time)
        there = row >= 0
        yield row[there], piece.value[there]


class _Places:
    """Finds the row of a window by series and time."""

    def __init__(self, context: Context, found: Windows, rows: Index, every: int) -> None:
        self._width, self._every = len(context.kinds.quantities), every
        self._rows = rows
        series = self._series(found.device[rows], found.quantity[rows])
        self._known = np.unique(series)
        self._base = int(found.start[rows].min())
        self._windows = (int(found.start[rows].max()) - self._base) // every + 1
        self._keys = self._key(series, found.start[rows])
        self._order = np.argsort(self._keys)

    def of(self, device: AnyArray, quantity: AnyArray, time: AnyArray) -> Index:
        """Row of each; -1 where its window is not meant."""
        series = self._series(device, quantity)
        known = np.isin(series, self._known)
        keys = self._key(np.where(known, series, self._known[0]), time // self._every * self._every)
        at = np.minimum(np.searchsorted(self._keys, keys, sorter=self._order), len(self._keys) - 1)
        row = self._order[at]
        found: Index = np.where(known & (self._keys[row] == keys), self._rows[row], -1)
        return found

    def _series(self, device: AnyArray, quantity: AnyArray) -> AnyArray:
        return device.astype(np.int64) * self._width + quantity

    def _key(self, series: AnyArray, start: AnyArray) -> AnyArray:
        window = (start - self._base) // self._every
        key: AnyArray = np.searchsorted(self._known, series) * np.int64(self._windows) + window
        return key
