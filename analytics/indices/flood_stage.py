"""Water level → flood alarm stage (báo động I–III) against the station's own alarm levels.

QĐ 05/2020/QĐ-TTg: below I none; I ≤ L < II "BĐ1"; II ≤ L < III "BĐ2"; L ≥ III "BĐ3". The levels are a
device's `limits` bd1, bd2, bd3 [m above the national datum]; a station without them gets no stage.
Readings of a station of the decision from before its day are judged by the edition in force then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from analytics.deriver import Deriver
from analytics.indices.calendar import LocalCalendar
from analytics.indices.info import Category, Confidence, IndexInfo
from analytics.limits import STAGES, Limits
from devices import legal
from devices.registry import Kinds
from telemetry.arrays import Index, Mask, Values
from telemetry.clock import HOUR
from telemetry.flags import Flag
from telemetry.readings import Readings

LEVEL, STAGE = "level", "flood_stage"
SUBJECT = "flood"
_NOW = legal.in_force(SUBJECT)
_EARLIER = "; ".join(
    f"{e.name} ({e.confidence}), " + ", ".join(f"{s} {b}" for s, b in e.table["stations"].items())
    for e in legal.editions(SUBJECT)[:-1]
)
INDEX = IndexInfo(
    quantity=STAGE,
    kinds=("level",),
    vi="Cấp báo động lũ",
    en="Flood alarm level",
    unit="{stage}",
    formula="level L below BĐ I: 0; I ≤ L < II: 1; II ≤ L < III: 2; L ≥ III: 3, by the station's own levels",
    edition=_NOW.name,
    valid_from=_NOW.valid_from.isoformat(),
    source=_NOW.source,
    data_rule="a station that has alarm levels of its own, and a level that was measured",
    derived="with each level reading, at its time and with its flag",
    confidence=Confidence.VERIFIED,
    subject=SUBJECT,
    notes=f"""{_NOW.note} Before {_NOW.valid_from}: {_EARLIER}.""",
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

    def __init__(self, kinds: Kinds, limits: Limits, calendar: LocalCalendar) -> None:
        self._limits = limits
        self._calendar = calendar
        self._level = kinds.quantity_code.get(LEVEL, -1)
        self._stage = kinds.quantity_code.get(STAGE, -1)
        first = (_NOW.valid_from - date(1970, 1, 1)).days
        self._since = int(calendar.first_hour(np.array([first]))[0]) * HOUR

    def hear(self, judged: Readings, corrected: Readings, now: int) -> Readings:
        """One stage per level reading, at its time and with its flag; other quantities are passed over."""
        return Readings.concat([self._stages(judged, now), self._stages(corrected, now)])

    def _stages(self, levels: Readings, now: int) -> Readings:
        ours: Mask = (levels.quantity == self._level) & (levels.flag != Flag.MISSING)
        if self._stage < 0 or not ours.any():
            return Readings.empty()
        rows = levels.take(ours)
        bounds = [self._limits.of(name, rows.device) for name in STAGES]
        old = np.flatnonzero(rows.time < self._since)
        if len(old):
            self._as_then(rows, old, bounds)
        found = stage(rows.value, bounds)
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

    def _as_then(self, rows: Readings, old: Index, bounds: list[Values]) -> None:
        """Put the alarm levels of their day into the rows of stations that the decision names."""
        day = self._calendar.day(rows.time[old] // HOUR)
        for device in np.unique(rows.device[old]).tolist():
            station = self._limits.id(device)
            if station not in _NOW.table["stations"]:
                continue  # levels that the city gave to a station of its own have no other edition
            mine = rows.device[old] == device
            for place, bound in enumerate(bounds):
                bound[old[mine]] = _levels(station, place).on(day[mine])


@cache
def _levels(station: str, place: int) -> legal.Dated:
    """Alarm level I, II or III of a station by local day; NaN where its edition has none."""

    def get(edition: legal.Edition) -> float:
        found = edition.table["stations"].get(station)
        return np.nan if found is None else float(found[place])

    return legal.Dated(legal.editions(SUBJECT), get)
