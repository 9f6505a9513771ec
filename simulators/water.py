"""Surface water: canals poorer in oxygen than rivers; sun, tide, showers and waste water change it.

The flood tide brings the sea's salt and cleaner water up the river, the ebb what the city gave off; in the dry
season the salt comes farther. A shower washes the streets into the canals: the first flush.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.tide import tide
from simulators.chance import derived, normal, uniform, wander
from simulators.climate import through_year
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.level import LAG_H, LAG_H_PER_DEG, PHU_AN_LAT
from simulators.sun import Sun
from simulators.weather import Weather
from telemetry.arrays import Values

SLOW = (3 * 86_400.0, 86_400.0, 21_600.0, 3_600.0)
# How far the sea's salt comes up the rivers, by month: most in April, none in the rains.
SALT_YEAR = (0.25, 0.50, 0.80, 1.00, 0.70, 0.25, 0.08, 0.05, 0.04, 0.04, 0.06, 0.12)
SEA_LAT, SEA_US_PER_CM, FRESHER_DEG = (
    10.66,
    14_000.0,
    0.07,
)  # April, at Nhà Bè; less by e each 0.07° up


@dataclass(frozen=True, slots=True)
class _Forces:
    """What acts on the water of some rows: load 0…1 of the place, light 0…1, flushed [mm], the tide's height
    and rise, each about -1…1 (0 where there is none), and the waste water's BOD5 [mg/L]."""

    load: Values
    light: Values
    flushed: Values
    height: Values
    rise: Values
    spilt: Values


class WaterModel:
    """What the water stations report."""

    def __init__(self, weather: Weather, sun: Sun, fleet: Fleet, events: Events) -> None:
        self._weather, self._sun, self._events = weather, sun, events
        # 0: a clean river, 1: a canal in the middle of the city.
        self._loaded = uniform(derived(fleet.key, 120))
        self._fresh = 150.0 * np.exp(1.0 * uniform(derived(fleet.key, 121)))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        at = self._forces(rows)
        bod5 = (4.0 + 9.0 * at.load - 0.8 * at.height) * self._slow(rows, 122, 0.14)
        bod5 = bod5 + 0.10 * at.load * at.flushed + at.spilt
        tss = (28.0 + 34.0 * at.load) * self._slow(rows, 123, 0.12) + 9.0 * at.rise**2
        tss = tss + 0.9 * at.flushed + 0.5 * at.spilt
        temperature = self._temperature(rows, at)
        oxygen = self._oxygen(rows, at, temperature)
        return {
            "temperature": temperature,
            "ph": self._ph(rows, at),
            "dissolved_oxygen": oxygen,
            "bod5": bod5,
            "cod": bod5 * 1.75 + 3.0 + 0.2 * normal(derived(rows.key, 128), rows.slot),
            "tss": tss,
            "ammonium": (0.18 + 0.9 * at.load - 0.05 * at.height) * self._slow(rows, 129, 0.18)
            + 0.05 * at.spilt,
            "conductivity": self._conductivity(rows, at),
            "turbidity": 0.72 * tss + 2.0 + 0.6 * normal(derived(rows.key, 131), rows.slot),
            "coliform": np.exp(
                7.4
                + 1.9 * at.load
                + 0.35 * self._drift(rows, 132)
                + 0.9 * np.tanh(at.flushed / 20.0)
                + 0.04 * at.spilt
            ),
        }

    def _forces(self, rows: Rows) -> _Forces:
        rain = self._weather.rain.field(rows, 23_000.0)
        height, rise = np.zeros(len(rows)), np.zeros(len(rows))
        if self._weather.north < 0.5:
            up = np.clip(rows.lat - PHU_AN_LAT, -0.3, 0.4)
            t = rows.t - 3_600.0 * (LAG_H + LAG_H_PER_DEG * up)
            height = tide(t)
            rise = (tide(t + 900.0) - tide(t - 900.0)) / 0.5  # 1: half a metre in half an hour
        return _Forces(
            load=self._loaded[rows.device],
            light=self._sun.height(rows.t - 7_200.0, rows.day),
            flushed=rain.stored(7_200.0, 21_600.0),
            height=np.asarray(height),
            rise=np.asarray(rise),
            spilt=self._events.at("spill", rows),
        )

    def _temperature(self, rows: Rows, at: _Forces) -> Values:
        n = self._weather.north
        season = (1.6 + 4.4 * n) * np.cos(2 * np.pi * (rows.year_part - 0.42 - 0.13 * n))
        noise = 0.02 * normal(derived(rows.key, 124), rows.slot)
        mean = 28.3 - 3.3 * n + season + 0.7 * at.light
        return np.asarray(mean - 0.02 * at.flushed + 0.3 * self._drift(rows, 125) + noise)

    def _ph(self, rows: Rows, at: _Forces) -> Values:
        """Algae take up carbonic acid in the light; rain and waste water are sourer than the river."""
        soured = 0.25 * at.load + 0.20 * np.tanh(at.flushed / 25.0) + 0.012 * at.spilt
        light = (0.06 + 0.16 * at.load) * at.light
        return np.asarray(7.15 - soured + light + 0.06 * self._drift(rows, 126))

    def _oxygen(self, rows: Rows, at: _Forces, temperature: Values) -> Values:
        """Share of saturation, times what that is at this temperature. [mg/L]"""
        share = 0.78 - 0.28 * at.load + 0.07 * at.light + 0.03 * at.height
        share = share - 0.10 * at.load * np.tanh(at.flushed / 15.0)
        share = np.maximum(share + 0.04 * self._drift(rows, 127), 0.37)
        return np.asarray(share * np.exp(-at.spilt / 25.0) * saturated(temperature))

    def _conductivity(self, rows: Rows, at: _Forces) -> Values:
        """The river's own, thinned by rain, and the sea's salt. [uS/cm]"""
        fresh = self._fresh[rows.device] * self._slow(rows, 130, 0.06) * np.exp(-0.006 * at.flushed)
        if self._weather.north >= 0.5:
            return np.asarray(fresh + 4.0 * at.spilt)
        reach = np.clip(rows.lat - SEA_LAT, -0.1, 1.0) / FRESHER_DEG
        salt = SEA_US_PER_CM * through_year(SALT_YEAR, rows.year_part) * np.exp(-reach)
        return np.asarray(fresh + 4.0 * at.spilt + salt * np.exp(0.35 * at.height))

    def _drift(self, rows: Rows, salt: int) -> Values:
        return wander(derived(rows.key, salt), rows.t, *SLOW)

    def _slow(self, rows: Rows, salt: int, share: float) -> Values:
        noise = 0.006 * normal(derived(rows.key, salt + 20), rows.slot)
        return np.asarray(np.exp(share * self._drift(rows, salt) + noise))


def saturated(celsius: Values) -> Values:
    """Oxygen that water holds in air. [Cel] → [mg/L]; QĐ 1460/QĐ-TCMT (2019), VN_WQI's DO%; 0…40 Cel."""
    t = celsius
    return np.asarray(14.652 - 0.41022 * t + 0.0079910 * t**2 - 0.000077774 * t**3)
