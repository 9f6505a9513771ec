"""The air over a city as boxes on a grid: traffic and hearths fill them, wind carries from one to the next.

    dC/dt + u·∇C = Q(x, t)/h - (dry + wet)·C,   dh/dt > 0: C·h + C_above·dh is shared over the deeper layer

by half hours, semi-Lagrangian (upwind values, bilinear; A. Staniforth, J. Côté, Monthly Weather Review 119,
1991). Blocks of days begin some days earlier from the background: a city is blown clean in hours, so where
a block begins can't be seen, and no state is kept.
"""

from __future__ import annotations

import numpy as np

from devices.city import City
from simulators.chance import derived, key, uniform, wander
from simulators.climate import through_year
from simulators.fleet import Instants, LocalTime, Moments, Rows
from simulators.hourly import Hourly
from simulators.places import METRES_PER_DEG
from simulators.rhythm import WEEKDAY, WEEKEND, by_hour
from simulators.sky import SkyAt
from simulators.weather import Weather
from telemetry.arrays import Times, Values
from telemetry.clock import HOUR

SPECIES = ("nox", "co", "so2", "fine", "coarse")  # nox counted as NO2; all in ug/m3
SIDE, CELL_M = 17, 5_000.0  # boxes along one side of the square around the centre
STEP_S, STEPS = 1_800.0, 2  # an hour's steps
BLOCK_H, WARM_UP_H = 120, 48
HALF_DENSITY_M = 9_000.0  # at this distance from the centre a km² emits half as much
FARTHEST = 4  # boxes that half an hour's wind may cross: 11 m/s

# What the densest box gives off, in the mean of a week [ug/m2/h], by traffic and by hearths and works;
# fitted so that the year's means lie where the cities' own reports put them (docs/simulation.md).
TRAFFIC = np.array([11_500.0, 135_000.0, 250.0, 1_200.0, 2_200.0])
HEARTHS = np.array([1_300.0, 45_000.0, 800.0, 1_500.0, 900.0])
INDUSTRY = np.array([900.0, 6_000.0, 1_500.0, 500.0, 500.0])
# Meals, kilns and workshops by the local hour, mean 1.
HEARTH_HOURS = (
    0.35, 0.30, 0.30, 0.35, 0.65, 1.25, 1.50, 1.20, 1.00, 0.95, 1.15, 1.40,
    1.10, 0.90, 0.90, 1.00, 1.25, 1.75, 1.85, 1.55, 1.15, 0.85, 0.60, 0.45,
)  # fmt: skip
# At weekends lorries and buses stand, and they emit most.
LORRIES_REST = 0.75
MEAN_TRAFFIC = (5 * sum(WEEKDAY) + 2 * LORRIES_REST * sum(WEEKEND)) / 168
# Deposition on the ground [m/h], and how fast rain of 1 mm/h washes out, growing with R^0.7 [1/h].
# What turns into other things: NOx into nitrate, SO2 into sulphate [1/h].
TURNED = np.array([0.18, 0.0, 0.03, 0.0, 0.0])
DRY_M_PER_H = np.array([4.0, 0.0, 14.0, 5.0, 30.0])
WASHED = np.array([0.02, 0.0, 0.12, 0.10, 0.22])
# The air that blows in: in the south, in the north [ug/m3], and its year, January to December.
INFLOW = (np.array([3.0, 200.0, 3.0, 15.5, 10.0]), np.array([5.0, 330.0, 5.0, 25.0, 14.0]))
SOUTH_YEAR = (1.35, 1.30, 1.20, 1.00, 0.75, 0.70, 0.70, 0.72, 0.75, 0.90, 1.10, 1.30)
NORTH_YEAR = (1.45, 1.30, 1.15, 0.95, 0.75, 0.60, 0.55, 0.60, 0.80, 1.05, 1.25, 1.45)


