"""The mean of angles is the direction of the sum of their unit vectors: 359° and 1° make 0°, not 180°.

After WMO-No. 8, Guide to Instruments and Methods of Observation, vol. I, 5.8 (averaging of direction).
"""

from __future__ import annotations

import numpy as np

from api.context import Context
from api.problems import too_much
from store.telemetry import Series, Windows
from telemetry.arrays import Mask, Values
from telemetry.flags import counts_in_windows

MAX_READINGS = 200_000
_NO_DIRECTION = 1e-9  # length of a mean vector that points nowhere


def mean_directions(context: Context, found: Windows, mean: Values, every: int) -> Values:
    """`mean` with the windows of circular quantities replaced by their vector mean. [deg]

    NaN where the vectors cancel out. Raises a 413 problem where too many readings would be needed.
    """
    kind = context.catalogue.kind_of[found.device]
    angles: Mask = context.kinds.circular[kind, found.quantity] & (found.count > 0)
    if not angles.any():
        return mean
    readings = context.telemetry.raw(
        Series(np.unique(found.device[angles]), np.unique(found.quantity[angles])),
        int(found.start[angles].min()),
        int(found.start[angles].max()) + every,
        MAX_READINGS + 1,
    )
    if len(readings) > MAX_READINGS:
        raise too_much("quantity: too many directions for a vector mean; ask for less", "quantity")
    readings = readings.take(counts_in_windows(readings.flag) & np.isfinite(readings.value))
    order = np.lexsort((readings.time // every, readings.quantity, readings.device))
    readings = readings.take(order)
    radians = np.radians(readings.value)
    key = np.stack([readings.device, readings.quantity, readings.time // every * every])
    first = np.flatnonzero(np.append(True, (key[:, 1:] != key[:, :-1]).any(axis=0)))
    north, east = np.add.reduceat(np.cos(radians), first), np.add.reduceat(np.sin(radians), first)
    count = np.diff(np.append(first, len(readings)))
    direction = np.degrees(np.arctan2(east, north)) % 360
    direction[np.hypot(north, east) / count < _NO_DIRECTION] = np.nan
    by_window = dict(zip(map(tuple, key[:, first].T.tolist()), direction.tolist(), strict=True))
    out = mean.copy()
    for i in np.flatnonzero(angles):
        at = (int(found.device[i]), int(found.quantity[i]), int(found.start[i]))
        out[i] = by_window.get(at, np.nan)
    return out
