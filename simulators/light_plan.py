"""When street lights are told to burn, and how strongly: from civil dusk to civil dawn, by dimming programmes.

Each cabinet keeps to one programme. Hours burned are counted since a fixed day, so that a meter that is
read at any time continues.
"""

from __future__ import annotations

import numpy as np

from simulators.chance import Keys, derived, uniform
from simulators.fleet import LocalTime, Moments
from simulators.sun import Sun
from telemetry.arrays import Index, Times, Values
from telemetry.clock import SECOND

Programme = tuple[tuple[float | None, float], ...]

# (until this local hour after midnight of the dusk's day, level); None: until dawn.
PROGRAMMES: tuple[Programme, ...] = (
    ((23, 1.0), (27, 0.5), (None, 0.7)),  # main roads: most of them
    ((22, 1.0), (28, 0.4), (None, 0.8)),  # where nobody walks by night
    ((24, 1.0), (None, 0.7)),  # crossroads and markets
)
SHARES = (0.6, 0.85, 1.0)  # of the cabinets, added up
COMMISSIONED = 20_089  # 2025-01-01 in days since 1970: counters start here

Part = tuple[float, float, float]  # start, end [s since 1970], level [0…1]


def programme_of(feeder_key: Keys) -> Index:
    """The programme that each cabinet keeps to."""
    return np.asarray(np.searchsorted(SHARES, uniform(derived(feeder_key, 206)), side="right"))


class LightPlan:
    """When lamps burn, how strongly, and for how many full hours they have burned, by programme."""

    def __init__(self, sun: Sun, local: LocalTime) -> None:
        self._sun, self._local = sun, local
        self._nights: dict[tuple[int, int], tuple[Part, ...]] = {}
        # Full hours up to the beginning of each night since COMMISSIONED.
        self._burned = [np.zeros(1) for _ in PROGRAMMES]

    def dimming(self, rows: Moments, programme: Index | int = 0) -> Values:
        """The level that the programme commands at each moment. [0…1]"""
        level = np.zeros(len(rows.time))
        for which, n, of in self._nights_of(rows, programme):
            for start, end, share in self.parts(n, of):
                within = which & (rows.t >= start) & (rows.t < end)
                level = np.where(within, share, level)
        return level

    def full_hours(self, rows: Moments, programme: Index | int = 0) -> Values:
        """Hours at full power that give what has been burned since the counters started. [h]"""
        total = np.zeros(len(rows.time))
        for which, n, of in self._nights_of(rows, programme):
            burned = np.full(len(rows.time), self._before(n, of))
            for start, end, share in self.parts(n, of):
                part = np.clip((rows.t - start) / 3_600.0, 0.0, (end - start) / 3_600.0)
                burned = burned + share * part
            total = np.where(which, burned, total)
        return total

    def parts(self, night: int, programme: int = 0) -> tuple[Part, ...]:
        """The parts of the night that begins on a local day."""
        if (night, programme) not in self._nights:
            midnight = self._local.midnight(night) / SECOND
            start, dawn = self._sun.of_day(night)[3], self._sun.of_day(night + 1)[0]
            parts = []
            for until_h, share in PROGRAMMES[programme]:
                end = dawn if until_h is None else min(midnight + 3_600.0 * until_h, dawn)
                if end > start:
                    parts.append((start, end, share))
                    start = end
            self._nights[night, programme] = tuple(parts)
        return self._nights[night, programme]

    def _nights_of(self, rows: Moments, programme: Index | int) -> list[tuple[Index, int, int]]:
        """(which rows lie in or after it, night, programme) of each night and programme that there is."""
        of = np.broadcast_to(np.asarray(programme), rows.time.shape)
        night: Times = np.where(rows.t < self._sun.times(rows.day).dusk, rows.day - 1, rows.day)
        return [
            ((night == n) & (of == p), n, p)
            for n in np.unique(night).tolist()
            for p in np.unique(of).tolist()
        ]

    def _before(self, night: int, programme: int) -> float:
        burned = self._burned[programme]
        last = max(night, COMMISSIONED) - COMMISSIONED
        while len(burned) <= last:
            of = self.parts(COMMISSIONED + len(burned) - 1, programme)
            hours = sum(share * (end - start) for start, end, share in of) / 3_600.0
            burned = np.append(burned, burned[-1] + hours)
        self._burned[programme] = burned
        return float(burned[max(night - COMMISSIONED, 0)])
