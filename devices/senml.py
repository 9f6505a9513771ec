"""SenML JSON payloads (RFC 8428) → columns.

[{"bn": "aq-7/", "bt": 1790000000, "bu": "ug/m3", "n": "pm25", "v": 31.2}, {"n": "pm10", "v": 55}]

Base fields, relative times and units are resolved; a unit is converted where it fits. A record that fails
is rejected alone. The part of a name before its last "/" or ":" must be empty or end with the device's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

import numpy as np

from devices.intake import Intake, missing_flags
from devices.registry import Kinds
from devices.times import device_time
from telemetry.clock import SECOND
from telemetry.errors import TimeError, UnitError
from telemetry.readings import Readings
from telemetry.reasons import Reason
from telemetry.units import conversion

# RFC 8428, section 4.5.3: a time below 2**28 s is relative to now.
_ABSOLUTE = 2**28
# Section 4.4: version 10 is the one of RFC 8428.
_VERSION = 10
_BASE = {
    "bn": str,
    "bt": (int, float),
    "bu": str,
    "bv": (int, float),
    "bs": (int, float),
    "bver": int,
}


class _Bad(Exception):
    """One record can't be a reading."""

    def __init__(self, reason: Reason, field: str, need: str) -> None:
        self.reason, self.field, self.need = reason, field, need


@dataclass(slots=True)
class _Columns:
    device: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    time: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    message: list[int] = field(default_factory=list)
    record: list[int] = field(default_factory=list)


class SenmlDecoder:
    """Collects the SenML messages of a batch, then fills an Intake."""

    def __init__(self, kinds: Kinds) -> None:
        self._kinds = kinds
        self._columns = _Columns()
        self._factors: dict[tuple[str, str], tuple[float, float]] = {}

    def take(
        self,
        intake: Intake,
        message: int,
        kind: int,
        device: int,
        device_id: str,
        received: int,
        pack: Sequence[object],
    ) -> None:
        """Take one pack apart."""
        if not pack:
            intake.reject(message, Reason.EMPTY, "$", "$: must hold at least one record", device)
            return
        base: dict[str, object] = {}
        for i, record in enumerate(pack):
            try:
                if not isinstance(record, dict):
                    raise _Bad(Reason.BAD_SENML, "", "must be an object")
                _update_base(base, record)
                if not _has_value(record, base):
                    continue  # section 4.1 allows a record of base fields only
                row = self._resolve(kind, device_id, received, base, record)
            except _Bad as bad:
                path = f"$[{i}]" + (f".{bad.field}" if bad.field else "")
                intake.reject(message, bad.reason, path, f"{path}: {bad.need}", device)
                if bad.field == "bver":
                    return
                continue
            self._append(device, message, i, received, row)

    def finish(self, intake: Intake) -> None:
        """Hand over the columns, and be ready for the next batch."""
        c, self._columns = self._columns, _Columns()
        if c.time:
            flags = missing_flags(np.array(c.value))
            readings = Readings.of(c.device, c.quantity, c.time, c.value, flags, c.received)
            intake.add(readings, np.array(c.message), np.array(c.record, dtype=np.int32))

    def _append(
        self, device: int, message: int, record: int, received: int, row: tuple[int, int, float]
    ) -> None:
        c = self._columns
        quantity, time, value = row
        c.device.append(device)
        c.quantity.append(quantity)
        c.time.append(time)
        c.value.append(value)
        c.received.append(received)
        c.message.append(message)
        c.record.append(record)

    def _resolve(
        self,
        kind: int,
        device_id: str,
        received: int,
        base: dict[str, object],
        record: dict[str, object],
    ) -> tuple[int, int, float]:
        """(quantity code, time, value in the quantity's unit). Raises _Bad."""
        quantity = self._quantity(kind, device_id, f"{base.get('bn', '')}{record.get('n', '')}")
        value = _value(base, record)
        unit = record.get("u", base.get("bu"))
        if unit is not None:
            wanted = self._kinds.quantity(kind, quantity).unit
            factor, offset = self._conversion(unit, wanted)
            value = factor * value + offset
        return quantity, _time(base, record, received), value

    def _quantity(self, kind: int, device_id: str, name: str) -> int:
        cut = max(name.rfind("/"), name.rfind(":")) + 1
        owner, short = name[:cut].rstrip("/:"), name[cut:]
        if owner and owner != device_id and not owner.endswith((f"/{device_id}", f":{device_id}")):
            raise _Bad(
                Reason.BAD_SENML,
                "n",
                f"must be named after the topic's device {device_id}, got {name!r:.80}",
            )
        code = self._kinds.quantity_code.get(short)
        if code is None or not self._kinds.accepted[kind, code]:
            raise _Bad(
                Reason.UNKNOWN_QUANTITY,
                "n",
                f"is no quantity that this kind takes from a device, got {short!r:.60}",
            )
        return code

    def _conversion(self, given: object, wanted: str) -> tuple[float, float]:
        if not isinstance(given, str):
            raise _Bad(Reason.BAD_UNIT, "u", f"must be text, got {given!r:.60}")
        found = self._factors.get((given, wanted))
        if found is None:
            try:
                found = conversion(given, wanted)
            except UnitError as error:
                raise _Bad(Reason.BAD_UNIT, "u", f"{error.need}, got {given!r:.60}") from None
            self._factors[given, wanted] = found
        return found


