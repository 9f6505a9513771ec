"""What devices were told by commands: levels of lamps, reporting intervals, restarts.

The one state that a simulated city has beside its seed: what an operator orders is no function of time.
From the moment of an order on, models and messages consult it; without orders nothing changes. A level
holds until the next local noon, then the programme holds again: nobody forgets a lamp that burns by day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.fleet import LocalTime
from telemetry.clock import DAY, SECOND

BOOT = 12 * SECOND  # a restart takes that long; nothing is measured meanwhile
KEPT = 500  # orders of one device that are remembered; older levels count as if they had not been


@dataclass(frozen=True, slots=True)
class Level:
    """A lamp is told to burn at a level [0…1] in [start, end). [ns]"""

    start: int
    end: int
    level: float


@dataclass(frozen=True, slots=True)
class Pace:
    """A device is told to report so often from a moment on. [ns]"""

    start: int
    interval: int


class Orders:
    """Orders by device, in order of time. Times never run backwards for one device."""

    def __init__(self, local: LocalTime) -> None:
        self._local = local
        self._levels: dict[str, list[Level]] = {}
        self._paces: dict[str, list[Pace]] = {}
        self._restarts: dict[str, list[int]] = {}

    @property
    def levels(self) -> Mapping[str, list[Level]]:
        """By lamp: one ends where the next begins at the latest."""
        return self._levels

    @property
    def paces(self) -> Mapping[str, list[Pace]]:
        """By device: one holds until the next."""
        return self._paces

    def dim(self, device: str, level: float, time: int) -> None:
        """A lamp burns at this level [0…1] from now on, until the next noon."""
        before = self._levels.setdefault(device, [])
        if before and before[-1].end > time:
            last = before.pop()
            before += [Level(last.start, time, last.level)] if last.start < time else []
        before.append(Level(time, self._noon_after(time), level))
        del before[:-KEPT]

    def pace(self, device: str, interval_s: float, time: int) -> None:
        """A device reports so often from now on."""
        self._paces.setdefault(device, []).append(Pace(time, int(interval_s * SECOND)))
        del self._paces[device][:-KEPT]

    def restart(self, device: str, time: int) -> None:
        """A device boots now."""
        self._restarts.setdefault(device, []).append(time)
        del self._restarts[device][:-KEPT]

    def booting(self, device: str, time: int) -> bool:
        """Whether a device is just starting again."""
        return any(at <= time < at + BOOT for at in self._restarts.get(device, ()))

    def booted(self, start: int, end: int) -> list[tuple[str, int]]:
        """(device, when) of each restart that is over within [start, end). [ns]"""
        return [
            (device, at + BOOT)
            for device, times in list(self._restarts.items())
            for at in times
            if start <= at + BOOT < end
        ]

    def silenced(self, device: str, time: int) -> bool:
        """Whether what the device would say on its kind's own beat at this time is not said."""
        told = self._paces.get(device)
        return (told is not None and time >= told[0].start) or self.booting(device, time)

    def __bool__(self) -> bool:
        return bool(self._levels or self._paces or self._restarts)

    def _noon_after(self, time: int) -> int:
        day = self._local.day(time)
        noon = self._local.midnight(day) + DAY // 2
        return noon if noon > time else self._local.midnight(day + 1) + DAY // 2
