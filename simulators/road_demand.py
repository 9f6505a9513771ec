"""How many want to drive where and when: hours and weekdays, the commuters' tide, rain, each road's own week.

By sections of roads: a few kilometres of one direction that share their demand and their weather.
"""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, keys, uniform, wander
from simulators.fleet import LocalTime, Rows
from simulators.rhythm import demand
from simulators.road_graph import RoadGraph
from simulators.weather import Weather
from telemetry.arrays import Index, Times, Values
from telemetry.clock import MINUTE, SECOND

CELLS = 12  # of a section at most
# Load of a road at the weekday's peak, and how much the tide of commuters adds towards the centre in the
# morning and away from it in the evening. [share of the capacity]
QUIET, BUSY, TIDE = 0.60, 0.76, 0.21
MOST = 0.97  # what more would come goes another way
MORNING, EVENING, RUSH_H = 7.25, 17.5, 1.3
FRIDAY, SUNDAY = 1.3, -0.7  # times the tide: many leave the city, and come back
# Rain: riders slow down, and some wait under a bridge. A design value between HCM 2010's -6 % of speed and
# -14 % of capacity in heavy rain (chapter 10) and what flooded kerbs do.
SLOWED, STAYED, HEAVY_MM_H = 0.22, 0.20, 15.0
RAIN_EVERY = 5 * MINUTE


class RoadDemand:
    """Demand and weather of the sections of a graph. `section` is the section of each cell."""

    def __init__(
        self, graph: RoadGraph, centre: tuple[float, float], weather: Weather, seed: int,
        local: LocalTime,
    ) -> None:  # fmt: skip
        self._weather, self._local = weather, local
        place = np.concatenate([np.arange(c.count) // CELLS for c in graph.chains])
        chain = np.repeat(np.arange(len(graph.chains)), [c.count for c in graph.chains])
        _, first, self.section = np.unique(
            chain * (len(graph) + 1) + place, return_index=True, return_inverse=True
        )
        self._lat, self._lon = graph.lat[first], graph.lon[first]
        self._inbound = _towards(graph, centre)[first]
        names = [f"{graph.roads[c.road].name} {c.direction}" for c in graph.chains]
        self._key = keys(seed, names, "demand")[chain[first]]
        self._base = QUIET + (BUSY - QUIET) * uniform(derived(self._key, 1))

    def between(self, start: int, minutes: int) -> tuple[Values, Values]:
        """(load as a share of the capacity, pace of the wet road 0…1) by [section, minute]. [ns]"""
        rows = self._rows(start + MINUTE * np.arange(minutes))
        load = demand(rows).reshape(-1, minutes) * self._base[:, None]
        load = load * (1.0 + TIDE * self._inbound[:, None] * _tide(rows).reshape(-1, minutes))
        own = np.exp(0.04 * wander(derived(rows.key, 2), rows.t, 10_800.0, 2_700.0))
        wet = self._wet(start, minutes)
        load = load * own.reshape(-1, minutes) * (1.0 - STAYED * wet)
        return np.minimum(load, MOST), 1.0 - SLOWED * wet

    def _wet(self, start: int, minutes: int) -> Values:
        """How much the rain holds the traffic, 0…1, by [section, minute]."""
        knots = start + np.arange(0, minutes * MINUTE + RAIN_EVERY, RAIN_EVERY)
        rate = self._weather.rain.rates(self._rows(knots[:1]), knots / SECOND)
        at = MINUTE * np.arange(minutes) / RAIN_EVERY
        low = np.floor(at).astype(np.intp)
        rate = rate[:, low] + (at - low) * (rate[:, low + 1] - rate[:, low])
        return np.asarray(1.0 - np.exp(-rate / HEAVY_MM_H))

    def _rows(self, time: Times) -> Rows:
        """Each section at each of these times, section by section."""
        section: Index = np.repeat(np.arange(len(self._key)), len(time))
        return Rows(
            section, self._key[section], np.zeros(len(section), dtype=np.int64),
            np.tile(time, len(self._key)), self._lat[section], self._lon[section], self._local,
        )  # fmt: skip


def _towards(graph: RoadGraph, centre: tuple[float, float]) -> Values:
    """1 where a cell's traffic heads for the centre, -1 away from it, 0 around it."""
    north = centre[0] - graph.lat
    east = (centre[1] - graph.lon) * np.cos(np.radians(centre[0]))
    norm = np.maximum(np.hypot(north, east), 1e-9)
    return np.asarray((graph.heading[:, 0] * east + graph.heading[:, 1] * north) / norm)


def _tide(rows: Rows) -> Values:
    """The commuters' tide: towards the centre above 0, away from it below; by the local day and hour."""
    weekday = (rows.day + 3) % 7  # 0 is Monday
    morning = np.exp(-(((rows.hour - MORNING) / RUSH_H) ** 2))
    evening = np.exp(-(((rows.hour - EVENING) / RUSH_H) ** 2))
    leaving = np.select([weekday < 4, weekday == 4, weekday == 6], [1.0, FRIDAY, SUNDAY], 0.0)
    return np.asarray(np.where(weekday < 5, morning, 0.0) - leaving * evening)
