"""Speed, density, delay and level of service from counts, speeds and occupancies: the textbook relations.

HCM (levels of service), PeMS (delay, travel-time index), Greenshields 1935. Pure; arrays of one shape.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from telemetry.arrays import AnyArray, Mask, Values

LOOP_M = 2.0
# Length of a vehicle as a loop sees it, without the loop [m]: design values (TCVN 4054 vehicle sizes).
LENGTH_M = {"motorcycle": 1.9, "car": 4.5, "bus": 10.0, "truck": 8.0, "bicycle": 1.8}
# HCM, freeways: density up to which a level holds [pc/mi/ln]; above the last it is F.
FREEWAY_PC_MI = (11.0, 18.0, 26.0, 35.0, 45.0)
MILE_KM = 1.609344
# HCM 2010, urban streets: share of the base free-flow speed above which a level holds [%].
STREET_PERCENT = (85.0, 67.0, 50.0, 40.0, 30.0)
SLOWEST = 1.0  # a standing queue is taken to move at walking pace's quarter: travel times stay finite [km/h]


def space_mean_speed(vehicles: ArrayLike, speed: ArrayLike) -> Values:
    """Harmonic mean over the last axis, weighted by vehicles: Σ n / Σ (n/v). [{veh}], [km/h] → [km/h]

    Where nobody passed at all, the plain harmonic mean; NaN where no speed is known.
    """
    n, v = np.asarray(vehicles, np.float64), np.asarray(speed, np.float64)
    known = ~np.isnan(v)
    weight = np.where(known, np.nan_to_num(n), 0.0)
    nobody = weight.sum(axis=-1, keepdims=True) == 0
    weight = np.where(nobody & known, 1.0, weight)
    total = weight.sum(axis=-1)
    hours = (weight / np.maximum(np.where(known, v, 1.0), SLOWEST)).sum(axis=-1)
    return _ratio(total, hours, total > 0)


def loop_speed(vehicles: ArrayLike, occupancy: ArrayLike, length: ArrayLike, time: float) -> Values:
    """Speed that a single loop implies: v = n·L / (occ·T). [{veh}], [0…1], [m], [s] → [km/h]"""
    occupied = np.asarray(occupancy, np.float64) * time
    metres = np.asarray(vehicles, np.float64) * np.asarray(length, np.float64)
    return 3.6 * _ratio(metres, occupied, occupied > 0)


def mean_length(vehicles: Mapping[str, ArrayLike]) -> Values:
    """Mean length of the vehicles of a mix, without the loop. [{veh}] by class → [m]; NaN of none."""
    n = {c: np.asarray(x, np.float64) for c, x in vehicles.items()}
    total = np.asarray(sum(n.values()))
    metres = np.asarray(sum(LENGTH_M[c] * x for c, x in n.items()))
    return _ratio(metres, total, total > 0)


def density_of_occupancy(occupancy: ArrayLike, length: ArrayLike, loop: float = LOOP_M) -> AnyArray:
    """k = 1000·occ / (L_vehicle + L_loop). [0…1], [m] → [{veh}/km] of one lane

    With the length of a car, motorcycles are underestimated: pass the length of the mix.
    """
    return np.asarray(1_000.0 * np.asarray(occupancy) / (np.asarray(length) + loop))


def greenshields(
    density: ArrayLike, free_speed: float, jam_density: float
) -> tuple[Values, Values]:
    """(speed, flow) of Greenshields' line v = vf·(1 - k/kj). [{veh}/km] → [km/h], [{veh}/h]"""
    k = np.asarray(density, np.float64)
    speed = free_speed * (1 - k / jam_density)
    return speed, k * speed


def delay(
    vehicles: ArrayLike, speed: ArrayLike, free_speed: ArrayLike, length: ArrayLike
) -> Values:
    """PeMS: max(0, q·(L/v - L/v_free)). Lengths and speeds in units that fit → vehicle-hours"""
    v = np.asarray(speed, np.float64)
    lost = np.asarray(length) / v - np.asarray(length) / np.asarray(free_speed)
    return np.asarray(np.maximum(0.0, np.asarray(vehicles) * lost))


def travel_time_index(speed: ArrayLike, free_speed: ArrayLike) -> AnyArray:
    """PeMS: travel time over that of a free road; 1 is free."""
    return np.asarray(np.asarray(free_speed) / np.asarray(speed))


def freeway_level(density: ArrayLike) -> Values:
    """HCM level of a freeway: 1 (A) … 6 (F). [pc/mi/ln]; NaN stays NaN."""
    k = np.asarray(density, np.float64)
    level = 1.0 + np.searchsorted(FREEWAY_PC_MI, k, side="left")
    return np.where(np.isnan(k), np.nan, level)


def street_level(speed: ArrayLike, free_speed: ArrayLike) -> Values:
    """HCM 2010 level of an urban street by its share of the base free-flow speed: 1 (A) … 6 (F)."""
    percent = 100.0 * np.asarray(speed, np.float64) / np.asarray(free_speed)
    level = 1.0 + sum((percent <= bound).astype(np.float64) for bound in STREET_PERCENT)
    return np.where(np.isnan(percent), np.nan, level)


def _ratio(above: Values, below: Values, where: Mask) -> Values:
    """above / below, NaN where not `where`."""
    out = np.full(np.broadcast_shapes(np.shape(above), np.shape(below)), np.nan)
    return np.asarray(np.divide(above, below, out=out, where=where))
