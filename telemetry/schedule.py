"""Hours of the week in local time: when a rule holds, when people are reached."""

from __future__ import annotations

from datetime import datetime, time, tzinfo
from typing import Literal

import msgspec
import numpy as np

from telemetry.arrays import Mask, Times
from telemetry.clock import MINUTE, SECOND, to_datetime

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_DAY_S = 86_400
_EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Days and hours, local. Empty: every day; without `start` or `end`: from or to midnight.

    Over midnight where end <= start; an hour after midnight then belongs to the day it began on.
    """

    days: tuple[Day, ...] = ()
    start: time | None = None
    end: time | None = None

    def holds(self, local: datetime) -> bool:
        """True at this local time."""
        clock = local.time()
        seconds = clock.hour * 3_600 + clock.minute * 60 + clock.second
        return bool(self._mask(np.array([local.weekday()]), np.array([seconds]))[0])

    def holds_at(self, times: Times, zone: tzinfo) -> Mask:
        """True at each of these times [ns, UTC], seen in a zone."""
        if not self.days and self.start is None and self.end is None:
            return np.ones(len(times), dtype=bool)
        # Offsets change on the quarter hour at most: one look at the zone for each of those.
        quarter, which = np.unique(times // (15 * MINUTE), return_inverse=True)
        offsets = [_offset(int(q) * 15 * MINUTE, zone) for q in quarter]
        local = times // SECOND + np.array(offsets, dtype=np.int64)[which]
        return self._mask((local // _DAY_S + _EPOCH_WEEKDAY) % 7, local % _DAY_S)

    def _mask(self, weekday: Times, seconds: Times) -> Mask:
        start, end = _seconds(self.start), _seconds(self.end)
        if start < end:
            inside = (seconds >= start) & (seconds < end)
        else:
            inside = (seconds >= start) | (seconds < end)
            weekday = np.where((seconds < end) & (start != end), weekday - 1, weekday) % 7
        if not self.days:
            return np.asarray(inside)
        allowed = np.array([day in self.days for day in DAYS])
        return np.asarray(inside & allowed[weekday])

    def longest_s(self) -> int:
        """The longest time that it holds without a break. [s]"""
        start, end = _seconds(self.start), _seconds(self.end)
        hours = (end - start) % _DAY_S or _DAY_S
        if hours < _DAY_S:
            return hours
        if not self.days or len(set(self.days)) == len(DAYS):
            return 10**9
        on = [day in self.days for day in DAYS] * 2
        runs = "".join("x" if o else " " for o in on).split()
        return max(len(r) for r in runs) * _DAY_S


def _seconds(clock: time | None) -> int:
    return 0 if clock is None else clock.hour * 3_600 + clock.minute * 60 + clock.second


def _offset(at: int, zone: tzinfo) -> int:
    offset = to_datetime(at).astimezone(zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
