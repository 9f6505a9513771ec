"""The times that devices write: RFC 3339 with an offset, or seconds since 1970. → ns, UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from telemetry.arrays import Times
from telemetry.clock import SECOND, parse_time
from telemetry.errors import TimeError

# Further away than this nobody means seconds: 2**33 s is the year 2242, and ns stay within 63 bits.
MAX_SECONDS = 2**33
# Years whose ns fit into 63 bits; numpy would wrap others round in silence.
_PLAIN = re.compile(r"(?:19[789]|20\d|21\d)\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")


def device_time(value: object, received: int) -> int:
    """One time as a device wrote it; None means the time of receipt. [ns]

    Raises TimeError, in words, for anything that is no time.
    """
    if value is None:
        return received
    if isinstance(value, str):
        time = parse_time(value, "time")
        if abs(time) >= MAX_SECONDS * SECOND:
            raise TimeError("time", "must lie within the years 1698…2241", value)
        return time
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TimeError("time", "must be RFC 3339 text or seconds since 1970", value)
    if not 0 <= value < MAX_SECONDS:  # false for NaN, and right for a whole number beyond any float
        raise TimeError(
            "time", f"in seconds must lie within 0…{MAX_SECONDS}", value, "is it in milliseconds?"
        )
    if isinstance(value, int):
        return value * SECOND
    # A float holds about a microsecond of today's seconds: more digits would be invented.
    return round(value * 1e6) * 1_000


def plain_times(column: Sequence[object]) -> Times | None:
    """A whole column at once where every time is written `…Z` or as whole seconds, else None. [ns]"""
    types = set(map(type, column))
    if types == {str}:
        if not all(map(_PLAIN.fullmatch, column)):  # type: ignore[arg-type]
            return None
        try:
            return np.array([t[:-1] for t in column], dtype="datetime64[ns]").view(np.int64)  # type: ignore[index]
        except ValueError:
            return None
    if types == {int} and all(0 <= t < MAX_SECONDS for t in column):  # type: ignore[operator]
        return np.array(column, dtype=np.int64) * SECOND
    return None
