"""SenML packs (RFC 8428), of one device or of a gateway's many, in JSON or CBOR → columns.

[{"bn": "aq-7/", "bt": 1790000000, "bu": "ug/m3", "n": "pm25", "v": 31.2}, {"n": "pm10", "v": 55}]

A name ends in a quantity; what stands before its last "/" or ":" names the device, and whoever takes the
pack says which that may be (`Scope`). A record that fails is rejected alone; a version that is not known
condemns the pack. Records with the same plain keys are read as columns; whatever is odd, one by one.

A number (v) is the reading; null is a missing one. Text, boolean and data values are no readings. A sum
(s) is one only where it stands alone and the quantity is an energy (devices/senml_energy.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from devices.device import Catalogue
from devices.intake import Intake, Refused, shown
from devices.senml_columns import NUMBERS, take_columns
from devices.senml_energy import energy_of
from devices.senml_resolve import OTHER_VALUES, Base, Record, check_version, labelled, only_base
from devices.senml_rows import NO_UNIT, Rows
from devices.senml_scope import Layout, Scope
from devices.senml_shapes import ShapeDecoder
from telemetry.ledger import NOBODY
from telemetry.reasons import Reason

_MAX_LAYOUTS = 4_096
# From this length on a run of records is faster as columns than one by one.
_RUN = 8


class SenmlDecoder:
    """Collects the packs of a batch, then fills an Intake."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._code = catalogue.kinds.quantity_code
        self._layouts: dict[tuple[object, ...], Layout] = {}
        self._rows = Rows()
        self._shapes = ShapeDecoder(catalogue)

    def forget(self) -> None:
        """Let go of what a batch that failed has left."""
        self._rows = Rows()
        self._shapes.forget()

    def unlearn(self) -> None:
        """Forget what names mean: who may send has changed."""
        self._shapes.unlearn()

    def take_text(self, message: int, received: int, scope: Scope, payload: bytes) -> bool:
        """Take one pack in JSON as it came; False, and nothing done, where it must be taken apart."""
        return self._shapes.take(message, received, scope, payload)

    def take(
        self, intake: Intake, message: int, received: int, scope: Scope, pack: Sequence[Any]
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
        self._shapes.finish(intake)
        if len(self._layouts) > _MAX_LAYOUTS:  # keys are the sender's: keep them bounded
            self._layouts.clear()

    def _take_runs(
        self,
        intake: Intake,
        message: int,
        scope: Scope,
        pack: Sequence[Any],
        keys: list[tuple[object, ...]],
    ) -> None:
        """Runs of records with the same keys: long plain ones as columns, others record by record."""
        base, start = Base(), 0
        for key, run in groupby(keys):
            end = start + len(list(run))
            layout = self._layout(key)
            if not (layout.plain and self._take_long(scope, base, layout, pack[start:end], start)):
                for i in range(start, end):
                    if not (layout.plain and self._take_plain(scope, base, layout, pack[i], i)):
                        self._take_one(intake, message, scope, base, i, pack[i])
            start = end

    def _layout(self, keys: tuple[object, ...]) -> Layout:
        found = self._layouts.get(keys)
        if found is None:
            found = self._layouts[keys] = Layout.of(keys)
        return found

    def _take_long(
        self, scope: Scope, base: Base, layout: Layout, run: Sequence[Any], start: int
    ) -> bool:
        """Read a long run as columns; False, and nothing done, where it is short or odd."""
        if len(run) < _RUN or layout.based:
            return False
        return take_columns(self._rows, self._code, scope, base, layout, run, start)

    def _take_plain(
        self, scope: Scope, base: Base, layout: Layout, record: dict[Any, Any], i: int
    ) -> bool:
        """Read one plain record; False, and nothing but base fields done, where it is odd after all."""
        if layout.based:
            base.update(labelled(record) if layout.cbor else record)
        value = record[layout.v]
        seconds = 0 if layout.t is None else record[layout.t]
        name = "" if layout.n is None else record[layout.n]
        given = base.unit if layout.u is None else record[layout.u]
        if base.broken or not (
            type(value) in NUMBERS
            and type(seconds) in NUMBERS
            and type(name) is str
            and (given is None or type(given) is str)
        ):
            return False
        device: int | None
        quantity = self._code.get(name)
        if quantity is not None and base.owner is not None:
            device = scope.known.get(base.owner) if base.owner else scope.device
        else:
            owner, _, short = (base.name + name).rpartition("/")
            device, quantity = scope.known.get(owner), self._code.get(short)
        if device is None or device == NOBODY or quantity is None:
            return False
        try:
            total, time = (base.value or 0.0) + value, base.time + seconds
        except OverflowError:  # a whole number beyond any float
            return False
        self._add(i, device, quantity, time, total, given)
        return True

    def _add(
        self, i: int, device: int, quantity: int, seconds: float, value: float, unit: str | None
    ) -> None:
        rows = self._rows
        rows.device.append(device)
        rows.quantity.append(quantity)
        rows.seconds.append(seconds)
        rows.value.append(value)
        rows.unit.append(NO_UNIT if unit is None else rows.unit_code(unit))
        rows.record.append(i)

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
        if missing:
            self._rows.missing.append(len(self._rows.device))
        self._add(i, device, quantity, seconds, value, given)

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
        kinds = self._catalogue.kinds
        kind = kinds.kinds[int(self._catalogue.kind_of[device])]
        return energy_of(kind, kinds.quantities[quantity], base.sum_of(record) or 0.0, given)
