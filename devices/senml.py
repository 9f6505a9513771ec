"""SenML packs (RFC 8428), of one device or of a gateway's many, in JSON or CBOR → columns.

[{"bn": "aq-7/", "bt": 1790000000, "bu": "ug/m3", "n": "pm25", "v": 31.2}, {"n": "pm10", "v": 55}]

A name ends in a quantity; what stands before its last "/" or ":" names the device, and whoever takes the
pack says which that may be (`Scope`). A record that fails is rejected alone; a version that is not known
condemns the pack. Records with the same plain keys are read as columns; whatever is odd, one by one.

A number (v) is the reading. Text, boolean and data values are none. A sum (s) without a number is one
where the quantity is an energy: its total, in the energy unit that is given (the way meters write it), or,
by the letter of section 4.2, in the unit of a power times seconds. Beside a number a sum is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

from devices.device import Catalogue
from devices.intake import Intake, Refused, shown
from devices.senml_resolve import OTHER_VALUES, Base, Record, check_version, labelled, only_base
from devices.senml_rows import Rows
from telemetry.errors import UnitError
from telemetry.ledger import NOBODY
from telemetry.reasons import Reason
from telemetry.units import UNITS, conversion, unit

_NUMBERS: frozenset[type] = frozenset({int, float})
_TEXT: frozenset[type] = frozenset({str})
_MAX_LAYOUTS = 4_096
# The labels of a plain record, in JSON and in CBOR.
_PLAIN: dict[object, str] = {"n": "n", "u": "u", "v": "v", "t": "t", 0: "n", 1: "u", 2: "v", 6: "t"}


class Scope(Protocol):
    """Which devices a pack may speak for.

    device   the one it comes from; NOBODY where it speaks for several
    known    owner, as it is written in names → device code, for owners that were asked for before
    """

    device: int
    known: dict[str, int]

    def find(self, owner: str) -> int:
        """The device of an owner, also into `known`. Raises Refused."""
        ...


class DeviceScope:
    """A pack on a device's own topic: names must be of this device, or of nobody."""

    __slots__ = ("_id", "device", "known")

    def __init__(self, device: int, device_id: str) -> None:
        self._id = device_id
        self.device = device
        self.known = {"": device, device_id: device}

    def find(self, owner: str) -> int:
        """The topic's device, where the owner ends in its id. Raises Refused."""
        if owner and owner != self._id and not owner.endswith((f"/{self._id}", f":{self._id}")):
            need = f"must be named after the topic's device {self._id}, got {shown(owner)}"
            raise Refused(Reason.BAD_SENML, "n", need)
        self.known[owner] = self.device
        return self.device


@dataclass(frozen=True, slots=True)
class _Layout:
    """What the keys of a record say about it.

    plain      nothing but a number, with its name, unit and time; n, u, v, t are their keys, None: absent
    versioned  holds what may condemn a whole pack
    """

    plain: bool
    versioned: bool
    n: object = None
    u: object = None
    v: object = None
    t: object = None

    @staticmethod
    def of(keys: tuple[object, ...]) -> _Layout:
        """The layout of these keys, in JSON's labels or CBOR's."""
        base = [k for k in keys if type(k) is str and k.startswith("b")]
        versioned = -1 in keys or any(k == "bver" or k.endswith("_") for k in base)
        places = {_PLAIN.get(key): key for key in keys}
        if None in places or len(places) < len(keys) or "v" not in places:
            return _Layout(False, versioned)
        return _Layout(True, versioned, *map(places.get, "nuvt"))


