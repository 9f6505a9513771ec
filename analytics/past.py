"""History that is read: who was offline in it, from when to when, by when things were measured.

A reading that was received an hour or more after it was measured is history. When it was received says
nothing of its device: it fell silent where the history goes on without it. What is judged is the same as
live – the time-out, longer where its own habits are – only in event time, and told when it was. Of
history that lies before what has passed already (a recording that is read beside) only its own gaps are
told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from analytics.habits import TOGETHER, Habits
from analytics.table import Table
from telemetry.arrays import AnyArray, Codes32, Index, Mask, Times
from telemetry.clock import HOUR
from telemetry.readings import Readings

NEVER = np.iinfo(np.int64).min
HISTORY = HOUR  # received so long after it was measured


@dataclass(frozen=True, slots=True)
class Turns:
    """Devices that went on- or offline, each at most once. [n] each.

    when  event time [ns]; said: by a will message
    """

    device: Codes32
    online: Mask
    when: Times
    said: Mask


def is_past(batch: Readings) -> Mask:
    """Which readings are history."""
    found: Mask = batch.received - batch.time > HISTORY
    return found


class Past:
    """State per device: `past`: what it said last was history; `in_step`: and nothing newer had come.

    newest  time of the newest reading of history [ns]
    """

    def __init__(self, habits: Habits, online_quantity: int, lateness: int) -> None:
        self._habits = habits
        self._online = online_quantity
        self._lateness = lateness
        self.newest = 0
        self.table = Table({"past": (np.bool_, False), "in_step": (np.bool_, False)})

    def turns(self, batch: Readings, last: Times, online: AnyArray) -> Iterator[Turns]:
        """What a batch of readings and statuses says of its devices, one after the other in event time.

        last: by device, time of the last thing known of it; online: 1, 0, -1. Both are brought up to
        date, and so must be what the caller keeps of the device before it takes the next turns.
        """
        off = (batch.quantity == self._online) & (batch.value == 0)
        past = is_past(batch)
        time = np.minimum(batch.time, batch.received)
        # Equal times count for the will: it is the later word of the two.
        order = np.lexsort((off, time, batch.device))
        same = np.zeros(len(order), dtype=bool)
        same[1:] = np.logical_and.reduce(
            [np.diff(c[order]) == 0 for c in (batch.device, time, off.view(np.int8))]
        )
        order = order[~same]
        device, time, off, past = batch.device[order], time[order], off[order], past[order]
        for rank in _ranks(device):
            known = last[device[rank]]
            rows = rank[(time[rank] > known) | (off[rank] & (time[rank] == known))]
            yield from self._turn(device[rows], time[rows], off[rows], past[rows], last, online)

    def passed(self, heard: Times, online: AnyArray, now: int) -> Turns:
        """Who has fallen silent while the history went on. heard: by device, when last, in event time."""
        until = min(self.newest - self._lateness, now - HISTORY)
        t, n = self.table, len(heard)
        some = np.flatnonzero(t["past"][:n] & t["in_step"][:n] & (online == 1) & (heard < until))
        timeout, known = self._habits.timeout(some)
        due: Times = heard[some] + timeout
        gone = (due < until) & known
        device = some[gone].astype(np.int32)
        return _silent(device, due[gone])

    def _turn(
        self, device: Codes32, time: Times, off: Mask, past: Mask, last: Times, online: AnyArray
    ) -> Iterator[Turns]:
        """One thing said by each of these devices, newer than all that was known of it."""
        t = self.table
        gone_on = past & t["past"][device] & (last[device] != NEVER)
        silent = np.flatnonzero(gone_on & (online[device] == 1))
        yield from self._gap(device[silent], time[silent], last, online)
        learns = np.flatnonzero(gone_on & ~off & (time - last[device] > TOGETHER))
        if len(learns):
            self._habits.learn(device[learns], time[learns], last[device[learns]])
        turned = np.flatnonzero(online[device] != ~off)
        if len(turned):
            online[device[turned]] = ~off[turned]
            yield Turns(device[turned], ~off[turned], time[turned], off[turned])
        last[device] = time
        t["past"][device] = past
        t["in_step"][device] = past & (time >= self.newest - self._lateness)
        self.newest = max(self.newest, int(time[past].max(initial=0)))

    def _gap(self, device: Codes32, time: Times, last: Times, online: AnyArray) -> Iterator[Turns]:
        timeout, known = self._habits.timeout(device)
        due = last[device] + timeout
        gone = np.flatnonzero((time > due) & known)
        if len(gone):
            online[device[gone]] = 0
            yield _silent(device[gone], due[gone])


def _silent(device: Codes32, due: Times) -> Turns:
    nobody = np.zeros(len(device), dtype=bool)
    return Turns(device, nobody, due, nobody)


def _ranks(device: AnyArray) -> Iterator[Index]:
    """Rows of sorted devices: the first of each, then the second of each that has one, and so on."""
    first = np.flatnonzero(np.diff(device, prepend=-1))
    size = np.diff(np.append(first, len(device)))
    for rank in range(int(size.max(initial=0))):
        there = size > rank
        yield first[there] + rank
