"""Hours of a tree's tilt, and of the wind near it → lean, its trend, uprooting. Sway is no lean.

Lean is the median of the calm hours of the last day, the trend Theil–Sen's over the medians of a week's
quarters of a day. An hour is calm under 8 m/s (Beaufort 5: small trees begin to sway) at the nearest
weather station; where no station is known, every hour counts. Levels are design values.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.framed import Framed, Input
from analytics.frames import NEVER, Look
from analytics.layout import Layout
from analytics.robust import looking_back, median, theil_sen
from devices.device import Device
from telemetry.arrays import AnyArray, Index, Values
from telemetry.clock import HOUR

DAY_H, WEEK_H, QUARTER_H = 24, 168, 6
KEPT = WEEK_H + 4
WINDY = 8.0  # [m/s]
LEAST_DAY, LEAST_QUARTERS, LEAST_WEEK = 3, 8, 12
UPROOTS_BY, UPROOTS_BY_IN_WIND = 5.0, 10.0  # against the week's median [deg]
METRES_PER_DEG = 111_195.0
REACH_M = 25_000.0
IS_STATION = -2


def uprooting(tilt: AnyArray, usual: AnyArray, windy: AnyArray) -> Values:
    """1 where an hour's mean is 5° (in wind 10°) or more over what is usual. [deg]; NaN where either is unknown."""
    level = np.where(windy, UPROOTS_BY_IN_WIND, UPROOTS_BY)
    off = np.asarray(tilt, np.float64) - usual
    return np.where(np.isnan(off), np.nan, (off >= level).astype(np.float64))


class Trees(Framed):
    """State per tree and weather station: the means of the last week's hours."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(
            "trees", layout, ["tree", "weather"],
            {"mean": Input("tilt")},
            ("lean", "lean_trend", "uprooting"), step=HOUR, kept=KEPT, back=WEEK_H - 1,
            found=np.float32,
        )  # fmt: skip
        # One column serves both kinds: a tree's tilt, a station's wind.
        self.also("mean", Input("wind_speed"))
        self._station = np.zeros(0, dtype=np.intp)

    def grow(self, first: int) -> None:
        """Give rows to new trees and stations, and find the station nearest to each tree anew."""
        super().grow(first)
        devices = self.layout.catalogue.devices
        self._station = nearest_station([devices[c] for c in self.frames.members.device.tolist()])

    def touched_with(self, rows: Index, bins: Index) -> tuple[Index, Index]:
        """The trees near these stations."""
        first = np.full(len(self._station) + 1, NEVER)
        np.minimum.at(first, rows, bins)
        since = first[np.maximum(self._station, -1)]
        trees = np.flatnonzero(since < NEVER)
        return trees, since[trees]

    def judge(self, look: Look) -> Mapping[str, AnyArray]:
        """[deg], [deg/d], and 1 while the tree stands far from where it used to."""
        tilt = look.of("mean", WEEK_H - 1)
        windy = look.beside("mean", self._station[look.rows], WEEK_H - 1) >= WINDY
        calm = looking_back(np.where(windy, np.nan, tilt), WEEK_H)
        now = tilt[:, WEEK_H - 1 :]
        day = calm[..., -DAY_H:]
        lean = np.where((~np.isnan(day)).sum(axis=-1) >= LEAST_DAY, median(day), np.nan)
        quarters = median(calm.reshape(*calm.shape[:2], -1, QUARTER_H))
        days = np.arange(quarters.shape[-1]) * QUARTER_H / DAY_H
        trend = theil_sen(days, quarters, LEAST_QUARTERS)
        enough = (~np.isnan(calm)).sum(axis=-1) >= LEAST_WEEK
        usual = np.where(enough, median(calm), np.nan)
        unknown = np.isnan(now) | (self._station[look.rows] == IS_STATION)[:, None]
        return {
            "lean": np.where(unknown, np.nan, lean),
            "lean_trend": np.where(unknown, np.nan, trend),
            "uprooting": uprooting(now, usual, windy[:, WEEK_H - 1 :]),
        }


def nearest_station(devices: list[Device]) -> Index:
    """By place in the list: of each tree, the place of the nearest weather station within 25 km; else -1;
    of a station IS_STATION.

    A device without a position has the first station of its own area.
    """
    stations = np.array([i for i, d in enumerate(devices) if d.kind == "weather"], dtype=np.intp)
    found = np.full(len(devices), -1, dtype=np.intp)
    found[stations] = IS_STATION
    if not len(stations):
        return found
    at = np.array([_place(devices[i]) for i in stations.tolist()])
    areas = [devices[i].area for i in stations.tolist()]
    for i, device in enumerate(devices):
        if device.kind != "tree":
            continue
        north, east = (at - np.array(_place(device))).T * METRES_PER_DEG
        far = np.hypot(north, east * np.cos(np.radians(device.lat or 0.0)))
        if not np.isnan(far).all() and np.nanmin(far) <= REACH_M:
            found[i] = stations[int(np.nanargmin(far))]
        elif device.area in areas and device.area:
            found[i] = stations[areas.index(device.area)]
    return found


def _place(device: Device) -> tuple[float, float]:
    known = device.lat is not None and device.lon is not None
    return (device.lat or 0.0, device.lon or 0.0) if known else (np.nan, np.nan)
