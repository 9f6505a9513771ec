"""Levels of the devices' own (alarm levels of a station, rated power of a lamp) as columns by device.

The catalogue may replace a device at any time; `refresh` finds the replaced ones by identity.
"""

from __future__ import annotations

from itertools import compress, count
from operator import is_not

import numpy as np

from analytics.table import Table
from devices.device import Catalogue, Device
from telemetry.arrays import Codes32, Mask, Values

STAGES = ("bd1", "bd2", "bd3")
RATED_POWER = "rated_power"
NOISE_AREA = "noise_area"  # 1: special (hospitals, schools, places of worship), 2 or none: ordinary
PART_NIGHT = (
    "part_night"  # 1: a feeder whose plan leaves its whole string dark for a part of the night
)
# A traffic station: number of its road and distance from the road's beginning, in the direction of travel
# [m]; lanes in its direction; speed of a free road [km/h]; length of road it stands for [km]; 1 on a road
# without crossings; most vehicles a minute that are believable there.
ROAD, CHAINAGE, LANES = "road", "chainage_m", "lanes"
FREE_SPEED, SECTION, FREEWAY = "free_flow_kmh", "section_km", "freeway"
CHATTER = "most_vehicles_per_min"
TRAFFIC = (ROAD, CHAINAGE, LANES, FREE_SPEED, SECTION, FREEWAY, CHATTER)
# How often it reports, and how long it may be silent: of its own, where its kind's do not fit. [s]
INTERVAL, TIMEOUT = "interval_s", "timeout_s"
NAMES = (*STAGES, RATED_POWER, NOISE_AREA, PART_NIGHT, *TRAFFIC, INTERVAL, TIMEOUT)


class Limits:
    """What the catalogue says of each device, by code. A limit that a device lacks is NaN."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: list[Device] = []
        self._table = Table(
            dict.fromkeys(NAMES, (np.float64, np.nan))
            | {
                "registered": (np.bool_, False),
                "lat": (np.float64, np.nan),
                "lon": (np.float64, np.nan),
            }
        )

    def refresh(self) -> None:
        """Take over devices that are new or were replaced. A million unchanged ones take ≈ 30 ms."""
        devices = self._catalogue.devices[:]
        changed = list(compress(count(), map(is_not, self._known, devices)))
        changed += range(len(self._known), len(devices))
        self._known = devices
        self._table.grow(len(devices))
        for code in changed:
            self._take(code, devices[code])

    def grow(self) -> None:
        """Take over new devices only."""
        known = len(self._known)
        new = self._catalogue.devices[known:]
        self._known += new
        self._table.grow(len(self._known))
        for code, device in enumerate(new, known):
            self._take(code, device)

    def _take(self, code: int, device: Device) -> None:
        self._table["registered"][code] = device.registered
        self._table["lat"][code] = np.nan if device.lat is None else device.lat
        self._table["lon"][code] = np.nan if device.lon is None else device.lon
        for name in NAMES:
            self._table[name][code] = device.limits.get(name, np.nan) if device.limits else np.nan

    def id(self, device: int) -> str:
        """The id of a device."""
        return self._known[device].id

    def of(self, name: str, device: Codes32) -> Values:
        """The limit of this name of each device; NaN where it has none."""
        found: Values = self._table[name][device]
        return found

    def column(self, name: str) -> Values:
        """A limit of every device, by code."""
        found: Values = self._table[name][: self._table.rows]
        return found

    def registered(self) -> Mask:
        """Whether each device, by code, is registered."""
        found: Mask = self._table["registered"][: self._table.rows]
        return found
