"""Readings ↔ points: measurement = kind, tag device, one point a device and time, and its fields.

    air,device=aq-1 pm25=31.2,pm25_flag=1i,o3_flag=9i,received=1790000000000000000i 1790000000000000000

`<quantity>` is the value and absent where it is missing, `<quantity>_flag` is always there and so says
that the reading exists. `received` is when the point's measured values came, `computed` when its derived
ones were computed: they belong to the point, so the newest of several messages with one time stands.
"""

from __future__ import annotations

import threading
from itertools import chain
from math import isfinite

import numpy as np

from devices.device import Catalogue
from store.line_protocol import escape_field, escape_measurement, escape_tag
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Mask
from telemetry.errors import DeclarationError
from telemetry.flags import Flag
from telemetry.readings import Readings

RECEIVED = "received"
COMPUTED = "computed"
# Of a roll-up's window, in the order of the columns of Rollups.
AGGREGATES = ("count", "sum", "min", "max", "last")


def flag_field(quantity: str) -> str:
    """The field that holds a quantity's flag."""
    return f"{quantity}_flag"


def rollup_field(quantity: str, aggregate: str) -> str:
    """The field of a roll-up."""
    return f"{quantity}_{aggregate}"


class PointLayout:
    """The text around the numbers, made once. Raises DeclarationError where two fields would share a name."""

    def __init__(self, catalogue: Catalogue) -> None:
        kinds = catalogue.kinds
        _refuse_clashes(kinds.quantities)
        self._catalogue = catalogue
        self._heads: list[str] = []
        self._growing = threading.Lock()
        self.derived: Mask = kinds.declared & ~kinds.accepted
        self.quantities = kinds.quantities
        names = [escape_field(name) for name in kinds.quantities]
        self.before_value = [f"{name}=" for name in names]
        # Indexed by quantity * 256 + flag.
        self.flag_text = [f"{name}_flag={flag}i" for name in names for flag in range(256)]
        self.after_value = ["," + text for text in self.flag_text]

    def heads(self, count: int) -> list[str]:
        """Measurement and tag by device code, for the first `count` codes at least."""
        if len(self._heads) < count:
            with self._growing:
                for device in self._catalogue.devices[len(self._heads) :]:
                    measurement = escape_measurement(device.kind)
                    self._heads.append(f"{measurement},device={escape_tag(device.id)} ")
        return self._heads

    def is_derived(self, readings: Readings) -> Mask:
        """True where a reading's quantity is computed here, not measured."""
        found: Mask = self.derived[self._catalogue.kind_of[readings.device], readings.quantity]
        return found


def point_starts(readings: Readings) -> AnyArray:
    """Where each point begins in readings that are ordered by (device, time)."""
    new = np.ones(len(readings), dtype=bool)
    new[1:] = (readings.device[1:] != readings.device[:-1]) | (
        readings.time[1:] != readings.time[:-1]
    )
    return np.flatnonzero(new)


def by_point(readings: Readings) -> Readings:
    """The same readings in the order of (device, time, quantity)."""
    return readings.take(np.lexsort((readings.quantity, readings.time, readings.device)))


def encode_readings(readings: Readings, layout: PointLayout) -> bytes:
    """Readings → lines. Infinite values must be gone; NaN is written as a flag without a value."""
    rows = by_point(readings)
    code = (rows.quantity.astype(np.int64) * 256 + rows.flag).tolist()
    before, after = layout.before_value, layout.after_value
    texts = [
        f"{before[q]}{v!r}{after[c]}"
        for q, v, c in zip(rows.quantity.tolist(), rows.value.tolist(), code, strict=True)
    ]
    for i in np.flatnonzero(np.isnan(rows.value)).tolist():
        texts[i] = layout.flag_text[code[i]]
    starts = point_starts(rows)
    return _lines(rows, layout, texts, starts, _stamps(rows, layout, starts))


def encode_flags(readings: Readings, layout: PointLayout) -> bytes:
    """Only the flags of readings that are stored already."""
    rows = by_point(readings)
    code = (rows.quantity.astype(np.int64) * 256 + rows.flag).tolist()
    starts = point_starts(rows)
    texts = [layout.flag_text[c] for c in code]
    return _lines(rows, layout, texts, starts, [""] * len(starts))


def encode_rollups(rollups: Rollups, layout: PointLayout) -> list[str]:
    """A line a window, without its line break; values that are missing are left out."""
    if not len(rollups):
        return []
    heads = layout.heads(int(rollups.device.max()) + 1)
    fields = [
        [f"{escape_field(rollup_field(name, a))}=" for a in AGGREGATES]
        for name in layout.quantities
    ]
    columns = (getattr(rollups, n).tolist() for n in Rollups.__dataclass_fields__)
    lines = []
    for device, quantity, start, count, *numbers in zip(*columns, strict=True):
        first, *others = fields[quantity]
        body = "".join([f",{f}{n!r}" for f, n in zip(others, numbers, strict=True) if isfinite(n)])
        lines.append(f"{heads[device]}{first}{count}i{body} {start}")
    return lines


def _stamps(rows: Readings, layout: PointLayout, starts: AnyArray) -> list[str]:
    """The fields `received` and `computed` of each point, each where it has readings of that sort."""
    if not len(rows):
        return []
    derived = layout.is_derived(rows)
    never = np.iinfo(np.int64).min
    received = np.maximum.reduceat(np.where(derived, never, rows.received), starts).tolist()
    if not derived.any():
        return [f",{RECEIVED}={r}i" for r in received]
    computed = np.maximum.reduceat(np.where(derived, rows.received, never), starts).tolist()
    return [
        ("" if r == never else f",{RECEIVED}={r}i") + ("" if c == never else f",{COMPUTED}={c}i")
        for r, c in zip(received, computed, strict=True)
    ]


def _lines(
    rows: Readings, layout: PointLayout, texts: list[str], starts: AnyArray, stamps: list[str]
) -> bytes:
    """Join the fields of each point: a comma between two of them, tail and head between two points."""
    if not len(rows):
        return b""
    device, times = rows.device[starts].tolist(), rows.time[starts].tolist()
    heads = layout.heads(max(device) + 1)
    tails = [f"{s} {t}\n" for s, t in zip(stamps, times, strict=True)]
    glue = [","] * len(rows)
    for start, code, tail in zip(starts.tolist(), device, ["", *tails], strict=False):
        glue[start] = tail + heads[code]
    text = "".join(chain.from_iterable(zip(glue, texts, strict=True)))
    return (text + tails[-1]).encode()


def missing_where_nan(readings: Readings) -> Readings:
    """The same readings, flagged as missing where there is no value.

    A point keeps the fields that a later write does not name: without the flag an old value would show.
    """
    absent = np.isnan(readings.value)
    if not absent.any():
        return readings
    return readings.with_flag(np.where(absent, np.uint8(Flag.MISSING), readings.flag))


def _refuse_clashes(quantities: list[str]) -> None:
    flags = {flag_field(q) for q in quantities}
    for name in quantities:
        if name in flags or name in (RECEIVED, COMPUTED, "time", "device"):
            raise DeclarationError(
                f"quantity {name}", "has the name of another field of its point", name, "rename it"
            )
