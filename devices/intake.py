"""What decoding fills: columns of readings, and for each record that is none, the reason.

A record is one value of a message; a message that can't be taken apart is one record. Every record ends
up as a row of the columns or as a `Reject`: nothing falls between.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec
import numpy as np

from telemetry.arrays import AnyArray, Mask
from telemetry.errors import UrbanError
from telemetry.flags import Flag
from telemetry.ledger import NOBODY
from telemetry.readings import Readings
from telemetry.reasons import Reason

# The record number of a value that stands in no pack says in which form it came.
WHOLE = -1  # a flat message
UPLINK = -2  # a ChirpStack uplink: values in `object`, time and counter of the uplink
UPLINK_TIMED = -3  # … whose codec gave the time of measurement in `object`
# Form → where its values, its time and its sequence number stand.
_PLACES = {
    WHOLE: ("$", "$.time", "$.seq"),
    UPLINK: ("$.object", "$.time", "$.fCnt"),
    UPLINK_TIMED: ("$.object", "$.object.time", "$.fCnt"),
}
# A pack of thousands of bad records is one thing to look at: each place told is a copy of its bytes kept.
MAX_PLACES = 50
_MAX_PATH, _MAX_DETAIL = 200, 500


class Refused(UrbanError):
    """A record (`whole`: a message) that can't be a reading. `place` is a field, "" for the thing itself."""

    def __init__(
        self, reason: Reason, place: str, need: str, device: int = NOBODY, whole: bool = False
    ) -> None:
        super().__init__(place, need)
        self.reason = reason
        self.device = device
        self.whole = whole


class Message(msgspec.Struct, frozen=True, gc=False):
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
    _told: dict[int, int] = field(default_factory=dict)  # message → rejects so far

    def add(self, readings: Readings, message: AnyArray, record: AnyArray) -> None:
        """Add columns; `message` and `record` (or a form like WHOLE) tell where each row stood."""
        self._parts.append((readings, message, record))

    def reject(
        self, message: int, reason: Reason, path: str, detail: str, device: int = NOBODY
    ) -> None:
        """Add a record that can't be stored.

        Every record is counted; past MAX_PLACES of one message they share one place, the message itself.
        """
        told = self._told[message] = self._told.get(message, 0) + 1
        if told > MAX_PLACES:
            path, detail = "$", f"$: {told} records can't be stored; the last one: {detail}"
        path, detail = _printable(path, _MAX_PATH), _printable(detail, _MAX_DETAIL)
        self.rejects.append(Reject(message, reason, path, detail, device))

    def replace(self, readings: Readings, message: AnyArray, record: AnyArray) -> None:
        """Hold these columns instead of all that were added."""
        self._parts = [(readings, message, record)]

    def senders(self) -> Iterator[tuple[AnyArray, AnyArray]]:
        """(device, message) of the rows, as they were added."""
        return ((readings.device, message) for readings, message, _ in self._parts)

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


def value_path(record: int, name: str) -> str:
    """The JSON path of a value: of a quantity by name in a form, or of a record of a pack."""
    return f"$[{record}].v" if record >= 0 else f"{_PLACES[record][0]}.{name}"


def time_path(record: int) -> str:
    """The JSON path of the time of a value."""
    return f"$[{record}].t" if record >= 0 else _PLACES[record][1]


def seq_path(record: int) -> str:
    """The JSON path of a message's sequence number."""
    return _PLACES[record][2]


def missing_flags(value: AnyArray) -> AnyArray:
    """MISSING where a device sent null (NaN by now), NOT_EVALUATED elsewhere."""
    missing: Mask = np.isnan(value)
    return np.where(missing, Flag.MISSING, Flag.NOT_EVALUATED).astype(np.uint8)


def shown(value: object) -> str:
    """What was found, for a person to read: cut short, and safe for whatever a device may send."""
    try:
        text = repr(value)
    except (
        ValueError,
        RecursionError,
    ):  # a whole number of thousands of digits; a value inside itself
        return f"a value of type {type(value).__name__} that is too large to show"
    return text if len(text) <= 60 else text[:59] + "…"


def _printable(text: str, limit: int) -> str:
    """Names are the sender's: no control characters, no half of a surrogate pair, no end of length."""
    if len(text) > limit:
        text = text[: limit - 1] + "…"
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
