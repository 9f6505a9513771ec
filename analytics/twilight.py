"""Is it day at a device's place? Civil twilight by astral, once a place and day, never once a reading.

Day lasts from civil dawn to civil dusk (the sun's centre 6° below the horizon). Places are rounded to
0.1°: that moves both by less than half a minute.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import astral
import astral.sun
import numpy as np

from telemetry.arrays import AnyArray, Mask, Times, Values
from telemetry.clock import DAY, HOUR, from_datetime

DEPRESSION = 6.0  # [deg]
PLACE = 0.1  # [deg]
_ROOM = 10_000
NEVER = (0, 0)


@lru_cache(maxsize=65_536)
def day_span(tenth_lat: int, tenth_lon: int, day: int) -> tuple[int, int]:
    """(dawn, dusk) of a day of local mean time, days since 1970. [0.1 deg] → [ns, UTC]

    (0, 0) where the sun does not do both that day.
    """
    observer = astral.Observer(tenth_lat * PLACE, tenth_lon * PLACE)
    on = date(1970, 1, 1) + timedelta(days=day)
    noon = day * DAY + DAY // 2 - _local(tenth_lon * PLACE)
    try:
        found = [
            from_datetime(moment)
            for shift in (-1, 0, 1)
            for moment in (
                astral.sun.dawn(observer, on + timedelta(days=shift), DEPRESSION),
                astral.sun.dusk(observer, on + timedelta(days=shift), DEPRESSION),
            )
        ]
    except ValueError:
        return NEVER
    # astral's days are UTC's: the dawn and the dusk on both sides of the local noon are meant.
    before = [t for t in found if noon - DAY < t <= noon]
    after = [t for t in found if noon < t < noon + DAY]
    return (max(before), min(after)) if before and after else NEVER


def is_day(lat: Values, lon: Values, time: Times) -> Mask:
    """Whether the sun stands less than 6° under the horizon; False where the place is unknown (NaN)."""
    found = np.zeros(len(time), dtype=bool)
    known = np.flatnonzero(~(np.isnan(lat) | np.isnan(lon)))
    if not len(known):
        return found
    a, b = (np.rint(x[known] / PLACE).astype(np.int64) for x in (lat, lon))
    shift = np.rint(b * PLACE / 15.0 * HOUR).astype(np.int64)
    day = (time[known] + shift) // DAY
    key = ((day * _ROOM) + a + 1_000) * _ROOM + b + 2_000
    _, first, where = np.unique(key, return_index=True, return_inverse=True)
    spans = np.array([day_span(int(a[i]), int(b[i]), int(day[i])) for i in first.tolist()])
    of: AnyArray = spans[where]
    found[known] = (of[:, 0] <= time[known]) & (time[known] < of[:, 1])
    return found


def _local(lon: float) -> int:
    return round(lon / 15.0 * HOUR)
