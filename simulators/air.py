"""Air: what stands over the place (`airshed`), what the street adds, and the sun that makes ozone of it.

Ozone by the photostationary state of NO, NO2 and O3 (P. A. Leighton, Photochemistry of Air Pollution, 1961):
NO + O3 → NO2, NO2 + light → NO + O3. So ozone is high in the sun, and traffic eats it by night and at the kerb.
"""

from __future__ import annotations

import numpy as np

from simulators.airshed import SPECIES, Airshed, traffic_hours
from simulators.chance import derived, normal, uniform, wander
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.sun import Sun
from simulators.weather import LocalWeather, Weather
from telemetry.arrays import Values

# One ppb at 25 °C and 1 atm. [ug/m3]
NO2_PPB, O3_PPB = 1.882, 1.963
# What the traffic of a busy street adds at its kerb in a calm hour, by species. [ug/m3]
KERB = np.array([62.0, 950.0, 1.0, 3.5, 10.0])
# What comes with each ug/m3 of fine smoke of burning straw or waste.
SMOKE = np.array([0.10, 9.0, 0.05, 1.0, 0.12])
# How much each gas and size goes a way of its own: chimneys here, a dusty road there.
OWN_WAY = (0.10, 0.12, 0.30, 0.07, 0.32)
LIGHT_PPB = 18.0  # j(NO2)/k(NO + O3) under a high sun
PRIMARY_NO2 = 0.08  # of the NOx from exhausts


class AirModel:
    """What the air stations report. Concentrations in ug/m3."""

    def __init__(
        self, weather: Weather, sun: Sun, airshed: Airshed, fleet: Fleet, events: Events
    ) -> None:
        self._weather, self._sun, self._airshed, self._events = weather, sun, airshed, events
        self._days = airshed.key_of_days
        # Every other station stands at a street, the others in yards and parks.
        beside = uniform(derived(fleet.key, 39))
        self._kerb = np.where(beside < 0.5, 0.0, beside)
        self._site = 0.10 * normal(derived(fleet.key, 40))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        here = self._weather.at(rows)
        air = self._mixture(rows, here)
        nox, co, so2, fine, coarse = (air[:, i] for i in range(len(SPECIES)))
        oxidant = self._oxidant(rows, here) + PRIMARY_NO2 * nox / NO2_PPB
        no2, o3 = photostationary(nox / NO2_PPB, oxidant, LIGHT_PPB * here.sunshine + 0.5)
        noise = [normal(derived(rows.key, salt), rows.slot) for salt in (45, 46, 47, 48, 49, 50)]
        pm25 = np.maximum(fine + 0.4 * noise[0], 1.0)
        return {
            "pm25": pm25,
            "pm10": np.maximum(pm25 + coarse + 0.5 * noise[1], 1.02 * pm25 + 0.2),
            "o3": np.maximum(o3 * O3_PPB + 0.5 * noise[2], 1.0),
            "no2": np.maximum(no2 * NO2_PPB * (1 + 0.012 * noise[3]), 0.5),
            "so2": np.maximum(so2 * (1 + 0.012 * noise[4]), 0.5),
            "co": np.maximum(co * (1 + 0.012 * noise[5]), 50.0),
            "temperature": here.temperature,
            "humidity": here.humidity,
        }

    def _mixture(self, rows: Rows, here: LocalWeather) -> Values:
        """(rows, species): the box's air, the street's and the smoke, as they swirl past the inlet."""
        swirl = 0.08 * wander(derived(rows.key, 41), rows.t, 10_800.0, 2_700.0, 600.0)
        air: Values = self._airshed.at(rows) * np.exp(self._site[rows.device] + swirl)[:, None]
        # A street holds its exhaust the longer the less the wind stirs.
        street = self._kerb[rows.device] * traffic_hours(rows) / (0.7 + here.sky.wind_speed)
        street = street * np.exp(0.35 * wander(derived(rows.key, 42), rows.t, 2_700.0, 600.0))
        smoke = self._events.at("burning", rows)
        air = air + street[:, None] * KERB + smoke[:, None] * SMOKE
        for column, share in enumerate(OWN_WAY):
            own = wander(derived(rows.key, 60 + column), rows.t, 36_000.0, 7_200.0, 1_200.0)
            air[:, column] *= np.exp(share * own)
        # A shower over the street itself; the boxes know the hour's.
        air[:, 3:] /= 1.0 + 0.02 * here.rain.lately()[:, None]
        return np.asarray(air)

    def _oxidant(self, rows: Rows, here: LocalWeather) -> Values:
        """O3 and NO2 together [ppb]: what the deep layer holds, and what the sun of the last hours made."""
        light = self._sun.height(rows.t - 7_800.0, rows.day) ** 1.2 * (1.0 - 0.6 * here.cloud)
        warm = np.clip(0.55 + 0.03 * (here.sky.temperature - 15.0), 0.3, 1.2)
        made = 34.0 * light * warm * (0.8 + 0.4 * here.sky.calm)
        # What other gases take part in it changes from day to day, over the whole city.
        made = made * np.exp(0.24 * wander(self._days, rows.t, 2 * 86_400.0, 86_400.0))
        own = 1.0 + 0.06 * wander(derived(rows.key, 43), rows.t, 21_600.0, 3_600.0, 900.0)
        # By night the ground takes up what a shallow layer holds.
        held = 15.0 + 11.0 * np.tanh(here.sky.mixing / 500.0)
        return np.asarray((held + made) * own)


def photostationary(nox: Values, oxidant: Values, light: Values) -> tuple[Values, Values]:
    """(NO2, O3) of NOx, of O3 + NO2 and of j/k, all in ppb: j·[NO2] = k·[NO]·[O3].

    x² - (NOx + OX + j/k)·x + NOx·OX = 0 with x = NO2, OX - x = O3, NOx - x = NO.
    """
    total = nox + oxidant + light
    root = np.sqrt(np.maximum(total**2 - 4.0 * nox * oxidant, 0.0))
    no2 = np.asarray((total - root) / 2)
    return no2, np.asarray(oxidant - no2)
