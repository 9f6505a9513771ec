"""A city's main roads → a directed graph of cells: where roads meet, and how the traffic turns there.

Each road is two chains of cells, one in each direction; a cell is as long as a free vehicle goes in a
step. Roads that come within 400 m of each other meet there: the lines of a city file are sketches. How
much turns where follows from the capacities: a load that is alike everywhere stays alike (Furness'
balancing of turning flows, as in transport planning).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from devices.city import City, Road
from simulators.flow_diagram import CAPACITY
from simulators.places import METRES_PER_DEG, Line
from simulators.road_meetings import meetings
from telemetry.arrays import Index, Values

STEP_S = 20.0
STRAIGHT_ON, TURN, BACK = 6.0, 1.0, 0.02  # how likely, before the balance
BALANCED = 60  # rounds
FORWARD, BACKWARD = 0, 1
NO_ROADS_M = 4_000.0  # of a road through the centre, where a city file has none


@dataclass(frozen=True, slots=True)
class Chain:
    """One direction of a road: cells first … first + count - 1, in the order in which they are driven."""

    road: int
    direction: int
    first: int
    count: int


@dataclass(frozen=True)
class RoadGraph:
    """Cells as columns, chain by chain, and the movements at the places where roads meet.

    length [m], lanes, free [km/h], lat, lon [deg] (middle), heading (east, north; of length 1) of each cell
    gates       first cells of chains that begin at the city's edge
    on          cells whose traffic goes on into the next cell
    turn_from, turn_to, turn_share   the movements: share of what leaves a cell for another; shares of one
                cell are 1 together. Cells that are neither in `on` nor here end at the city's edge.
    """

    roads: tuple[Road, ...]
    chains: tuple[Chain, ...]
    length: Values
    lanes: Index
    free: Values
    lat: Values
    lon: Values
    heading: Values
    gates: Index
    on: Index
    turn_from: Index
    turn_to: Index
    turn_share: Values

    def __len__(self) -> int:
        return len(self.length)

    def cell(self, road: int, direction: int, metres: float) -> int:
        """The cell of a road so many metres from the beginning of its direction."""
        chain = self.chains[2 * road + direction]
        place = int(metres / self.length[chain.first])
        return chain.first + min(max(place, 0), chain.count - 1)

    def nearest(self, lat: float, lon: float) -> int:
        """The cell whose middle is nearest."""
        squeeze = np.cos(np.radians(lat))
        return int(np.argmin((self.lat - lat) ** 2 + ((self.lon - lon) * squeeze) ** 2))

    def chain_of(self, cell: int) -> Chain:
        """The chain that a cell belongs to."""
        firsts = [c.first for c in self.chains]
        return self.chains[int(np.searchsorted(firsts, cell, side="right")) - 1]


def road_graph(city: City) -> RoadGraph:
    """The graph of a city's roads. One through its centre where it has none."""
    roads = city.roads or (_through(city),)
    lines = [Line(road) for road in roads]
    steps = [r.free_kmh / 3.6 * STEP_S for r in roads]
    counts = [max(1, int(x.length / s)) for x, s in zip(lines, steps, strict=True)]
    chains, first = [], 0
    for road, count in enumerate(counts):
        for direction in (FORWARD, BACKWARD):
            chains.append(Chain(road, direction, first, count))
            first += count
    # A road that is shorter than a cell is as long as one: nobody may skip it.
    sizes = [max(x.length / n, s) for x, n, s in zip(lines, counts, steps, strict=True)]
    nodes = _nodes(lines, counts)
    places = [_middles(lines[c.road], c) for c in chains]
    leaves = {c for node in nodes for b in node for c in _arriving(chains, *b)}
    turns = [t for node in nodes for t in _turns(roads, chains, node)]
    inner = [k for c in chains for k in range(c.first, c.first + c.count - 1) if k not in leaves]
    turns.sort()
    return RoadGraph(
        roads=tuple(roads),
        chains=tuple(chains),
        length=np.concatenate([np.full(c.count, sizes[c.road]) for c in chains]),
        lanes=np.concatenate([np.full(c.count, roads[c.road].lanes) for c in chains]),
        free=np.concatenate([np.full(c.count, roads[c.road].free_kmh) for c in chains]),
        lat=np.concatenate([p[:, 0] for p in places]),
        lon=np.concatenate([p[:, 1] for p in places]),
        heading=np.concatenate([p[:, 2:] for p in places]),
        gates=np.array(_gates(chains, nodes), dtype=np.intp),
        on=np.array(inner, dtype=np.intp),
        turn_from=np.array([t[0] for t in turns], dtype=np.intp),
        turn_to=np.array([t[1] for t in turns], dtype=np.intp),
        turn_share=np.array([t[2] for t in turns]),
    )


