"""Windowed telemetry: the store's aggregates laid on a full grid, so that a gap is a row and not a silence.

Every series that the store knows and the filter names has one row per window of the range.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from api.aggregates import MEAN, Aggregate
from api.context import Context
from api.problems import too_much
from api.sources import windows_of
from api.statistics import percentiles, true_means
from api.tables import Table
from devices.kind import Kind
from store.telemetry import Series, Windows
from telemetry.arrays import AnyArray, Codes16, Codes32, Flags, Index, Times, Values
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings

MAX_WINDOWS = 50_000  # in one piece of an answer
_STEPS = tuple(
    step * unit
    for unit, steps in (
        (SECOND, (1, 2, 5, 10, 15, 30)),
        (MINUTE, (1, 2, 5, 10, 15, 30)),
        (HOUR, (1, 2, 3, 6, 12)),
        (DAY, (1, 2, 7, 14, 28)),
    )
    for step in steps
)


@dataclass(frozen=True, slots=True)
class Asked:
    """Windows that are asked for: start <= time < end in windows of `every` ns."""

    start: int
    end: int
    every: int
    aggregate: Aggregate = MEAN

    @property
    def windows(self) -> int:
        """How many a series has."""
        return -(-self.end // self.every) - self.start // self.every


@dataclass(frozen=True, slots=True)
class Page:
    """Some series with all their windows. sources: what they were made from."""

    table: Table
    sources: list[str]
    last: bool


def step_for(context: Context, series: Series, start: int, end: int, points: int) -> int:
    """The shortest round window that gives at most `points` of them and holds a report of each kind. [ns]"""
    interval = max((k.interval_s for k in _kinds_of(context, series)), default=1) * SECOND
    wanted = max(-(-(end - start) // points), interval)
    step = next((s for s in _STEPS if s >= wanted), -(-wanted // DAY) * DAY)
    # Aligned windows may be one more than the range divided by the step.
    while -(-end // step) - start // step > points:
        step = next((s for s in _STEPS if s > step), step + DAY)
    return step


def _kinds_of(context: Context, series: Series) -> list[Kind]:
    kinds = context.kinds.kinds
    if series.devices is None:
        return list(kinds)
    return [kinds[code] for code in np.unique(context.catalogue.kind_of[series.devices])]


def pages(
    context: Context, series: Series, asked: Asked, after: tuple[int, int] | None = None
) -> Iterator[Page]:
    """The windows of all series that are known, as many series at a time as make `MAX_WINDOWS`.

    `after` is the (device, quantity) of the last series of the page before. Raises a 413 problem where one
    series alone is too long.
    """
    if asked.windows > MAX_WINDOWS:
        raise too_much(
            f"every: {asked.windows} windows of one series are more than {MAX_WINDOWS}; "
            "ask for a shorter range or a longer `every`, or say `points=500`",
            "every",
        )
    known = context.telemetry.latest(series)
    if after is not None:
        device, quantity = after
        behind = (known.device > device) | ((known.device == device) & (known.quantity > quantity))
        known = known.take(behind)
    at_once = MAX_WINDOWS // asked.windows
    for first in range(0, max(len(known), 1), at_once):
        some = known.take(slice(first, first + at_once))
        whole = len(some) == len(known) and after is None
        those = series if whole else Series(np.unique(some.device), np.unique(some.quantity))
        table, sources = grid(context, some, those, asked)
        yield Page(table, sources, first + at_once >= len(known))


def grid(
    context: Context, known: Readings, series: Series, asked: Asked
) -> tuple[Table, list[str]]:
    """All windows of the known series, series by series, and what they were made from."""
    start, end, every = asked.start, asked.end, asked.every
    starts = np.arange(start // every * every, end, every, dtype=np.int64)
    found, sources = windows_of(context, series, start, end, every)
    row = _rows(known.device, known.quantity, len(starts), found, starts, every)
    size = len(known) * len(starts)
    device, quantity = np.repeat(known.device, len(starts)), np.repeat(known.quantity, len(starts))
    begins = np.tile(starts, len(known))
    count = _spread(size, row, found.count, 0)
    total = _spread(size, row, found.total, 0)
    counts = asked.aggregate.name == "count"
    value = _values(context, found, asked)
    return Table(
        device,
        quantity,
        begins,
        count.astype(np.float64) if counts else _spread(size, row, value, np.nan),
        _flags(count, total),
        count,
        _coverage(context, device, quantity, begins, count, (start, end, every)),
        counts,
    ), sources


def _rows(
    device: Codes32, quantity: Codes16, windows: int, found: Windows, starts: Times, every: int
) -> Index:
    """Where each window that was found lies in the grid. -1: of a series born since `latest` was asked."""
    series = {
        pair: i for i, pair in enumerate(zip(device.tolist(), quantity.tolist(), strict=True))
    }
    width = np.int64(1) << 16
    keys, inverse = np.unique(
        found.device.astype(np.int64) * width + found.quantity, return_inverse=True
    )
    place = np.array([series.get((int(k // width), int(k % width)), -1) for k in keys], np.int64)
    if len(keys) == 0:
        return np.zeros(0, dtype=np.intp)
    at = place[inverse]
    offset = (found.start - (starts[0] if len(starts) else 0)) // every
    rows: Index = np.where(at >= 0, at * windows + offset, -1).astype(np.intp)
    return rows


def _spread(size: int, row: Index, values: AnyArray, absent: float) -> AnyArray:
    out = np.full(size, absent, dtype=np.float64 if np.isnan(absent) else values.dtype)
    placed = row >= 0
    out[row[placed]] = values[placed]
    return out


def _values(context: Context, found: Windows, asked: Asked) -> Values:
    span = (asked.start, asked.end, asked.every)
    aggregate = asked.aggregate
    if aggregate.share is not None:
        return percentiles(context, found, aggregate.share, span)
    if aggregate.name == "mean":
        return true_means(context, found, span)
    values: Values = getattr(found, aggregate.name)
    return values


def _flags(count: AnyArray, total: AnyArray) -> Flags:
    flag = np.full(len(count), Flag.GOOD, dtype=np.uint8)
    flag[count < total] = Flag.SUSPECT
    flag[total == 0] = Flag.MISSING
    return flag


def _coverage(
    context: Context,
    device: Codes32,
    quantity: Codes16,
    begins: Times,
    count: AnyArray,
    frame: tuple[int, int, int],
) -> Values:
    """count / what the reporting interval lets expect of the part of the window that was asked and has been."""
    start, end, every = frame
    kind = context.catalogue.kind_of[device]
    interval = np.array([k.interval_s * SECOND for k in context.kinds], dtype=np.float64)[kind]
    until = min(end, context.clock.now())
    length = np.minimum(begins + every, until) - np.maximum(begins, start)
    expected = np.maximum(length / interval, 1.0)
    coverage = np.minimum(count / expected, 1.0)
    accepted = context.kinds.accepted[kind, quantity]
    covered: Values = np.where((length > 0) & accepted, np.round(coverage, 4), np.nan)
    return covered
