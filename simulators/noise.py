"""Noise: the level follows the traffic's logarithm and a ward's evenings, rain on the road adds, horns make the peaks."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.rhythm import by_hour, demand
from simulators.weather import Weather
from telemetry.arrays import Values

# A ward's own life, against its loudest hour: markets at dawn, children, supper, songs until the law's ten o'clock.
WARD = (
    0.03, 0.02, 0.02, 0.03, 0.10, 0.35, 0.50, 0.45, 0.35, 0.30, 0.32, 0.40,
    0.30, 0.25, 0.28, 0.35, 0.50, 0.70, 0.90, 1.00, 0.95, 0.75, 0.25, 0.07,
)  # fmt: skip


class NoiseModel:
    """What the noise meters report. [dB{A}]"""

    def __init__(self, weather: Weather, fleet: Fleet, events: Events) -> None:
        self._weather, self._events = weather, events
        # From a quiet ward to the kerb of a main road.
        place = uniform(derived(fleet.key, 60))
        self._peak = 63.0 + 10.0 * place
        # The quieter the road, the more of what is heard is the ward's own.
        self._ward = 58.0 + 8.0 * (1.0 - place) * uniform(derived(fleet.key, 64))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity: LAeq and LAmax of the interval."""
        here = self._weather.at(rows)
        slow = 0.9 * wander(derived(rows.key, 61), rows.t, 14_400.0, 3_600.0, 900.0)
        quick = 0.9 * normal(derived(rows.key, 62), rows.slot)
        # 10·lg of the traffic: half the vehicles are 3 dB less; a city never falls quite silent.
        traffic = self._peak[rows.device] + 10.0 * np.log10(0.06 + demand(rows))
        traffic = traffic + 2.5 * np.tanh(here.rain.rate() / 15.0)
        livelier = 1.0 + 0.6 * rows.weekend
        ward = self._ward[rows.device] + 10.0 * np.log10(by_hour(WARD, rows.hour) * livelier)
        party = self._events.at("party", rows)
        # Gusts of a storm roar in the trees and at the microphone.
        wind = 25.0 + 25.0 * np.log10(np.maximum(here.wind_speed, 1.0))
        laeq = _together(traffic + slow, ward + slow, wind) + quick
        laeq = _together(laeq, np.where(party > 0.0, party + 0.8 * quick, 0.0))
        horns = 7.0 + 11.0 * uniform(derived(rows.key, 63), rows.slot) ** 2
        return {"laeq": laeq, "lamax": laeq + horns}


def _together(*levels: Values) -> Values:
    """The level of sources heard at once: 10·lg Σ 10^(L/10)."""
    total = np.sum([10.0 ** (level / 10.0) for level in levels], axis=0)
    return np.asarray(10.0 * np.log10(total))
