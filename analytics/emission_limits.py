"""Flue gas at reference O2, and the limits it is judged by: dated data in devices/legal.toml."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from devices import legal
from telemetry.arrays import Values

SUBJECT = "emission"
AIR_O2 = 21.0  # [%]
HIGHEST_O2 = 20.9  # from here on the gas is air: nothing can be said of what burns [%]
REFERENCE_O2 = float(legal.in_force(SUBJECT).table["reference_o2"])  # [%]


def at_reference_o2(
    concentration: ArrayLike, o2: ArrayLike, reference: float = REFERENCE_O2
) -> Values:
    """C · (21 - O2ref) / (21 - O2). [mg/Nm3], [%]; NaN from 20.9 % on, and where either is unknown."""
    measured = np.asarray(o2, np.float64)
    usable = measured < HIGHEST_O2
    share = (AIR_O2 - reference) / np.where(usable, AIR_O2 - measured, 1.0)
    return np.where(usable, np.asarray(concentration, np.float64) * share, np.nan)


def hour_limit(pollutant: str) -> legal.Dated:
    """The limit of an hour's mean by local day [mg/Nm3]; NaN where no edition was in force."""
    return legal.limit(SUBJECT, "1h", pollutant)
