"""What goes wrong in a simulated city, as data: which device, what, from when to when.

A function of (seed, devices, day): each lane of the table draws its devices anew every so many local
days. Some faults of every lane are over within a day, some stand at any moment. A scenario adds its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from devices.device import Device
from simulators.chance import key, uniform
from simulators.fault_types import FAULT_TYPES
from simulators.fleet import Fleet, LocalTime
from simulators.gateways import Gateways
from simulators.lamp_age import age_years, hazard
from simulators.lanes import LANES, Lane
from simulators.places import METRES_PER_DEG
from telemetry.arrays import Values
from telemetry.clock import SECOND

EPISODE_REACH_M = 6_000.0
EPISODE_STATIONS = 4


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault: device `device` suffers `type` in [start, end). [ns, UTC]

    strength  as its type in fault_types.py means it; 0: as usual
    quantity  which of the device's it strikes, where its type strikes one; "": the first that it suits
    """

    start: int
    end: int
    type: str
    device: str
    strength: float = 0.0
    quantity: str = ""

    @property
    def how_strong(self) -> float:
        """The strength, or the usual one."""
        return self.strength or FAULT_TYPES[self.type].usual


Plan = Callable[[int, int], Sequence[Fault]]


def no_plan(start: int, end: int) -> Sequence[Fault]:
    """Nobody has planned anything."""
    return ()


class Faults:
    """The faults of a city's devices. `truth` is the whole answer; the rest of the city only looks there.

    plan      faults that overlap [start, end), by a scenario
    ordinary  whether there are those of an ordinary city too
    """

    def __init__(
        self,
        fleets: dict[str, Fleet],
        local: LocalTime,
        seed: int,
        gateways: Gateways,
        plan: Plan = no_plan,
        ordinary: bool = True,
    ) -> None:
        self._fleets = fleets
        self._gateways = gateways
        self._plan = plan
        self._lanes = LANES if ordinary else ()
        self._local = local
        self._seed = seed
        self._wear: Values | None = None
        self._of_window = lru_cache(maxsize=4_096)(self._drawn)

    def truth(self, start: int, end: int) -> list[Fault]:
        """Faults that overlap [start, end), in order of their beginning. [ns]"""
        found = {
            fault
            for number, lane in enumerate(self._lanes)
            for window in self._windows(lane, start, end)
            for fault in self._of_window(number, window)
            if fault.start < end and fault.end > start
        }
        return sorted({*found, *self._plan(start, end)})

    def _windows(self, lane: Lane, start: int, end: int) -> range:
        # A fault may reach past its window's end by at most one more window and a day.
        first = self._local.day(start) // lane.days - 2
        return range(first, self._local.day(end) // lane.days + 1)

    def _drawn(self, number: int, window: int) -> tuple[Fault, ...]:
        """The faults of one lane that begin on the window's first day."""
        lane = LANES[number]
        candidates = [d.id for kind in lane.kinds for d in self._devices(kind)]
        if not candidates:
            return ()
        of = key(self._seed, "fault", number)
        count = max(1, len(candidates) // lane.one_per)
        draws = uniform(of, window * 100_003 + np.arange(3 * count)).reshape(count, 3).tolist()
        begins = self._local.midnight(window * lane.days)
        found = []
        for which, when, how_long in draws:
            start = begins + int(_between(lane.begins, when) * 3_600) * SECOND
            end = start + int(_between(lane.lasts, how_long) * 3_600) * SECOND
            device = candidates[self._which(lane, which, len(candidates))]
            found += [Fault(start, end, lane.type, d) for d in self._struck(lane, device)]
        return tuple(found)

    def _which(self, lane: Lane, draw: float, count: int) -> int:
        """A candidate by a draw in [0, 1): of lamps that fail, the old ones are likelier."""
        if lane.type != "lamp_failure":
            return int(draw * count)
        if self._wear is None:
            self._wear = np.cumsum(hazard(age_years(self._fleets["lamp"])))
        return min(int(np.searchsorted(self._wear, draw * self._wear[-1], "right")), count - 1)

    def _struck(self, lane: Lane, device: str) -> Iterator[str]:
        """An episode lies over the stations around, a gateway is that of the device; else it is the device."""
        if lane.type == "dead_gateway":
            yield self._gateways.of[device]
            return
        if lane.type != "episode":
            yield device
            return
        fleet = self._fleets["air"]
        at = fleet.index[device]
        squeeze = np.cos(np.radians(fleet.lat[at]))
        far = METRES_PER_DEG * np.hypot(
            fleet.lat - fleet.lat[at], (fleet.lon - fleet.lon[at]) * squeeze
        )
        for n in np.argsort(far, kind="stable")[:EPISODE_STATIONS].tolist():
            if far[n] <= EPISODE_REACH_M:
                yield fleet.devices[n].id

    def _devices(self, kind: str) -> list[Device]:
        fleet = self._fleets.get(kind)
        return [] if fleet is None else fleet.devices


def _between(span: tuple[float, float], draw: float) -> float:
    return span[0] + (span[1] - span[0]) * draw
