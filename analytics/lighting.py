"""Power, dimming and voltage of lights → lamp_failure, day_burner, supply_loss: on change, and while at fault.

After TALQ 2.7.1 (lampFailure, lampUnexpectedOn, supplyLoss) and LwM2M object 3416; the levels are
design values: a lamp fails that draws less than half of what its dimming level asks for once it is
warm, and burns by day when it draws more than a tenth of its rated power while told to be dark, or
while it is day at its place (civil twilight), whatever it was told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.deriver import Deriver
from analytics.layout import Layout
from analytics.limits import RATED_POWER, Limits
from analytics.rows import order_by, segments
from analytics.snapshot import Key, Tables
from analytics.table import Table
from analytics.twilight import is_day
from telemetry.arrays import AnyArray, Codes32, Index, Mask, Times, Values
from telemetry.clock import SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings

WARM_UP = 300 * SECOND  # LED 60 s, HPS 300–600 s
FAILURE_SHARE = 0.5  # of the power that the dimming level asks for
BURNER_SHARE = 0.1  # of the rated power
SUPPLY_V = 50.0  # below it there is no supply
NEVER = np.iinfo(np.int64).min
UNKNOWN = -1


def lamp_fails(power: Values, dimming: Values, rated: Values) -> Mask:
    """True where a warm lamp draws less than half of what it should. [W], [%], [W]

    Expected power is taken as proportional to the dimming level. NaN anywhere: False.
    """
    failing: Mask = (dimming > 0) & (power < FAILURE_SHARE * rated * dimming / 100)
    return failing


def burns_by_day(power: Values, dimming: Values, rated: Values) -> Mask:
    """True where a lamp draws more than 10 % of its rated power while told to be dark. [W], [%], [W]"""
    burning: Mask = (dimming == 0) & (power > BURNER_SHARE * rated)
    return burning


def supply_lost(voltage: Values) -> Mask:
    """True where a feeder has no voltage. [V]"""
    lost: Mask = voltage < SUPPLY_V
    return lost


def forward_fill(value: AnyArray, known: Mask, starts: Index, before: AnyArray) -> AnyArray:
    """The last known value up to each row of its segment; `before[segment]` where none is known yet."""
    length = np.diff(np.append(starts, len(value)))
    last = np.maximum.accumulate(np.where(known, np.arange(len(value)), -1))
    return np.where(last >= np.repeat(starts, length), value[last], np.repeat(before, length))


@dataclass(frozen=True, slots=True)
class _Lamps:
    """Rows of lamps sorted by (device, time): dimming before power at one time."""

    device: Codes32
    time: Times
    value: Values
    is_power: Mask
    starts: Index
    ends: Index


class Lighting(Deriver):
    """State per device: the last dimming level, since when it is on, and the verdicts told."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        kinds = layout.kinds
        self._layout = layout
        self._limits = limits
        self._q = kinds.quantity_code
        self._lamps = np.array(["lamp_failure" in k.indices for k in kinds], dtype=bool)
        self._feeders = np.array(["supply_loss" in k.indices for k in kinds], dtype=bool)
        self.table = Table(
            {
                "time": (np.int64, NEVER),
                "dimming": (np.float64, np.nan),
                "on_since": (np.int64, NEVER),
                "lamp_failure": (np.int8, UNKNOWN),
                "day_burner": (np.int8, UNKNOWN),
                "supply_loss": (np.int8, UNKNOWN),
            }
        )

    def grow(self, first: int) -> None:
        """The layout has devices from code `first` on that are new."""
        self.table.grow(self._layout.n_devices)

    def tables(self) -> Tables:
        """The state: one row a device."""
        return {"lighting": (Key.DEVICE, self.table)}

    def hear(self, judged: Readings, corrected: Readings, now: int) -> Readings:
        """Verdicts that changed, are the first of their device, or say that it is at fault; any order.

        Readings older than the device's newest change nothing. The readings of one message come in one
        batch. Suspect values are used: 0 V is out of the plausible range, and is just what is looked for.
        """
        rows, kind = judged, self._layout.devices["kind"][judged.device]
        usable = (rows.flag != Flag.MISSING) & (rows.flag != Flag.FAIL)
        lit = usable & (
            (rows.quantity == self._q.get("power", -2))
            | (rows.quantity == self._q.get("dimming", -2))
        )
        lamps = np.flatnonzero(self._lamps[kind] & lit)
        fed = usable & (rows.quantity == self._q.get("voltage", -2))
        feeders = np.flatnonzero(self._feeders[kind] & fed)
        parts = []
        if len(lamps):
            parts += self._lamp_states(rows.take(lamps), now)
        if len(feeders):
            parts.append(self._feeder_states(rows.take(feeders), now))
        return Readings.concat(parts)

    def _feeder_states(self, rows: Readings, now: int) -> Readings:
        order = order_by(rows.device, rows.time)
        rows = rows.take(order)
        rows = rows.take(rows.time >= self.table["time"][rows.device])
        if not len(rows):
            return rows
        _, ends = segments(rows.device)
        self.table["time"][rows.device[ends]] = rows.time[ends]
        lost = supply_lost(rows.value)
        judged = np.ones(len(rows), dtype=bool)
        return self._told(rows.device, rows.time, "supply_loss", lost, judged, now)

    def _lamp_states(self, rows: Readings, now: int) -> list[Readings]:
        lamps = self._sorted(rows)
        if not len(lamps.time):
            return []
        dimming, since = self._commands(lamps)
        rated = self._limits.of(RATED_POWER, lamps.device)
        known = lamps.is_power & ~np.isnan(rated) & ~np.isnan(dimming)
        # By day nothing is learnt of a lamp: the last verdict stands until it is told to burn again.
        warm = known & (dimming > 0) & (lamps.time - since > WARM_UP)
        fails = lamp_fails(lamps.value, dimming, rated)
        lat, lon = (self._limits.of(n, lamps.device) for n in ("lat", "lon"))
        burns = burns_by_day(lamps.value, dimming, rated)
        # A plan that is wrong tells it to burn: the sun knows better than the command.
        burns |= (lamps.value > BURNER_SHARE * rated) & is_day(lat, lon, lamps.time)
        return [
            self._told(lamps.device, lamps.time, "lamp_failure", fails, warm, now),
            self._told(lamps.device, lamps.time, "day_burner", burns, known, now),
        ]

    def _sorted(self, rows: Readings) -> _Lamps:
        rows = rows.take(rows.time >= self.table["time"][rows.device])
        is_power = rows.quantity == self._q["power"]
        order = order_by(rows.device, 2 * rows.time + is_power)
        rows, is_power = rows.take(order), is_power[order]
        starts, ends = segments(rows.device)
        return _Lamps(rows.device, rows.time, rows.value, is_power, starts, ends)

    def _commands(self, lamps: _Lamps) -> tuple[Values, Times]:
        """(dimming level, time since when it is above 0) at each row; both are remembered."""
        t, touched = self.table, lamps.device[lamps.starts]
        old = t["dimming"][touched]
        dimming = forward_fill(lamps.value, ~lamps.is_power, lamps.starts, old)
        previous = np.empty(len(dimming))
        previous[1:] = dimming[:-1]
        previous[lamps.starts] = old
        switched_on = (dimming > 0) & ~(previous > 0)
        since = forward_fill(lamps.time, switched_on, lamps.starts, t["on_since"][touched])
        t["dimming"][touched] = dimming[lamps.ends]
        t["on_since"][touched] = since[lamps.ends]
        t["time"][touched] = lamps.time[lamps.ends]
        return dimming, since

    def _told(
        self, device: Codes32, time: Times, name: str, state: Mask, judged: Mask, now: int
    ) -> Readings:
        """The verdicts that differ from the one before or say a fault; rows are sorted by (device, time).

        A fault is told at every reading: a rule with a dwell time must see that it goes on.
        """
        rows = np.flatnonzero(judged)
        device, time, verdict = device[rows], time[rows], state[rows].astype(np.int8)
        starts, ends = segments(device)
        before = np.empty(len(rows), dtype=np.int8)
        before[1:] = verdict[:-1]
        before[starts] = self.table[name][device[starts]]
        self.table[name][device[ends]] = verdict[ends]
        new = np.flatnonzero((verdict != before) | (verdict == 1))
        quantity = np.full(len(new), self._q[name])
        return Readings.of(device[new], quantity, time[new], verdict[new], Flag.GOOD, now)
