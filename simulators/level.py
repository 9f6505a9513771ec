"""Water levels: an estuary breathes with the tide, the Red River's branches with season and reservoirs.

Estuary, after five pairs of peaks of 2025–26 (see the source of QĐ 05/2020's levels in cities/hcmc.toml):
h(t) = 0.30 + 0.80·h_VT(t - 3.3 h) + surge + rain at Phú An; lag and mean level grow up the river. A
design value, no published constituents of Phú An were found. A station whose alarm level I lies under
3 m stands in an estuary; one without levels is as its nearest station with levels.
"""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, key, normal, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.tide import tide
from simulators.weather import Weather
from telemetry.arrays import Mask, Values

ESTUARY_BELOW_M = 3.0
PHU_AN_LAT = 10.7702
LAG_H, LAG_H_PER_DEG = 3.3, 8.0
MEAN_M, MEAN_M_PER_DEG = 0.30, 0.50
GAIN = 0.80


class LevelModel:
    """What the level stations report: [m above the national datum], and rain."""

    def __init__(self, weather: Weather, fleet: Fleet, seed: int, events: Events) -> None:
        self._events = events
        self._weather = weather
        self._interval_s = float(fleet.kind.interval_s)
        self._first_level = _alarm_levels(fleet)
        self._tidal: Mask = self._first_level < ESTUARY_BELOW_M
        self._key = key(seed, "level")

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        tidal = self._tidal[rows.device]
        level = np.zeros(len(rows))
        for river, of in ((self._estuary, tidal), (self._inland, ~tidal)):
            if of.any():
                level = np.where(of, river(rows), level)
        ripple = 0.002 * normal(derived(rows.key, 100), rows.slot)
        wash = 0.004 * wander(derived(rows.key, 101), rows.t, 1_800.0, 600.0)
        return {
            "level": level + ripple + wash + self._swollen(rows) + self._events.at("surge", rows),
            "rain": self._weather.rain.field(rows).depth(self._interval_s),
        }

    def _estuary(self, rows: Rows) -> Values:
        up = np.clip(rows.lat - PHU_AN_LAT, -0.3, 0.4)
        mean = MEAN_M + MEAN_M_PER_DEG * up
        lag_s = 3_600.0 * (LAG_H + LAG_H_PER_DEG * up)
        return np.asarray(mean + GAIN * tide(rows.t - lag_s) + self._surge(rows))

    def _surge(self, rows: Rows) -> Values:
        """The north-east monsoon piles up water from October to January: 0 to 0.4 m."""
        season = np.clip(np.cos(2 * np.pi * (rows.year_part - 0.92)), 0.0, 1.0)
        spell = wander(derived(self._key, 1), rows.t, 5 * 86_400.0, 2 * 86_400.0)
        return np.asarray(0.10 * season * (1.0 + np.tanh(0.8 * spell)))

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

    def _swollen(self, rows: Rows) -> Values:
        """Rain over the station runs off into the river: some centimetres for an hour or two."""
        field = self._weather.rain.field(rows, 4_000.0)
        rain = (field.lately() + field.rate(3_600.0)) / 2
        return np.asarray(0.06 * np.tanh(rain / 30.0))


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
