"""Climate normals of the two ends of the country, by month; between them linear in latitude.

Source: World Meteorological Organization, World Weather Information Service, pages of Ho Chi Minh City and
Hanoi: mean daily minimum and maximum, mean rainfall and days of rain. Relative humidity and sunshine: the
same tables as they are widely reprinted (QCVN 02:2009/BXD has them for Vietnam's stations).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from devices.city import City
from telemetry.arrays import Values

SOUTH_LAT, NORTH_LAT = 10.8, 21.0


@dataclass(frozen=True, slots=True)
class Normals:
    """Twelve monthly means, January first."""

    low: tuple[float, ...]  # mean daily minimum [Cel]
    high: tuple[float, ...]  # mean daily maximum [Cel]
    rain: tuple[float, ...]  # [mm a month]
    rain_days: tuple[float, ...]
    humidity: tuple[float, ...]  # [%]
    sunshine: tuple[float, ...]  # [h a month]


HO_CHI_MINH_CITY = Normals(
    low=(21.1, 22.5, 24.4, 25.8, 25.2, 24.6, 24.3, 24.3, 24.4, 23.9, 22.8, 21.4),
    high=(31.6, 32.9, 33.9, 34.6, 34.0, 32.4, 32.0, 31.8, 31.3, 31.2, 31.0, 30.8),
    rain=(13.8, 4.1, 10.5, 50.4, 218.4, 311.7, 293.7, 269.8, 327.1, 266.7, 116.5, 48.3),
    rain_days=(2.4, 1.0, 1.9, 5.4, 17.8, 19.0, 22.9, 22.4, 23.1, 20.9, 12.1, 6.7),
    humidity=(69.0, 68.0, 68.0, 70.0, 76.0, 80.0, 80.0, 81.0, 82.0, 83.0, 78.0, 73.0),
    sunshine=(244.9, 248.6, 272.8, 231.0, 195.3, 171.0, 179.8, 173.6, 162.0, 182.9, 201.0, 223.2),
)
HANOI = Normals(
    low=(14.3, 15.3, 18.1, 21.7, 24.6, 26.1, 26.3, 26.0, 24.9, 22.3, 18.9, 15.6),
    high=(19.7, 20.1, 22.9, 27.2, 31.4, 32.9, 33.1, 32.3, 31.2, 28.8, 25.3, 22.0),
    rain=(18.6, 26.2, 43.8, 90.1, 188.5, 239.9, 288.2, 318.0, 265.4, 130.7, 43.4, 23.4),
    rain_days=(8.4, 11.3, 15.0, 13.3, 14.2, 14.7, 15.7, 16.7, 13.7, 9.0, 6.5, 6.0),
    humidity=(79.9, 82.5, 84.5, 84.7, 81.1, 80.0, 80.7, 82.7, 81.0, 78.5, 77.1, 76.2),
    sunshine=(68.7, 48.1, 45.5, 87.4, 173.7, 167.0, 181.1, 163.0, 162.4, 150.3, 131.6, 113.0),
)


class Climate:
    """The normals of a city's latitude. `north`: 0 in the south's climate, 1 in the north's."""

    def __init__(self, city: City) -> None:
        self.north = float(
            np.clip((city.centre[0] - SOUTH_LAT) / (NORTH_LAT - SOUTH_LAT), 0.0, 1.0)
        )

    def month(self, of: str) -> Values:
        """A normal's twelve values."""
        south, north = np.array(getattr(HO_CHI_MINH_CITY, of)), np.array(getattr(HANOI, of))
        return np.asarray((1.0 - self.north) * south + self.north * north)

    def at(self, of: str, year_part: Values) -> Values:
        """A normal at any part of the year: linear between the middles of the months."""
        return through_year(self.month(of), year_part)


def through_year(monthly: ArrayLike, year_part: Values) -> Values:
    """Twelve monthly values at any part of the year, 0…1."""
    months = np.asarray(monthly, dtype=np.float64)
    middle = (np.arange(-1, 13) + 0.5) / 12.0
    around = np.concatenate([months[-1:], months, months[:1]])
    return np.asarray(np.interp(year_part, middle, around))
