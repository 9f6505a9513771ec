"""Minutes of a traffic station → volume, PCU, speed, density, level of service, delay of each five minutes.

Five minutes are PeMS' step: shorter ones scatter with the signals, longer ones hide a queue's beginning.
At least three of the five must have been heard (60 %, as PeMS asks).
"""

from __future__ import annotations

from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import Look
from analytics.layout import Layout
from analytics.limits import FREE_SPEED, FREEWAY, LANES, SECTION, Limits
from analytics.snapshot import Tables
from analytics.traffic import flow
from analytics.traffic.detector_days import DetectorDays
from analytics.traffic.equivalents import CLASSES, MOTORCYCLES, equivalents, urban_pcu
from telemetry.arrays import AnyArray, Index, Values
from telemetry.clock import MINUTE
from telemetry.readings import Readings

MINUTES = 5
ENOUGH = 3
KEPT = 16  # bins: corrections of up to 75 minutes
# What holds where a station's own entry says nothing: the general limit in built-up areas, two lanes,
# and figures per kilometre.
FREE_KMH, LANES_USUAL, SECTION_KM = 50.0, 2.0, 1.0
OUTPUTS = (
    "volume", "pcu", "motorcycle_equivalent", "space_mean_speed", "density", "los",
    "travel_time_index", "delay",
)  # fmt: skip


class Performance(Framed):
    """State per station: the minutes of the last 80, and its detector's days."""

    def __init__(self, layout: Layout, limits: Limits, zone: ZoneInfo) -> None:
        inputs = {c: Input(c, "sum") for c in CLASSES}
        inputs |= {"speed": Input("speed"), "occupancy": Input("occupancy")}
        super().__init__(
            "traffic", layout, ["traffic"], inputs, (*OUTPUTS, *DetectorDays.outputs), step=MINUTE,
            split=MINUTES, kept=KEPT, back=1,
        )  # fmt: skip
        self._limits = limits
        self._days = DetectorDays(layout, self.frames.members, zone)

    def grow(self, first: int) -> None:
        """Give a row to the stations among the devices from code `first` on."""
        super().grow(first)
        self._days.days.grow(len(self.frames.members))

    def tables(self) -> Tables:
        """The state: cells, and days."""
        return {**super().tables(), "detector_days": (self.frames.members, self._days.days)}

    def counted(
        self, name: str, rows: Index, bins: Index, before: AnyArray, after: AnyArray
    ) -> None:
        """The days follow their samples."""
        self._days.counted(name, rows, bins, before, after)

    def judged(self, until: int, now: int) -> Readings:
        """Fives of minutes, and days that have ended."""
        return Readings.concat([super().judged(until, now), self._days.ended(until, now)])

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """All that a station's five minutes say; [{veh}/h], [{PCU}/h], [km/h], [{veh}/km], [{veh}.h]."""
        minutes = {c: look.of(c) for c in CLASSES}
        heard = np.logical_or.reduce([~np.isnan(x) for x in minutes.values()])
        enough = heard.sum(axis=-1) >= ENOUGH
        share = np.where(enough, heard.sum(axis=-1), np.nan) / 60.0
        vehicles = {c: np.nan_to_num(x).sum(axis=-1) / share for c, x in minutes.items()}
        volume = np.asarray(sum(vehicles.values()))
        passed = np.asarray(sum(np.nan_to_num(x) for x in minutes.values()))
        speed = flow.space_mean_speed(passed, look.of("speed"))
        free, lanes, length = (
            self.level(look.rows, *named)[:, None]
            for named in ((FREE_SPEED, FREE_KMH), (LANES, LANES_USUAL), (SECTION, SECTION_KM))
        )
        pcu = urban_pcu(vehicles, free[:, 0])
        on_freeway = self.level(look.rows, FREEWAY, 0.0)[:, None] > 0
        by_density = flow.freeway_level(pcu / speed / lanes * flow.MILE_KM)
        level = np.where(on_freeway, by_density, flow.street_level(speed, free))
        return {
            **self._days.samples(look),
            "volume": volume,
            "pcu": pcu,
            "motorcycle_equivalent": equivalents(vehicles, MOTORCYCLES),
            "space_mean_speed": np.where(enough, speed, np.nan),
            "density": self._density(look, vehicles, volume / speed, lanes),
            "los": np.where(enough, level, np.nan),
            "travel_time_index": np.where(enough, flow.travel_time_index(speed, free), np.nan),
            "delay": flow.delay(volume * MINUTES / 60.0, speed, free, length),
        }

    def level(self, rows: Index, name: str, absent: float) -> Values:
        """A level of the stations' own."""
        own = self._limits.of(name, self.frames.members.device[rows])
        return np.where(own > 0, own, absent)

    @staticmethod
    def _density(
        look: Look, vehicles: Mapping[str, Values], of_speed: Values, lanes: AnyArray
    ) -> Values:
        """q/v; where no speed is measured, from the occupancy and the length of the mix. [{veh}/km]"""
        occupancy = look.of("occupancy")
        known = ~np.isnan(occupancy)
        count = known.sum(axis=-1)
        mean = np.divide(
            np.where(known, occupancy, 0.0).sum(axis=-1), count,
            out=np.full(count.shape, np.nan), where=count >= ENOUGH,
        )  # fmt: skip
        by_loop = flow.density_of_occupancy(mean / 100.0, flow.mean_length(vehicles)) * lanes
        return np.where(np.isnan(of_speed), by_loop, of_speed)
