"""Which station follows which on a road: the next one downstream, as the stations' own entries say."""

from __future__ import annotations

import numpy as np

from analytics.limits import CHAINAGE, ROAD, Limits
from analytics.members import Members
from telemetry.arrays import Index, Values

NONE = -1
REACH_M = 4_828.0  # PeMS: three miles; further apart two stations say nothing of each other


def next_downstream(road: Values, chainage: Values, reach: float = REACH_M) -> Index:
    """Row of the next station ahead on the same road, -1 where there is none. [1], [m]; NaN: unknown."""
    order = np.lexsort((chainage, road))
    here, there = order[:-1], order[1:]
    gap = chainage[there] - chainage[here]
    follows = (road[here] == road[there]) & (gap > 0) & (gap <= reach)
    found = np.full(len(road), NONE, dtype=np.intp)
    found[here[follows]] = there[follows]
    return found


class Stations:
    """The downstream neighbour of each member, found anew when entries changed."""

    def __init__(self, members: Members, limits: Limits) -> None:
        self._members, self._limits = members, limits
        self._places: tuple[Values, Values] = (np.zeros(0), np.zeros(0))
        self._ahead = np.zeros(0, dtype=np.intp)

    def ahead(self) -> Index:
        """By row: the row of the next station downstream, or -1."""
        device = self._members.device
        places = self._limits.of(ROAD, device), self._limits.of(CHAINAGE, device)
        same = all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(places, self._places, strict=True)
        )
        if not same:
            self._places = places
            self._ahead = next_downstream(*places)
        return self._ahead

    def behind(self) -> Index:
        """By row: the row whose downstream neighbour it is, or -1."""
        ahead = self.ahead()
        found = np.full(len(ahead), NONE, dtype=np.intp)
        found[ahead[ahead >= 0]] = np.flatnonzero(ahead >= 0)
        return found
