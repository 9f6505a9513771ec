"""The fundamental diagram of a road with mostly motorcycles: flow by density, in motorcycle equivalents (MEU).

A triangle whose free side is bent once: riders go at the free speed while the road is light, and slower
from two fifths of the capacity on, because streets have signals; a queue answers with a straight line.
Capacities: Cao & Sano (2012), Hanoi, per direction. The bend, the speed at capacity and the density of a
standing queue are design values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from telemetry.arrays import Values

# By lanes in one direction [MEU/h]. Measured for 2, 3 and 4; one lane is half of two, further lanes come
# with what a lane of four has.
CAPACITY = {1: 6_679.0, 2: 13_358.0, 3: 21_725.0, 4: 24_335.0, 5: 30_419.0, 6: 36_502.0}
# What a vehicle takes of a road: Cao & Sano; a truck, which they left out, 2.5 PCU (TCXDVN 104:2007) of 3.4.
MEU = {"motorcycle": 1.0, "car": 3.4, "bus": 10.5, "truck": 8.5, "bicycle": 1.4}
JAM_PER_LANE = 510.0  # 150 cars a km and lane, 3.4 MEU each [MEU/km]
BEND = 0.4  # of the capacity: up to there nobody slows anybody
AT_CAPACITY = 0.55  # of the free speed


@dataclass(frozen=True)
class Diagram:
    """One diagram or many: columns of one shape. Flows [MEU/h], densities [MEU/km], speeds [km/h].

    free      speed of the empty road; bent: slope of the free side beyond the bend; wave: of the queue's
    capacity, critical, jam   the flow at the top, its density, and the density that stands
    """

    free: Values
    capacity: Values
    bent: Values
    critical: Values
    jam: Values
    wave: Values

    @classmethod
    def of(cls, lanes: ArrayLike, free_kmh: ArrayLike) -> Diagram:
        """Of roads with so many lanes in one direction (1…6) and this speed while empty."""
        count, free = np.broadcast_arrays(np.asarray(lanes, dtype=np.int64), free_kmh)
        free = np.asarray(free, dtype=np.float64)
        capacity = np.array(list(CAPACITY.values()))[count - 1]
        critical = capacity / (AT_CAPACITY * free)
        bent = (1.0 - BEND) * capacity / (critical - BEND * capacity / free)
        # On a slow road the queue's line must still be flatter than the free side.
        jam = np.maximum(JAM_PER_LANE * count, 2.2 * critical)
        return cls(free, capacity, bent, critical, jam, capacity / (jam - critical))

    @property
    def bend(self) -> Values:
        """Where the second line of the free side meets the axis of the flow. [MEU/h]"""
        return np.asarray(BEND * self.capacity * (1.0 - self.bent / self.free))

    def sending(self, density: ArrayLike) -> Values:
        """What a stretch of this density would send on: the free side, then the capacity."""
        k = np.asarray(density)
        return np.asarray(
            np.minimum(np.minimum(self.free * k, self.bend + self.bent * k), self.capacity)
        )

    def receiving(self, density: ArrayLike) -> Values:
        """What it would take in: the capacity, then the queue's side."""
        k = np.asarray(density)
        return np.asarray(np.minimum(self.capacity, self.wave * (self.jam - k)))

    def flow(self, density: ArrayLike) -> Values:
        """q(k)."""
        return np.asarray(np.minimum(self.sending(density), self.receiving(density)))

    def speed(self, density: ArrayLike) -> Values:
        """v(k) = q/k; the free speed of an empty road."""
        k = np.asarray(density, dtype=np.float64)
        return np.asarray(np.where(k > 0, self.flow(k) / np.maximum(k, 1e-9), self.free))

    def free_density(self, flow: ArrayLike) -> Values:
        """The density of the free side at a flow up to the capacity."""
        q = np.asarray(flow)
        return np.asarray(np.maximum(q / self.free, (q - self.bend) / self.bent))
