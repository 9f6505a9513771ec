"""Weather of a monsoon city: seasons by latitude, the day by the sun, and rain cells that cross the map.

Climate figures are round values for the two ends, Ho Chi Minh City (10.8° N) and Hanoi (21.0° N), and
linear between: design values, no climatology. Everything is a function of (seed, place, time).
"""

from __future__ import annotations

import numpy as np

from devices.city import City
from simulators.chance import derived, key, normal, smooth, wander
from simulators.events import Events
from simulators.fleet import Fleet, LocalTime, Rows
from simulators.rain import Rain
from simulators.sun import Sun
from telemetry.arrays import Values

DAY_S = 86_400.0
SOUTH, NORTH = 10.8, 21.0


class Weather:
    """The air over the city at any place and time. `north`: 0 in the south's climate, 1 in the north's."""

    def __init__(self, city: City, seed: int, local: LocalTime, sun: Sun, events: Events) -> None:
        self._events = events
        self.rain = Rain(city, seed, local, events)
        self._sun = sun
        self._key = key(seed, city.name, "weather")
        self.north = float(np.clip((city.centre[0] - SOUTH) / (NORTH - SOUTH), 0.0, 1.0))

    def cloud(self, rows: Rows) -> Values:
        """Cover, 0…1: clouds come by the half day, and with the rain."""
        cover = 0.45 + 0.22 * wander(derived(self._key, 1), rows.t, DAY_S, 4 * 3600.0)
        return np.asarray(np.clip(cover + self._wet(rows) * 0.5, 0.0, 1.0))

    def temperature(self, rows: Rows) -> Values:
        """Air temperature in a street. [Cel]"""
        n = self.north
        warmest = 0.30 + 0.23 * n  # of the year: April in the south, July in the north
        season = (1.2 + 5.3 * n) * np.cos(2 * np.pi * (rows.year_part - warmest))
        # Highest at 14:00, lowest before sunrise.
        swing = (2.6 - 0.7 * n) * np.cos(2 * np.pi * (rows.hour - 14.0) / 24.0)
        sunshine = 2.4 * self._sun.height(rows.t - 5_400.0, rows.day) * (1 - self.cloud(rows))
        spell = (0.7 + 1.3 * n) * wander(derived(self._key, 2), rows.t, 4 * DAY_S, DAY_S)
        local = 0.5 * normal(derived(rows.key, 20)) + 0.25 * wander(
            derived(rows.key, 21), rows.t, 5_400.0, 1_200.0
        )
        base = 28.0 - 3.8 * n
        return np.asarray(base + season + swing + sunshine + spell + local - 4.0 * self._wet(rows))

    def humidity(self, rows: Rows, temperature: Values) -> Values:
        """Relative humidity over water, from the dew point (Magnus; WMO-No. 8). [%]"""
        n = self.north
        season = (1.6 + 4.6 * n) * np.cos(2 * np.pi * (rows.year_part - 0.52))
        dew = 22.2 - 3.4 * n + season + 0.9 * wander(derived(self._key, 3), rows.t, 2 * DAY_S, 2e4)
        dew = dew + 1.2 * self._wet(rows)
        relative = 100.0 * _vapour_pressure(dew) / _vapour_pressure(temperature)
        noise = 0.4 * smooth(derived(rows.key, 22), rows.t, 900.0)
        return np.asarray(np.clip(relative + noise, 20.0, 99.6 + 0.3 * np.tanh(noise)))

    def pressure(self, rows: Rows) -> Values:
        """Air pressure, with the tropics' half-daily wave (highest at 10 and 22 h). [hPa]"""
        n = self.north
        season = (1.8 + 6.0 * n) * np.cos(2 * np.pi * (rows.year_part - 0.02))
        wave = 1.5 * np.cos(4 * np.pi * (rows.hour - 10.0) / 24.0)
        spell = 1.1 * wander(derived(self._key, 4), rows.t, 5 * DAY_S, DAY_S)
        noise = 0.05 * smooth(derived(rows.key, 23), rows.t, 900.0)
        return np.asarray(1009.8 + season + wave + spell + noise)

    def wind(self, rows: Rows) -> tuple[Values, Values]:
        """(speed [m/s], direction it comes from [deg, 0…360))."""
        breeze = 1.3 + 1.6 * self._sun.height(rows.t - 3_600.0, rows.day)
        gusts = np.exp(
            0.28 * wander(derived(self._key, 5), rows.t, DAY_S / 2, 7_200.0)
            + 0.22 * wander(derived(rows.key, 24), rows.t, 1_800.0, 400.0)
        )
        speed = np.clip(breeze * gusts + 3.0 * self._wet(rows), 0.1, 15.0)
        speed = speed + self._events.at("storm", rows) * gusts
        # South-west monsoon in the middle of the year, north-east in winter.
        monsoon = 140.0 - 95.0 * np.cos(2 * np.pi * rows.year_part)
        turn = 35.0 * wander(derived(self._key, 6), rows.t, DAY_S, 10_800.0)
        eddy = 14.0 * wander(derived(rows.key, 25), rows.t, 2_400.0, 600.0)
        return np.asarray(speed), np.asarray((monsoon + turn + eddy) % 360.0)

    def _wet(self, rows: Rows) -> Values:
        """How much the last half hour's rain still holds the air, 0…1."""
        return np.asarray(np.tanh(self.rain.lately(rows) / 8.0))


class WeatherModel:
    """What the weather stations report."""

    def __init__(self, weather: Weather, fleet: Fleet) -> None:
        self._weather = weather
        self._interval_s = float(fleet.kind.interval_s)

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity, in the quantities' units."""
        temperature = self._weather.temperature(rows)
        speed, direction = self._weather.wind(rows)
        return {
            "temperature": temperature,
            "humidity": self._weather.humidity(rows, temperature),
            "pressure": self._weather.pressure(rows),
            "wind_speed": speed,
            "wind_direction": direction,
            "rain": self._weather.rain.depth(rows, self._interval_s),
        }


def _vapour_pressure(celsius: Values) -> Values:
    """Saturation vapour pressure over water. [Cel] → [hPa]; WMO-No. 8, annex 4.B; -45…60 Cel."""
    return np.asarray(6.112 * np.exp(17.62 * celsius / (243.12 + celsius)))
