"""Rows of SenML packs as they were read → readings: units, times and numbers judged as whole columns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from devices.device import Catalogue
from devices.intake import Intake, missing_flags, shown
from devices.senml_resolve import ABSOLUTE_S
from devices.times import MAX_SECONDS
from telemetry.arrays import Mask, Times, Values
from telemetry.clock import SECOND
from telemetry.errors import UnitError
from telemetry.readings import Readings
from telemetry.reasons import Reason
from telemetry.units import conversion

NO_UNIT = 0


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
    units: dict[str, int] = field(default_factory=dict)

    def unit_code(self, unit: str | None) -> int:
        """A small number for a unit's name, within this batch."""
        return NO_UNIT if unit is None else self.units.setdefault(unit, len(self.units) + 1)

    def hand_over(self, catalogue: Catalogue, intake: Intake) -> None:
        """Every row into `intake`: as a reading, or as a reject that says why."""
        if self.device:
            _Judge(self, catalogue, intake).hand_over()


class _Judge:
    """One batch's rows as columns, and which of them are fine so far."""

    def __init__(self, rows: Rows, catalogue: Catalogue, intake: Intake) -> None:
        self.intake = intake
        self.kinds = catalogue.kinds
        self.units = list(rows.units)
        packs = np.array(rows.packs, dtype=np.int64)
        self.message = np.repeat(packs[:, 0], packs[:, 2])
        self.received: Times = np.repeat(packs[:, 1], packs[:, 2])
        self.device = np.array(rows.device, dtype=np.int32)
        self.kind = catalogue.kind_of[self.device]
        self.quantity = np.array(rows.quantity, dtype=np.int16)
        self.record = np.array(rows.record, dtype=np.int32)
        self.unit = np.array(rows.unit, dtype=np.int32)
        self.seconds: Values = np.array(rows.seconds)
        self.value: Values = np.array(rows.value)
        self.missing: Mask = np.zeros(len(self.device), dtype=bool)
        self.missing[rows.missing] = True
        self.fine: Mask = np.ones(len(self.device), dtype=bool)

    def hand_over(self) -> None:
        self._quantities()
        self._convert()
        self._finite()
        time = self._times()
        keep = self.fine
        value = self.value[keep]
        rows = Readings(
            self.device[keep],
            self.quantity[keep],
            time[keep],
            value,
            missing_flags(value),
            self.received[keep],
        )
        self.intake.add(rows, self.message[keep], self.record[keep])

    def _quantities(self) -> None:
        """A kind takes only its own quantities, and no derived ones."""
        strange = ~self.kinds.accepted[self.kind, self.quantity]
        for i in np.flatnonzero(strange):
            name = self.kinds.quantities[self.quantity[i]]
            kind = self.kinds.kinds[self.kind[i]].name
            need = f"is no quantity that {kind} takes from a device, got {shown(name)}"
            self._reject(int(i), Reason.UNKNOWN_QUANTITY, "n", need)

    def _convert(self) -> None:
        """Values into their quantity's unit: one question for each (unit, kind, quantity) there is."""
        given = np.flatnonzero(self.fine & (self.unit != NO_UNIT))
        if not len(given):
            return
        shape = (len(self.units) + 1, *self.kinds.accepted.shape)
        places = (self.unit[given], self.kind[given], self.quantity[given])
        key = np.ravel_multi_index(tuple(p.astype(np.int64) for p in places), shape)
        asked, which = np.unique(key, return_inverse=True)
        scale = np.ones((len(asked), 2))
        for j, one in enumerate(asked.tolist()):
            unit, kind, quantity = (int(x) for x in np.unravel_index(one, shape))
            wanted = self.kinds.quantity(kind, quantity).unit
            try:
                scale[j] = conversion(self.units[unit - 1], wanted)
            except UnitError as error:
                need = f"{error.need}, got {shown(self.units[unit - 1])}"
                for i in given[which == j]:
                    self._reject(int(i), Reason.BAD_UNIT, "u", need)
        self.value[given] = scale[which, 0] * self.value[given] + scale[which, 1]

    def _finite(self) -> None:
        for i in np.flatnonzero(self.fine & ~self.missing & ~np.isfinite(self.value)):
            self._reject(int(i), Reason.NOT_FINITE, "v", "must be a finite number")

    def _times(self) -> Times:
        """Seconds → ns, to the microsecond: more digits than that a float of today's seconds has not."""
        seconds = self.seconds
        # A comparison with NaN is false, so NaN is refused with what is too far away.
        wrong = ~(np.abs(seconds) < MAX_SECONDS)
        for i in np.flatnonzero(self.fine & wrong):
            need = f"in seconds must lie within ±{MAX_SECONDS} (is it in milliseconds?), got {seconds[i]:g}"
            self._reject(int(i), Reason.BAD_TIME, "t", need)
        seconds = np.where(wrong, 0.0, seconds)
        since: Times = np.rint(seconds * 1e6).astype(np.int64) * (SECOND // 1_000_000)
        relative = seconds < ABSOLUTE_S
        time: Times = np.where(relative, self.received + since, since)
        return time

    def _reject(self, i: int, reason: Reason, label: str, need: str) -> None:
        self.fine[i] = False
        path = f"$[{self.record[i]}].{label}"
        message, device = int(self.message[i]), int(self.device[i])
        self.intake.reject(message, reason, path, f"{path}: {need}", device)
