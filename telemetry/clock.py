"""Time: nanoseconds since 1970-01-01T00:00Z everywhere inside, RFC 3339 at the edges.

This is the one module that reads the wall clock; everything else is handed a `Clock` or a time.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from telemetry.errors import TimeError

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# What 63 bits of ns reach: 1677-09-21T00:12:44Z…2262-04-11T23:47:16Z. Years are easier to remember.
_FIRST = -9_214_560_000 * SECOND  # 1678-01-01T00:00:00Z
_AFTER = 9_214_646_400 * SECOND  # 2262-01-01T00:00:00Z
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)?"
)


class Clock(Protocol):
    """Whoever needs to know what time it is is given one of these."""

    def now(self) -> int:
        """Now. [ns since 1970, UTC]"""
        ...


class SystemClock:
    """The wall clock."""

    def now(self) -> int:
        return time.time_ns()


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: int) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def advance(self, ns: int) -> None:
        """Move forward by `ns`; time does not run backwards here."""
        if ns < 0:
            raise ValueError(f"a clock advances by at least 0 ns, got {ns}")
        self._now += ns


def parse_time(text: str, place: str = "time") -> int:
    """RFC 3339 → ns. Exact to the nanosecond.

    Raises TimeError where the text is no RFC 3339 time, names no offset from UTC, or lies before 1678 or
    after 2261: ns in 64 bits reach no further.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise TimeError(
            place, "must be an RFC 3339 time", text, 'write it like "2026-11-22T03:00:00Z"'
        )
    date, clock, fraction, offset = match.groups()
    if offset is None:
        raise TimeError(place, "must name its offset from UTC", text, 'add "Z" or "+07:00"')
    try:
        whole = datetime.fromisoformat(f"{date}T{clock}{offset.replace('z', 'Z')}")
    except ValueError as error:
        raise TimeError(place, f"must be a time that exists ({error})", text) from None
    return within_reach(_ns(whole), place, text) + int((fraction or "0").ljust(9, "0"))


def from_datetime(moment: datetime, place: str = "time") -> int:
    """An aware datetime → ns. Raises TimeError for a naive one, and for one before 1678 or after 2261."""
    if moment.tzinfo is None:
        raise TimeError(place, "must be aware of its time zone", moment.isoformat())
    return within_reach(_ns(moment), place, moment.isoformat())


def _ns(moment: datetime) -> int:
    delta = moment - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds * 1_000


def within_reach(ns: int, place: str, shown: str) -> int:
    """The same time. Raises TimeError, with what was `shown`, where it lies before 1678 or after 2261."""
    if not _FIRST <= ns < _AFTER:
        raise TimeError(place, "must lie within the years 1678…2261", shown)
    return ns


def to_datetime(ns: int, zone: tzinfo = UTC) -> datetime:
    """ns → an aware datetime in `zone`, cut to microseconds."""
    return (_EPOCH + timedelta(microseconds=ns // 1_000)).astimezone(zone)


def format_time(ns: int) -> str:
    """ns → RFC 3339 in UTC, with as many digits of a second as are needed (0, 3, 6 or 9)."""
    seconds, rest = divmod(int(ns), SECOND)
    text = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    if rest == 0:
        return text + "Z"
    digits = f"{rest:09d}"
    for keep in (3, 6):
        if not digits[keep:].strip("0"):
            return f"{text}.{digits[:keep]}Z"
    return f"{text}.{digits}Z"


def parse_duration(text: str, place: str = "duration") -> int:
    """`30s`, `5m`, `1h`, `7d` → ns. Raises TimeError for anything else and for zero."""
    match = re.fullmatch(r"(\d{1,6})(s|m|h|d)", text)
    if match is None or int(match[1]) == 0:
        raise TimeError(place, "must be a duration like 30s, 5m, 1h or 7d", text)
    return int(match[1]) * {"s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}[match[2]]
