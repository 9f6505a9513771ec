"""Weather at a place: the city's (`sky`), what its streets make of it, and the rain that crosses the map."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from devices.city import City
from simulators.chance import derived, normal, smooth, wander
from simulators.events import Events
from simulators.fleet import Fleet, LocalTime, Rows
from simulators.rain import Rain, RainField
from simulators.sky import Sky, SkyAt, saturation
from simulators.sun import Sun
from telemetry.arrays import Values


class Weather:
    """The air over the city at any place and time. `north`: 0 in the south's climate, 1 in the north's."""

    def __init__(self, city: City, seed: int, local: LocalTime, sun: Sun, events: Events) -> None:
        self.events = events
        self.sky = Sky(city, seed, local, sun, events)
        self.rain = Rain(city, seed, local, self.sky, events)
        self.sun = sun
        self.north = self.sky.climate.north

    def at(self, rows: Rows) -> LocalWeather:
        """What it is like at each row's place and time; computed as far as it is asked for."""
        return LocalWeather(self, rows)


class LocalWeather:
    """The weather of some rows. Columns of their length."""

    def __init__(self, weather: Weather, rows: Rows) -> None:
        self._weather, self._rows = weather, rows

    @cached_property
    def sky(self) -> SkyAt:
        """The city's as a whole."""
        return self._weather.sky.at(self._rows.t)

    @cached_property
    def rain(self) -> RainField:
        """The last forty minutes' rain there."""
        return self._weather.rain.field(self._rows)

    @cached_property
    def wet(self) -> Values:
        """How much the last half hour's rain still holds the air, 0…1."""
        return np.asarray(np.tanh(self.rain.lately() / 8.0))

    @cached_property
    def cloud(self) -> Values:
        """Cover, 0…1."""
        return np.asarray(np.clip(self.sky.cloud + 0.5 * self.wet, 0.0, 1.0))

    @cached_property
    def sunshine(self) -> Values:
        """How high the sun stands and how much of it comes through, 0…1."""
        height = self._weather.sun.height(self._rows.t, self._rows.day)
        return np.asarray(height * (1.0 - 0.7 * self.cloud))

    @cached_property
    def temperature(self) -> Values:
        """Air temperature in a street. [Cel]"""
        key, t = self._rows.key, self._rows.t
        local = 0.4 * normal(derived(key, 20)) + 0.25 * wander(
            derived(key, 21), t, 5_400.0, 1_200.0
        )
        # A shower takes most where it was hottest.
        fall = (4.0 + 3.0 * self._weather.sun.height(t, self._rows.day)) * self.wet
        return np.asarray(self.sky.temperature + local - fall)

    @cached_property
    def humidity(self) -> Values:
        """Relative humidity over water, from the dew point (Magnus; WMO-No. 8). [%]"""
        dew = np.minimum(self.sky.dew + 1.2 * self.wet, self.temperature)
        relative = 100.0 * saturation(dew) / saturation(self.temperature)
        noise = 0.4 * smooth(derived(self._rows.key, 22), self._rows.t, 900.0)
        return np.asarray(np.clip(relative + noise, 20.0, 99.6 + 0.3 * np.tanh(noise)))

    @cached_property
    def pressure(self) -> Values:
        """Air pressure. [hPa]"""
        return np.asarray(
            self.sky.pressure + 0.05 * smooth(derived(self._rows.key, 23), self._rows.t, 900.0)
        )

    @cached_property
    def wind_speed(self) -> Values:
        """Mean of some minutes, ten metres up. [m/s]"""
        key, t = self._rows.key, self._rows.t
        # Roofs and trees: one place lies open, the other does not.
        shelter = 1.0 + 0.15 * normal(derived(key, 26))
        gusts = shelter * np.exp(0.25 * wander(derived(key, 24), t, 1_800.0, 400.0))
        # Cold air falls out of a shower and spreads.
        speed = np.clip((self.sky.wind_speed + 0.25) * gusts + 3.0 * self.wet, 0.1, 15.0)
        return np.asarray(speed + self._weather.events.at("storm", self._rows) * gusts)

    @cached_property
    def wind_direction(self) -> Values:
        """Where it comes from. [deg, 0…360)"""
        key, t = self._rows.key, self._rows.t
        mean = np.degrees(np.arctan2(-self.sky.east, -self.sky.north))
        eddy = 16.0 * wander(derived(key, 25), t, 2_400.0, 600.0)
        return np.asarray((mean + eddy) % 360.0)


class WeatherModel:
    """What the weather stations report."""

    def __init__(self, weather: Weather, fleet: Fleet) -> None:
        self._weather = weather
        self._interval_s = float(fleet.kind.interval_s)

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity, in the quantities' units."""
        here = self._weather.at(rows)
        return {
            "temperature": here.temperature,
            "humidity": here.humidity,
            "pressure": here.pressure,
            "wind_speed": here.wind_speed,
            "wind_direction": here.wind_direction,
            "rain": here.rain.depth(self._interval_s),
        }
