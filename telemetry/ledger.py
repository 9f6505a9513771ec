"""The account: what became of every record that was received. received = stored + duplicate + quarantined.

A record is one value of a message; a message that can't be taken apart is one record.
`late` and `gap` are told beside it: stored records that arrived after a newer one of their series,
and messages that a device's `seq` says never arrived.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from telemetry.arrays import AnyArray, Codes32, Times
from telemetry.reasons import Reason

OUTCOMES: tuple[str, ...] = (
    "messages",
    "received",
    "stored",
    "duplicate",
    "late",
    "gap",
    *(f"quarantined:{r}" for r in Reason),
)
OUTCOME_CODE: dict[str, int] = {name: i for i, name in enumerate(OUTCOMES)}
NOBODY = -1  # the device code of what no device could be named for


@dataclass(frozen=True, slots=True)
class Ledger:
    """Rows to add to the account: in this hour of receipt, for this device, so many of this outcome."""

    hour: Times
    device: Codes32
    outcome: AnyArray  # uint8, index into OUTCOMES
    count: AnyArray  # int64

    def __len__(self) -> int:
        return len(self.hour)

    @staticmethod
    def of(rows: Iterable[tuple[int, int, int, int]]) -> Ledger:
        """From (hour, device, outcome, count) rows."""
        table = np.array(list(rows), dtype=np.int64).reshape(-1, 4)
        return Ledger(
            table[:, 0], table[:, 1].astype(np.int32), table[:, 2].astype(np.uint8), table[:, 3]
        )

    @staticmethod
    def empty() -> Ledger:
        """Nothing to account for."""
        return Ledger.of([])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: records stored, records that were there already, and for each record
    in quarantine its reason."""

    stored: int
    duplicate: int
    quarantined: list[str]

    @staticmethod
    def of(ledgers: Iterable[Ledger]) -> Outcome:
        """From the account of the pieces that the message was written in."""
        counts = np.zeros(len(OUTCOMES), dtype=np.int64)
        for ledger in ledgers:
            np.add.at(counts, ledger.outcome, ledger.count)
        reasons = [
            str(reason)
            for reason in Reason
            for _ in range(int(counts[OUTCOME_CODE[f"quarantined:{reason}"]]))
        ]
        stored, duplicate = counts[[OUTCOME_CODE["stored"], OUTCOME_CODE["duplicate"]]].tolist()
        return Outcome(stored, duplicate, reasons)
