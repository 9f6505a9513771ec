"""Street trees: a lean of their own that sways in the wind and grows in a storm, soil that dries between rains."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.weather import LocalWeather, Weather
from telemetry.arrays import Values

DAY_S = 86_400.0
BATTERY_S = 700 * DAY_S


class TreeModel:
    """What the trees' sensors report."""

    def __init__(self, weather: Weather, fleet: Fleet, events: Events) -> None:
        self._events = events
        self._weather = weather
        key = fleet.key
        self._lean = 6.0 * uniform(derived(key, 180)) ** 1.5
        self._watered_s = 3_600.0 * (4.0 + 3.0 * uniform(derived(key, 181)))
        self._dry = 19.0 + 5.0 * uniform(derived(key, 182))
        self._worn = uniform(derived(key, 183))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        here = self._weather.at(rows)
        speed = here.wind_speed
        sway = 0.02 * speed**1.5 * normal(derived(rows.key, 184), rows.slot)
        part = (rows.t / BATTERY_S + self._worn[rows.device]) % 1.0
        return {
            "tilt": np.abs(self._lean[rows.device] + sway) + self._events.at("uproot", rows),
            "soil_moisture": self._soil(rows, here),
            "battery": 97.0 - 55.0 * part,
        }

    def _soil(self, rows: Rows, here: LocalWeather) -> Values:
        """Watered every second morning within half an hour, then drying off. [%]"""
        local_s = rows.day * DAY_S + rows.hour * 3_600.0
        since = (local_s - self._watered_s[rows.device]) % (2 * DAY_S)
        dry = self._dry[rows.device]
        moist = 13.0 * np.exp(-since / (1.3 * DAY_S))
        # What the tap gives soaks in during the first half hour.
        left = 13.0 * np.exp(-2 / 1.3)
        soaking = np.clip(since / 3_600.0, 0.0, 1.0)
        water = left + (moist - left) * soaking
        rain = 9.0 * np.tanh(here.rain.lately() / 10.0)
        return np.asarray(dry + water + rain + 0.1 * normal(derived(rows.key, 185), rows.slot))
