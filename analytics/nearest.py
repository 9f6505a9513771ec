"""The nearest others of each place, within a distance: places on a grid, searched ring by ring.

Distances are those of the local plane: right within 0.1 % over some tens of kilometres. Places on both
sides of the 180th meridian do not find one another.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from telemetry.arrays import AnyArray, Index, Values

METRES_PER_DEG = 111_195.0
PER_CELL = 2.0  # places, on average
FINEST = 32  # cells within the distance, at most
AT_ONCE = 20_000  # places searched at one time

NONE = -1


def nearest(lat: Values, lon: Values, rank: Index, count: int, reach_m: float) -> Index:
    """[n, count]: places nearest to each, the nearest first, itself left out; -1 where there are no more.

    lat, lon [deg], none of them NaN; rank: which comes first of two that are equally far.
    """
    found = np.full((len(lat), count), NONE, dtype=np.intp)
    if len(lat) > 1:
        grid = _Grid(lat, lon, reach_m)
        for first in range(0, len(lat), AT_ONCE):
            who = np.arange(first, min(first + AT_ONCE, len(lat)))
            found[who] = _search(grid, who, rank, count, reach_m)
    return found


class _Grid:
    """Places in cells of equal size, in metres to the east and north. East is squeezed to what a degree
    measures at the latitude furthest from the equator, so no distance is overestimated."""

    def __init__(self, lat: Values, lon: Values, reach_m: float) -> None:
        self.lat, self.lon = lat, lon
        east = (lon - lon.min()) * METRES_PER_DEG * np.cos(np.radians(np.abs(lat).max()))
        north = (lat - lat.min()) * METRES_PER_DEG
        even = np.sqrt((east.max() + 1.0) * (north.max() + 1.0) * PER_CELL / len(lat))
        self.size = float(np.clip(even, reach_m / FINEST, reach_m))
        self.column = (east // self.size).astype(np.int64)
        self.row = (north // self.size).astype(np.int64)
        self.width = int(self.column.max()) + 1
        cell = self.row * self.width + self.column
        self._order = np.argsort(cell, kind="stable")
        self._cell = cell[self._order]

    def within(self, who: Index, ring: int) -> tuple[Index, Index]:
        """(place of `who`, other place) of all pairs whose cells lie so many cells apart."""
        parts = [self._pairs(who, right, up) for right, up in _ring(ring)]
        return (
            np.concatenate([p for p, _ in parts]),
            np.concatenate([other for _, other in parts]),
        )

    def _pairs(self, who: Index, right: int, up: int) -> tuple[Index, Index]:
        column, row = self.column[who] + right, self.row[who] + up
        cell = np.where((column >= 0) & (column < self.width), row * self.width + column, -1)
        first = np.searchsorted(self._cell, cell)
        number = np.searchsorted(self._cell, cell, side="right") - first
        within = np.arange(int(number.sum())) - np.repeat(np.cumsum(number) - number, number)
        return np.repeat(who, number), self._order[np.repeat(first, number) + within]

    def apart(self, a: Index, b: Index) -> Values:
        """Distance of pairs. [m]"""
        middle = np.cos(np.radians((self.lat[a] + self.lat[b]) / 2))
        east, north = (self.lon[a] - self.lon[b]) * middle, self.lat[a] - self.lat[b]
        return np.asarray(np.hypot(east, north) * METRES_PER_DEG)


def _ring(ring: int) -> Iterator[tuple[int, int]]:
    for right in range(-ring, ring + 1):
        edge = abs(right) == ring
        yield from ((right, up) for up in (range(-ring, ring + 1) if edge else (-ring, ring)))


def _search(grid: _Grid, who: Index, rank: Index, count: int, reach_m: float) -> Index:
    found = np.full((len(who), count), NONE, dtype=np.intp)
    far = np.full((len(who), count), np.inf)
    for ring in range(int(np.ceil(reach_m / grid.size)) + 1):
        # Whoever is not seen yet is further away than the rings that are behind us.
        some = np.flatnonzero(far[:, -1] > (ring - 1) * grid.size)
        if not len(some):
            break
        place, other = grid.within(who[some], ring)
        apart = grid.apart(place, other)
        near = (apart <= reach_m) & (place != other)
        place, other, apart = place[near] - who[0], other[near], apart[near]
        order = np.lexsort((rank[other], apart, place))
        place, other, apart = place[order], other[order], apart[order]
        nth = _nth(place)
        best = nth < count
        place, other, apart, nth = place[best], other[best], apart[best], nth[best]
        more = np.full((len(who), count), NONE, dtype=np.intp)
        more_far = np.full((len(who), count), np.inf)
        more[place, nth], more_far[place, nth] = other, apart
        both, both_far = np.hstack([found, more]), np.hstack([far, more_far])
        by = np.lexsort((rank[both], both_far), axis=-1)[:, :count]
        found, far = np.take_along_axis(both, by, 1), np.take_along_axis(both_far, by, 1)
    return found


def _nth(sorted_keys: AnyArray) -> Index:
    """Number of each row among those of its key: 0, 1, 2, …"""
    first = np.flatnonzero(np.diff(sorted_keys, prepend=-1))
    size = np.diff(np.append(first, len(sorted_keys)))
    return np.arange(len(sorted_keys)) - np.repeat(first, size)
