"""Air: traffic's emission into a mixed layer that breathes with the day, washed by rain, ozone by the sun.

Design values that look like a large Vietnamese city's in an ordinary year; episodes come as faults.
"""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, key, normal, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.rhythm import by_hour, demand
from simulators.sun import Sun
from simulators.weather import Weather
from telemetry.arrays import Values

# How much the layer near the ground holds together, by local hour: most before the morning sun.
STILLNESS = (
    1.10, 1.12, 1.15, 1.18, 1.20, 1.24, 1.28, 1.24, 1.12, 0.98, 0.88, 0.80,
    0.75, 0.71, 0.70, 0.73, 0.80, 0.90, 0.98, 1.02, 1.05, 1.07, 1.08, 1.09,
)  # fmt: skip
# Ordinary hours stay under this level; above it an episode has a cause, and the truth names it. [ug/m3]
CEILING = 72.0


class AirModel:
    """What the air stations report. Concentrations in ug/m3."""

    def __init__(self, weather: Weather, sun: Sun, fleet: Fleet, seed: int, events: Events) -> None:
        self._events = events
        self._weather, self._sun = weather, sun
        self._north = weather.north
        self._region = key(seed, "air", "region")
        self._site = 0.13 * normal(derived(fleet.key, 40))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        here = self._weather.at(rows)
        traffic, still = demand(rows), by_hour(STILLNESS, rows.hour)
        still = still / (1.0 - self._events.at("inversion", rows))
        pm25 = self._fine_dust(rows, traffic, still)
        ratio = 1.45 + 0.10 * wander(derived(rows.key, 43), rows.t, 21_600.0, 3_600.0)
        no2 = self._gas(rows, 44, (9.0 + 34.0 * traffic) * still)
        return {
            "pm25": pm25,
            "pm10": pm25 * ratio + 4.0 + 0.5 * normal(derived(rows.key, 45), rows.slot),
            "o3": self._ozone(rows, no2),
            "no2": no2,
            "so2": self._gas(rows, 46, 7.0 + 5.0 * still),
            "co": self._gas(rows, 47, (320.0 + 820.0 * traffic) * still),
            "temperature": here.temperature,
            "humidity": here.humidity,
        }

    def _fine_dust(self, rows: Rows, traffic: Values, still: Values) -> Values:
        n = self._north
        winter = 1.0 + (0.22 + 0.28 * n) * np.cos(2 * np.pi * (rows.year_part - 0.03))
        spell = 0.26 * wander(derived(self._region, 1), rows.t, 3 * 86_400.0, 86_400.0, 21_600.0)
        local = 0.15 * wander(derived(rows.key, 41), rows.t, 43_200.0, 10_800.0, 2_700.0)
        quick = 0.035 * wander(derived(rows.key, 42), rows.t, 600.0, 180.0)
        level = (22.0 + 9.0 * n) * winter * still * (0.72 + 0.36 * traffic)
        level = level * np.exp(spell + local + quick + self._site[rows.device])
        washed = level / (1.0 + 0.07 * self._weather.at(rows).rain.lately())
        bounded = CEILING * np.tanh(washed / CEILING) + self._events.at("burning", rows)
        return np.asarray(np.maximum(bounded + 0.4 * normal(derived(rows.key, 48), rows.slot), 1.0))

    def _gas(self, rows: Rows, salt: int, level: Values) -> Values:
        change = 0.22 * wander(derived(rows.key, salt), rows.t, 28_800.0, 5_400.0, 900.0)
        noise = 1.0 + 0.012 * normal(derived(rows.key, salt + 20), rows.slot)
        return np.asarray(level * np.exp(change + self._site[rows.device]) * noise)

    def _ozone(self, rows: Rows, no2: Values) -> Values:
        # Photochemistry lags the sun by an hour and a half; fresh NO takes ozone away at the kerb.
        sunshine = self._sun.height(rows.t - 5_400.0, rows.day)
        made = 92.0 * sunshine**1.3 * (1.0 - 0.55 * self._weather.at(rows).cloud)
        change = np.exp(0.15 * wander(derived(rows.key, 49), rows.t, 21_600.0, 3_600.0, 900.0))
        noise = 0.5 * normal(derived(rows.key, 50), rows.slot)
        return np.asarray(np.maximum((24.0 + made) * change - 0.22 * no2 + noise, 2.0))
