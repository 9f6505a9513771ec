"""Local days and hours of columns of times: the zone is asked once an hour of time, not once a row."""

from __future__ import annotations

from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from telemetry.arrays import AnyArray, Times
from telemetry.clock import DAY, HOUR, SECOND, to_datetime


@lru_cache(maxsize=4_096)
def _offset(zone: ZoneInfo, hour: int) -> int:
    shift = to_datetime(hour * HOUR, zone).utcoffset()
    return int(shift.total_seconds()) * SECOND if shift else 0


def local_ns(time: AnyArray, zone: ZoneInfo) -> Times:
    """Wall-clock time as ns since 1970-01-01T00:00 local."""
    hours, where = np.unique(np.asarray(time) // HOUR, return_inverse=True)
    shift = np.array([_offset(zone, h) for h in hours.tolist()], dtype=np.int64)
    return np.asarray(time + shift[where.reshape(np.shape(time))])


def local_day(time: AnyArray, zone: ZoneInfo) -> Times:
    """Local days since 1970-01-01."""
    return local_ns(time, zone) // DAY


def local_hour(time: AnyArray, zone: ZoneInfo) -> AnyArray:
    """Local time of day. [h, 0…24)"""
    return np.asarray(local_ns(time, zone) % DAY / HOUR)
