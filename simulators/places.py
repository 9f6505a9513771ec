"""Where things may stand in a city: along its roads and waters, and in its wards, the denser the more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.city import Area, City, Road
from simulators.chance import key, uniform
from telemetry.arrays import Values

METRES_PER_DEG = 111_195.0  # a degree of latitude on a sphere of 6,371 km
# People live around the centre: at this distance a km² holds half as many [m].
HALF_DENSITY_M = 9_000.0


@dataclass(frozen=True, slots=True)
class Spot:
    """A place with the name that people give it. [deg]"""

    name: str
    lat: float
    lon: float


class Line:
    """A road or river as a line that can be walked. Lengths in m."""

    def __init__(self, road: Road) -> None:
        self.name = road.name
        points = np.array(road.points)
        squeeze = np.cos(np.radians(points[0, 0]))
        steps = np.diff(points, axis=0) * np.array([METRES_PER_DEG, METRES_PER_DEG * squeeze])
        self._points, self._squeeze = points, float(squeeze)
        self._along = np.concatenate([[0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))])

    @property
    def points(self) -> Values:
        """Its points as (lat, lon), a copy."""
        return self._points.copy()

    @property
    def along(self) -> Values:
        """How far each point is from the beginning. [m]"""
        return self._along

    @property
    def squeeze(self) -> float:
        """A degree of longitude by one of latitude here."""
        return self._squeeze

    @property
    def length(self) -> float:
        """From end to end. [m]"""
        return float(self._along[-1])

    def at(self, metres: float, aside: float = 0.0) -> tuple[float, float]:
        """(lat, lon) after so many metres from the beginning, `aside` metres to its right."""
        metres = float(np.clip(metres, 0.0, self.length))
        lat = float(np.interp(metres, self._along, self._points[:, 0]))
        lon = float(np.interp(metres, self._along, self._points[:, 1]))
        leg = min(int(np.searchsorted(self._along, metres, "right")) - 1, len(self._points) - 2)
        north, east = (self._points[leg + 1] - self._points[leg]) * (1.0, self._squeeze)
        norm = float(np.hypot(north, east)) or 1.0
        lat -= aside * float(east) / norm / METRES_PER_DEG
        lon += aside * float(north) / norm / (METRES_PER_DEG * self._squeeze)
        return lat, lon


class Places:
    """Seeded choices of places; the n-th is the same however many are asked for."""

    def __init__(self, city: City, seed: int) -> None:
        self.city = city
        self.roads = [Line(r) for r in city.roads]
        self.waters = [Line(w) for w in city.water]
        self._seed = seed
        self.seed = key(seed, city.name)  # of what the city's devices do
        self._weights = _cumulative_weights(city)
        self._orders: dict[tuple[str, int], list[int]] = {}

    def draw(self, *words: object) -> float:
        """A draw in [0, 1) that belongs to these words."""
        return float(uniform(key(self._seed, self.city.name, *words)))

    def on_road(self, use: str, n: int) -> tuple[Line, float]:
        """(road, metres from its beginning) of the n-th thing of this use: every road before any twice."""
        return self._on(self.roads, use, n)

    def on_water(self, use: str, n: int) -> tuple[Line, float]:
        """As on_road, on rivers and canals."""
        return self._on(self.waters, use, n)

    def in_area(self, use: str, n: int) -> tuple[Area, float, float]:
        """(ward, lat, lon) of the n-th thing of this use: likelier where many people live."""
        pick = (self.draw(use, "area") + n * 0.6180339887498949) % 1.0  # spreads evenly
        area = self.city.areas[
            min(int(np.searchsorted(self._weights, pick, "right")), len(self.city.areas) - 1)
        ]
        radius = 0.5 * np.sqrt(area.km2 / np.pi) * 1_000.0 * np.sqrt(self.draw(use, n, "radius"))
        angle = 2 * np.pi * self.draw(use, n, "angle")
        lat = area.lat + float(radius * np.sin(angle)) / METRES_PER_DEG
        lon = area.lon + float(radius * np.cos(angle)) / (
            METRES_PER_DEG * float(np.cos(np.radians(area.lat)))
        )
        return area, lat, lon

    def _on(self, lines: list[Line], use: str, n: int) -> tuple[Line, float]:
        lap, place = divmod(n, len(lines))
        line = lines[self._order(use, len(lines))[place]]
        share = 0.06 + 0.88 * ((self.draw(use, line.name) + lap * 0.6180339887498949) % 1.0)
        return line, share * line.length

    def _order(self, use: str, lines: int) -> list[int]:
        """The order in which a use takes lines, shuffled once."""
        if (use, lines) not in self._orders:
            draws = [self.draw(use, "order", i) for i in range(lines)]
            self._orders[use, lines] = sorted(range(lines), key=draws.__getitem__)
        return self._orders[use, lines]


def _cumulative_weights(city: City) -> Values:
    areas = np.array([(a.lat, a.lon, a.km2) for a in city.areas]).reshape(-1, 3)
    north = (areas[:, 0] - city.centre[0]) * METRES_PER_DEG
    east = (areas[:, 1] - city.centre[1]) * METRES_PER_DEG * np.cos(np.radians(city.centre[0]))
    density = 1 / (1 + (north**2 + east**2) / HALF_DENSITY_M**2) ** 1.5
    # A ward is served by stations, not by km²: a large commune gets more, but not in proportion.
    weight = density * np.sqrt(areas[:, 2])
    return np.asarray(np.cumsum(weight) / max(weight.sum(), 1e-12))
