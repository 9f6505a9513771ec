"""Rain cells: they are born in the wet season's afternoons, drift with the wind over the map, rain themselves out.

Each hour may bear a few cells; each is a bell in space and in time that moves with its own velocity. How
many there are follows the month's normal (`climate`); in the north's late winter most are wide and slight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import cos, erf, exp, pi, sin, sqrt

import numpy as np

from devices.city import City
from simulators.chance import derived, key, uniform, wander
from simulators.events import Events, course
from simulators.fleet import Instants, LocalTime, Rows
from simulators.places import METRES_PER_DEG
from simulators.sky import Sky
from telemetry.arrays import Index, Values
from telemetry.clock import HOUR, SECOND

CELLS_PER_HOUR = 8
LONGEST_S = 12_000.0
REACH_DEG = 0.42  # cells are born within this of the city's centre
STEP_S = 300.0  # the rate at a place is linear between full five minutes
SPREAD = 3.0  # a cell ends at so many of its radii
# What one possible shower brings to a place in the mean, if it comes [mm]:
# mean peak · mean length · 8/15 · 9π/5.5 · mean square of the radius / area they are born in.
SHOWER_MM = 23.3 * 1.083 * (8 / 15) * 9 * np.pi / 5.5 * 27.1 / (2 * REACH_DEG * 111.195) ** 2
# How much of the rain falls from wide slight cells, by month in the north (the crachin of January to April).
DRIZZLE = (0.8, 0.85, 0.8, 0.5, 0.15, 0.05, 0.05, 0.05, 0.1, 0.3, 0.5, 0.7)
# By the local hour: storms of the south's afternoon; in the north it rains by night as well.
SOUTH_HOURS = (
    0.15, 0.12, 0.10, 0.10, 0.12, 0.15, 0.15, 0.12, 0.12, 0.15, 0.25, 0.40,
    0.60, 0.85, 1.00, 1.00, 0.95, 0.85, 0.70, 0.50, 0.35, 0.28, 0.22, 0.18,
)  # fmt: skip
NORTH_HOURS = (
    0.40, 0.42, 0.42, 0.42, 0.40, 0.38, 0.34, 0.30, 0.28, 0.26, 0.26, 0.28,
    0.32, 0.38, 0.44, 0.48, 0.50, 0.50, 0.48, 0.45, 0.42, 0.40, 0.40, 0.40,
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


class RainField:
    """The rain rate at some devices over some time, by five minutes: what all questions are answered from."""

    def __init__(self, rates: Values, first: int, device: Index, t: Values) -> None:
        self._rates, self._first, self._device, self._t = rates, first, device, t

    def rate(self, before_s: float = 0.0) -> Values:
        """So many seconds before each row's time. [mm/h]"""
        place = (self._t - before_s) / STEP_S - self._first
        index = np.floor(place).astype(np.int64)
        part = place - index
        before, after = self._rates[self._device, index], self._rates[self._device, index + 1]
        return np.asarray(before + part * (after - before))

    def depth(self, interval_s: float) -> Values:
        """What fell in the interval that ends at each row's time. [mm]"""
        thirds = [self.rate(interval_s * part) for part in (1 / 6, 3 / 6, 5 / 6)]
        return np.asarray((thirds[0] + thirds[1] + thirds[2]) / 3 * interval_s / 3_600.0)

    def lately(self) -> Values:
        """Mean rate of about the last half hour. [mm/h]"""
        return np.asarray((self.rate() + self.rate(900.0) + self.rate(1_800.0)) / 3)

    def stored(self, drain_s: float, over_s: float) -> Values:
        """Rain that has not drained off yet, where it runs off by e in `drain_s`. [mm]"""
        steps = np.arange(0.5, over_s / 900.0) * 900.0
        total = np.zeros(len(self._t))
        for back in steps.tolist():
            total = total + self.rate(back) * 0.25 * np.exp(-back / drain_s)
        return total


