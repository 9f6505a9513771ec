"""What became of each message of a batch, for somebody who waits for it."""

from __future__ import annotations

import numpy as np

from ingest.pipeline import Prepared, Written
from telemetry.ledger import Outcome
from telemetry.reasons import Reason


def outcomes_of(prepared: Prepared, written: Written) -> list[Outcome]:
    """One outcome a message, in their order; reasons in the order of their list."""
    source = prepared.source
    number = len(source.messages)
    there = np.isin(source.readings.identity(), written.readings.identity())
    stored = np.bincount(source.message[there], minlength=number).tolist()
    duplicate = np.bincount(prepared.duplicates, minlength=number).tolist()
    reasons: list[list[Reason]] = [[] for _ in range(number)]
    for message in source.message[~there].tolist():
        reasons[message].append(Reason.STORE_REFUSED)
    for reject in prepared.rejects:
        reasons[reject.message].append(reject.reason)
    order = {reason: i for i, reason in enumerate(Reason)}
    return [
        Outcome(
            stored[i], duplicate[i], [str(r) for r in sorted(reasons[i], key=order.__getitem__)]
        )
        for i in range(number)
    ]
