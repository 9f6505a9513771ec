"""Rows of SenML packs as they were read → readings: units, times and numbers judged as whole columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from devices.device import Catalogue
from devices.intake import Intake, missing_flags, shown
from devices.senml_resolve import ABSOLUTE_S
from devices.times import MAX_SECONDS
from telemetry.arrays import AnyArray, Codes16, Codes32, Mask, Times, Values
from telemetry.clock import SECOND
from telemetry.errors import UnitError
from telemetry.readings import Readings
from telemetry.reasons import Reason
from telemetry.units import SENML_NAMES, UNITS, conversion

NO_UNIT = 0
# The units that are known → their codes, the same in every batch.
KNOWN_UNITS: dict[str, int] = {name: i for i, name in enumerate((*UNITS, *SENML_NAMES), 1)}
# Up to so many combinations of unit, kind and quantity a table is faster than sorting.
_MAX_TABLE = 2**18


@dataclass(slots=True)
class Columns:
    """Records of many packs, before anything is judged. Arrays of one length.

    unit     a code, whose name stands in the list that goes with it; NO_UNIT: the quantity's own
    seconds  base time and time, added up
    missing  where null was sent, and the value is NaN
    """

    message: AnyArray
    received: Times
    device: Codes32
    quantity: Codes16
    record: Codes32
    unit: AnyArray
    seconds: Values
    value: Values
    missing: Mask


@dataclass(slots=True)
class Rows:
    """What the packs of a batch hold, one entry a record in each list.

    seconds  base time and time, added up  [s]
    value    as it was sent; NaN where null was, and then its row is in `missing`
    unit     a code of `units`; NO_UNIT: the quantity's own
    packs    (message, receipt time [ns], rows) of each pack
    """

    device: list[int] = field(default_factory=list)
    quantity: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    unit: list[int] = field(default_factory=list)
    record: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)
    packs: list[tuple[int, int, int]] = field(default_factory=list)
    units: dict[str, int] = field(default_factory=KNOWN_UNITS.copy)

    def unit_code(self, unit: str | None) -> int:
        """A small number for a unit's name, within this batch."""
        return NO_UNIT if unit is None else self.units.setdefault(unit, len(self.units) + 1)

    def hand_over(self, catalogue: Catalogue, intake: Intake) -> None:
        """Every row into `intake`: as a reading, or as a reject that says why."""
        if self.device:
            judge(self._columns(), list(self.units), catalogue, intake)

    def _columns(self) -> Columns:
        packs = np.array(self.packs, dtype=np.int64)
        missing: Mask = np.zeros(len(self.device), dtype=bool)
        missing[self.missing] = True
        return Columns(
            message=np.repeat(packs[:, 0], packs[:, 2]),
            received=np.repeat(packs[:, 1], packs[:, 2]),
            device=np.array(self.device, dtype=np.int32),
            quantity=np.array(self.quantity, dtype=np.int16),
            record=np.array(self.record, dtype=np.int32),
            unit=np.array(self.unit, dtype=np.int32),
            seconds=np.array(self.seconds),
            value=np.array(self.value),
            missing=missing,
        )


def judge(columns: Columns, units: list[str], catalogue: Catalogue, intake: Intake) -> None:
    """Every row into `intake`: as a reading, or as a reject that says why. `units` are named from code 1 on."""
    _Judge(columns, units, catalogue, intake).hand_over()


