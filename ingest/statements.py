"""What a decoded batch states: one device at one time in one message, however many values it tells of it.

A flat message is one statement; a pack of an hour of minutes is sixty; a gateway's pack is one or more for
each device inside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from devices.intake import Intake
from telemetry.arrays import AnyArray, Codes32, Index, Mask, Times
from telemetry.readings import Readings
from telemetry.reasons import Reason

# In the place of the `seq` of a message that was refused unread.
UNREAD_SEQ = -1


@dataclass(frozen=True, slots=True)
class Statements:
    """The statements of a batch in the order of arrival: `device`, `time` and `message` of each.

    first  the rows of `readings` at which a statement begins
    """

    device: Codes32
    time: Times
    message: AnyArray
    first: Mask
    readings: Readings
    row_message: AnyArray
    record: AnyArray

    def __len__(self) -> int:
        return len(self.device)

    @staticmethod
    def of(intake: Intake) -> Statements:
        """The statements of what was decoded."""
        readings, message, record = intake.columns()
        first = np.ones(len(readings), dtype=bool)
        first[1:] = (
            (message[1:] != message[:-1])
            | (readings.device[1:] != readings.device[:-1])
            | (readings.time[1:] != readings.time[:-1])
        )
        return Statements(
            readings.device[first], readings.time[first], message[first], first,
            readings, message, record,
        )  # fmt: skip

    def refuse(self, intake: Intake, refused: Mask, words: Callable[[int], str]) -> None:
        """Take statements out of `intake` again, as rejects.

        A message that tells of one device, and of which nothing else was kept or rejected, is one record, as
        if it had not been read; of another each refused value is one, in one item a device.
        words  why, by device
        """
        rows = refused[np.cumsum(self.first) - 1]
        intake.replace(self.readings.take(~rows), self.row_message[~rows], self.record[~rows])
        message, device = self.row_message[rows], self.readings.device[rows]
        starts = np.flatnonzero(np.diff(message, prepend=-1))
        one = np.minimum.reduceat(device, starts) == np.maximum.reduceat(device, starts)
        others = np.concatenate(
            [self.row_message[~rows], np.array([r.message for r in intake.rejects], dtype=np.int64)]
        )
        whole = one & ~np.isin(message[starts], others)
        for i in starts[whole].tolist():
            reject(intake, int(message[i]), int(device[i]), "$", words)
        parts = np.flatnonzero(~np.isin(message, message[starts[whole]]))
        places: dict[tuple[int, int], str] = {}
        columns = (message[parts], device[parts], self.record[rows][parts])
        for m, d, record in zip(*(c.tolist() for c in columns), strict=True):
            place = places.setdefault((m, d), "$" if record < 0 else f"$[{record}]")
            reject(intake, m, d, place, words)


def reject(
    intake: Intake, message: int, device: int, place: str, words: Callable[[int], str]
) -> None:
    """Refuse one record of a message, or the message as a whole."""
    detail = f"{place}: {words(device)}"
    intake.reject(message, Reason.RATE_LIMITED, place, detail, device)


@dataclass(frozen=True, slots=True)
class Unread:
    """Messages that are refused by their topic, by place in the batch, and whose they are (or NOBODY)."""

    message: Index
    device: Codes32

    def others(self, count: int) -> list[int] | None:
        """The places of all others in a batch of so many; None where that is all of them."""
        if not len(self.message):
            return None
        read = np.ones(count, dtype=bool)
        read[self.message] = False
        return np.flatnonzero(read).tolist()

    def reject(self, intake: Intake, words: Callable[[int], str]) -> None:
        """Into the rejects; a `seq` that was not read is one that arrived."""
        for message, device in zip(self.message.tolist(), self.device.tolist(), strict=True):
            reject(intake, message, device, "$", words)
            intake.seqs.append((message, device, UNREAD_SEQ))
