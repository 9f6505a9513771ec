"""Traffic counters: vehicles by class, mean speed and occupancy of what flows past them on the road graph.

The three belong together: what passed is density times speed, and the loop is held by what stands over
it. Most vehicles are motorcycles.
"""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform
from simulators.fleet import Fleet, Rows
from simulators.flow_diagram import MEU
from simulators.rhythm import by_hour
from simulators.road_traffic import RoadTraffic
from telemetry.arrays import Values

# Share of the vehicles, and the length of road that a detector sees one on: its own and the loop's [m].
MIX = {"motorcycle": 0.800, "car": 0.145, "bus": 0.012, "truck": 0.030, "bicycle": 0.013}
LENGTH_M = {"motorcycle": 1.9, "car": 4.5, "bus": 10.0, "truck": 8.0, "bicycle": 1.8}
LOOP_M = 2.0
# Trucks are kept out of the city at its peaks and come by night.
TRUCKS = (
    3.0, 3.5, 3.5, 3.2, 2.6, 1.6, 0.5, 0.3, 0.4, 0.8, 1.1, 1.1,
    1.1, 1.2, 1.1, 0.9, 0.5, 0.3, 0.4, 0.7, 1.1, 1.6, 2.2, 2.6,
)  # fmt: skip
RIDERS_ABREAST = 2.2  # motorcycles share a lane's width, so a loop is held by several at once
SPEED_NOISE = 0.03


class TrafficModel:
    """What the counters report: vehicles in the interval, mean speed, occupancy."""

    def __init__(self, roads: RoadTraffic, fleet: Fleet) -> None:
        self._roads = roads
        self._minutes = fleet.kind.interval_s / 60.0
        cell = np.array([roads.places[d.id] for d in fleet.devices], dtype=np.intp)
        self._watched = np.searchsorted(roads.watched, cell)
        self._lanes = roads.graph.lanes[cell].astype(np.float64)
        self._free = roads.graph.free[cell]
        # How many of ten vehicles are motorcycles: fewer on the roads out of the city.
        self._riders = 0.74 + 0.12 * uniform(derived(fleet.key, 81))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        of = rows.device
        flow, density = self._roads.at(self._watched[of], rows.time)
        share = self._shares(rows)
        heavy = sum((n * MEU[name] for name, n in share.items()), np.zeros(len(rows)))
        vehicles = flow * self._minutes / heavy
        counts = {
            name: self._counted(rows, salt, vehicles * share[name])
            for salt, name in enumerate(MIX, 85)
        }
        # q = k·v, from [MEU/min] and [MEU/km].
        speed = np.where(density > 1e-6, 60.0 * flow / np.maximum(density, 1e-6), self._free[of])
        noise = 1.0 + SPEED_NOISE * normal(derived(rows.key, 99), rows.slot)
        standing = density / heavy / self._lanes[of] * _metres(share)
        seen, meant = _metres(counts), vehicles * _metres(share)
        scatter = np.clip(np.where(meant > 0, seen / np.maximum(meant, 1e-9), 1.0), 0.0, 2.5)
        occupancy = np.minimum(0.1 * standing * scatter / noise, 95.0)
        return {**counts, "speed": speed * noise, "occupancy": occupancy}

    def _shares(self, rows: Rows) -> dict[str, Values]:
        """Share of each class among the vehicles at each row; together 1 at an hour with usual trucks."""
        riders = self._riders[rows.device]
        others = (1.0 - riders) / (1.0 - MIX["motorcycle"])
        share = {name: others * part for name, part in MIX.items()}
        share["motorcycle"] = riders
        share["truck"] = share["truck"] * by_hour(TRUCKS, rows.hour)
        return share

    def _counted(self, rows: Rows, salt: int, mean: Values) -> Values:
        """Whole vehicles that scatter as arrivals do: variance ≈ mean."""
        scatter = np.sqrt(mean) * normal(derived(rows.key, salt), rows.slot)
        spread = uniform(derived(rows.key, salt + 10), rows.slot)
        return np.asarray(np.floor(np.maximum(mean + 0.8 * scatter, 0.0) + spread))


def _metres(vehicles: dict[str, Values]) -> Values:
    """Length over a lane's loop of so many of each class: Σ n·(L + loop), riders side by side. [m]"""
    total: Values = np.zeros(1)
    for name, n in vehicles.items():
        abreast = RIDERS_ABREAST if name in ("motorcycle", "bicycle") else 1.0
        total = total + n * (LENGTH_M[name] + LOOP_M) / abreast
    return total