def _update_base(base: dict[str, object], record: dict[str, object]) -> None:
    for key, value in record.items():
        if key.endswith("_"):
            # Section 4.4: a field that must be understood, and is not.
            raise _Bad(Reason.BAD_SENML, key, "must be understood, and is not known here")
        types = _BASE.get(key)
        if types is None:
            continue
        if isinstance(value, bool) or not isinstance(value, types):  # type: ignore[arg-type]
            raise _Bad(
                Reason.BAD_SENML,
                key,
                f"must be {'text' if types is str else 'a number'}, got {value!r:.60}",
            )
        if key == "bver" and value > _VERSION:  # type: ignore[operator]
            raise _Bad(Reason.BAD_SENML, key, f"must be at most {_VERSION}, got {value}")
        base[key] = value


def _has_value(record: dict[str, object], base: dict[str, object]) -> bool:
    fields = ("v", "vs", "vb", "vd", "s", "n", "u", "t")
    return any(f in record for f in fields) or ("bv" in base and "bv" not in record)


def _value(base: dict[str, object], record: dict[str, object]) -> float:
    for other in ("vs", "vb", "vd"):
        if other in record:
            raise _Bad(
                Reason.NOT_A_NUMBER,
                other,
                "must be a number (v); text, boolean and data values are no readings",
            )
    if "v" not in record and "bv" not in base:
        what = "a sum (s) alone is no reading" if "s" in record else "is missing"
        raise _Bad(Reason.BAD_SENML, "v", f"must be given: {what}")
    value = record.get("v", 0)
    if value is None:
        return float("nan")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Bad(Reason.NOT_A_NUMBER, "v", f"must be a number, got {value!r:.60}")
    try:
        total = float(value) + float(base.get("bv", 0))  # type: ignore[arg-type]
    except OverflowError:
        total = float("inf")
    if not isfinite(total):
        raise _Bad(Reason.NOT_FINITE, "v", "must be a finite number")
    return total


def _time(base: dict[str, object], record: dict[str, object], received: int) -> int:
    given = record.get("t", 0)
    if isinstance(given, bool) or not isinstance(given, int | float):
        raise _Bad(Reason.BAD_TIME, "t", f"must be a number, got {given!r:.60}")
    seconds = base.get("bt", 0) + given  # type: ignore[operator]
    if abs(seconds) < _ABSOLUTE:
        return received + round(seconds * 1e6) * (SECOND // 1_000_000)
    try:
        return device_time(seconds, received)
    except TimeError as error:
        raise _Bad(Reason.BAD_TIME, "t", f"{error.need}, got {seconds!r:.60}") from None
