"""Who is online: a device goes offline by its time-out or its will message, and comes back when heard.

Silence is judged by when readings were received, so history that is replayed fast raises no alarm of
now; silence within it is told when it was (analytics.past). A will message (status `online` = 0) holds
until a reading that was measured after it.

Where we could not hear, silence says nothing: it counts from when we could again (`count_from`). Where
nobody at all is heard though several should have been, the fault is taken as ours, and no device is told.
"""

from __future__ import annotations

import numpy as np

from analytics.facts import Outage
from analytics.habits import Habits
from analytics.layout import Layout
from analytics.limits import Limits
from analytics.past import Past, Turns, is_past
from analytics.rows import segments
from analytics.table import Table
from analytics.together import Silence, Together
from devices.kind import ONLINE, REFUSED_SHARE
from telemetry.arrays import AnyArray, Codes32, Mask, Times
from telemetry.clock import SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings

NEVER = np.iinfo(np.int64).min
UNKNOWN = -1
# A message that stays out for half of its device's time-out is overdue; when everybody's are, it is us.
OVERDUE = 2
MOST_SILENT = 3  # devices that are overdue before anything is said of all of them
# A broker tells retained statuses again to whoever comes back: so long those are no news that don't say
# themselves since when they hold, as those of the simulated history do. [ns]
RETOLD = 30 * SECOND
DEAF = 5 * SECOND  # so soon after we could not hear nothing is said of several devices either


