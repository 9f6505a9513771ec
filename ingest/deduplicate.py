"""New readings apart from repeated ones. Identity is (device, quantity, time): promise 2.

A reading newer than its series' newest is new without asking; only the others are looked up in the store.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from store.telemetry import TelemetryStore
from telemetry.arrays import Mask
from telemetry.readings import Readings


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which readings of a batch are new, and which of those are older than their series' newest."""

    fresh: Mask
    late: Mask


def judge(readings: Readings, store: TelemetryStore) -> Verdict:
    """Tell new readings from repeated ones; of repeats inside the batch the first is new."""
    repeat = _repeats(readings)
    newest = store.newest_times(readings.device, readings.quantity)
    seen: Mask = np.zeros(len(readings), dtype=bool)
    asked = np.flatnonzero((readings.time <= newest) & ~repeat)
    if len(asked):
        seen[asked] = store.seen(readings.take(asked))
    fresh = ~(repeat | seen)
    return Verdict(fresh, fresh & (readings.time < newest))


def _repeats(readings: Readings) -> Mask:
    """True where an earlier row of the batch has the same (device, quantity, time)."""
    order = readings.order()  # stable: the first to arrive stays first
    device, quantity, time = readings.device[order], readings.quantity[order], readings.time[order]
    repeat: Mask = np.zeros(len(order), dtype=bool)
    repeat[order[1:]] = (
        (device[1:] == device[:-1]) & (quantity[1:] == quantity[:-1]) & (time[1:] == time[:-1])
    )
    return repeat
