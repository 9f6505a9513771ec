"""How old street lights are, and how much likelier an old one is to fail.

A street's lights are put up at one time, and what failed since was exchanged. Failures of drivers and
modules follow a Weibull law that wears out: shape 2.2, 63 % gone after eleven years of nights (design
values; 50,000 h to L70 at 4,200 h a year are twelve years).
"""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, key, uniform
from simulators.fleet import Fleet
from telemetry.arrays import Values

OLDEST_YEARS = 14.0
SHAPE, SCALE_YEARS = 2.2, 11.0
NEWEST_YEARS = 0.3


def age_years(fleet: Fleet) -> Values:
    """How long each lamp has been up: as its street, or less where it was exchanged. [a]"""
    street = np.array(
        [float(uniform(key(0, d.parent or d.id, "put up"))) for d in fleet.devices]
    ).reshape(-1)
    age = NEWEST_YEARS + (OLDEST_YEARS - NEWEST_YEARS) * street
    exchanged = uniform(derived(fleet.key, 207)) < 1.0 - np.exp(-((age / SCALE_YEARS) ** SHAPE))
    since = uniform(derived(fleet.key, 208))
    return np.asarray(np.where(exchanged, age * since, age))


def hazard(age: Values) -> Values:
    """Failures a year of a lamp that still works: h = (β/η)·(t/η)^(β-1). [a] → [1/a]"""
    return np.asarray(SHAPE / SCALE_YEARS * (age / SCALE_YEARS) ** (SHAPE - 1.0))
