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
from analytics.traffic.incident_tests import Stage, california_8, deviate, recent
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

    def touched_with(self, rows: Index) -> Index:
        """The stations upstream of these."""
        return self._stations.behind(rows)

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """1 while an incident stands at or below the station, 0 where none does."""
        around = look.of("occupancy", BACK)
        up = around[:, BACK:]
        filled = (up - recent(around, BACK)[0] >= RISE) & _slower(look)
        ahead = self._stations.ahead()[look.rows]
        down = look.beside("occupancy", ahead, 2)
        stage = self._stages(look, up, down, filled)
        base, critical = self._rises(look)
        stands = (stage >= Stage.CONFIRMED) | (critical >= 2)
        usual = self._bottleneck.recurs(look.rows, look.bins * MINUTE)
        state = np.where(stands & ~usual, 1.0, 0.0)
        state[np.isnan(up)] = np.nan
        return {"incident": state, "_stage": stage, "_base": base, "_critical": critical}

    @staticmethod
    def _stages(look: Look, up: AnyArray, down: AnyArray, filled: AnyArray) -> AnyArray:
        told = np.nan_to_num(look.found("_stage", 1))
        stage = np.empty(up.shape)
        before = told[:, 0]
        for at in range(look.count):
            now = california_8(before, up[:, at], down[:, at + 2], down[:, at])
            # Two stations may differ all day: nothing has happened before the upper one has filled up.
            now = np.where((now == Stage.TENTATIVE) & ~filled[:, at], Stage.FREE, now)
            before = np.where(look.settled[:, at], told[:, at + 1], now)
            stage[:, at] = before
        return stage

    @staticmethod
    def _rises(look: Look) -> tuple[AnyArray, AnyArray]:
        """(level before the rise, NaN where none; minutes that it has stood)."""
        values = look.of("occupancy", BACK)
        mean, sigma = recent(values, BACK)
        now = values[:, BACK:]
        sudden = (deviate(now, mean, sigma) >= CRITICAL) & (now - mean >= RISE) & (now >= LEAST)
        sudden &= _slower(look)
        bases, counts = look.found("_base", 1), np.nan_to_num(look.found("_critical", 1))
        base, count = bases[:, 0], counts[:, 0]
        out = np.empty(now.shape), np.empty(now.shape)
        for at in range(look.count):
            stays = (count > 0) & (now[:, at] - base >= RISE)
            begins = ~stays & sudden[:, at]
            base = np.where(stays, base, np.where(begins, mean[:, at], np.nan))
            count = np.where(stays, count + 1, np.where(begins, 1.0, 0.0))
            settled = look.settled[:, at]
            base = np.where(settled, bases[:, at + 1], base)
            count = np.where(settled, counts[:, at + 1], count)
            out[0][:, at], out[1][:, at] = base, count
        return out


def _slower(look: Look) -> AnyArray:
    """Where the speed fell by a quarter against the five minutes before, or is not measured."""
    speed = look.of("speed", BACK)
    return ~(speed[:, BACK:] > SLOWER * recent(speed, BACK)[0])
