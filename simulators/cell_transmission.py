"""The cell-transmission model: what stands on each cell of a road graph, step by step.

Daganzo 1994 and 1995 (Transportation Research B 28, 269–287; 29, 79–93): of what a cell would send and
the next would receive, the smaller flows. Where roads meet, each movement is cut to what its cell has
room for, and who finds no room there may turn elsewhere, as riders do. Between the meetings a share of
all traffic leaves into side streets and others come out of them; those that find no room wait there, so
no vehicle is lost or made. Everything in motorcycle equivalents (MEU); one step is STEP_S.
"""

from __future__ import annotations

import numpy as np

from simulators.flow_diagram import Diagram
from simulators.road_graph import STEP_S, RoadGraph
from telemetry.arrays import Index, Values

TRIP_M = 3_000.0  # mean length of a trip on main roads


class CellTransmission:
    """The state of the roads. `n` is what stands on each cell, `waiting` in its side streets. [MEU]

    entered, left    what came out of side streets and from outside, and what went there, since the start
    brought          what was put there at the start
    trip_m           mean length of a trip; without end, nobody turns into side streets
    """

    def __init__(self, graph: RoadGraph, trip_m: float = TRIP_M) -> None:
        self.graph = graph
        self.diagram = Diagram.of(graph.lanes, graph.free)
        hours, km = STEP_S / 3_600.0, graph.length / 1_000.0
        d = self.diagram
        self.km = km
        self._top = d.capacity * hours
        self._full = d.jam * km
        self._free, self._bend = d.free * hours / km, d.bend * hours
        self._bent, self._wave = d.bent * hours / km, d.wave * hours / km
        self._aside = 1.0 - np.exp(
            -graph.length / trip_m
        )  # share of a cell's traffic that turns off
        self._stay = 1.0 - self._aside
        # At a load u this much comes out of side streets, so that u stays u; at the city's edge all of it.
        self.supply = self._aside * self._top
        self.supply[graph.gates] += self._stay[graph.gates] * self._top[graph.gates]
        self._next = graph.on + 1
        self._ends, self._of_end = np.unique(graph.turn_from, return_inverse=True)
        self._begins, self._of_begin = np.unique(graph.turn_to, return_inverse=True)
        self.n: Values = np.zeros(len(graph))
        self.waiting: Values = np.zeros(len(graph))
        self.entered = self.left = self.brought = 0.0

    def settle(self, load: Values) -> None:
        """Put on the roads what stands there at this load, undisturbed. [share of the capacity]"""
        before = self.n.sum()
        self.n = self.diagram.free_density(np.minimum(load, 1.0) * self.diagram.capacity) * self.km
        self.brought += float(self.n.sum() - before)

    def step(
        self, supply: Values, pace: Values | float = 1.0, open_: Values | float = 1.0
    ) -> Values:
        """One step; returns what went out of each cell. [MEU]

        supply   what comes out of side streets and from outside in this step
        pace     of all flows at a density: 1 on a dry road
        open_    share of the capacity that is not blocked
        """
        top = self._top * open_
        send = (
            np.minimum(np.minimum(self._free * self.n, self._bend + self._bent * self.n), top)
            * pace
        )
        room = np.minimum(top, self._wave * (self._full - self.n)) * pace
        through = send * self._stay
        arrived = np.zeros(len(self.n))
        on, following = self.graph.on, self._next
        through[on] = arrived[following] = np.minimum(through[on], room[following])
        if len(self._ends):
            self._turn(through, room, arrived)
        out = through / self._stay
        want = self.waiting + supply
        came = np.minimum(want, room - arrived)
        self.waiting = want - came
        self.n = self.n + arrived + came - out
        self.entered += float(came.sum())
        self.left += float(out.sum() - arrived.sum())
        return out

    def _turn(self, through: Values, room: Values, arrived: Values) -> None:
        """The movements where roads meet: each gets the share of its cell's room that all of them get."""
        asked = through[self._ends][self._of_end] * self.graph.turn_share
        wanted = _total(self._of_begin, asked, len(self._begins))
        share = np.minimum(1.0, room[self._begins] / np.maximum(wanted, 1e-12))
        turned = asked * share[self._of_begin]
        through[self._ends] = _total(self._of_end, turned, len(self._ends))
        arrived[self._begins] = _total(self._of_begin, turned, len(self._begins))


def _total(of: Index, what: Values, count: int) -> Values:
    return np.asarray(np.bincount(of, what, count))
