"""Windowed telemetry: the store's aggregates laid on a full grid, so that a gap is a row and not a silence.

Every series that the store knows and the filter names has one row per window of the range.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from api.circular import mean_directions
from api.context import Context
from api.encode import Names, format_times
from api.problems import too_much
from api.schemas import Window
from devices.kind import Kind
from store.telemetry import Series, Windows
from telemetry.arrays import AnyArray, Codes16, Codes32, Flags, Index, Times, Values
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.flags import Flag

MAX_WINDOWS = 50_000
AGGREGATES = ("mean", "min", "max", "sum", "count", "last")
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
class Grid:
    """All windows of all series, series by series. Columns have series x windows rows.

    coverage  NaN where nothing can be expected
    """

    device: Codes32
    quantity: Codes16
    start: Times
    value: Values
    flag: Flags
    count: AnyArray
    coverage: Values


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


def grid(
    context: Context, series: Series, start: int, end: int, every: int, aggregate: str
) -> Grid:
    """The windows of `every` ns with start <= time < end. Raises a 413 problem for too many."""
    known = context.telemetry.latest(series)
    windows = -(-end // every) - start // every
    if max(len(known), 1) * windows > MAX_WINDOWS:
        raise too_much(
            f"every: {len(known)} series of {windows} windows are more than {MAX_WINDOWS}; "
            "ask for fewer devices, a shorter range or a longer `every`, or say `points=500`",
            "every",
        )
    starts = np.arange(start // every * every, end, every, dtype=np.int64)
    found = context.telemetry.windows(series, start, end, every)
    row = _rows(known.device, known.quantity, len(starts), found, starts, every)
    size = len(known) * len(starts)
    device, quantity = np.repeat(known.device, len(starts)), np.repeat(known.quantity, len(starts))
    begins = np.tile(starts, len(known))
    count = _spread(size, row, found.count, 0)
    total = _spread(size, row, found.total, 0)
    value = _values(context, found, aggregate, every)
    return Grid(
        device,
        quantity,
        begins,
        count.astype(np.float64) if aggregate == "count" else _spread(size, row, value, np.nan),
        _flags(count, total),
        count,
        _coverage(context, device, quantity, begins, count, (start, end, every)),
    )


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


def _values(context: Context, found: Windows, aggregate: str, every: int) -> Values:
    value: Values = (
        found.count.astype(np.float64) if aggregate == "count" else getattr(found, aggregate)
    )
    return mean_directions(context, found, value, every) if aggregate == "mean" else value


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


def encode_grid(context: Context, found: Grid, aggregate: str) -> list[Window]:
    """The grid as structs."""
    names = Names(context)
    rows = zip(
        map(names.of, found.device.tolist(), found.quantity.tolist()),
        found.value.tolist(),
        found.flag.tolist(),
        format_times(found.start),
        found.count.tolist(),
        found.coverage.tolist(),
        strict=True,
    )
    return [
        Window(d, k, q, value, "1" if aggregate == "count" else unit, flag, time, count, coverage)
        for (d, k, q, unit), value, flag, time, count, coverage in rows
    ]
