"""What decoding fills: columns of readings, and for each record that is none, the reason.

A record is one value of a message; a message that can't be taken apart is one record. Every record ends
up as a row of the columns or as a `Reject`: nothing falls between.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from telemetry.arrays import AnyArray, Mask
from telemetry.flags import Flag
from telemetry.ledger import NOBODY
from telemetry.readings import Readings
from telemetry.reasons import Reason

WHOLE = -1  # the record number of a value that stands in a flat message


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the broker gave it. `received` in ns; `mid` and `generation` are for the receipt."""

    topic: str
    payload: bytes
    received: int
    mid: int = 0
    qos: int = 1
    generation: int = 0


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that can't be stored. `message` is its place in the batch of messages."""

    message: int
    reason: Reason
    path: str
    detail: str
    device: int = NOBODY


@dataclass(slots=True)
class Intake:
    """What a batch of messages holds.

    readings  rows in no particular order; `message` and `record` say where each came from
    """

    rejects: list[Reject] = field(default_factory=list)
    seqs: list[tuple[int, int, int]] = field(default_factory=list)  # (message, device, seq)
    _parts: list[tuple[Readings, AnyArray, AnyArray]] = field(default_factory=list)

    def add(self, readings: Readings, message: AnyArray, record: AnyArray) -> None:
        """Add columns; `message` and `record` (or WHOLE) tell where each row stood."""
        self._parts.append((readings, message, record))

    def reject(
        self, message: int, reason: Reason, path: str, detail: str, device: int = NOBODY
    ) -> None:
        """Add a record that can't be stored."""
        self.rejects.append(Reject(message, reason, path, detail, device))

    def columns(self) -> tuple[Readings, AnyArray, AnyArray]:
        """All rows in the order of arrival, with their message and record numbers."""
        if not self._parts:
            none = np.zeros(0, dtype=np.int32)
            return Readings.empty(), none, none
        readings = Readings.concat([p[0] for p in self._parts])
        message = np.concatenate([p[1] for p in self._parts])
        record = np.concatenate([p[2] for p in self._parts])
        if len(self._parts) == 1:
            return readings, message, record
        order = np.argsort(message, kind="stable")
        return readings.take(order), message[order], record[order]


def missing_flags(value: AnyArray) -> AnyArray:
    """MISSING where a device sent null (NaN by now), NOT_EVALUATED elsewhere."""
    missing: Mask = np.isnan(value)
    return np.where(missing, Flag.MISSING, Flag.NOT_EVALUATED).astype(np.uint8)
