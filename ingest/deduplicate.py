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
    """Which readings of a batch are new, and which of those are late.

    late  older than the newest reading of the series that was received before it, in this batch or in an
          earlier one: how a stream is cut into batches changes nothing
    """

    fresh: Mask
    late: Mask


def judge(readings: Readings, store: TelemetryStore) -> Verdict:
    """Tell new readings from repeated ones; of repeats inside the batch the first is new.

    The rows stand in the order of arrival.
    """
    repeat, overtaken = _within(readings)
    newest = store.newest_times(readings.device, readings.quantity)
    seen: Mask = np.zeros(len(readings), dtype=bool)
    asked = np.flatnonzero((readings.time <= newest) & ~repeat)
    if len(asked):
        seen[asked] = store.seen(readings.take(asked))
    fresh = ~(repeat | seen)
    return Verdict(fresh, fresh & (overtaken | (readings.time < newest)))


def _within(readings: Readings) -> tuple[Mask, Mask]:
    """What the batch alone tells of each row: (repeat, overtaken).

    repeat     an earlier row has the same (device, quantity, time)
    overtaken  an earlier row of the series has a newer time
    """
    n = len(readings)
    repeat: Mask = np.zeros(n, dtype=bool)
    overtaken: Mask = np.zeros(n, dtype=bool)
    if n < 2:
        return repeat, overtaken
    order = readings.order()  # stable: the first to arrive stays first
    device, quantity, time = readings.device[order], readings.quantity[order], readings.time[order]
    same_series = (device[1:] == device[:-1]) & (quantity[1:] == quantity[:-1])
    repeat[order[1:]] = same_series & (time[1:] == time[:-1])
    # Behind a row stand the newer ones of its series: did one of them arrive before it? Series are lifted
    # above one another, so that one running minimum from the end serves them all.
    series = np.concatenate(([0], np.cumsum(~same_series)))
    arrival = order + series * n
    first_from_here = np.minimum.accumulate(arrival[::-1])[::-1]
    overtaken[order] = first_from_here < arrival
    return repeat, overtaken