class SenmlDecoder:
    """Collects the packs of a batch, then fills an Intake."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._code = catalogue.kinds.quantity_code
        self._layouts: dict[tuple[object, ...], _Layout] = {}
        self._rows = Rows()

    def take(
        self, intake: Intake, message: int, received: int, scope: Scope, pack: Sequence[object]
    ) -> None:
        """Take one pack apart."""
        if not pack:
            need = "$: must hold at least one record"
            intake.reject(message, Reason.EMPTY, "$", need, scope.device)
            return
        keys = [tuple(r) if type(r) is dict else () for r in pack]
        try:
            if any(self._layout(key).versioned for key in set(keys)):
                check_version(pack)
        except Refused as error:
            path = f"${error.place}"
            intake.reject(message, error.reason, path, f"{path}: {error.need}", scope.device)
            return
        before = len(self._rows.device)
        self._take_runs(intake, message, scope, pack, keys)
        self._rows.packs.append((message, received, len(self._rows.device) - before))

    def finish(self, intake: Intake) -> None:
        """Hand over the columns, and be ready for the next batch."""
        rows, self._rows = self._rows, Rows()
        rows.hand_over(self._catalogue, intake)
        if len(self._layouts) > _MAX_LAYOUTS:  # keys are the sender's: keep them bounded
            self._layouts.clear()

    def _take_runs(
        self,
        intake: Intake,
        message: int,
        scope: Scope,
        pack: Sequence[object],
        keys: list[tuple[object, ...]],
    ) -> None:
        """Runs of records with the same keys, as columns where they are plain."""
        base, start = Base(), 0
        for key, run in groupby(keys):
            end = start + len(list(run))
            layout = self._layout(key)
            if not (layout.plain and self._take_columns(scope, base, layout, pack, start, end)):
                for i in range(start, end):
                    self._take_one(intake, message, scope, base, i, pack[i])
            start = end

    def _layout(self, keys: tuple[object, ...]) -> _Layout:
        found = self._layouts.get(keys)
        if found is None:
            found = self._layouts[keys] = _Layout.of(keys)
        return found

    def _take_columns(
        self,
        scope: Scope,
        base: Base,
        layout: _Layout,
        pack: Sequence[object],
        start: int,
        end: int,
    ) -> bool:
        """Read plain records as columns; False, and nothing done, where one of them is odd."""
        if base.broken:
            return False
        run: Sequence[dict[object, object]] = pack[start:end]  # type: ignore[assignment]
        values = _numbers([r[layout.v] for r in run], base.value or 0.0)
        times = [base.time] * len(run)
        if layout.t is not None:
            times = _numbers([r[layout.t] for r in run], base.time) or []
        if not values or not times:
            return False
        names = self._names(scope, base, layout, run)
        units = self._units(base, layout, run)
        if names is None or units is None:
            return False
        rows = self._rows
        rows.device += names[0]
        rows.quantity += names[1]
        rows.value += values
        rows.seconds += times
        rows.unit += units
        rows.record += range(start, end)
        return True

    def _names(
        self, scope: Scope, base: Base, layout: _Layout, run: Sequence[dict[object, object]]
    ) -> tuple[list[int], list[int]] | None:
        """Device and quantity codes; None where a name was not met before."""
        names = [base.name] * len(run) if layout.n is None else [r[layout.n] for r in run]
        if not _TEXT.issuperset(map(type, names)):
            return None
        head = base.name if layout.n is not None else ""
        codes = list(map(self._code.get, names))  # type: ignore[arg-type]
        devices: list[int | None]
        if None not in codes and head[-1:] in ("", "/", ":"):
            devices = [scope.known.get(head.rstrip("/:"))] * len(run)
        else:
            parts = [(head + name).rpartition("/") for name in names]  # type: ignore[operator]
            devices = [scope.known.get(part[0]) for part in parts]
            codes = [self._code.get(part[2]) for part in parts]
        if None in devices or None in codes:
            return None
        return devices, codes  # type: ignore[return-value]

    def _units(
        self, base: Base, layout: _Layout, run: Sequence[dict[object, object]]
    ) -> list[int] | None:
        code = self._rows.unit_code
        if layout.u is None:
            return [code(base.unit)] * len(run)
        given = [r[layout.u] for r in run]
        return list(map(code, given)) if _TEXT.issuperset(map(type, given)) else None  # type: ignore[arg-type]

    def _take_one(
        self, intake: Intake, message: int, scope: Scope, base: Base, i: int, given: object
    ) -> None:
        """Read one record with all that may be in it."""
        device = scope.device
        try:
            record = labelled(given)
            refused = base.update(record)
            measures = not only_base(record)
            if measures and "bn" not in base.broken:
                # First whose it is: what is refused below is booked on that device.
                device, quantity = self._subject(scope, base.name_of(record))
            if refused is not None:
                raise refused
            base.check(record)
            if measures:
                self._append(base, record, i, device, quantity)
        except Refused as error:
            path = f"$[{i}]" + (f".{error.place}" if error.place else "")
            owner = device if error.device == NOBODY else error.device
            intake.reject(message, error.reason, path, f"{path}: {error.need}", owner)

    def _subject(self, scope: Scope, name: str) -> tuple[int, int]:
        """(device code, quantity code) of a name. Raises Refused."""
        cut = max(name.rfind("/"), name.rfind(":")) + 1
        owner, short = name[:cut].rstrip("/:"), name[cut:]
        device = scope.known.get(owner)
        if device is None:
            device = scope.find(owner)
        quantity = self._code.get(short)
        if quantity is None:
            need = f"is no quantity that is known, got {shown(short)}"
            raise Refused(Reason.UNKNOWN_QUANTITY, "n", need, device)
        return device, quantity

    def _append(self, base: Base, record: Record, i: int, device: int, quantity: int) -> None:
        seconds, given = base.seconds_of(record), base.unit_of(record)
        missing = "v" in record and record["v"] is None
        value = float("nan") if missing else self._value(base, record)
        if value is None:
            value, given = self._energy(base, record, given, device, quantity), None
        rows = self._rows
        if missing:
            rows.missing.append(len(rows.device))
        rows.device.append(device)
        rows.quantity.append(quantity)
        rows.seconds.append(seconds)
        rows.value.append(value)
        rows.unit.append(rows.unit_code(given))
        rows.record.append(i)

    @staticmethod
    def _value(base: Base, record: Record) -> float | None:
        """The number; None where there is a sum instead. Raises Refused."""
        for other in OTHER_VALUES:
            if other in record:
                need = "must be a number (v); text, boolean and data values are no readings"
                raise Refused(Reason.NOT_A_NUMBER, other, need)
        value = base.value_of(record)
        if value is None and "s" not in record and base.sum is None:
            raise Refused(Reason.BAD_SENML, "v", "must be given")
        return value

    def _energy(
        self, base: Base, record: Record, given: str | None, device: int, quantity: int
    ) -> float:
        """A sum alone as an energy, in the quantity's unit. Raises Refused where it is none."""
        kinds = self._catalogue.kinds
        kind, name = int(self._catalogue.kind_of[device]), kinds.quantities[quantity]
        declared = kinds.kinds[kind].quantity(name)
        if declared is None or UNITS[declared.unit].dimension != "energy":
            need = f"alone is a reading of an energy, and {name} is none: send its value (v)"
            raise Refused(Reason.BAD_SENML, "s", need)
        total = base.sum_of(record)
        assert total is not None
        if given is None:
            return total
        try:
            power = unit(given)
            if power.dimension == "power":  # section 4.2: unit times seconds, so W means J
                return total * power.factor / UNITS[declared.unit].factor
            factor, offset = conversion(given, declared.unit)
        except UnitError as error:
            raise Refused(Reason.BAD_UNIT, "u", f"{error.need}, got {shown(given)}") from None
        return total * factor + offset


def _numbers(column: list[object], base: float) -> list[float] | None:
    """Plain numbers with their base value added; None where one is something else."""
    if not _NUMBERS.issuperset(map(type, column)):
        return None
    try:
        plain: list[float] = list(map(float, column))  # type: ignore[arg-type]
    except OverflowError:  # a whole number beyond any float
        return None
    return [base + x for x in plain] if base else plain
