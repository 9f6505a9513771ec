"""The weather of a city as a whole, hour by hour: what every place of it shares.

Normals by month (`climate`), a day by the sun, spells by seeded noise, and in the north the cold fronts of
the winter monsoon: temperature falls within hours, north-east wind clears the air, calm days follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from devices.city import City
from simulators.chance import derived, key, normal, uniform, wander
from simulators.climate import Climate, through_year
from simulators.fleet import Instants, LocalTime, Moments
from simulators.hourly import Hourly
from simulators.sun import Sun
from telemetry.arrays import Times, Values
from telemetry.clock import DAY, HOUR

DAY_S = 86_400.0
# Where the wind comes from [deg] and how fast its mean is [m/s], by month: south-west monsoon from May to
# October and north-east to east in winter in the south; east to south-east, and the winter monsoon, in the
# north. Round values after the usual wind roses of Tân Sơn Nhất and Láng.
SOUTH_WIND = (
    (90, 110, 130, 140, 200, 225, 230, 240, 235, 270, 20, 30),
    (2.0, 2.4, 2.8, 2.6, 1.8, 2.3, 2.5, 2.7, 2.2, 1.4, 1.7, 1.8),
)
NORTH_WIND = (
    (50, 60, 100, 130, 140, 145, 145, 140, 90, 50, 40, 40),
    (1.6, 1.6, 1.8, 1.9, 1.9, 1.9, 1.9, 1.6, 1.4, 1.5, 1.5, 1.5),
)
# How strong a cold front is, by month, in the north: 15 to 20 of them a winter.
FRONTS = (1.0, 0.9, 0.7, 0.4, 0.1, 0.0, 0.0, 0.0, 0.15, 0.6, 0.9, 1.0)
FRONT_EVERY_H = 156
FRONT_COLD, FRONT_PRESSURE, FRONT_DRY = 7.0, 8.0, 6.0  # [Cel, hPa, Cel of dew point]
# ∫ (1 - e^(-x/5))·e^(-x/80) dx / FRONT_EVERY_H: how much of a front there is in the mean.
FRONT_MEAN = (80.0 - 1.0 / (1 / 5 + 1 / 80)) / FRONT_EVERY_H


class Inversions(Protocol):
    """What lowers the mixed layer by a share 0…1: the events of that type."""

    def over_city(self, type: str, t: Values) -> Values: ...


@dataclass(frozen=True, slots=True)
class SkyAt:
    """The city's weather at some times. Temperature and dew point [Cel], pressure [hPa], wind towards
    east and north [m/s], cloud 0…1, depth of the mixed layer [m], calm 0…1 (1: nothing moves for days)."""

    temperature: Values
    dew: Values
    pressure: Values
    east: Values
    north: Values
    cloud: Values
    mixing: Values
    calm: Values

    @property
    def wind_speed(self) -> Values:
        """Of the mean wind. [m/s]"""
        return np.asarray(np.hypot(self.east, self.north))


class Sky:
    """The city's weather at any time."""

    def __init__(
        self, city: City, seed: int, local: LocalTime, sun: Sun, inversions: Inversions
    ) -> None:
        self.climate = Climate(city)
        self._local, self._sun, self._inversions = local, sun, inversions
        self._key = key(seed, city.name, "weather")
        self._table = Hourly(self._calculated)
        self._wind = self._monsoon()

    def at(self, t: Values) -> SkyAt:
        """At any times [s since 1970], linear between full hours."""
        if not len(t):
            return SkyAt(*np.zeros((8, 0)))
        values, index, part = self._table.around(t)
        return SkyAt(
            *(column[index] + part * (column[index + 1] - column[index]) for column in values.T)
        )

    def _calculated(self, hours: Times) -> Values:
        now = Instants(hours * HOUR, self._local)
        n = self.climate.north
        cold, gale, since = self._fronts(hours)
        usual = n * FRONT_MEAN * through_year(FRONTS, now.year_part)
        cloud = self._cloud(now)
        calm = self._calm(now, since)
        sun = self._sun.height(now.t - 3_600.0, now.day)
        east, north = self._wind_of(now, sun, calm, gale)
        dew = self._dew(now) - FRONT_DRY * (cold - usual)
        columns = (
            _no_frost(self._temperature(now, cloud) - FRONT_COLD * (cold - usual)),
            dew,
            self._pressure(now) + FRONT_PRESSURE * (cold - usual),
            east,
            north,
            cloud,
            self._mixing(now, np.hypot(east, north), cloud, calm),
            calm,
        )
        return np.stack(columns, axis=1)

    def _monsoon(self) -> tuple[Values, Values]:
        """The mean wind's components towards east and north, by month."""
        n = self.climate.north
        east, north = np.zeros(12), np.zeros(12)
        for share, (direction, speed) in ((1 - n, SOUTH_WIND), (n, NORTH_WIND)):
            angle = np.radians(np.array(direction, dtype=np.float64))
            east = east - share * np.array(speed) * np.sin(angle)
            north = north - share * np.array(speed) * np.cos(angle)
        return east, north

    def _wind_of(
        self, now: Moments, sun: Values, calm: Values, gale: Values
    ) -> tuple[Values, Values]:
        stir = (0.5 + 0.9 * sun) * (1.25 - 0.5 * calm)  # by night the wind sleeps
        breeze = 1.6 * (1.0 - self.climate.north) * self._sun.height(now.t - 9_000.0, now.day)
        spell = [
            1.0 * wander(derived(self._key, salt), now.t, 1.5 * DAY_S, 0.4 * DAY_S)
            for salt in (5, 6)
        ]
        east = (through_year(self._wind[0], now.year_part) + spell[0]) * stir
        north = (through_year(self._wind[1], now.year_part) + spell[1]) * stir
        # The sea lies to the south-east of the south; the winter monsoon comes from the north-east.
        return np.asarray(east - 0.7 * breeze - 2.6 * gale), np.asarray(
            north + 0.7 * breeze - 2.6 * gale
        )

    def _cloud(self, now: Moments) -> Values:
        """Cover in the mean from the hours of sunshine, and spells of half days."""
        clear = self.climate.at("sunshine", now.year_part) / (12.0 * 30.4)
        spell = 0.22 * wander(derived(self._key, 1), now.t, DAY_S, 4 * 3_600.0)
        return np.asarray(np.clip(1.0 - 0.85 * clear + spell, 0.0, 1.0))

    def _calm(self, now: Moments, since_front: Values) -> Values:
        """How long the air has lain still: in the north's winter it grows from front to front."""
        winter = self.climate.north * through_year(FRONTS, now.year_part)
        spell = 0.22 * wander(derived(self._key, 7), now.t, 3 * DAY_S, DAY_S)
        grown = np.clip((since_front - 24.0) / 96.0, 0.0, 1.0) - 0.5
        return np.asarray(np.clip(0.45 + spell + 0.7 * winter * grown, 0.0, 1.0))

    def _temperature(self, now: Moments, cloud: Values) -> Values:
        """From the mean minimum at sunrise to the mean maximum at 14 h, and back.

        W. J. Parton, J. A. Logan, A model for diurnal variation in soil and air temperature, Agricultural
        Meteorology 23 (1981): a sine by day, an exponential by night (a = 1.86 h, b = 2.2).
        """
        n = self.climate.north
        low, high = (self.climate.at(name, now.year_part) for name in ("low", "high"))
        usual = 1.0 - 0.85 * self.climate.at("sunshine", now.year_part) / (12.0 * 30.4)
        swing = (high - low) * np.clip(1.0 + 0.6 * (usual - cloud), 0.5, 1.5)
        spell = (0.7 + 1.1 * n) * wander(derived(self._key, 2), now.t, 4 * DAY_S, DAY_S)
        # A day's lowest and highest lie wider apart than the mean day's, the lowest more so.
        mean = (low + high) / 2 + 0.5 * n
        return np.asarray(mean + swing * (self._day_wave(now) - 0.5) + spell)

    def _day_wave(self, now: Moments) -> Values:
        """0 at sunrise, 1 at the warmest hour."""
        of = self._sun.times(now.day)
        rise, length = of.sunrise, (of.sunset - of.sunrise) / 3_600.0
        since = (now.t - rise) / 3_600.0
        by_day = np.sin(np.pi * np.clip(since, 0.0, length) / (length + 2 * 1.86))
        at_sunset = np.sin(np.pi * length / (length + 2 * 1.86))
        # After sunset, or before sunrise: hours since the last sunset.
        dark = np.where(since > length, since - length, since + 24.0 - length)
        fade = (np.exp(-2.2 * dark / (24.0 - length)) - np.exp(-2.2)) / (1.0 - np.exp(-2.2))
        night = (since > length) | (since < 0)
        return np.asarray(np.where(night, at_sunset * np.clip(fade, 0.0, 1.0), by_day))

    def _dew(self, now: Moments) -> Values:
        mean = (self.climate.at("low", now.year_part) + self.climate.at("high", now.year_part)) / 2
        humidity = self.climate.at("humidity", now.year_part) / 100.0
        spell = wander(derived(self._key, 3), now.t, 2 * DAY_S, 0.5 * DAY_S)
        return np.asarray(dew_point(mean, humidity) + (0.8 + 0.5 * self.climate.north) * spell)

    def _pressure(self, now: Moments) -> Values:
        """Seasons, and the tropics' half-daily wave (highest at 10 and 22 h)."""
        n = self.climate.north
        season = (1.8 + 6.0 * n) * np.cos(2 * np.pi * (now.year_part - 0.02))
        wave = 1.5 * np.cos(4 * np.pi * (now.hour - 10.0) / 24.0)
        spell = 1.1 * wander(derived(self._key, 4), now.t, 5 * DAY_S, DAY_S)
        return np.asarray(1009.8 + season + wave + spell)

    def _mixing(self, now: Moments, wind: Values, cloud: Values, calm: Values) -> Values:
        """A shallow layer by night, deep after noon; lower where the air lies still or an inversion caps it."""
        night = np.clip(190.0 + 90.0 * wind, 230.0, 650.0)
        top = (850.0 + 600.0 * (1.0 - cloud)) * (1.15 - 0.5 * calm)
        grown = self._sun.height(now.t - 6_300.0, now.day) ** 0.8
        depth = night + np.maximum(top - night, 0.0) * grown
        return np.asarray(depth * (1.0 - self._inversions.over_city("inversion", now.t)))

    def _fronts(self, hours: Times) -> tuple[Values, Values, Values]:
        """(how much of a front's cold there is, of its wind, hours since the last one)."""
        cold, gale = np.zeros(len(hours)), np.zeros(len(hours))
        since = np.full(len(hours), 1e3)
        if not self.climate.north:
            return cold, gale, since
        first, last = int(hours[0]) // FRONT_EVERY_H - 3, int(hours[-1]) // FRONT_EVERY_H
        for start, strength in (self._front(w) for w in range(first, last + 1)):
            after = np.maximum(hours - start, 0.0)
            cold = cold + strength * (1 - np.exp(-after / 5)) * np.exp(-after / 80)
            gale = gale + strength * (1 - np.exp(-after / 3)) * np.exp(-after / 30)
            if strength > 0.2:
                since = np.where(hours >= start, np.minimum(since, after), since)
        return cold, gale, since

    def _front(self, window: int) -> tuple[float, float]:
        """(when it arrives [h since 1970], how strong) of the window's front."""
        of = derived(self._key, 9)
        start = (window + float(uniform(of, 2 * window))) * FRONT_EVERY_H
        day = int(start * HOUR) // DAY
        part = (day / 365.2425) % 1.0
        strength = float(through_year(FRONTS, np.array([part]))[0]) * self.climate.north
        return start, strength * (
            1.0 + 0.25 * float(np.clip(normal(of, 2 * window + 1), -1.5, 1.5))
        )


def _no_frost(celsius: Values) -> Values:
    """Under 9 Cel it gets colder by less and less: the north's plain has hardly ever seen 3."""
    return np.asarray(np.where(celsius < 9.0, 9.0 + 0.4 * (celsius - 9.0), celsius))


def saturation(celsius: Values) -> Values:
    """Saturation vapour pressure over water. [Cel] → [hPa]; WMO-No. 8, annex 4.B; -45…60 Cel."""
    return np.asarray(6.112 * np.exp(17.62 * celsius / (243.12 + celsius)))


def dew_point(celsius: Values, humidity: Values) -> Values:
    """The inverse of `saturation`, at a relative humidity 0…1. [Cel]"""
    x = np.log(np.clip(humidity, 0.01, 1.0)) + 17.62 * celsius / (243.12 + celsius)
    return np.asarray(243.12 * x / (17.62 - x))
