"""Roll-ups computed anew beside those that are stored, where readings have left the store for their age."""

from __future__ import annotations

import numpy as np

from store.telemetry import Rollups
from telemetry.arrays import AnyArray


def fuller(found: Rollups, stored: Rollups, before: int) -> Rollups:
    """`found`, but of windows before a time the stored one, where that counts more values.

    A late reading re-opens its window; where the window's other readings are gone, what was computed
    from all of them is worth more than what is left to compute from.
    """
    old = np.flatnonzero(found.start < before)
    if not len(old) or not len(stored):
        return found
    keys, mine = _keys(stored), _keys(found)[old]
    order = np.argsort(keys, kind="stable")
    place = np.minimum(np.searchsorted(keys, mine, sorter=order), len(keys) - 1)
    match = order[place]
    better = (keys[match] == mine) & (stored.count[match] > found.count[old])
    columns = {name: getattr(found, name).copy() for name in Rollups.__dataclass_fields__}
    for name, column in columns.items():
        column[old[better]] = getattr(stored, name)[match[better]]
    return Rollups(**columns)


def _keys(rollups: Rollups) -> AnyArray:
    keys = np.empty(len(rollups), dtype=[("series", np.int64), ("start", np.int64)])
    keys["series"] = rollups.device.astype(np.int64) * 65_536 + rollups.quantity
    keys["start"] = rollups.start
    return keys
