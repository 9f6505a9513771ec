"""How often each device reports, and how its battery was: its own time-out, and why it may have fallen silent.

A registered device may have `timeout_s` or `interval_s` among its limits. Of the others it is learned: two
long gaps one after the other, or the first gap that is known, are a device's interval; one long gap among
short ones is an outage and teaches nothing. Before any gap is known a device is waited for four time-outs.
"""

from __future__ import annotations

import numpy as np

from analytics.layout import Layout
from analytics.limits import INTERVAL, TIMEOUT, Limits
from analytics.table import Table
from telemetry.arrays import AnyArray, Codes32, Index, Mask, Times, Values
from telemetry.clock import SECOND
from telemetry.readings import Readings

NEVER = np.iinfo(np.int64).min
PATIENCE = 4  # time-outs of the kind, while no gap is known
MISSED = 3  # learned intervals until a device is silent
TOGETHER = 2 * SECOND  # messages so close are one report
BACKLOG = (
    10 * SECOND
)  # a batch that spans more holds several reports of a device: gaps can't be told
BATTERY_LOW = 20.0  # where the kind has no rule on it [%]


class Habits:
    """State per device: whether a gap is known, the learned interval, the last long gap, the battery [%]."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        self._layout = layout
        self._limits = limits
        kinds = layout.kinds
        self._timeout = np.array([k.timeout_s for k in kinds], dtype=np.int64) * SECOND
        self._ratio = np.array([k.timeout_s / k.interval_s for k in kinds])
        self._battery = kinds.quantity_code.get("battery", -2)
        levels = [[r.level for r in k.rules if r.quantity == "battery"] for k in kinds]
        self._low = np.array([max(x, default=BATTERY_LOW) for x in levels])
        self.table = Table(
            {
                "gaps": (np.bool_, False),
                "interval": (np.int64, 0),
                "long_gap": (np.int64, 0),
                "long_end": (np.int64, NEVER),
                "battery": (np.float32, np.nan),
            }
        )

    def hear(self, batch: Readings, heard: Times) -> None:
        """Learn from a batch; `heard`: when the device of each row was heard last, before it."""
        if int(batch.received.max()) - int(batch.received.min()) > BACKLOG:
            return
        known = np.flatnonzero((heard != NEVER) & (batch.received - heard > TOGETHER))
        if len(known):
            self.learn(batch.device[known], batch.received[known], heard[known])

    def note_battery(self, batch: Readings) -> None:
        """Keep the battery's level that each device told last."""
        rows = np.flatnonzero((batch.quantity == self._battery) & ~np.isnan(batch.value))
        self.table["battery"][batch.device[rows]] = batch.value[rows]

    def timeouts(self, heard: Times) -> Times:
        """The time-out of every device, by code. [ns]"""
        n = len(heard)
        return self._timeouts(slice(0, n), (heard != NEVER) & ~self.table["gaps"][:n])

    def timeout(self, device: Codes32 | Index) -> tuple[Times, Mask]:
        """(time-out of devices [ns], whether it is known to be theirs: registered, or a gap is known)."""
        known: Mask = self.table["gaps"][device] | (self._own(device) > 0)
        return self._timeouts(device, np.zeros(len(device), dtype=bool)), known

    def _timeouts(self, which: Codes32 | Index | slice, patiently: Mask) -> Times:
        kind = self._layout.devices["kind"][which]
        found: Times = np.maximum(self._timeout[kind], MISSED * self.table["interval"][which])
        found[patiently] *= PATIENCE
        own = self._own(which)
        registered = np.flatnonzero(own > 0)
        found[registered] = (own[registered] * SECOND).astype(np.int64)
        return found

    def _own(self, which: Codes32 | Index | slice) -> Values:
        """The time-outs that devices were registered with; NaN where there is none. [s]"""
        own = self._limits.column(TIMEOUT)[which]
        ratio = self._ratio[self._layout.devices["kind"][which]]
        return np.where(np.isnan(own), self._limits.column(INTERVAL)[which] * ratio, own)

    def flat(self, device: Codes32) -> Mask:
        """Whose battery was below its level when it was last heard."""
        low: Mask = self.table["battery"][device] < self._low[self._layout.devices["kind"][device]]
        return low

    def learn(self, device: Codes32, received: Times, heard: Times) -> None:
        """A gap of each of these devices: from when it was heard to when it was heard again."""
        t, gap = self.table, received - heard
        limit = self._timeout[self._layout.devices["kind"][device]] // MISSED
        interval = t["interval"][device]
        # Several times as often as was learned: it has other habits now.
        usual = (interval > 0) & (gap < interval // MISSED)
        if usual.any():
            t["interval"][device[usual]] = 0
        first = ~t["gaps"][device]
        long = gap > limit
        if long.any():
            self._long(device[long], gap[long], received[long], heard[long], first[long])
        if first.any():
            t["gaps"][device[first]] = True

    def _long(
        self, device: Codes32, gap: AnyArray, received: Times, heard: Times, first: Mask
    ) -> None:
        t = self.table
        again = heard - t["long_end"][device].clip(min=0) <= TOGETHER
        learned = np.minimum(gap, np.where(again, t["long_gap"][device], gap))
        sure = first | again
        t["interval"][device[sure]] = learned[sure]
        t["long_gap"][device] = gap
        t["long_end"][device] = received
