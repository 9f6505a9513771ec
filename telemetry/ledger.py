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
STORE_REFUSED = f"quarantined:{Reason.STORE_REFUSED}"
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

    def refused(self, device: Codes32) -> Ledger:
        """The account when the store has refused readings of these devices, one a reading, after all."""
        if not len(self) or not len(device):
            return self
        hour = int(self.hour[0])
        codes, counts = np.unique(device, return_counts=True)
        moves = [
            (hour, code, OUTCOME_CODE[outcome], sign * count)
            for code, count in zip(codes.tolist(), counts.tolist(), strict=True)
            for outcome, sign in (("stored", -1), (STORE_REFUSED, 1))
        ]
        columns = (self.hour, self.device, self.outcome, self.count)
        return Ledger.of([*zip(*(c.tolist() for c in columns), strict=True), *moves])

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
