"""What InfluxDB finds → columns of readings, windows and roll-ups."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from devices.device import Catalogue
from store.influx_points import AGGREGATES, COMPUTED, RECEIVED, flag_field, rollup_field
from store.influx_query import Found
from store.telemetry import Rollups, Uncounted, Windows
from telemetry.arrays import AnyArray, Codes32, Mask, Times, Values
from telemetry.flags import Flag
from telemetry.readings import Readings


def device_codes(found: Found, catalogue: Catalogue, name: str = "device") -> Codes32:
    """The devices of a column of names; -1 for those this process does not know."""
    codes: dict[str, int] = {}
    column = found.column(name)
    for text in set(column):
        code = catalogue.code(text)
        codes[text] = -1 if code is None else code
    return np.array([codes[text] for text in column], dtype=np.int32)


def readings_of(found: Found, quantities: Iterable[int], catalogue: Catalogue) -> Readings:
    """Readings of rows with a device, and a value, a flag and the stamps for each of the quantities."""
    device, time = device_codes(found, catalogue), found.whole("time")
    names, parts = catalogue.kinds.quantities, []
    for quantity in quantities:
        flag = found.numbers(flag_field(names[quantity]))
        rows = np.flatnonzero(~np.isnan(flag) & (device >= 0))
        if not len(rows):
            continue
        flags = flag[rows].astype(np.uint8)
        value = found.numbers(names[quantity])[rows]
        value[flags == Flag.MISSING] = np.nan
        parts.append(
            Readings.of(
                device[rows],
                np.full(len(rows), quantity),
                time[rows],
                value,
                flags,
                _stamp(found, catalogue, device[rows[0]], quantity)[rows],
            )
        )
    return Readings.concat(parts)


def _stamp(found: Found, catalogue: Catalogue, device: int, quantity: int) -> Times:
    # All rows of one answer are of one kind, so the first device tells for all.
    kind, kinds = catalogue.kind_of[device], catalogue.kinds
    measured = bool(kinds.accepted[kind, quantity]) or not kinds.declared[kind, quantity]
    return found.whole(RECEIVED if measured else COMPUTED)


def windows_of(
    totals: Sequence[Found], stats: Sequence[Found], quantity: int, catalogue: Catalogue
) -> Windows:
    """Windows of one quantity from two grouped answers: all readings, and the values that count.

    What counts is a part of all, so every row of `stats` has its row in `totals`.
    """
    device, start, (total,) = _grouped(totals, ("total",), catalogue)
    of, at, columns = _grouped(stats, AGGREGATES, catalogue)
    here = _places(device, start, of, at)
    out = {name: np.full(len(start), np.nan) for name in AGGREGATES}
    for name, column in zip(AGGREGATES, columns, strict=True):
        out[name][here] = column
    count = np.nan_to_num(out.pop("count")).astype(np.int64)
    with np.errstate(invalid="ignore"):
        mean = np.divide(out["sum"], count, out=np.full(len(count), np.nan), where=count > 0)
    codes = np.full(len(start), quantity, dtype=np.int16)
    return Windows(device, codes, start, count, total.astype(np.int64), mean, **out)


def uncounted_of(series: Sequence[Found], quantity: int, catalogue: Catalogue) -> Uncounted:
    """Counts of one quantity from an answer that is grouped by device."""
    device, start, (count,) = _grouped(series, ("count",), catalogue)
    codes = np.full(len(start), quantity, dtype=np.int16)
    return Uncounted(device, codes, start, count.astype(np.int64))


def _grouped(
    series: Sequence[Found], names: Sequence[str], catalogue: Catalogue
) -> tuple[Codes32, Times, list[Values]]:
    """(device, time, columns) of an answer that is grouped by device, ordered by device and time."""
    device, time, columns = [], [], [[] for _ in names]  # type: ignore[var-annotated]
    for found in sorted(series, key=lambda s: _code(catalogue, s)):
        code = _code(catalogue, found)
        if code < 0:
            continue
        device.append(np.full(len(found.values), code, dtype=np.int32))
        time.append(found.whole("time"))
        for column, name in zip(columns, names, strict=True):
            column.append(found.numbers(name))
    if not device:
        return np.zeros(0, np.int32), np.zeros(0, np.int64), [np.zeros(0) for _ in names]
    return np.concatenate(device), np.concatenate(time), [np.concatenate(c) for c in columns]


def _code(catalogue: Catalogue, found: Found) -> int:
    code = catalogue.code(found.tags["device"])
    return -1 if code is None else code


def _places(device: Codes32, start: Times, of: Codes32, at: Times) -> AnyArray:
    """Where the rows (of, at) stand among the ordered rows (device, start)."""
    if not len(at):
        return np.zeros(0, dtype=np.intp)
    # One number a row: the window's place in time is below the number of distinct windows.
    times = np.unique(start)
    key = device.astype(np.int64) * len(times) + np.searchsorted(times, start)
    return np.searchsorted(key, of.astype(np.int64) * len(times) + np.searchsorted(times, at))


def joined_windows(parts: Sequence[Windows]) -> Windows:
    """Several answers as one, ordered by device, quantity, start."""
    empty = np.zeros(0)
    if not parts:
        none, starts, counts = (
            empty.astype(np.int32),
            empty.astype(np.int64),
            empty.astype(np.int64),
        )
        return Windows(
            none, empty.astype(np.int16), starts, counts, counts, empty, empty, empty, empty, empty
        )
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Windows.__dataclass_fields__
    }
    order = np.lexsort((columns["start"], columns["quantity"], columns["device"]))
    return Windows(**{name: column[order] for name, column in columns.items()})


def as_rollups(windows: Windows, wanted: Mask | slice = slice(None)) -> Rollups:
    """Windows without what a roll-up does not hold."""
    names = Rollups.__dataclass_fields__
    return Rollups(**{name: getattr(windows, name)[wanted] for name in names})


def rollups_of(found: Found, quantities: Iterable[int], catalogue: Catalogue) -> Rollups:
    """Roll-ups of rows with a device and five fields for each of the quantities; not ordered."""
    device, start = device_codes(found, catalogue), found.whole("time")
    names, parts = catalogue.kinds.quantities, []
    for quantity in quantities:
        count = found.numbers(rollup_field(names[quantity], "count"))
        rows = np.flatnonzero(~np.isnan(count) & (device >= 0))
        number = count[rows].astype(np.int64)
        values = [found.numbers(rollup_field(names[quantity], a))[rows] for a in AGGREGATES[1:]]
        for column in values:
            # A window that lost its last value keeps the numbers of before: they don't count.
            column[number == 0] = np.nan
        codes = np.full(len(rows), quantity, dtype=np.int16)
        parts.append(Rollups(device[rows], codes, start[rows], number, *values))
    return joined_rollups(parts)


def joined_rollups(parts: Sequence[Rollups]) -> Rollups:
    """Several answers as one, ordered by device, quantity, start."""
    if not parts:
        return as_rollups(joined_windows([]))
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in Rollups.__dataclass_fields__
    }
    order = np.lexsort((columns["start"], columns["quantity"], columns["device"]))
    return Rollups(**{name: column[order] for name, column in columns.items()})
