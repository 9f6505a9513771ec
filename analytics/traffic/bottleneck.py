"""Congestion that comes back: a slow stretch below which the road is fast, at the same hours day by day.

PeMS (Chen, Skabardonis & Varaiya 2004): active where the speed rises by 20 mph to the next station within
three miles, is under 40 mph, for at least five of any seven five-minute points. Scaled to the streets of
a city by the free-flow speed, our own choice: a rise of 0.3 and a speed under 0.5 of it (15 and 25 km/h
at 50 km/h). A station whose road has no station ahead is compared with its own free-flow speed.
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import ArrayLike

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.limits import FREE_SPEED, Limits
from analytics.localtime import local_day, local_hour
from analytics.snapshot import Tables
from analytics.table import Table
from analytics.traffic.performance import FREE_KMH
from analytics.traffic.stations import Stations
from telemetry.arrays import AnyArray, Index, Mask
from telemetry.clock import MINUTE

POINTS, NEEDED = 7, 5
RISE_SHARE, SLOW_SHARE = 0.3, 0.5
PEMS_RISE, PEMS_SLOW = 20.0, 40.0  # [mph]
SHIFT_ENDS = (5.0, 10.0, 15.0, 20.0)  # 5–10, 10–15, 15–20 h; the rest of the day is no shift
DAYS = 8  # kept; today and the seven before it
OFTEN = 3  # of the seven
SPLIT, KEPT = 5, 30


def points(speed: ArrayLike, ahead: ArrayLike, rise: ArrayLike, slow: ArrayLike) -> AnyArray:
    """Whether each five-minute point is one of a bottleneck; speeds and levels of one unit."""
    v, below = np.asarray(speed, np.float64), np.asarray(ahead, np.float64)
    return np.asarray(
        (v < np.asarray(slow, np.float64)) & (below - v >= np.asarray(rise, np.float64))
    )


def active(found: AnyArray) -> AnyArray:
    """[rows, 6 + bins] points → [rows, bins]: at least five of the seven up to each."""
    windows = np.lib.stride_tricks.sliding_window_view(found, POINTS, axis=1)
    return np.asarray(windows.sum(axis=-1) >= NEEDED)


class Bottleneck(Framed):
    """State per station: the speeds of the last hours, and how long each shift of eight days was slow."""

    def __init__(self, layout: Layout, limits: Limits, zone: ZoneInfo) -> None:
        super().__init__(
            "bottleneck", layout, ["traffic"], {"speed": Input("speed")},
            ("bottleneck", "recurring"), step=MINUTE, split=SPLIT, kept=KEPT, back=POINTS - 1,
        )  # fmt: skip
        self._limits, self._zone = limits, zone
        self._stations = Stations(self.frames.members, limits)
        shifts = len(SHIFT_ENDS) - 1
        self.days = Table({"day": (np.int32, 0), "slow": (np.int16, 0)}, width=DAYS * shifts)

    def grow(self, first: int) -> None:
        """Give a row to the stations among the devices from code `first` on."""
        super().grow(first)
        self.days.grow(len(self.frames.members))

    def tables(self) -> Tables:
        """The state: cells, and shifts of days."""
        return {**super().tables(), "bottleneck_days": (self.frames.members, self.days)}

    def touched_with(self, rows: Index, bins: Index) -> tuple[Index, Index]:
        """The stations upstream of these."""
        behind = self._stations.behind()[rows]
        return behind[behind >= 0], bins[behind >= 0]

    def recurs(self, rows: Index, time: AnyArray) -> Mask:
        """[rows, times]: whether three or more of the seven days before were slow in that shift."""
        day, shift = self._shift(time)
        often = np.zeros((len(rows), len(time)), dtype=np.int64)
        for back in range(1, DAYS):
            slot, there = self._slots(rows, day - back, shift)
            often += there & (self.days["slow"][slot] > 0)
        return np.asarray((often >= OFTEN) & (shift >= 0))

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """1 while the station is a bottleneck, and while that is usual at this hour; else 0."""
        back = POINTS - 1
        speed = _mean(look.of("speed", back))
        ahead = self._stations.ahead()[look.rows]
        own = self._limits.of(FREE_SPEED, self.frames.members.device[look.rows])
        free = np.where(own > 0, own, FREE_KMH)[:, None]
        below = _mean(look.beside("speed", ahead, back))
        below = np.where((ahead < 0)[:, None], free, below)
        slow = active(points(speed, below, RISE_SHARE * free, SLOW_SHARE * free)).astype(np.float64)
        slow[np.isnan(speed[:, back:])] = np.nan
        usual = self.recurs(look.rows, look.bins * (SPLIT * MINUTE))
        return {"bottleneck": slow, "recurring": np.where(usual, slow, 0.0 * slow)}

    def counted(
        self, name: str, rows: Index, bins: Index, before: AnyArray, after: AnyArray
    ) -> None:
        """Keep how many slow points each shift of a day has: a correction takes back what it added."""
        if name != "bottleneck":
            return
        more = np.nan_to_num(after) - np.nan_to_num(before)
        day, shift = self._shift(bins * (SPLIT * MINUTE))
        which = np.flatnonzero((more != 0) & (shift >= 0))
        slot = self._place(rows[which], day[which], shift[which])
        newer = self.days["day"][slot] < day[which]
        self.days["slow"][slot[newer]] = 0
        self.days["day"][slot[newer]] = day[which][newer]
        kept = self.days["day"][slot] == day[which]
        np.add.at(self.days["slow"], slot[kept], more[which][kept].astype(np.int16))

    def _shift(self, time: AnyArray) -> tuple[Index, Index]:
        """(local day, shift or -1) of each time."""
        shift = np.searchsorted(SHIFT_ENDS, local_hour(time, self._zone), side="right") - 1
        shift[shift == len(SHIFT_ENDS) - 1] = -1
        return np.asarray(local_day(time, self._zone)), np.asarray(shift)

    @staticmethod
    def _place(rows: Index, day: Index, shift: Index) -> Index:
        shifts = len(SHIFT_ENDS) - 1
        return np.asarray(rows * DAYS * shifts + day % DAYS * shifts + np.maximum(shift, 0))

    def _slots(self, rows: Index, day: Index, shift: Index) -> tuple[Index, Mask]:
        slot = self._place(rows[:, None], day[None, :], shift[None, :])
        return slot, self.days["day"][slot] == day[None, :]


def _mean(minutes: AnyArray) -> AnyArray:
    """Mean of the known minutes of each bin; NaN of none."""
    known = ~np.isnan(minutes)
    n = known.sum(axis=-1)
    total = np.where(known, minutes, 0.0).sum(axis=-1)
    return np.asarray(np.divide(total, n, out=np.full(n.shape, np.nan), where=n > 0))
