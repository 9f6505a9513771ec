"""What became of every record of a batch, as lines of the account.

`gap` follows each device's `seq`: a jump forward adds what was skipped, a late arrival takes one back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from devices.intake import Intake, Message
from ingest.deduplicate import Verdict
from ingest.sequence import Sequences
from ingest.statements import UNREAD_SEQ
from telemetry import metrics
from telemetry.arrays import AnyArray
from telemetry.clock import HOUR
from telemetry.ledger import NOBODY, OUTCOME_CODE, OUTCOMES, Ledger
from telemetry.readings import Readings


class Accountant:
    """Keeps what each device's `seq` said."""

    def __init__(self) -> None:
        self._sequences = Sequences()

    def ledger(
        self,
        messages: Sequence[Message],
        intake: Intake,
        readings: Readings,
        message: AnyArray,
        verdict: Verdict,
        booked_at: int,
    ) -> Ledger:
        """The account of one batch, booked on the hour of `booked_at` [ns]."""
        counts: Counter[tuple[int, str]] = Counter()
        owner = self._owners(messages, intake, readings, message)
        self._count(counts, "messages", owner)
        self._count(counts, "received", readings.device)
        self._count(counts, "stored", readings.device[verdict.fresh])
        self._count(counts, "duplicate", readings.device[~verdict.fresh])
        self._count(counts, "late", readings.device[verdict.late])
        for reject in intake.rejects:
            counts[reject.device, "received"] += 1
            counts[reject.device, f"quarantined:{reject.reason}"] += 1
        again = set(message[~verdict.fresh].tolist()) - set(message[verdict.fresh].tolist())
        self._gaps(counts, intake, again)
        hour = booked_at // HOUR * HOUR
        return Ledger.of(
            (hour, device, OUTCOME_CODE[outcome], n) for (device, outcome), n in counts.items() if n
        )

    @staticmethod
    def _count(counts: Counter[tuple[int, str]], outcome: str, device: AnyArray) -> None:
        codes, numbers = np.unique(device, return_counts=True)
        for code, n in zip(codes.tolist(), numbers.tolist(), strict=True):
            counts[code, outcome] += n

    @staticmethod
    def _owners(
        messages: Sequence[Message], intake: Intake, readings: Readings, message: AnyArray
    ) -> AnyArray:
        """The device of each message; NOBODY where none could be named."""
        owner = np.full(len(messages), NOBODY, dtype=np.int32)
        for reject in intake.rejects:
            owner[reject.message] = reject.device
        owner[message] = readings.device
        return owner

    def _gaps(self, counts: Counter[tuple[int, str]], intake: Intake, again: set[int]) -> None:
        for message, device, seq in sorted(intake.seqs):
            # A message that came twice says nothing new.
            if seq == UNREAD_SEQ:
                self._sequences.unread(device)
            elif message not in again:
                counts[device, "gap"] += self._sequences.step(device, seq)


def count_in_metrics(ledger: Ledger) -> None:
    """Add the account's lines to the process's metrics."""
    totals = np.bincount(ledger.outcome, weights=ledger.count, minlength=len(OUTCOMES))
    for name, metric in (
        ("received", metrics.RECEIVED),
        ("stored", metrics.STORED),
        ("duplicate", metrics.DUPLICATE),
        ("messages", metrics.MESSAGES),
    ):
        metric.inc(float(totals[OUTCOME_CODE[name]]))
    for name, total in zip(OUTCOMES, totals.tolist(), strict=True):
        if total and name.startswith("quarantined:"):
            metrics.QUARANTINED.labels(name.removeprefix("quarantined:")).inc(total)