class Airshed:
    """Concentrations of the species over the city, at any place and time. [ug/m3]"""

    def __init__(self, city: City, seed: int, local: LocalTime, weather: Weather) -> None:
        self._local, self._weather = local, weather
        self._key = key(seed, city.name, "airshed")
        self.key_of_days = derived(self._key, 3)  # of what a day's ozone differs by
        self._lat0, self._lon0 = city.centre
        self._squeeze = float(np.cos(np.radians(self._lat0)))
        self._density, self._works = self._sources()
        self._table = Hourly(self._calculated, BLOCK_H)

    def at(self, rows: Rows) -> Values:
        """(rows, species) at each row's place and time."""
        if not len(rows):
            return np.zeros((0, len(SPECIES)))
        values, hour, part = self._table.around(rows.t)
        _, where, device = np.unique(rows.device, return_index=True, return_inverse=True)
        at_devices = self._interpolated(values, rows.lat[where], rows.lon[where])
        before, after = at_devices[hour, :, device], at_devices[hour + 1, :, device]
        return np.asarray(before + part[:, None] * (after - before))

    def _interpolated(self, grid: Values, lat: Values, lon: Values) -> Values:
        """(hours, species, side, side) → (hours, species, places); beyond the edge as at the edge."""
        y = np.clip((lat - self._lat0) * METRES_PER_DEG / CELL_M + SIDE // 2, 0, SIDE - 1.001)
        x = (lon - self._lon0) * self._squeeze * METRES_PER_DEG / CELL_M + SIDE // 2
        x = np.clip(x, 0, SIDE - 1.001)
        j, i = y.astype(np.int64), x.astype(np.int64)
        b, a = y - j, x - i
        return np.asarray(
            grid[:, :, j, i] * (1 - a) * (1 - b)
            + grid[:, :, j, i + 1] * a * (1 - b)
            + grid[:, :, j + 1, i] * (1 - a) * b
            + grid[:, :, j + 1, i + 1] * a * b
        )

    def _sources(self) -> tuple[Values, Values]:
        """(how dense the city is, where its works stand) on the grid, 0…1."""
        axis = (np.arange(SIDE) - SIDE // 2) * CELL_M
        north, east = np.meshgrid(axis, axis, indexing="ij")
        density = 1 / (1 + (north**2 + east**2) / HALF_DENSITY_M**2) ** 1.5
        works = np.zeros((SIDE, SIDE))
        for draw in uniform(derived(self._key, 1), np.arange(12)).reshape(6, 2).tolist():
            far, angle = 9_000.0 + 14_000.0 * draw[0], 2 * np.pi * draw[1]
            off = (north - far * np.sin(angle)) ** 2 + (east - far * np.cos(angle)) ** 2
            works += np.exp(-off / (2 * 4_000.0**2))
        return density, works

    def _calculated(self, hours: Times) -> Values:
        """The grid at these hours, warmed up before them."""
        first = int(hours[0]) - WARM_UP_H
        count = (len(hours) + WARM_UP_H) * STEPS
        time = first * HOUR + np.arange(count + 1, dtype=np.int64) * (HOUR // STEPS)
        now = Instants(time, self._local)
        sky = self._weather.sky.at(now.t)
        inflow, emitted = self._inflow(now, sky), self._emitted(now)
        rain = self._weather.rain.rates(self._places(now), now.t)
        washed = np.maximum(rain, 0.0).T.reshape(-1, SIDE, SIDE) ** 0.7
        air = np.repeat(inflow[0], SIDE * SIDE).reshape(len(SPECIES), SIDE, SIDE)
        found = np.empty((len(hours), len(SPECIES), SIDE, SIDE))
        for step in range(count):
            # The grid stands at `time[step]` here.
            hour, odd = divmod(step, STEPS)
            if hour >= WARM_UP_H and not odd:
                found[hour - WARM_UP_H] = air
            air = self._moved(air, inflow[step], float(sky.east[step]), float(sky.north[step]))
            depth, deeper = float(sky.mixing[step]), float(sky.mixing[step + 1])
            if deeper > depth:
                air = (air * depth + 0.8 * inflow[step][:, None, None] * (deeper - depth)) / deeper
            loss = (TURNED + DRY_M_PER_H / deeper)[:, None, None] + WASHED[:, None, None] * washed[
                step
            ]
            air = air * np.exp(-loss / STEPS) + emitted[step] / (deeper * STEPS)
        return found

    def _moved(self, air: Values, inflow: Values, east: float, north: float) -> Values:
        """What the wind brings to each box in half an hour: the air that was upwind."""
        # The layer's wind is half as fast again as at ten metres.
        x = float(np.clip(1.5 * east * STEP_S / CELL_M, 0.001 - FARTHEST, FARTHEST - 0.001))
        y = float(np.clip(1.5 * north * STEP_S / CELL_M, 0.001 - FARTHEST, FARTHEST - 0.001))
        pad = np.empty((len(SPECIES), SIDE + 2 * FARTHEST, SIDE + 2 * FARTHEST))
        pad[:] = inflow[:, None, None]
        pad[:, FARTHEST:-FARTHEST, FARTHEST:-FARTHEST] = air
        i, j = int(np.floor(-x)), int(np.floor(-y))
        a, b = -x - i, -y - j

        def shifted(dy: int, dx: int) -> Values:
            low_y, low_x = FARTHEST + j + dy, FARTHEST + i + dx
            return pad[:, low_y : low_y + SIDE, low_x : low_x + SIDE]

        return np.asarray(
            (1 - b) * ((1 - a) * shifted(0, 0) + a * shifted(0, 1))
            + b * ((1 - a) * shifted(1, 0) + a * shifted(1, 1))
        )

    def _emitted(self, now: Moments) -> Values:
        """(steps, species, side, side) [ug/m2/h]."""
        traffic = traffic_hours(now)
        hearths = by_hour(HEARTH_HOURS, now.hour)
        works = 0.8 + 0.4 * np.sin(np.pi * np.clip((now.hour - 6.0) / 13.0, 0.0, 1.0))
        by_people = traffic[:, None] * TRAFFIC + hearths[:, None] * HEARTHS
        return np.asarray(
            by_people[:, :, None, None] * self._density
            + (works[:, None] * INDUSTRY)[:, :, None, None] * self._works
        )

    def _inflow(self, now: Moments, sky: SkyAt) -> Values:
        """(steps, species): what blows in; more after calm days, and where an inversion lies over the country."""
        n = self._weather.north
        year = (1 - n) * through_year(SOUTH_YEAR, now.year_part)
        year = year + n * through_year(NORTH_YEAR, now.year_part)
        spell = np.exp(0.32 * wander(derived(self._key, 2), now.t, 4 * 86_400.0, 1.5 * 86_400.0))
        still = (1 - n) * (0.75 + 0.5 * sky.calm) + n * (0.45 + 1.1 * sky.calm)
        capped = 1.0 + 1.6 * self._weather.events.over_city("inversion", now.t)
        level = (1 - n) * INFLOW[0] + n * INFLOW[1]
        return np.asarray((year * spell * still * capped)[:, None] * level)

    def _places(self, now: Moments) -> Rows:
        """The boxes' middles as rows, north by north."""
        axis = (np.arange(SIDE) - SIDE // 2) * CELL_M / METRES_PER_DEG
        lat, lon = np.meshgrid(self._lat0 + axis, self._lon0 + axis / self._squeeze, indexing="ij")
        count = SIDE * SIDE
        none = np.zeros(count, dtype=np.int64)
        return Rows(
            np.arange(count),
            none.view(np.uint64),
            none,
            none,
            lat.ravel(),
            lon.ravel(),
            self._local,
        )


def traffic_hours(now: Moments) -> Values:
    """What traffic emits by hour and weekday, in the mean of a week 1."""
    weekday, weekend = by_hour(WEEKDAY, now.hour), by_hour(WEEKEND, now.hour)
    return np.asarray(np.where(now.weekend > 0, LORRIES_REST * weekend, weekday) / MEAN_TRAFFIC)
