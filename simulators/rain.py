"""Rain cells: they are born in the wet season's afternoons, cross the map, rain themselves out.

Each hour may bear a few cells; each is a bell in space and in time that moves with its own velocity.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from devices.city import City
from simulators.chance import derived, key, uniform
from simulators.events import Events
from simulators.fleet import LocalTime, Rows
from simulators.places import METRES_PER_DEG
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, SECOND

CELLS_PER_HOUR = 3
LONGEST_S = 6_000.0
REACH_DEG = 0.26  # cells are born within this of the city's centre
# How likely a possible cell is in its month's best hours, January…December: south, north.
SOUTH = (0.03, 0.02, 0.04, 0.15, 0.50, 0.60, 0.60, 0.60, 0.65, 0.55, 0.25, 0.08)
NORTH = (0.08, 0.10, 0.12, 0.22, 0.40, 0.50, 0.55, 0.55, 0.40, 0.22, 0.10, 0.06)
# By the local hour.
HOURLY = (
    0.15, 0.12, 0.10, 0.10, 0.12, 0.15, 0.15, 0.12, 0.12, 0.15, 0.25, 0.40,
    0.60, 0.85, 1.00, 1.00, 0.95, 0.85, 0.70, 0.50, 0.35, 0.28, 0.22, 0.18,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One rain cell. Times in s since 1970, places in deg, velocity in deg/s, rate in mm/h."""

    start: float
    length: float
    lat: float
    lon: float
    north: float
    east: float
    radius: float
    peak: float


class Rain:
    """Rain rate and depth at any place and time."""

    def __init__(self, city: City, seed: int, local: LocalTime, events: Events) -> None:
        self._events = events
        self._centre = city.centre
        self._squeeze = float(np.cos(np.radians(city.centre[0])))
        self._key = key(seed, city.name, "rain")
        self._local = local
        n = float(np.clip((city.centre[0] - 10.8) / 10.2, 0.0, 1.0))
        self._monthly = [(1 - n) * s + n * h for s, h in zip(SOUTH, NORTH, strict=True)]
        self._hours: dict[int, list[Cell]] = {}

    def rate(self, rows: Rows, before_s: float = 0.0) -> Values:
        """Rain rate so many seconds before each row's time. [mm/h]"""
        t = rows.t - before_s
        total = self._events.at("cloudburst", rows, before_s)
        if not len(t):
            return total
        first, last = float(t.min()) - LONGEST_S - 3_600.0, float(t.max())
        for hour in range(int(first // 3_600), int(last // 3_600) + 1):
            for cell in self._born_in(hour):
                if cell.start < last and cell.start + cell.length > first:
                    total = total + self._of_cell(cell, t, rows.lat, rows.lon)
        return total

    def depth(self, rows: Rows, interval_s: float) -> Values:
        """What fell in the interval that ends at each row's time. [mm]"""
        thirds = [self.rate(rows, interval_s * part) for part in (1 / 6, 3 / 6, 5 / 6)]
        return np.asarray((thirds[0] + thirds[1] + thirds[2]) / 3 * interval_s / 3_600.0)

    def lately(self, rows: Rows) -> Values:
        """Mean rate of about the last half hour. [mm/h]"""
        return np.asarray((self.rate(rows) + self.rate(rows, 900.0) + self.rate(rows, 1_800.0)) / 3)

    def _of_cell(self, cell: Cell, t: Values, lat: Values, lon: Values) -> Values:
        part = np.clip((t - cell.start) / cell.length, 0.0, 1.0)
        # Exactly 0 before and after the cell's life, so cells that are left out change no bit.
        bell = (4.0 * part * (1.0 - part)) ** 2
        since = t - cell.start
        north = lat - (cell.lat + cell.north * since)
        east = (lon - (cell.lon + cell.east * since)) * self._squeeze
        return np.asarray(cell.peak * bell * np.exp(-(north**2 + east**2) / (2 * cell.radius**2)))

    def _born_in(self, hour: int) -> list[Cell]:
        if hour not in self._hours:
            if len(self._hours) > 2_000:
                self._hours.clear()
            self._hours[hour] = self._drawn(hour)
        return self._hours[hour]

    def _drawn(self, hour: int) -> list[Cell]:
        local = int(self._local.ns(np.array([hour * HOUR]))[0])
        month = int(np.datetime64(local // DAY, "D").astype("datetime64[M]").astype(int)) % 12
        chance = self._monthly[month] * HOURLY[local % DAY // HOUR]
        cells = []
        for n in range(CELLS_PER_HOUR):
            draw = uniform(derived(self._key, n + 1), hour * 16 + np.arange(9)).tolist()
            if draw[0] < chance:
                cells.append(self._cell(hour, draw))
        return cells

    def _cell(self, hour: int, draw: list[float]) -> Cell:
        heading, speed = 2 * np.pi * draw[5], (3.0 + 5.0 * draw[6]) / METRES_PER_DEG
        return Cell(
            start=(hour * HOUR) / SECOND + 3_600.0 * draw[1],
            length=1_800.0 + (LONGEST_S - 1_800.0) * draw[2],
            lat=self._centre[0] + REACH_DEG * (2 * draw[3] - 1),
            lon=self._centre[1] + REACH_DEG * (2 * draw[4] - 1) / self._squeeze,
            north=float(speed * np.sin(heading)),
            east=float(speed * np.cos(heading)) / self._squeeze,
            radius=(2_500.0 + 5_000.0 * draw[7]) / METRES_PER_DEG,
            # Most showers are slight, a few are cloudbursts.
            peak=4.0 + 58.0 * draw[8] ** 2,
        )
