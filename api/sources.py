"""Where windows come from: roll-ups of an hour or a minute where they suffice, else the readings.

Analytics keeps roll-ups of what devices measured; `Context.settled` says up to when they are written. What is
older than readings are kept, and what is so long that it would be slow, is answered from them. Edges, the
last hours and derived quantities are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from api.context import Context
from store.telemetry import Rollups, Series, Uncounted, Windows
from telemetry.arrays import AnyArray, Codes16
from telemetry.clock import HOUR, MINUTE
from telemetry.retention import removed_before

RAW, MINUTES, HOURS = "raw", "rollup_1m", "rollup_1h"
_NAMES = {MINUTE: MINUTES, HOUR: HOURS}
_WORTH_IT = 6 * HOUR  # shorter stretches are read as fast


@dataclass(frozen=True, slots=True)
class Stretch:
    """Windows of `step` ns stand in for the readings with low <= time < high."""

    step: int
    low: int
    high: int


def windows_of(
    context: Context, series: Series, start: int, end: int, every: int
) -> tuple[Windows, list[str]]:
    """The windows, and what they were made from."""
    store = context.telemetry
    stretch = stretch_of(context, start, end, every)
    measured, derived = _parted(context, series)
    if stretch is None or not len(measured):
        return store.windows(series, start, end, every), [RAW]
    own = Series(series.devices, measured)
    parts = [
        _of_rollups(store.rollups(stretch.step, own, stretch.low, stretch.high), every),
        _of_uncounted(store.uncounted(own, stretch.low, stretch.high, every)),
    ]
    asked = [(own, start, stretch.low), (own, stretch.high, end)]
    if len(derived):
        asked.append((Series(series.devices, derived), start, end))
    read = [(s, low, high) for s, low, high in asked if low < high]
    parts += [_columns(store.windows(s, low, high, every), low) for s, low, high in read]
    return _merged(parts), [_NAMES[stretch.step], *([RAW] if read else [])]


def stretch_of(context: Context, start: int, end: int, every: int) -> Stretch | None:
    """The part of a range that roll-ups can answer; None where they don't suffice or are not worth it."""
    kept_from = removed_before(context.settings.retention.raw, context.clock.now())
    gone = kept_from is not None and start < kept_from
    step = HOUR if every % HOUR == 0 else MINUTE if every % MINUTE == 0 and gone else 0
    if not step:
        return None
    low = -(-start // step) * step
    high = min(end, context.settled()) // step * step
    if high - low < (step if gone else _WORTH_IT):
        return None
    return Stretch(step, low, high)


def _parted(context: Context, series: Series) -> tuple[Codes16, Codes16]:
    """(measured, derived) quantities that are meant: only the measured are rolled up."""
    kinds = context.kinds
    wanted = series.quantities
    if wanted is None:
        wanted = np.arange(len(kinds.quantities), dtype=np.int16)
    computed = (kinds.declared & ~kinds.accepted).any(axis=0)
    return wanted[~computed[wanted]], wanted[computed[wanted]]


def _of_rollups(found: Rollups, every: int) -> dict[str, AnyArray]:
    names = ("device", "quantity", "count", "sum", "min", "max", "last")
    columns = {name: getattr(found, name) for name in names}
    return columns | {
        "start": found.start // every * every,
        "at": found.start,
        "total": found.count,
    }


def _of_uncounted(found: Uncounted) -> dict[str, AnyArray]:
    nothing = np.full(len(found.count), np.nan)
    return {
        "device": found.device,
        "quantity": found.quantity,
        "start": found.start,
        "at": found.start,
        "count": np.zeros(len(found.count), dtype=np.int64),
        "total": found.count,
        **dict.fromkeys(("sum", "min", "max", "last"), nothing),
    }


def _columns(found: Windows, low: int) -> dict[str, AnyArray]:
    columns = {n: getattr(found, n) for n in Windows.__dataclass_fields__ if n != "mean"}
    return columns | {"at": np.maximum(found.start, low)}


def _merged(parts: Sequence[dict[str, AnyArray]]) -> Windows:
    """Parts of the same windows as one, ordered by device, quantity, start."""
    column = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    order = np.lexsort((column["at"], column["start"], column["quantity"], column["device"]))
    column = {name: values[order] for name, values in column.items()}
    keys = [column[n] for n in ("device", "quantity", "start")]
    size = len(order)
    if not size:
        return _windows(column, np.zeros(0, np.intp))
    new = np.append(True, np.any([k[1:] != k[:-1] for k in keys], axis=0))
    first = np.flatnonzero(new)
    counted = column["count"] > 0
    # The last part that counts something has the last value.
    place = np.where(counted, np.arange(size), -1)
    last = np.maximum.reduceat(place, first)
    summed = {
        "count": np.add.reduceat(column["count"], first),
        "total": np.add.reduceat(column["total"], first),
        "sum": np.add.reduceat(np.where(counted, column["sum"], 0.0), first),
        "min": np.minimum.reduceat(np.where(counted, column["min"], np.inf), first),
        "max": np.maximum.reduceat(np.where(counted, column["max"], -np.inf), first),
        "last": column["last"][np.maximum(last, 0)],
    }
    return _windows({n: column[n] for n in ("device", "quantity", "start")} | summed, first)


def _windows(column: dict[str, Any], first: AnyArray) -> Windows:
    size = len(first)
    count = column["count"][:size]
    none = count == 0
    numbers = {
        name: np.where(none, np.nan, column[name][:size]) for name in ("sum", "min", "max", "last")
    }
    with np.errstate(invalid="ignore"):
        mean = numbers["sum"] / np.maximum(count, 1)
    at = {n: column[n][first] if size else column[n] for n in ("device", "quantity", "start")}
    return Windows(**at, count=count, total=column["total"][:size], mean=mean, **numbers)
