"""Vehicles of several classes as one number: passenger car units, and motorcycle equivalents.

The factors are data, each table with its source and how sure the transcription is. A class that a table
lacks is not counted by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from telemetry.arrays import AnyArray, Values

CLASSES = ("motorcycle", "car", "bus", "truck", "bicycle")


@dataclass(frozen=True, slots=True)
class Factors:
    """Equivalents by class of vehicle.

    confidence  H: a primary source, or two that agree; M: one secondary source
    """

    edition: str
    where: str
    confidence: str
    of: Mapping[str, float]


# TCXDVN 104:2007 (now TCVN 13592:2022), by the design speed of the street; buses and trucks with two axles.
URBAN_FAST = Factors(
    "TCXDVN 104:2007", "streets designed for 60 km/h or more", "M",
    {"motorcycle": 0.5, "car": 1.0, "bus": 2.0, "truck": 2.0, "bicycle": 0.5},
)  # fmt: skip
URBAN = Factors(
    "TCXDVN 104:2007", "streets designed for 30 to 50 km/h", "M",
    {"motorcycle": 0.25, "car": 1.0, "bus": 2.5, "truck": 2.5, "bicycle": 0.3},
)  # fmt: skip
URBAN_SLOW = Factors(
    "TCXDVN 104:2007", "streets designed for 20 km/h or less", "M",
    {"motorcycle": 0.15, "car": 1.0, "bus": 2.5, "truck": 2.5, "bicycle": 0.2},
)  # fmt: skip
# TCVN 4054:2005, table 2: roads outside towns.
RURAL = Factors(
    "TCVN 4054:2005", "plain and hills", "M",
    {"motorcycle": 0.3, "car": 1.0, "bus": 2.0, "truck": 2.0, "bicycle": 0.2},
)  # fmt: skip
RURAL_MOUNTAIN = Factors(
    "TCVN 4054:2005", "mountains", "M",
    {"motorcycle": 0.3, "car": 1.0, "bus": 2.5, "truck": 2.5, "bicycle": 0.2},
)  # fmt: skip
# Cao & Sano 2012, measured in Hanoi; the study gives no factor for trucks.
MOTORCYCLES = Factors(
    "Cao & Sano 2012", "streets of Hanoi", "H",
    {"motorcycle": 1.0, "car": 3.4, "bus": 10.5, "bicycle": 1.4},
)  # fmt: skip

BANDS = (URBAN_SLOW, URBAN, URBAN_FAST)
BAND_FROM_KMH = (25.0, 55.0)  # between the standard's bands (20 | 30–50 | 60): halfway


def equivalents(vehicles: Mapping[str, ArrayLike], factors: Factors) -> Values:
    """Σ n · factor over the classes. [{veh}] → equivalents, of any one shape."""
    parts = [factors.of.get(c, 0.0) * np.asarray(n, np.float64) for c, n in vehicles.items()]
    return np.asarray(sum(parts[1:], parts[0]))


def urban_pcu(vehicles: Mapping[str, AnyArray], free_speed: AnyArray) -> Values:
    """Passenger car units by TCXDVN 104:2007; the band by each row's free-flow speed [km/h], first axis."""
    band = np.searchsorted(BAND_FROM_KMH, free_speed, side="right")
    found = np.zeros(np.shape(next(iter(vehicles.values()))))
    for place, factors in enumerate(BANDS):
        found[band == place] = equivalents(
            {c: n[band == place] for c, n in vehicles.items()}, factors
        )
    return found
