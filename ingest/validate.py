"""Columns → columns that can be true: possible values, believable times, and the stateless quality flag.

What can't have been measured goes to quarantine; what can, but is not believable, is stored as suspect.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.intake import Intake, time_path, value_path
from devices.registry import Kinds
from telemetry.arrays import AnyArray, Codes16, Mask
from telemetry.clock import DAY, SECOND, format_time, parse_time
from telemetry.flags import Flag
from telemetry.readings import Readings
from telemetry.reasons import Reason
from telemetry.retention import FOR_EVER

# Before this no device of the platform can have measured; a clock that was never set says 1970 or 2000.
EARLIEST = parse_time("2000-01-02T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a time may be. [ns]

    ahead     how far ahead of the time of receipt
    kept_for  how long readings are kept; 0: for ever. Older than that now, not at receipt: what waited in
              spool or quarantine until its time was over would be removed as soon as it is stored
    """

    ahead: int = 600 * SECOND
    kept_for: int = FOR_EVER

    def earliest(self, now: int) -> int:
        """The earliest time that is taken. [ns]"""
        return EARLIEST if self.kept_for == FOR_EVER else max(EARLIEST, now - self.kept_for)

    def too_old(self, now: int) -> str:
        """What is wrong with a time before `earliest`, in words."""
        earliest = self.earliest(now)
        if earliest == EARLIEST:
            return "must not be before 2000-01-02"
        return (
            f"must not be before {format_time(earliest // SECOND * SECOND)}: readings are kept for "
            f"{self.kept_for // DAY} days (URBAN_RETENTION_RAW_DAYS)"
        )


def validate(
    intake: Intake, kinds: Kinds, kind_of: Codes16, limits: Limits, now: int
) -> tuple[Readings, AnyArray, AnyArray]:
    """The readings that may be stored, flagged, with message and record each came from; the rest is rejected.

    now: what the retention counts from [ns].
    """
    readings, message, record = intake.columns()
    kind = kind_of[readings.device]
    here = (kind, readings.quantity)
    value = readings.value
    impossible = (value < kinds.possible_low[here]) | (value > kinds.possible_high[here])
    ahead = readings.time > readings.received + limits.ahead
    old = readings.time < limits.earliest(now)
    too_old = limits.too_old(now) if old.any() else ""
    _reject(intake, kinds, kind_of, readings, message, record, ahead, old, impossible, too_old)
    keep = ~(impossible | ahead | old)
    kept = readings.take(keep)
    here = (kind[keep], kept.quantity)
    return kept.with_flag(_gross_range(kinds, here, kept)), message[keep], record[keep]


def _gross_range(kinds: Kinds, here: tuple[AnyArray, AnyArray], readings: Readings) -> AnyArray:
    """QARTOD gross range test, suspect span: GOOD inside the plausible range, SUSPECT outside."""
    value = readings.value
    suspect = (value < kinds.plausible_low[here]) | (value > kinds.plausible_high[here])
    flag = np.where(suspect, Flag.SUSPECT, Flag.GOOD)
    return np.where(np.isnan(value), Flag.MISSING, flag).astype(np.uint8)


def _reject(
    intake: Intake,
    kinds: Kinds,
    kind_of: Codes16,
    readings: Readings,
    message: AnyArray,
    record: AnyArray,
    ahead: Mask,
    old: Mask,
    impossible: Mask,
    too_old: str,
) -> None:
    for i in np.flatnonzero(ahead | old | impossible):
        name = kinds.quantities[readings.quantity[i]]
        device = int(readings.device[i])
        place = int(record[i])
        if ahead[i] or old[i]:
            path = time_path(place)
            reason = Reason.TIME_AHEAD if ahead[i] else Reason.TIME_TOO_OLD
            need = "must not be ahead of our clock" if ahead[i] else too_old
            detail = f"{path}: {need} ({name}), got {format_time(int(readings.time[i]))}"
        else:
            path = value_path(place, name)
            reason = Reason.IMPOSSIBLE_VALUE
            q = kinds.quantity(int(kind_of[device]), int(readings.quantity[i]))
            detail = (
                f"{path}: must lie within {q.possible.low:g}…{q.possible.high:g} {q.unit}, "
                f"got {readings.value[i]:g}"
            )
        intake.reject(int(message[i]), reason, path, detail, device)
