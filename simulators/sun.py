"""When the sun rises and sets over a city, and how high it stands: lamps, heat and ozone follow it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta

import astral
import astral.sun
import numpy as np

from devices.city import City
from telemetry.arrays import Times, Values
from telemetry.clock import SECOND, from_datetime
from telemetry.errors import DeclarationError

CIVIL_DEPRESSION = 6.0  # civil twilight: the sun's centre 6° below the horizon [deg]


@dataclass(frozen=True, slots=True)
class SunTimes:
    """Civil dawn, sunrise, sunset, civil dusk of each row's local day. [s since 1970, UTC]"""

    dawn: Values
    sunrise: Values
    sunset: Values
    dusk: Values


class Sun:
    """The sun at the city's centre; across a city its times differ by less than two minutes."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._observer = astral.Observer(*city.centre)
        self._days: dict[int, tuple[float, float, float, float]] = {}

    def times(self, day: Times) -> SunTimes:
        """Times of these local days (days since 1970-01-01), to the second."""
        days, where = np.unique(day, return_inverse=True)
        table = np.array([self.of_day(d) for d in days.tolist()]).reshape(-1, 4)
        dawn, sunrise, sunset, dusk = table[where].T
        return SunTimes(dawn, sunrise, sunset, dusk)

    def height(self, t: Values, day: Times) -> Values:
        """0 while the sun is down, 1 when it is highest; a half sine between sunrise and sunset."""
        of = self.times(day)
        part = np.clip((t - of.sunrise) / (of.sunset - of.sunrise), 0.0, 1.0)
        return np.asarray(np.sin(np.pi * part))

    def of_day(self, day: int) -> tuple[float, float, float, float]:
        """(dawn, sunrise, sunset, dusk) of one local day. Raises DeclarationError in polar regions."""
        if day not in self._days:
            self._days[day] = self._calculated(date(1970, 1, 1) + timedelta(days=day))
        return self._days[day]

    def _calculated(self, on: date) -> tuple[float, float, float, float]:
        zone = self._city.zone
        try:
            moments = (
                astral.sun.dawn(self._observer, on, CIVIL_DEPRESSION, zone),
                astral.sun.sunrise(self._observer, on, zone),
                astral.sun.sunset(self._observer, on, zone),
                astral.sun.dusk(self._observer, on, CIVIL_DEPRESSION, zone),
            )
        except ValueError:
            raise DeclarationError(
                f"cities/{self._city.name}: centre",
                "must lie where the sun rises and sets every day",
                self._city.centre,
            ) from None
        dawn, sunrise, sunset, dusk = (
            float(from_datetime(m.astimezone(UTC)) // SECOND) for m in moments
        )
        return dawn, sunrise, sunset, dusk
