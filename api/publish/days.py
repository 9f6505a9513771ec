"""Days as a city has them: from midnight to midnight of its own time zone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from api.context import Context
from api.problems import not_found
from telemetry.clock import HOUR, from_datetime, to_datetime

_LATE = HOUR  # what comes later than that after midnight corrects a closed day


@dataclass(frozen=True, slots=True)
class Day:
    """start <= time < end [ns], and its name: 2026-11-22."""

    name: str
    start: int
    end: int


def day_of(day: date, zone: ZoneInfo) -> Day:
    """A day of this zone."""
    start, end = (
        from_datetime(datetime(d.year, d.month, d.day, tzinfo=zone))
        for d in (day, day + timedelta(days=1))
    )
    return Day(day.isoformat(), start, end)


def named_day(context: Context, name: str) -> Day:
    """The day of this name; 404 for what is none."""
    if re.fullmatch(r"(19[7-9]\d|20\d\d|21\d\d)-\d\d-\d\d", name):
        try:
            return day_of(date.fromisoformat(name), context.city.zone)
        except ValueError:
            pass
    raise not_found(f"day: must be a day like 2026-11-22, got {name[:40]!r}", "day")


def days_of(start: int, end: int, zone: ZoneInfo) -> Iterator[Day]:
    """The days that hold these times and all between."""
    day, last = to_datetime(start, zone).date(), to_datetime(end, zone).date()
    while day <= last:
        yield day_of(day, zone)
        day += timedelta(days=1)


def is_closed(context: Context, day: Day) -> bool:
    """Whether it is over, and what is usually late has come."""
    return context.clock.now() >= day.end + _LATE
