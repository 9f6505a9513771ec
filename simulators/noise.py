"""Noise: the level follows the traffic's logarithm, rain on the road adds, horns make the peaks."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.rhythm import demand
from simulators.weather import Weather
from telemetry.arrays import Values


class NoiseModel:
    """What the noise meters report. [dB{A}]"""

    def __init__(self, weather: Weather, fleet: Fleet, events: Events) -> None:
        self._events = events
        self._weather = weather
        # From a quiet ward to the kerb of a main road.
        self._peak = 64.0 + 11.0 * uniform(derived(fleet.key, 60))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity: LAeq and LAmax of the interval."""
        rain = 2.5 * np.tanh(self._weather.rain.field(rows).rate() / 15.0)
        slow = 0.9 * wander(derived(rows.key, 61), rows.t, 14_400.0, 3_600.0, 900.0)
        quick = 0.9 * normal(derived(rows.key, 62), rows.slot)
        # 10·lg of the traffic: half the vehicles are 3 dB less; a city never falls quite silent.
        laeq = self._peak[rows.device] + 10.0 * np.log10(0.06 + demand(rows)) + rain + slow + quick
        party = self._events.at("party", rows)
        laeq = 10.0 * np.log10(
            10.0 ** (laeq / 10.0) + np.where(party > 0, 10.0 ** (party / 10.0), 0.0)
        )
        horns = 7.0 + 11.0 * uniform(derived(rows.key, 63), rows.slot) ** 2
        return {"laeq": laeq, "lamax": laeq + horns}
