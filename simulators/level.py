"""Water levels: an estuary breathes with the tide, the Red River's branches with season and reservoirs.

Estuary, after five pairs of peaks of 2025–26 (see the source of QĐ 05/2020's levels in cities/hcmc.toml):
h(t) = 0.30 + 0.80·h_VT(t - 3.3 h) + surge + rain at Phú An; lag and mean level grow up the river. A
design value, no published constituents of Phú An were found. A station whose alarm level I lies under
3 m stands in an estuary; one without levels is as its nearest station with levels. One with a limit
`ground` hangs over a road's low point: it measures the road until water stands on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from devices.tide import tide
from simulators.chance import derived, key, normal, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.weather import Weather
from telemetry.arrays import Mask, Values
from telemetry.clock import SECOND, parse_time

ESTUARY_BELOW_M = 3.0
PHU_AN_LAT = 10.7702
LAG_H, LAG_H_PER_DEG = 3.3, 8.0
MEAN_M, MEAN_M_PER_DEG = 0.30, 0.50
GAIN = 0.80
# Peaks at Phú An as published by the Southern hydrometeorological station and the press, m above the
# national datum, by local date: what the sea stood higher by on these days follows from them.
PEAKS: Mapping[str, float] = {
    "2025-11-06": 1.77,
    "2025-11-20": 1.55,
    "2025-12-05": 1.67,
    "2026-01-21": 1.52,
}
RECORDED_S = 1.5 * 86_400.0  # so long before and after, it goes over into the drawn surge
DRAINS_MM = 22.0  # what a street's drains hold; what is more stands at its lowest point …
POND = 0.006  # … deeper than it fell, because a road's rain meets there [m per mm]


class LevelModel:
    """What the level stations report: [m above the national datum], and rain."""

    def __init__(self, weather: Weather, fleet: Fleet, seed: int, events: Events) -> None:
        self._weather, self._events = weather, events
        self._interval_s = float(fleet.kind.interval_s)
        self._first_level = _alarm_levels(fleet)
        self._tidal: Mask = self._first_level < ESTUARY_BELOW_M
        self._ground = fleet.limit("ground", np.nan)
        # A canal answers to a shower; the river is as wide as ten of them.
        canal = np.isnan(fleet.limit("bd1", np.nan))
        self._answer = np.where(canal, 0.0045, 0.0012)  # [m per mm that has not run off]
        self._key = key(seed, "level")

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        rain = self._weather.rain.field(rows, 19_000.0)
        stored = rain.stored(5_400.0, 18_000.0)
        tidal = self._tidal[rows.device]
        level = np.zeros(len(rows))
        for river, of in ((self._estuary, tidal), (self._inland, ~tidal)):
            if of.any():
                level = np.where(of, river(rows), level)
        level = level + self._answer[rows.device] * stored + self._events.at("surge", rows)
        ripple = 0.002 * normal(derived(rows.key, 100), rows.slot)
        wash = 0.004 * wander(derived(rows.key, 101), rows.t, 1_800.0, 600.0)
        return {
            "level": self._on_the_road(rows, level, stored) + ripple + wash,
            "rain": rain.depth(self._interval_s),
        }

    def _on_the_road(self, rows: Rows, level: Values, stored: Values) -> Values:
        """At a road's low point: the road, the water that comes up its drains, or rain that can't run off."""
        ground = self._ground[rows.device]
        if np.isnan(ground).all():
            return level
        ponded = ground + POND * np.maximum(stored - DRAINS_MM, 0.0)
        # An ultrasonic gauge sees the dry road a little nearer or farther as the air over it warms.
        seen = 0.004 * (self._weather.sky.at(rows.t).temperature - 27.0)
        standing = np.maximum(level, ponded)
        dry = standing <= ground
        return np.asarray(np.where(np.isnan(ground), level, np.where(dry, ground + seen, standing)))

    def _estuary(self, rows: Rows) -> Values:
        up = np.clip(rows.lat - PHU_AN_LAT, -0.3, 0.4)
        mean = MEAN_M + MEAN_M_PER_DEG * up
        lag_s = 3_600.0 * (LAG_H + LAG_H_PER_DEG * up)
        return np.asarray(mean + GAIN * tide(rows.t - lag_s) + self._surge(rows))

    def _surge(self, rows: Rows) -> Values:
        """The north-east monsoon piles up water from October to January: 0 to 0.4 m; as recorded where it was."""
        season = np.clip(np.cos(2 * np.pi * (rows.year_part - 0.92)), 0.0, 1.0)
        spell = wander(derived(self._key, 1), rows.t, 5 * 86_400.0, 2 * 86_400.0)
        surge = (0.03 + 0.12 * season) * (1.0 + np.tanh(0.8 * spell))
        for moment, recorded in self._recorded:
            share = np.clip(1.5 - np.abs(rows.t - moment) / RECORDED_S, 0.0, 1.0)
            surge = surge + share * (recorded - surge)
        return np.asarray(surge)

    @cached_property
    def _recorded(self) -> list[tuple[float, float]]:
        """(when, what the sea stood higher by [m]) at the published peaks."""
        found = []
        for date, peak in PEAKS.items():
            midnight = parse_time(f"{date}T00:00:00+07:00") / SECOND
            t = np.asarray(midnight + np.arange(288) * 300.0, dtype=np.float64)
            astronomic = MEAN_M + GAIN * tide(t - 3_600.0 * LAG_H)
            highest = int(np.argmax(astronomic))
            found.append((float(t[highest]), peak - float(astronomic[highest])))
        return found

    def _inland(self, rows: Rows) -> Values:
        """Dry season at about a quarter of alarm level I, the flood of July to September under it."""
        first = self._first_level[rows.device]
        flood = np.exp(-(((rows.year_part - 0.61) / 0.10) ** 2))
        spell = wander(derived(self._key, 2), rows.t, 12 * 86_400.0, 4 * 86_400.0)
        # Hydropower upstream lets out more by day: twice a day a small wave.
        release = 0.10 * np.sin(4 * np.pi * (rows.hour - 9.0) / 24.0)
        return np.asarray(
            first * (0.28 + 0.36 * flood) + 0.05 * first * (0.3 + flood) * spell + release
        )


def _alarm_levels(fleet: Fleet) -> Values:
    """Alarm level I of each station, or of its nearest that has one; an estuary where none has. [m]"""
    own = fleet.limit("bd1", np.nan)
    known = np.flatnonzero(~np.isnan(own))
    if not len(known):
        return np.ones(len(fleet))
    for i in np.flatnonzero(np.isnan(own)).tolist():
        far = (fleet.lat[known] - fleet.lat[i]) ** 2 + (fleet.lon[known] - fleet.lon[i]) ** 2
        own[i] = own[known[int(np.argmin(far))]]
    return own
