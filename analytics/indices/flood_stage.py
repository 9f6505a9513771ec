"""Water level → flood alarm stage (báo động I–III) against the station's own alarm levels.

QĐ 05/2020/QĐ-TTg: below I none; I ≤ L < II "BĐ1"; II ≤ L < III "BĐ2"; L ≥ III "BĐ3". The levels are a
device's `limits` bd1, bd2, bd3 [m above the national datum]; a station without them gets no stage.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from analytics.deriver import Deriver
from analytics.indices.info import Category, Confidence, IndexInfo
from analytics.limits import STAGES, Limits
from devices.registry import Kinds
from telemetry.arrays import Mask, Values
from telemetry.flags import Flag
from telemetry.readings import Readings

LEVEL, STAGE = "level", "flood_stage"
INDEX = IndexInfo(
    quantity=STAGE,
    kinds=("level",),
    vi="Cấp báo động lũ",
    en="Flood alarm level",
    unit="{stage}",
    formula="level L below BĐ I: 0; I ≤ L < II: 1; II ≤ L < III: 2; L ≥ III: 3, by the station's own levels",
    edition="QĐ 05/2020/QĐ-TTg",
    valid_from="2020-03-20",
    source="QĐ 05/2020/QĐ-TTg: mực nước tương ứng với các cấp báo động lũ trên các sông",
    data_rule="a station that has alarm levels of its own, and a level that was measured",
    derived="with each level reading, at its time and with its flag",
    confidence=Confidence.VERIFIED,
    why_not=("trạm không có mức báo động", "the station has no alarm levels"),
    categories=(
        Category(0, "Dưới báo động I", "Below level I", "#3fb37f"),
        Category(1, "Báo động I", "Alarm level I", "#f5d04c"),
        Category(2, "Báo động II", "Alarm level II", "#ff9f45"),
        Category(3, "Báo động III", "Alarm level III", "#ff5c5c"),
    ),
)


def stage(level: ArrayLike, limits: Sequence[ArrayLike]) -> Values:
    """0 none, 1 BĐ1, 2 BĐ2, 3 BĐ3. [m] → [{stage}]

    `limits` are the levels I, II, III, each one value or one a row; NaN where there is none, and the
    stage is NaN where all three are NaN or the level is.
    """
    water = np.asarray(level, dtype=np.float64)
    bounds = [np.asarray(limit, dtype=np.float64) for limit in limits]
    reached = sum(((water >= bound).astype(np.float64) for bound in bounds), np.zeros(water.shape))
    nothing = np.isnan(water) | np.logical_and.reduce([np.isnan(b) for b in bounds])
    return np.asarray(np.where(nothing, np.nan, reached))


class FloodStage(Deriver):
    """Stage readings for the level readings of stations that have alarm levels."""

    def __init__(self, kinds: Kinds, limits: Limits) -> None:
        self._limits = limits
        self._level = kinds.quantity_code.get(LEVEL, -1)
        self._stage = kinds.quantity_code.get(STAGE, -1)

    def hear(self, judged: Readings, corrected: Readings, now: int) -> Readings:
        """One stage per level reading, at its time and with its flag; other quantities are passed over."""
        return Readings.concat([self._stages(judged, now), self._stages(corrected, now)])

    def _stages(self, levels: Readings, now: int) -> Readings:
        ours: Mask = (levels.quantity == self._level) & (levels.flag != Flag.MISSING)
        if self._stage < 0 or not ours.any():
            return Readings.empty()
        rows = levels.take(ours)
        found = stage(rows.value, [self._limits.of(name, rows.device) for name in STAGES])
        known = np.flatnonzero(~np.isnan(found))
        rows = rows.take(known)
        return Readings.of(
            rows.device,
            np.full(len(rows), self._stage),
            rows.time,
            found[known],
            rows.flag,
            now,
        )