class _Judge:
    """One batch's rows as columns, and which of them are fine so far."""

    def __init__(
        self, columns: Columns, units: list[str], catalogue: Catalogue, intake: Intake
    ) -> None:
        self.columns = columns
        self.intake = intake
        self.kinds = catalogue.kinds
        self.units = units
        self.kind = catalogue.kind_of[columns.device]
        self.value = columns.value
        self.fine: Mask = np.ones(len(columns.device), dtype=bool)

    def hand_over(self) -> None:
        self._quantities()
        self._convert()
        self._finite()
        time, keep, given = self._times(), self.fine, self.columns
        value = self.value[keep]
        rows = Readings(
            given.device[keep],
            given.quantity[keep],
            time[keep],
            value,
            missing_flags(value),
            given.received[keep],
        )
        self.intake.add(rows, given.message[keep], given.record[keep])

    def _quantities(self) -> None:
        """A kind takes only its own quantities, and no derived ones."""
        strange = ~self.kinds.accepted[self.kind, self.columns.quantity]
        for i in np.flatnonzero(strange):
            name = self.kinds.quantities[self.columns.quantity[i]]
            kind = self.kinds.kinds[self.kind[i]].name
            need = f"is no quantity that {kind} takes from a device, got {shown(name)}"
            self._reject(int(i), Reason.UNKNOWN_QUANTITY, "n", need)

    def _convert(self) -> None:
        """Values into their quantity's unit: one question for each (unit, kind, quantity) there is."""
        unit = self.columns.unit
        given = np.flatnonzero(self.fine & (unit != NO_UNIT))
        if not len(given):
            return
        shape = (len(self.units) + 1, *self.kinds.accepted.shape)
        places = (unit[given], self.kind[given], self.columns.quantity[given])
        key = np.ravel_multi_index(tuple(p.astype(np.int64) for p in places), shape)
        asked, which = _distinct(key, int(np.prod(shape)))
        scale = np.ones((len(asked), 2))
        for j, one in enumerate(asked.tolist()):
            code, kind, quantity = (int(x) for x in np.unravel_index(one, shape))
            wanted = self.kinds.quantity(kind, quantity).unit
            try:
                scale[j] = conversion(self.units[code - 1], wanted)
            except UnitError as error:
                need = f"{error.need}, got {shown(self.units[code - 1])}"
                for i in given[which == j]:
                    self._reject(int(i), Reason.BAD_UNIT, "u", need)
        if (scale != (1.0, 0.0)).any():
            self.value[given] = scale[which, 0] * self.value[given] + scale[which, 1]

    def _finite(self) -> None:
        wrong = self.fine & ~self.columns.missing & ~np.isfinite(self.value)
        for i in np.flatnonzero(wrong):
            self._reject(int(i), Reason.NOT_FINITE, "v", "must be a finite number")

    def _times(self) -> Times:
        """Seconds → ns, to the microsecond: more digits than that a float of today's seconds has not."""
        seconds = self.columns.seconds
        # A comparison with NaN is false, so NaN is refused with what is too far away.
        wrong = ~(np.abs(seconds) < MAX_SECONDS)
        for i in np.flatnonzero(self.fine & wrong):
            need = f"in seconds must lie within ±{MAX_SECONDS} (is it in milliseconds?), got {seconds[i]:g}"
            self._reject(int(i), Reason.BAD_TIME, "t", need)
        seconds = np.where(wrong, 0.0, seconds)
        since: Times = np.rint(seconds * 1e6).astype(np.int64) * (SECOND // 1_000_000)
        relative = seconds < ABSOLUTE_S
        time: Times = np.where(relative, self.columns.received + since, since)
        return time

    def _reject(self, i: int, reason: Reason, label: str, need: str) -> None:
        self.fine[i] = False
        path = f"$[{self.columns.record[i]}].{label}"
        message, device = int(self.columns.message[i]), int(self.columns.device[i])
        self.intake.reject(message, reason, path, f"{path}: {need}", device)


def _distinct(key: AnyArray, size: int) -> tuple[AnyArray, AnyArray]:
    """The distinct keys below `size`, ascending, and which of them each key is; like numpy.unique."""
    if size > _MAX_TABLE:
        asked, which = np.unique(key, return_inverse=True)
        return asked, which
    present = np.zeros(size, dtype=bool)
    present[key] = True
    asked = np.flatnonzero(present)
    place = np.zeros(size, dtype=np.int64)
    place[asked] = np.arange(len(asked))
    return asked, place[key]
