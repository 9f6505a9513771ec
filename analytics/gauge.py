"""Hours of a water level station → gauge_stuck: it stands still, so a flood would pass it unseen.

Told of a whole hour whose level, with that of the two hours before it, keeps within the sensor's step: as long
as QARTOD's flat line test lets it stand before its values are suspect (design value). From then on they
count no more, and nothing is told until the level moves.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.robust import looking_back
from telemetry.arrays import AnyArray, Mask
from telemetry.clock import HOUR

HOURS = 3
KEPT = 24
STATE, LEVEL = "gauge_stuck", "level"  # the kind and its quantity have one name
_ROUNDING = 1e-6  # of levels kept as float32, far below a sensor's step [m]


def stands_still(low: AnyArray, high: AnyArray, step: float) -> Mask:
    """Whether levels with these hourly extremes keep within one step: over the last axis. [m]

    Hours that are not known are NaN, and say False.
    """
    found: Mask = high.max(axis=-1) - low.min(axis=-1) <= step + _ROUNDING
    return found


class Gauge(Framed):
    """State per station: the lowest and highest level of each of the last hours."""

    def __init__(self, layout: Layout) -> None:
        inputs = {"low": Input(LEVEL, "min"), "high": Input(LEVEL, "max")}
        super().__init__(
            "gauge", layout, ["level"], inputs, (STATE,), step=HOUR, kept=KEPT, back=HOURS - 1
        )
        kinds = layout.kinds
        # A city without this kind has no such gauge: the column has no members then.
        declared = kinds.code.get(LEVEL, -1), kinds.quantity_code.get(LEVEL, -1)
        self._step_m = 0.0 if -1 in declared else float(kinds.resolution[declared])

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """1 where it stands still, 0 where it moves; nothing where one of the three hours is not known."""
        low, high = (looking_back(look.of(n, HOURS - 1), HOURS) for n in ("low", "high"))
        known = ~np.isnan(low).any(axis=-1)
        still = stands_still(low, high, self._step_m)
        return {STATE: np.where(known, still.astype(np.float64), np.nan)}