def _through(city: City) -> Road:
    lat, lon = city.centre
    half = NO_ROADS_M / 2 / METRES_PER_DEG
    return Road(name=city.vi, points=((lat - half, lon), (lat + half, lon)))


def _middles(line: Line, chain: Chain) -> Values:
    """(lat, lon, east, north) of each cell of a chain."""
    size = line.length / chain.count
    edges = np.array([line.at(n * size) for n in range(chain.count + 1)])
    middles = np.array([line.at((n + 0.5) * size) for n in range(chain.count)])
    north, east = np.diff(edges[:, 0]), np.diff(edges[:, 1]) * np.cos(np.radians(edges[:-1, 0]))
    norm = np.maximum(np.hypot(north, east), 1e-12)
    found = np.column_stack([middles, east / norm, north / norm])
    if chain.direction == BACKWARD:
        found = found[::-1] * (1.0, 1.0, -1.0, -1.0)
    return np.asarray(found)


Boundary = tuple[int, int]  # (road, cells from its beginning)


def _nodes(lines: Sequence[Line], counts: Sequence[int]) -> list[list[Boundary]]:
    """Where roads meet: the boundaries between cells that are one place. A road may pass it once."""
    merged: dict[Boundary, set[Boundary]] = {}
    for a, along_a, b, along_b in meetings(lines):
        ends = {
            _boundary(lines[a], counts[a], a, along_a),
            _boundary(lines[b], counts[b], b, along_b),
        }
        whole = ends.union(*(merged.get(e, set()) for e in ends))
        if len({road for road, _ in whole}) == len(whole):
            merged |= dict.fromkeys(whole, whole)
    nodes = {min(whole): sorted(whole) for whole in merged.values()}
    return [nodes[n] for n in sorted(nodes)]


def _boundary(line: Line, count: int, road: int, metres: float) -> Boundary:
    return road, round(metres / line.length * count)


def _arriving(chains: Sequence[Chain], road: int, at: int) -> list[int]:
    """The cells, one a direction, that end at a boundary of a road."""
    ahead, back = chains[2 * road], chains[2 * road + 1]
    found = [ahead.first + at - 1] if at > 0 else []
    return found + ([back.first + back.count - at - 1] if at < back.count else [])


def _leaving(chains: Sequence[Chain], road: int, at: int) -> list[int]:
    """The cells that begin there."""
    ahead, back = chains[2 * road], chains[2 * road + 1]
    found = [ahead.first + at] if at < ahead.count else []
    return found + ([back.first + back.count - at] if at > 0 else [])


def _gates(chains: Sequence[Chain], nodes: Sequence[list[Boundary]]) -> list[int]:
    """First cells of chains that begin at no meeting."""
    met = {b for node in nodes for b in node}
    heads = [(c.road, 0 if c.direction == FORWARD else c.count) for c in chains]
    return [c.first for c, head in zip(chains, heads, strict=True) if head not in met]


def _turns(
    roads: Sequence[Road], chains: Sequence[Chain], node: Sequence[Boundary]
) -> list[tuple[int, int, float]]:
    """(from cell, to cell, share) of each movement at a meeting."""
    into = [(cell, road) for road, at in node for cell in _arriving(chains, road, at)]
    out = [(cell, road) for road, at in node for cell in _leaving(chains, road, at)]
    capacity_in = np.array([CAPACITY[roads[r].lanes] for _, r in into])
    capacity_out = np.array([CAPACITY[roads[r].lanes] for _, r in out])
    weight = np.array([[_likely(a, b) for b in out] for a in into]) * capacity_out
    for _ in range(BALANCED):
        weight *= (capacity_in / weight.sum(axis=1))[:, None]
        weight *= capacity_out / weight.sum(axis=0)
    share = weight / weight.sum(axis=1, keepdims=True)
    return [
        (into[i][0], out[j][0], float(share[i, j]))
        for i in range(len(into))
        for j in range(len(out))
    ]


def _likely(a: tuple[int, int], b: tuple[int, int]) -> float:
    if a[1] != b[1]:
        return TURN
    return STRAIGHT_ON if b[0] == a[0] + 1 else BACK