class Rain:
    """Rain at any place and time."""

    def __init__(self, city: City, seed: int, local: LocalTime, sky: Sky, events: Events) -> None:
        self._centre = city.centre
        self._squeeze = float(np.cos(np.radians(city.centre[0])))
        self._key = key(seed, city.name, "rain")
        self._local, self._sky, self._events = local, sky, events
        n = sky.climate.north
        self._hourly = (1 - n) * np.array(SOUTH_HOURS) + n * np.array(NORTH_HOURS)
        born = sky.climate.month("rain") / SHOWER_MM / 30.4
        self._monthly = born / (CELLS_PER_HOUR * self._hourly.sum())
        self._drizzle = n * np.array(DRIZZLE)
        self._days: dict[int, list[Cell]] = {}
        # How wet the spells are beside the dry ones; in the north more days stay dry.
        self._wetter = 0.6 - 0.5 * n

    def field(self, rows: Rows, back_s: float = 2_400.0) -> RainField:
        """The rain at the rows' devices, up to `back_s` before their times."""
        if not len(rows):
            return RainField(np.zeros((1, 2)), 0, rows.device, rows.t)
        _, where, device = np.unique(rows.device, return_index=True, return_inverse=True)
        places = rows.take(where)
        first = int((rows.t.min() - back_s) // STEP_S)
        last = int(rows.t.max() // STEP_S) + 1
        steps = np.arange(first, last + 1, dtype=np.float64) * STEP_S
        return RainField(self.rates(places, steps), first, device, rows.t)

    def rates(self, places: Rows, t: Values) -> Values:
        """Rate at each place (row of `places`) and time (column) [mm/h]; times in order, at even steps."""
        total = np.zeros((len(places), len(t)))
        for cell in self.cells(float(t[0]), float(t[-1])):
            low, high = np.searchsorted(t, (cell.start, cell.start + cell.length)).tolist()
            if low < high:
                total[:, low:high] += self._of_cell(cell, t[low:high], places.lat, places.lon)
        span = int(t[0] * SECOND), int(t[-1] * SECOND) + 1
        for event in self._events.between(*span, "cloudburst"):
            near = self._events.where(event, places)
            total += event.strength * near[:, None] * course(event, t)[None, :]
        return total

    def cells(self, start: float, end: float) -> Iterable[Cell]:
        """Cells that live within these times. [s since 1970]"""
        first = int((start - LONGEST_S - 3_600.0) // 86_400)
        for day in range(first, int(end // 86_400) + 1):
            for cell in self._born_on(day):
                if cell.start < end and cell.start + cell.length > start:
                    yield cell

    def _of_cell(self, cell: Cell, t: Values, lat: Values, lon: Values) -> Values:
        part = np.clip((t - cell.start) / cell.length, 0.0, 1.0)
        bell = (4.0 * part * (1.0 - part)) ** 2
        since = t - cell.start
        north = lat[:, None] - (cell.lat + cell.north * since)[None, :]
        east = (lon[:, None] - (cell.lon + cell.east * since)[None, :]) * self._squeeze
        # Near to exp(-r²/2R²), and exactly 0 from 3 R on.
        far = (north**2 + east**2) / (SPREAD * cell.radius) ** 2
        return np.asarray(cell.peak * bell[None, :] * np.clip(1.0 - far, 0.0, 1.0) ** 4.5)

    def _born_on(self, day: int) -> list[Cell]:
        """Cells whose life begins on a UTC day, in order."""
        if day not in self._days:
            if len(self._days) > 400:
                self._days.clear()
            self._days[day] = self._drawn(day)
        return self._days[day]

    def _drawn(self, day: int) -> list[Cell]:
        hours = np.arange(24, dtype=np.int64) + day * 24
        now = Instants(hours * HOUR, self._local)
        month = now.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
        # Wet spells and dry ones, of some days: no shower at all, or two and three times the usual.
        spell = np.maximum(wander(self._key, now.t, 2 * 86_400.0, 86_400.0) + self._wetter, 0.0)
        chance = self._monthly[month] * self._hourly[now.hour.astype(np.int64)]
        chance = chance * spell / _above_zero(self._wetter)
        draws = uniform(
            derived(self._key, 1), day * 4_096 + np.arange(24 * CELLS_PER_HOUR * 10)
        ).reshape(24, CELLS_PER_HOUR, 10)
        hour, which = np.nonzero(draws[:, :, 0] < chance[:, None])
        chosen = draws[hour, which]
        start = now.t[hour] + 3_600.0 * chosen[:, 1]
        slight = chosen[:, 9] < self._drizzle[month[hour]]
        wind = self._sky.at(start)
        # Steered by the wind aloft: twice as fast as near the ground, and not quite its way.
        along = np.arctan2(wind.north, wind.east) + 0.9 * (chosen[:, 5] - 0.5)
        speed = np.minimum(3.0 + 1.2 * wind.wind_speed + 3.0 * chosen[:, 6], 14.0)
        rows = zip(
            start.tolist(), along.tolist(), speed.tolist(), slight.tolist(), chosen.tolist(),
            strict=True,
        )  # fmt: skip
        return [self._cell(*row) for row in rows]

    def _cell(
        self, start: float, along: float, speed: float, slight: bool, draw: list[float]
    ) -> Cell:
        if slight:
            length, radius = 6_000.0 + 6_000.0 * draw[2], 7_000.0 + 6_000.0 * draw[7]
            peak = 0.8 + 4.5 * draw[8]
        else:
            length, radius = 1_800.0 + 4_200.0 * draw[2], 2_500.0 + 5_000.0 * draw[7]
            # Most showers are slight, a few are cloudbursts.
            peak = 4.0 + 58.0 * draw[8] ** 2
        north, east = speed * sin(along) / METRES_PER_DEG, speed * cos(along) / METRES_PER_DEG
        # Half a life earlier than where it is at its height: no side of the map lies in a lee.
        lat = REACH_DEG * (2 * draw[3] - 1) - north * length / 2
        lon = REACH_DEG * (2 * draw[4] - 1) - east * length / 2
        return Cell(
            start=start,
            length=length,
            lat=self._centre[0] + lat,
            lon=self._centre[1] + lon / self._squeeze,
            north=north,
            east=east / self._squeeze,
            radius=radius / METRES_PER_DEG,
            peak=peak,
        )


def _above_zero(mean: float) -> float:
    """The mean of max(0, x) for normal x of this mean and standard deviation 1."""
    density = exp(-(mean**2) / 2) / sqrt(2 * pi)
    return density + mean * (1 + erf(mean / sqrt(2))) / 2
