"""SenML packs in JSON whose shape was met before → columns, without looking at each record's name again.

A gateway sends the same names and units in every pack; only values and times change. So a pack is read
into typed records, its names and units together are its shape, and a shape that is known stands for arrays
of device, quantity and unit codes. Taken here: packs whose records hold nothing but a name, a known unit, a
number and a time, with base name, time and unit at most in the first of them. All else is left, untouched,
to the careful way (devices/senml.py), which says the same of a pack that is taken here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from devices.device import Catalogue
from devices.intake import Intake
from devices.senml_columns import subjects
from devices.senml_resolve import Base
from devices.senml_rows import KNOWN_UNITS, NO_UNIT, Columns, judge
from devices.senml_scope import Scope
from telemetry.arrays import Codes16, Codes32, Times, Values

if TYPE_CHECKING:
    Unit = str
else:
    Unit = Literal[tuple(KNOWN_UNITS)]

# Records in all shapes that are kept, some 40 bytes each; a city's gateways have a few hundred thousand.
_MAX_RECORDS = 1_000_000


class _Plain(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    v: float
    n: str = ""
    u: Unit | UnsetType = UNSET
    t: float = 0.0


class _First(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    bn: str | UnsetType = UNSET
    bt: float | UnsetType = UNSET
    bu: Unit | UnsetType = UNSET
    v: float | UnsetType = UNSET
    n: str | UnsetType = UNSET
    u: Unit | UnsetType = UNSET
    t: float | UnsetType = UNSET


_Key = tuple[int, str, object, int, str, tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class _Shape:
    """Codes of device, quantity and unit (of KNOWN_UNITS) of each record."""

    device: Codes32
    quantity: Codes16
    unit: Codes16


class ShapeDecoder:
    """Collects the packs of a batch whose shape is known, or can be learned; then fills an Intake."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._code = catalogue.kinds.quantity_code
        self._first = msgspec.json.Decoder(_First)
        self._rest = msgspec.json.Decoder(list[_Plain])
        self._shapes: dict[_Key, _Shape] = {}
        self._kept = 0
        self.forget()

    def forget(self) -> None:
        """Let go of what a batch that failed has left."""
        # (message, receipt time [ns], records, number of the first record)
        self._packs: list[tuple[int, int, int, int]] = []
        self._found: list[_Shape] = []
        self._base_s: list[float] = []
        self._value: list[float] = []
        self._seconds: list[tuple[int, list[float]]] = []

    def unlearn(self) -> None:
        """Forget what names mean: who may send has changed."""
        self._shapes.clear()
        self._kept = 0

    def take(self, message: int, received: int, scope: Scope, payload: bytes) -> bool:
        """Take one pack; False, and nothing done, where it is for the careful way."""
        read = self._read(payload)
        if read is None:
            return False
        first, plain, skipped = read
        names, units = [r.n for r in plain], tuple([r.u for r in plain])
        base_name = "" if first.bn is UNSET else first.bn
        key = scope.device, base_name, first.bu, len(names), "\0".join(names), units
        shape = self._shapes.get(key) or self._learn(key, scope, names)
        if shape is None:
            return False
        times = [r.t for r in plain]
        if any(times):
            self._seconds.append((len(self._value), times))
        self._value += [r.v for r in plain]
        self._base_s.append(0.0 if first.bt is UNSET else first.bt)
        self._found.append(shape)
        self._packs.append((message, received, len(plain), skipped))
        return True

    def finish(self, intake: Intake) -> None:
        """Hand over the columns, and be ready for the next batch."""
        if self._packs:
            judge(self._columns(), list(KNOWN_UNITS), self._catalogue, intake)
        self.forget()

    def _read(self, payload: bytes) -> tuple[_First, list[_Plain], int] | None:
        """The first record, which may hold base fields, those that measure, and how many before them do not."""
        end = payload.find(b"}") + 1
        alone = payload[end:].rstrip() == b"]"
        if not payload.startswith(b"[") or not (alone or payload[end : end + 1] == b","):
            return None
        try:
            first = self._first.decode(payload[1:end])
            plain = [] if alone else self._rest.decode(b"[" + payload[end + 1 :])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        if not alone and not plain:  # `[{…},]` is no JSON
            return None
        if first.v is not UNSET:
            seconds = 0.0 if first.t is UNSET else first.t
            plain.insert(0, _Plain(first.v, "" if first.n is UNSET else first.n, first.u, seconds))
            return first, plain, 0
        measured = (first.n, first.u, first.t) != (UNSET, UNSET, UNSET)
        only_base = not measured and (first.bn, first.bt, first.bu) != (UNSET, UNSET, UNSET)
        return (first, plain, 1) if only_base and plain else None

    def _learn(self, key: _Key, scope: Scope, names: list[str]) -> _Shape | None:
        """A shape's codes; None where an owner or a quantity was not met before, or is none."""
        base = Base()
        base.update({"bn": key[1]})
        found = subjects(self._code, scope, base, names)
        if found is None or any("\0" in name for name in names):
            return None
        base_unit = NO_UNIT if key[2] is UNSET else KNOWN_UNITS[key[2]]  # type: ignore[index]
        units = [base_unit if u is UNSET else KNOWN_UNITS[u] for u in key[-1]]  # type: ignore[index]
        shape = _Shape(
            np.array(found[0], dtype=np.int32),
            np.array(found[1], dtype=np.int16),
            np.array(units, dtype=np.int16),
        )
        if self._kept + len(names) > _MAX_RECORDS:
            self.unlearn()
        self._kept += len(names)
        self._shapes[key] = shape
        return shape

    def _columns(self) -> Columns:
        packs: Times = np.array(self._packs, dtype=np.int64)
        counts = packs[:, 2]
        number = np.arange(len(self._value)) - np.repeat(np.cumsum(counts) - counts, counts)
        seconds: Values = np.repeat(np.array(self._base_s), counts)
        for start, times in self._seconds:
            seconds[start : start + len(times)] += times
        return Columns(
            message=np.repeat(packs[:, 0], counts),
            received=np.repeat(packs[:, 1], counts),
            device=np.concatenate([s.device for s in self._found]),
            quantity=np.concatenate([s.quantity for s in self._found]),
            record=(number + np.repeat(packs[:, 3], counts)).astype(np.int32),
            unit=np.concatenate([s.unit for s in self._found]),
            seconds=seconds,
            value=np.array(self._value),
            missing=np.zeros(len(seconds), dtype=bool),
        )
