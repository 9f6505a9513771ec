"""Surface water: canals poorer in oxygen than rivers; the sun, the tide and showers change it slowly."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.sun import Sun
from simulators.weather import Weather
from telemetry.arrays import Values

SLOW = (3 * 86_400.0, 86_400.0, 21_600.0, 3_600.0)
TIDAL_PERIOD_S = 12.4206 * 3_600.0  # M2


class WaterModel:
    """What the water stations report."""

    def __init__(self, weather: Weather, sun: Sun, fleet: Fleet, events: Events) -> None:
        self._events = events
        self._weather, self._sun = weather, sun
        # 0: a clean river, 1: a canal in the middle of the city.
        self._loaded = uniform(derived(fleet.key, 120))
        self._salt = 150.0 * np.exp(1.3 * uniform(derived(fleet.key, 121)))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        load = self._loaded[rows.device]
        light = self._sun.height(rows.t - 7_200.0, rows.day)
        shower = np.tanh(self._weather.rain.field(rows).lately() / 15.0)
        turn = np.sin(2 * np.pi * rows.t / TIDAL_PERIOD_S)
        spilt = self._events.at("spill", rows)
        bod5 = (4.0 + 9.0 * load) * self._slow(rows, 122, 0.14) + spilt
        tss = (28.0 + 34.0 * load + 6.0 * turn) * self._slow(rows, 123, 0.12) + 14.0 * shower
        n = self._weather.north
        season = (1.6 + 4.4 * n) * np.cos(2 * np.pi * (rows.year_part - 0.42 - 0.13 * n))
        warmth = 0.02 * normal(derived(rows.key, 124), rows.slot)
        oxygen = 5.9 - 2.1 * load + 0.55 * light + 0.2 * turn
        return {
            "temperature": 28.3
            - 3.3 * n
            + season
            + 0.7 * light
            + 0.3 * self._drift(rows, 125)
            + warmth,
            "ph": 7.15 - 0.25 * load + 0.12 * light + 0.06 * self._drift(rows, 126),
            "dissolved_oxygen": np.maximum(oxygen + 0.3 * self._drift(rows, 127), 2.7)
            * np.exp(-spilt / 25.0),
            "bod5": bod5,
            "cod": bod5 * 1.75 + 3.0 + 0.2 * normal(derived(rows.key, 128), rows.slot),
            "tss": tss,
            "ammonium": (0.18 + 0.9 * load) * self._slow(rows, 129, 0.18),
            "conductivity": self._salt[rows.device]
            * (1.0 - 0.12 * turn)
            * self._slow(rows, 130, 0.06),
            "turbidity": 0.72 * tss + 2.0 + 0.6 * normal(derived(rows.key, 131), rows.slot),
            "coliform": np.exp(7.4 + 1.9 * load + 0.35 * self._drift(rows, 132)),
        }

    def _drift(self, rows: Rows, salt: int) -> Values:
        return wander(derived(rows.key, salt), rows.t, *SLOW)

    def _slow(self, rows: Rows, salt: int, share: float) -> Values:
        noise = 0.006 * normal(derived(rows.key, salt + 20), rows.slot)
        return np.asarray(np.exp(share * self._drift(rows, salt) + noise))
