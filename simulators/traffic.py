"""Traffic: demand by hour and weekday, mostly motorcycles; speed falls with load, occupancy follows both."""

from __future__ import annotations

import numpy as np

from simulators.chance import Keys, derived, normal, uniform, wander
from simulators.fleet import Fleet, Rows
from simulators.rhythm import by_hour, demand
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


def lanes(key: Keys) -> Values:
    """Lanes in the direction that a counter of this key watches."""
    return np.asarray(2.0 + np.floor(3.0 * uniform(derived(key, 80))))


def free_speed(key: Keys) -> Values:
    """Speed there while the road is free. [km/h]"""
    return np.asarray(38.0 + 14.0 * uniform(derived(key, 82)))


class TrafficModel:
    """What the counters report: vehicles in the interval, mean speed, occupancy."""

    def __init__(self, fleet: Fleet) -> None:
        self._minutes = fleet.kind.interval_s / 60.0
        self._lanes = lanes(fleet.key)
        # Vehicles a minute and lane at the peak, and speed of a free road [km/h].
        self._peak = 22.0 + 12.0 * uniform(derived(fleet.key, 81))
        self._free = free_speed(fleet.key)
        self._worst = 0.50 + 0.14 * uniform(derived(fleet.key, 83))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        load = demand(rows) * np.exp(
            0.08 * wander(derived(rows.key, 84), rows.t, 10_800.0, 2_700.0, 600.0)
        )
        vehicles = load * (self._peak * self._lanes)[rows.device] * self._minutes
        trucks = by_hour(TRUCKS, rows.hour)
        counts = {
            name: self._counted(rows, salt, vehicles * share * (trucks if name == "truck" else 1.0))
            for salt, (name, share) in enumerate(MIX.items(), 85)
        }
        speed = self._speed(rows, load)
        return {**counts, "speed": speed, "occupancy": self._occupancy(rows, counts, speed)}

    def _counted(self, rows: Rows, salt: int, mean: Values) -> Values:
        """Whole vehicles that scatter as arrivals do: variance ≈ mean."""
        scatter = np.sqrt(mean) * normal(derived(rows.key, salt), rows.slot)
        spread = uniform(derived(rows.key, salt + 10), rows.slot)
        return np.asarray(np.floor(np.maximum(mean + 0.8 * scatter, 0.0) + spread))

    def _speed(self, rows: Rows, load: Values) -> Values:
        """Falls with the square of the load; `worst` is the part that the peak takes away. [km/h]"""
        slowed = 1.0 - self._worst[rows.device] * np.tanh(load) ** 2 / np.tanh(1.0) ** 2
        noise = 1.0 + 0.03 * normal(derived(rows.key, 99), rows.slot)
        return np.asarray(self._free[rows.device] * slowed * noise)

    def _occupancy(self, rows: Rows, counts: dict[str, Values], speed: Values) -> Values:
        """Share of the time that a vehicle stands over the loop: Σ n·(L + loop) / (v·T·lanes). [%]"""
        metres = np.zeros(len(rows))
        for name, n in counts.items():
            abreast = RIDERS_ABREAST if name in ("motorcycle", "bicycle") else 1.0
            metres = metres + n * (LENGTH_M[name] + LOOP_M) / abreast
        travelled = speed / 3.6 * self._minutes * 60.0 * self._lanes[rows.device]
        return np.asarray(np.minimum(100.0 * metres / np.maximum(travelled, 1.0), 90.0))
