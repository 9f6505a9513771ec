"""When a device's message leaves, and what its own clock says then: the way from a measurement to a publish.

A device measures on the beat of its own clock, and that clock drifts: a crystal's parts in a million, set
right once a day. Its modem takes from some milliseconds to two seconds. What it could not send while its
signal was lost it keeps, and sends in a burst when the signal is back. All of it is a function of
(seed, device, interval), so any slice of time repeats.
"""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform
from simulators.faults import Fault
from simulators.fleet import MS, Fleet, Rows
from telemetry.arrays import Index, Mask, Times
from telemetry.clock import DAY, HOUR, SECOND

PPM = 12.0  # standard deviation of a crystal's drift; never beyond ±42, which are 3.6 s a day
LATENCY_MS = (40.0, 2_000.0)  # of a modem; most messages take a tenth of a second
EARLY, LATE = 4 * SECOND, 6 * SECOND  # a message leaves within [its time - EARLY, its time + LATE)
BURST_AFTER = SECOND  # a device that has its signal back sends what it kept …
BURST_EVERY = SECOND // 5  # … one after the other
LONGEST_BURST = 24 * HOUR  # of silence that a device keeps


def leaving(rows: Rows, fleet: Fleet) -> Times:
    """When each row's message leaves, by a right clock. [ns]"""
    return np.asarray(rows.time + _latency(rows) - clock_error(rows, fleet))


def clock_error(rows: Rows, fleet: Fleet) -> Times:
    """How far each row's device's clock is ahead; negative: behind. Whole ms. [ns]"""
    ppm = PPM * normal(derived(fleet.key, 420))
    # Set right at an hour of the day of its own.
    last_set = (uniform(derived(fleet.key, 421)) * DAY).astype(np.int64)
    since = (rows.time - last_set[rows.device]) % DAY
    ms = np.rint(ppm[rows.device] * 1e-6 * (since / MS)).astype(np.int64)
    return np.asarray(ms * MS)


def _latency(rows: Rows) -> Times:
    low, high = np.log(LATENCY_MS)
    draw = uniform(derived(rows.key, 422), rows.slot) ** 2
    return np.asarray(np.exp(low + (high - low) * draw).astype(np.int64) * MS)


def due(
    fleet: Fleet, start: int, end: int, bursts: list[Fault], early: int = EARLY, late: int = LATE
) -> Rows:
    """Rows whose message may leave in [start, end): ordinary ones near it, and what bursts bring late."""
    rows = fleet.rows(start - late, end + early)
    for fault in bursts:
        at = fleet.index[fault.device]
        slots = fleet.slots_of(at, fault.start, fault.end)
        low, high = rows.span(at, fault.start, fault.end)
        missing = np.setdiff1d(slots, rows.slot[low:high])
        if len(missing):
            device: Index = np.full(len(missing), at, dtype=np.intp)
            rows = rows.and_of(device, missing, fleet)
    return rows


def burst(fault: Fault, rows: Rows, fleet: Fleet) -> Times:
    """When what was kept during a loss of signal leaves: `rows` are the device's within the fault. [ns]"""
    first = fleet.slots_of(fleet.index[fault.device], fault.start, fault.end)[:1]
    return np.asarray(fault.end + BURST_AFTER + (rows.slot - first) * BURST_EVERY)


def burst_ends(fault: Fault, interval: int) -> int:
    """When the last of a burst has left, at the latest. [ns]"""
    return fault.end + BURST_AFTER + ((fault.end - fault.start) // interval + 1) * BURST_EVERY


def within(sent: Times, start: int, end: int) -> Mask:
    """Which messages leave in [start, end)."""
    return np.asarray((sent >= start) & (sent < end))