class Presence:
    """State per device, by code.

    heard     when its newest reading was received; `measured`: the newest time of a reading
    status    time of its newest status message, and whether that said offline
    waited    since when it has been waited for, counted from the first `silent` after a start: grace
    online    1, 0, or -1 while nothing is known; `told`: the time that the change was told with
    """

    def __init__(self, layout: Layout, limits: Limits, together: Together, lateness: int) -> None:
        self.together = together
        self.outages: list[Outage] = []  # what the last look found of devices together
        self._layout = layout
        self._limits = limits
        self.habits = Habits(layout, limits)
        self.details: dict[int, str] = {}  # device → why it is offline, of what was told last
        self._quantity = layout.kinds.quantity_code[ONLINE.name]
        self.past = Past(self.habits, self._quantity, lateness)
        self._ours = layout.kinds.quantity_code[REFUSED_SHARE.name]
        self._from = NEVER  # silence counts from here, for everybody
        self._begun = NEVER  # the first look after a start
        self._unheard: tuple[int, int] | None = None
        self.table = Table(
            {
                "heard": (np.int64, NEVER),
                "measured": (np.int64, NEVER),
                "status": (np.int64, NEVER),
                "will": (np.bool_, False),
                "waited": (np.int64, NEVER),
                "online": (np.int8, UNKNOWN),
                "told": (np.int64, NEVER),
            }
        )

    def grow(self) -> None:
        """The layout has devices that are new."""
        self.table.grow(self._layout.n_devices)
        self.together.table.grow(self._layout.n_devices)
        self.habits.table.grow(self._layout.n_devices)
        self.past.table.grow(self._layout.n_devices)

    def restart(self) -> None:
        """After a restore: nobody is late before a time-out has passed from now on."""
        self.table["waited"][:] = NEVER
        self._begun = NEVER

    def count_from(self, time: int) -> None:
        """Until then we may not have heard what was said: silence before it does not count."""
        self._from = max(self._from, time)

    @property
    def unheard(self) -> tuple[int, int] | None:
        """(since when nobody is heard, how many should have been by now); None while somebody is."""
        return self._unheard

    def adopt(self, device: Codes32, seen: Times) -> None:
        """Take devices as offline since `seen`, as by a will message: a newer reading brings them back."""
        t = self.table
        newer = seen > t["measured"][device]
        device, seen = device[newer], seen[newer]
        t["will"][device] = True
        t["status"][device] = np.maximum(t["status"][device], seen)
        t["told"][device] = np.maximum(t["told"][device], seen)
        t["online"][device] = 0

    def hear(self, batch: Readings, now: int) -> Readings:
        """Take in a batch: who is online or offline by it. Tells changes, and the first of a device."""
        self.details = {}
        batch = self._news(batch)
        is_status = batch.quantity == self._quantity
        told = self._turns(batch, is_status & (batch.value == 0))
        told.append(self._settle(batch, is_status))
        if self.past.newest:
            n = self._layout.n_devices
            told.append(
                self._take(self.past.passed(self._known_last(n), self.table["online"][:n], now))
            )
        return Readings.concat(told)

    def silent(self, now: int) -> Readings:
        """Time has passed: who has been silent for longer than the time-out. Told at the moment it ran out."""
        n = self._layout.n_devices
        t = self.table
        self.outages, self.details = [], {}
        waited = t["waited"][:n]
        waited[waited == NEVER] = now
        timeout = self.habits.timeouts(t["heard"][:n])
        due = np.maximum(np.maximum(t["heard"][:n], waited), self._from) + timeout
        known = self._limits.registered()[:n] | (t["heard"][:n] != NEVER)
        expected = known & (t["online"][:n] != 0)
        if self._nobody_is_heard(expected, timeout, now):
            # As far as is known nobody is missing: when one is heard, all get their time-out anew.
            waited[expected] = now
            return Readings.empty()
        timed_out = (now > due) & expected
        if now - self._from > DEAF:
            self._look_together(timed_out, expected, due - timeout // OVERDUE, now)
        gone = np.flatnonzero(timed_out)
        nobody = np.zeros(len(gone), dtype=bool)
        return self._tell(gone.astype(np.int32), nobody, due[gone], nobody)

    def _news(self, batch: Readings) -> Readings:
        """Without what is no sign of a device's life or death."""
        # What ingest says of a device is none.
        mine = batch.quantity != self._ours
        if self._from != NEVER:
            off = (batch.quantity == self._quantity) & (batch.value == 0)
            undated = batch.time == batch.received
            mine &= ~(off & undated & (batch.received < self._from + RETOLD))
        return batch if mine.all() else batch.take(mine)

    def _known_last(self, n: int) -> Times:
        found: Times = np.maximum(self.table["measured"][:n], self.table["status"][:n])
        return found

    def _turns(self, batch: Readings, off: Mask) -> list[Readings]:
        """All that wills and history say, one after the other: one that goes and comes back in one batch
        is told like one that does so in two."""
        first = np.flatnonzero(off | is_past(batch))
        if not len(first):
            return []
        n = self._layout.n_devices
        concerned = np.zeros(n, dtype=bool)
        concerned[batch.device[first]] = True
        batch = batch.take(concerned[batch.device])
        last, online = self._known_last(n), self.table["online"][:n].copy()
        return [self._take(t) for t in self.past.turns(batch, last, online)]

    def _take(self, turns: Turns) -> Readings:
        return self._tell(turns.device, turns.online, turns.when, turns.said)

    def _settle(self, batch: Readings, is_status: Mask) -> Readings:
        """Who is online after the batch, by the last word on each device."""
        if not len(batch):
            return Readings.empty()
        said_off = is_status & (batch.value == 0)
        alive = batch if not said_off.any() else batch.take(~said_off)
        touched = self._listen(alive)
        if is_status.any():
            touched = np.union1d(touched, self._obey(batch.take(is_status)))
        t = self.table
        # Equal times count for the will: it is the later word of the two.
        off = t["will"][touched] & (t["status"][touched] >= t["measured"][touched])
        # Event time: a history that is replayed tells its outages when they were.
        said_on = np.where(t["will"][touched], NEVER, t["status"][touched])
        when = np.where(off, t["status"][touched], np.maximum(t["measured"][touched], said_on))
        return self._tell(touched, ~off, when, off)

    def _look_together(self, timed_out: Mask, expected: Mask, overdue: Times, now: int) -> None:
        n, t = len(expected), self.table
        offline = t["online"][:n] == 0
        if not (timed_out.any() or offline.any() or self.together.stands):
            return
        heard = t["heard"][:n]
        known = heard != NEVER  # who never came was not lost with anybody
        self.outages = self.together.look(
            Silence(
                now, heard, expected & known, now > overdue, timed_out & known,
                np.where(offline & known, t["told"][:n], NEVER),
            )
        )  # fmt: skip

    def _nobody_is_heard(self, expected: Mask, timeout: Times, now: int) -> bool:
        if self._begun == NEVER:
            self._begun = now
        since = max(int(self.table["heard"][: len(expected)].max(initial=NEVER)), self._begun)
        since = max(since, self._from)
        overdue = int((expected & (timeout < OVERDUE * (now - since))).sum())
        self._unheard = (since, overdue) if overdue >= MOST_SILENT else None
        return self._unheard is not None

    def _listen(self, batch: Readings) -> Codes32:
        """Note when each device was heard. Returns the devices that were not online, each once."""
        t, device = self.table, batch.device
        # A clock that runs ahead must not outvote a will message that comes later.
        measured = np.minimum(batch.time, batch.received)
        if len(batch):
            self._learn(batch)
        np.maximum.at(t["heard"], device, batch.received)
        np.maximum.at(t["measured"], device, measured)
        return np.unique(device[t["online"][device] != 1])

    def _learn(self, batch: Readings) -> None:
        """Gaps of live readings; those of history are learned in event time."""
        past = is_past(batch)
        live = batch if not past.any() else batch.take(~past)
        self.habits.note_battery(batch)
        if len(live):
            self.habits.hear(live, self.table["heard"][live.device])

    def _obey(self, statuses: Readings) -> Codes32:
        """Note the newest status of each device. Returns the devices, each once."""
        order = np.lexsort((statuses.time, statuses.device))
        newest = order[segments(statuses.device[order])[1]]
        device, time = statuses.device[newest], statuses.time[newest]
        t = self.table
        later = time >= t["status"][device]
        t["status"][device[later]] = time[later]
        t["will"][device[later]] = statuses.value[newest][later] == 0
        return device

    def _explain(self, device: Codes32, said: Mask) -> None:
        flat = self.habits.flat(device)
        for code, empty, by_will in zip(device.tolist(), flat.tolist(), said.tolist(), strict=True):
            if empty:
                level = float(self.habits.table["battery"][code])
                self.details[code] = f"battery {level:.0f} % before it fell silent"
            elif by_will:
                self.details[code] = "said by its will message"

    def _tell(self, device: Codes32, online: Mask, when: Times, said: Mask) -> Readings:
        t = self.table
        state: AnyArray = online.astype(np.int8)
        new = state != t["online"][device]
        device, state, when, said = device[new], state[new], when[new], said[new]
        # Each change is newer than the one before, also where a clock was set back.
        when = np.where(t["told"][device] == NEVER, when, np.maximum(when, t["told"][device] + 1))
        self._explain(device[state == 0], said[state == 0])
        t["online"][device] = state
        t["told"][device] = when
        quantity = np.full(len(device), self._quantity)
        return Readings.of(device, quantity, when, state, Flag.GOOD, when)
