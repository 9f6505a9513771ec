"""Waste containers: they fill with the day, a round empties them at its hour, batteries last a season."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.sun import Sun
from simulators.weather import Weather
from telemetry.arrays import Values

DAY_S = 86_400.0
BATTERY_S = 240 * DAY_S


class WasteModel:
    """What the containers' sensors report."""

    def __init__(self, weather: Weather, sun: Sun, fleet: Fleet, events: Events) -> None:
        self._events = events
        self._weather, self._sun = weather, sun
        key = fleet.key
        # Rounds run from 18:00 to 02:00; some containers are emptied every second day.
        self._round_s = 3_600.0 * (18.0 + 8.0 * uniform(derived(key, 140)))
        self._period = np.where(uniform(derived(key, 141)) < 0.7, 1.0, 2.0)
        self._lean = 2.5 * uniform(derived(key, 142))
        self._worn = uniform(derived(key, 143))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        sunshine = self._sun.height(rows.t - 3_600.0, rows.day)
        inside = self._weather.at(rows).temperature + 1.5 + 4.0 * sunshine
        scatter = normal(derived(rows.key, 144), rows.slot)
        return {
            "fill": self._fill(rows),
            "temperature": inside + self._events.at("fire", rows) + 0.15 * scatter,
            "tilt": self._lean[rows.device] + 0.3 * np.abs(scatter),
            "battery": self._battery(rows),
        }

    def _fill(self, rows: Rows) -> Values:
        """A sawtooth: what the last round left, and what came in since, faster by day. [%]"""
        of = rows.device
        local_s = rows.day * DAY_S + rows.hour * 3_600.0
        since_first = local_s - self._round_s[of]
        cycle = np.floor(since_first / (self._period[of] * DAY_S))
        part = since_first / (self._period[of] * DAY_S) - cycle
        left = 2.0 + 6.0 * uniform(derived(rows.key, 145), cycle.astype(np.int64))
        full = 42.0 + 38.0 * uniform(derived(rows.key, 146), cycle.astype(np.int64))
        # The integral of 1 - 0.6·cos: little comes in at night.
        local_part = local_s / DAY_S % 1.0
        first_part = (self._round_s[of] / DAY_S) % 1.0
        wave = np.sin(2 * np.pi * local_part) - np.sin(2 * np.pi * first_part)
        came = part - 0.6 / (2 * np.pi) * wave / self._period[of]
        return np.asarray(left + (full - left) * np.clip(came, 0.0, 1.0))

    def _battery(self, rows: Rows) -> Values:
        """From 98 down to 35 %, then changed. [%]"""
        part = (rows.t / BATTERY_S + self._worn[rows.device]) % 1.0
        return np.asarray(98.0 - 63.0 * part)
