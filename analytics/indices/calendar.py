"""Hours in UTC ↔ days, hours and years on the city's clock, for whole columns.

An hour, numbered from 1970 in UTC, belongs to the local day in which it begins. Where local midnight lies
within an hour of UTC (a zone of half hours), the day begins with the next whole hour.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from telemetry.arrays import AnyArray, Index

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = date(1970, 1, 1)
_KNOWN = 200_000  # hours and days remembered: twenty years


class LocalCalendar:
    """Local days are numbered from 1970-01-01."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._hours: dict[int, tuple[int, int]] = {}
        self._days: dict[int, int] = {}

    def day(self, hour: AnyArray) -> Index:
        """The local day of each hour."""
        return self._of_hours(hour, 0)

    def clock(self, hour: AnyArray) -> Index:
        """The hour that the local clock shows when each hour begins, 0 … 23."""
        return self._of_hours(hour, 1)

    def first_hour(self, day: AnyArray) -> Index:
        """The first hour of each local day. The day ends where the next one begins."""
        different, place = np.unique(np.asarray(day, np.int64), return_inverse=True)
        first = [self._first_hour(d) for d in different.tolist()]
        found: Index = np.array(first, dtype=np.int64)[place]
        return found

    @staticmethod
    def year(day: AnyArray) -> Index:
        """The year of each local day."""
        years = np.asarray(day, np.int64).astype("datetime64[D]").astype("datetime64[Y]")
        found: Index = years.astype(np.int64) + 1970
        return found

    @staticmethod
    def first_day(year: AnyArray) -> Index:
        """The first local day of each year."""
        years = (np.asarray(year, np.int64) - 1970).astype("datetime64[Y]")
        found: Index = years.astype("datetime64[D]").astype(np.int64)
        return found

    def _of_hours(self, hour: AnyArray, which: int) -> Index:
        different, place = np.unique(np.asarray(hour, np.int64), return_inverse=True)
        known = [self._local(h)[which] for h in different.tolist()]
        found: Index = np.array(known, dtype=np.int64)[place]
        return found

    def _local(self, hour: int) -> tuple[int, int]:
        found = self._hours.get(hour)
        if found is None:
            local = (_EPOCH + timedelta(hours=hour)).astimezone(self._zone)
            found = (local.date() - _FIRST).days, local.hour
            if len(self._hours) >= _KNOWN:
                self._hours.clear()
            self._hours[hour] = found
        return found

    def _first_hour(self, day: int) -> int:
        found = self._days.get(day)
        if found is None:
            midnight = datetime.combine(
                _FIRST + timedelta(days=day), datetime.min.time(), self._zone
            )
            since = midnight.astimezone(UTC) - _EPOCH
            found = -(-since // timedelta(hours=1))
            if len(self._days) >= _KNOWN:
                self._days.clear()
            self._days[day] = found
        return found
