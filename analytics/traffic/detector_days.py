"""A traffic station's whole day → can its detector be believed: the tests of PeMS over 05:00 to 22:00.

Caltrans PeMS, detector health. Its samples are of 30 s, ours are minutes; its shares are kept. Nine of
ten vehicles may be motorcycles, which a loop feels for an instant: a minute without occupancy in which
motorcycles or bicycles passed is no sign of a card that is off, and counts without occupancy only where cars, buses
or trucks were among them. A station that says nothing at all is offline (see offline.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import DTypeLike

from analytics.frames import Look
from analytics.layout import Layout
from analytics.localtime import local_day, local_hour, local_ns
from analytics.members import Members
from analytics.robust import mean
from analytics.table import Table
from analytics.traffic.equivalents import CLASSES
from telemetry.arrays import AnyArray, Index, Values
from telemetry.clock import DAY, HOUR, MINUTE
from telemetry.flags import Flag
from telemetry.readings import Readings

FIRST_H, LAST_H = 5, 22  # [h, local]
MINUTES = 5
SAMPLES = (LAST_H - FIRST_H) * 60
ENOUGH = 0.60  # of the samples
ZERO = 0.59  # urban: share without occupancy
HIGH_PERCENT, HIGH = 70.0, 0.20  # occupancy, and the share over it
EMPTY_COUNT, UNFELT_COUNT = 0.02, 0.50  # occupancy without flow, flow without occupancy
SAME, SAME_BY = 50, 1e-5  # five minutes in a row of one occupancy that is not 0
DAYS = 3
COUNTS = ("heard", "zero", "high", "empty", "unfelt", "wheels")


class DayFault(IntEnum):
    """What a day says of a detector; the first that applies, in the order of PeMS."""

    NONE = 0
    INSUFFICIENT = 1
    CARD_OFF = 2
    HIGH_VALUE = 3
    INTERMITTENT = 4
    CONSTANT = 5


def judge_day(counts: Mapping[str, AnyArray], longest: AnyArray) -> Values:
    """Samples of the day by what they were, and the longest run of one occupancy → DayFault."""
    heard = np.maximum(counts["heard"], 1)
    unfelt = counts["unfelt"] >= UNFELT_COUNT * np.maximum(counts["wheels"], 1)
    found = np.select(
        [
            counts["heard"] < ENOUGH * SAMPLES,
            counts["zero"] >= ZERO * heard,
            counts["high"] >= HIGH * heard,
            (counts["empty"] >= EMPTY_COUNT * heard) | unfelt,
            longest >= SAME,
        ],
        [*DayFault][1:],
        DayFault.NONE,
    )
    return np.asarray(found, dtype=np.float64)


class DetectorDays:
    """State per station: what the samples of three days were. Fed by whoever keeps the minutes, in fives."""

    outputs = (*(f"_day_{c}" for c in COUNTS), "_day_run")

    def __init__(self, layout: Layout, members: Members, zone: ZoneInfo) -> None:
        self._members, self._zone = members, zone
        self._code = layout.kinds.quantity_code.get("detector_day", -1)
        columns: dict[str, tuple[DTypeLike, object]] = {
            "day": (np.int32, 0), "news": (np.bool_, False), "told": (np.int8, -1),
        }  # fmt: skip
        columns |= dict.fromkeys((*COUNTS, "same"), (np.int16, 0))
        self.days = Table(columns, width=DAYS)

    def samples(self, look: Look) -> dict[str, AnyArray]:
        """Samples of each five minutes by what they are; minutes without occupancy are none."""
        occupancy, classes = look.of("occupancy", 1), {c: look.of(c) for c in CLASSES}
        flow = np.logical_or.reduce([~np.isnan(x) for x in classes.values()])
        n = {c: np.nan_to_num(x) for c, x in classes.items()}
        now = occupancy[:, 1:]
        heavy = n["car"] + n["bus"] + n["truck"]
        light = n["motorcycle"] + n["bicycle"]
        found = {
            "heard": ~np.isnan(now),
            "zero": (now == 0) & (light == 0),
            "high": now > HIGH_PERCENT,
            "empty": (now > 0) & flow & (heavy + light == 0),
            "unfelt": (now == 0) & (heavy > 0),
            "wheels": ~np.isnan(now) & (heavy > 0),
        }
        sums = {f"_day_{n}": mask.sum(axis=-1).astype(np.float64) for n, mask in found.items()}
        return {**sums, "_day_run": self._runs(look, mean(occupancy))}

    @staticmethod
    def _runs(look: Look, level: AnyArray) -> AnyArray:
        """How many five minutes up to each had one occupancy, not 0: 1 where it is the first."""
        same = np.abs(np.diff(level, axis=1)) < SAME_BY
        told, out = np.nan_to_num(look.found("_day_run", 1)), np.empty(same.shape)
        before, known = told[:, 0], level[:, 1:] > 0
        for at in range(look.count):
            now = np.where(known[:, at], np.where(same[:, at], before + 1.0, 1.0), 0.0)
            before = out[:, at] = np.where(look.settled[:, at], told[:, at + 1], now)
        return out

    def counted(
        self, name: str, rows: Index, bins: Index, before: AnyArray, after: AnyArray
    ) -> None:
        """Keep the day's counts: a correction takes back what it added. `same` counts bins late in a run."""
        if name not in self.outputs:
            return
        time = bins * (MINUTES * MINUTE)
        hour = local_hour(time, self._zone)
        inside = np.flatnonzero((hour >= FIRST_H) & (hour < LAST_H))
        rows, day = rows[inside], local_day(time[inside], self._zone)
        slot = rows * DAYS + day % DAYS
        newer = self.days["day"][slot] < day
        for column in (*COUNTS, "same"):
            self.days[column][slot[newer]] = 0
        self.days["told"][slot[newer]] = -1
        self.days["day"][slot[newer]] = day[newer]
        kept = self.days["day"][slot] == day
        old, new = np.nan_to_num(before[inside]), np.nan_to_num(after[inside])
        if name == "_day_run":
            # A run of 50 has a bin that is the 50th of it.
            name, old, new = "_day_same", (old >= SAME) * 1.0, (new >= SAME) * 1.0
        more = (new - old)[kept].astype(np.int16)
        np.add.at(self.days[name.removeprefix("_day_")], slot[kept], more)
        self.days["news"][slot[kept]] = True

    def ended(self, until: int, now: int) -> Readings:
        """What the days say whose 22:00 has passed before the five minutes `until`, at their 05:00."""
        n = self.days.rows * DAYS
        if not n:
            return Readings.empty()
        local = int(local_ns(np.array([until * MINUTES * MINUTE]), self._zone)[0])
        ended = (local - LAST_H * HOUR) // DAY  # the newest day whose hours are over
        due = np.flatnonzero(self.days["news"][:n] & (self.days["day"][:n] <= ended))
        if not len(due):
            return Readings.empty()
        self.days["news"][due] = False
        counts = {c: self.days[c][due] for c in COUNTS}
        fault = judge_day(counts, np.where(self.days["same"][due] > 0, SAME, 0))
        new = self.days["told"][due] != fault
        due, fault = due[new], fault[new]
        self.days["told"][due] = fault
        start = self.days["day"][due].astype(np.int64) * DAY + FIRST_H * HOUR
        # The offset at noon: no zone changes its clocks between five o'clock and then.
        noon = start + 7 * HOUR
        time = start - (local_ns(noon, self._zone) - noon)
        device = self._members.device[due // DAYS]
        return Readings.of(device, np.full(len(due), self._code), time, fault, Flag.GOOD, now)
