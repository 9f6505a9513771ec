"""Limits for the flue gas of waste incinerators, as dated data with their source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analytics.indices.info import Confidence
from telemetry.arrays import Values

AIR_O2 = 21.0  # [%]
HIGHEST_O2 = 20.9  # from here on the gas is air: nothing can be said of what burns [%]


@dataclass(frozen=True, slots=True)
class Edition:
    """A table of limits [mg/Nm3] at a reference O2 [%], in force from a day to a day (YYYY-MM-DD)."""

    name: str
    valid_from: str
    valid_to: str
    source: str
    confidence: Confidence
    reference_o2: float
    limits: Mapping[str, float]


QCVN_61 = Edition(
    name="QCVN 61-MT:2016/BTNMT",
    valid_from="2016-05-01",
    valid_to="2025-06-30",
    source="QCVN 61-MT:2016/BTNMT, table 2; reference O2 from a secondary source",
    confidence=Confidence.VERIFIED,
    reference_o2=12.0,
    limits={"dust": 100.0, "hcl": 50.0, "co": 250.0, "so2": 250.0, "nox": 500.0},
)
# TT 45/2024 replaced that table from 2025-07-01; its numbers by zone A, B, C could not be verified, so a
# city goes on with the old ones until it enters those of its permits.
QCVN_19 = Edition(
    name="QCVN 19:2024/BTNMT",
    valid_from="2025-07-01",
    valid_to="",
    source="TT 45/2024/TT-BTNMT; numbers by zone not verified",
    confidence=Confidence.UNVERIFIED,
    reference_o2=12.0,
    limits={},
)
EDITIONS = (QCVN_61, QCVN_19)


def at_reference_o2(
    concentration: ArrayLike, o2: ArrayLike, reference: float = QCVN_61.reference_o2
) -> Values:
    """C · (21 - O2ref) / (21 - O2). [mg/Nm3], [%]; NaN from 20.9 % on, and where either is unknown."""
    measured = np.asarray(o2, np.float64)
    usable = measured < HIGHEST_O2
    share = (AIR_O2 - reference) / np.where(usable, AIR_O2 - measured, 1.0)
    return np.where(usable, np.asarray(concentration, np.float64) * share, np.nan)


def in_force(day: str) -> Edition:
    """The table by which a day (YYYY-MM-DD) is judged: the newest in force whose numbers are known."""
    known = [e for e in EDITIONS if e.limits and e.valid_from <= day]
    return known[-1] if known else QCVN_61
