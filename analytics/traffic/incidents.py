"""Minutes of occupancy → incident: California #8 towards the next station, or a sudden rise at one station.

A rise is sudden where the standard normal deviate is 3 or more, by at least 8 points, to at least 20 %,
for two minutes, and the speed, where it is measured, fell by a quarter: the published test has the
deviate alone, and cries wolf wherever traffic scatters. It stands until the occupancy is back near the
minutes before it. California #8 may begin only with such a rise and fall at the upper station, our own
addition: the stations of streets differ by half all day long. Where the road is held up at this hour
day by day, it is no incident (see bottleneck.py).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.limits import Limits
from analytics.traffic.bottleneck import Bottleneck
from analytics.traffic.incident_tests import T1, T5, Stage, california_8, deviate, recent
from analytics.traffic.stations import Stations
from telemetry.arrays import AnyArray, Index
from telemetry.clock import MINUTE

BACK = 5  # minutes that the deviate looks back on
KEPT = 40
CRITICAL, RISE, LEAST = 3.0, 8.0, 20.0  # [1], [%], [%]
SLOWER = 0.75  # of the speed of the minutes before


class Incidents(Framed):
    """State per station: the occupancies of the last 40 minutes and what was made of them."""

    def __init__(self, layout: Layout, limits: Limits, bottleneck: Bottleneck) -> None:
        super().__init__(
            "incidents", layout, ["traffic"], {"occupancy": Input("occupancy"), "speed": Input("speed")},
            ("incident", "_stage", "_base", "_critical"), step=MINUTE, kept=KEPT, back=BACK,
        )  # fmt: skip
        self._stations = Stations(self.frames.members, limits)
        self._bottleneck = bottleneck

    def touched_with(self, rows: Index, bins: Index) -> tuple[Index, Index]:
        """The stations upstream of these."""
        behind = self._stations.behind()[rows]
        return behind[behind >= 0], bins[behind >= 0]

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """1 while an incident stands at or below the station, 0 where none does."""
        around = look.of("occupancy", BACK)
        now = around[:, BACK:]
        mean, sigma = recent(around, BACK)
        risen = now - mean >= RISE
        sudden = risen & (now >= LEAST) & (deviate(now, mean, sigma) >= CRITICAL)
        stage = self._stages(look, now, risen)
        base, critical = self._rises(look, now, mean, sudden)
        state = np.where(np.isnan(now), np.nan, 0.0)
        stands = np.flatnonzero(((stage >= Stage.CONFIRMED) | (critical >= 2)).any(axis=1))
        if len(stands):
            over = (stage[stands] >= Stage.CONFIRMED) | (critical[stands] >= 2)
            over &= ~self._bottleneck.recurs(look.rows[stands], look.bins * MINUTE)
            state[stands] = np.where(over, state[stands] + 1.0, state[stands])
        return {"incident": state, "_stage": stage, "_base": base, "_critical": critical}

    def _stages(self, look: Look, now: AnyArray, risen: AnyArray) -> AnyArray:
        """The stage at each minute; worked out where something may begin or goes on: elsewhere it is FREE."""
        ahead = self._stations.ahead()[look.rows]
        stage = np.where(look.settled, look.found("_stage"), float(Stage.FREE))
        told = np.nan_to_num(look.found("_stage", 1))
        some = np.flatnonzero(ahead >= 0)
        down = look.of_rows(some).beside("occupancy", ahead[some], 2)
        begins = risen[some] & (now[some] - down[:, 2:] >= T1)
        busy = begins.any(axis=1) | (down[:, 2:] >= T5).any(axis=1) | (told[some] > 0).any(axis=1)
        some, down = some[busy], down[busy]
        if not len(some):
            return np.nan_to_num(stage)
        few = look.of_rows(some)
        filled = risen[some] & _slower(few)
        before = told[some, 0]
        for at in range(look.count):
            then = california_8(before, now[some, at], down[:, at + 2], down[:, at])
            # Two stations may differ all day: nothing has happened before the upper one has filled up.
            then = np.where((then == Stage.TENTATIVE) & ~filled[:, at], Stage.FREE, then)
            before = np.where(few.settled[:, at], told[some, at + 1], then)
            stage[some, at] = before
        return np.nan_to_num(stage)

    @staticmethod
    def _rises(
        look: Look, now: AnyArray, mean: AnyArray, sudden: AnyArray
    ) -> tuple[AnyArray, AnyArray]:
        """(level before the rise, NaN where none; minutes that it has stood)."""
        told, held = look.found("_base", 1), np.nan_to_num(look.found("_critical", 1))
        base = np.where(look.settled, told[:, 1:], np.nan)
        count = np.where(look.settled, held[:, 1:], 0.0)
        some = np.flatnonzero(sudden.any(axis=1) | (held > 0).any(axis=1))
        if not len(some):
            return base, count
        few = look.of_rows(some)
        begins = sudden[some] & _slower(few)
        level, stood = told[some, 0], held[some, 0]
        for at in range(look.count):
            stays = (stood > 0) & (now[some, at] - level >= RISE)
            fresh = begins[:, at] & ~stays
            level = np.where(stays, level, np.where(fresh, mean[some, at], np.nan))
            stood = np.where(stays, stood + 1, np.where(fresh, 1.0, 0.0))
            settled = few.settled[:, at]
            level = np.where(settled, told[some, at + 1], level)
            stood = np.where(settled, held[some, at + 1], stood)
            base[some, at], count[some, at] = level, stood
        return base, count


def _slower(look: Look) -> AnyArray:
    """Where the speed fell by a quarter against the five minutes before, or is not measured."""
    speed = look.of("speed", BACK)
    return ~(speed[:, BACK:] > SLOWER * recent(speed, BACK)[0])
