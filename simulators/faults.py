"""What goes wrong in a simulated city, as data: which device, what, from when to when.

A function of (seed, devices, day): each lane of the table draws its devices anew every so many local
days. Some faults of every lane are over within a day, some stand at any moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from devices.device import Device
from simulators.chance import key, uniform
from simulators.fleet import Fleet, LocalTime
from simulators.places import METRES_PER_DEG
from telemetry.clock import SECOND

EPISODE_REACH_M = 6_000.0
EPISODE_STATIONS = 4


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault: device `device` suffers `type` in [start, end). [ns, UTC]"""

    start: int
    end: int
    type: str
    device: str


@dataclass(frozen=True, slots=True)
class Lane:
    """How often a type of fault comes.

    kinds    kinds of device that suffer it; one in `one_per` of them, at least one, every `days` days
    begins   earliest and latest local hour of the first day; `lasts`: shortest and longest [h]
    """

    type: str
    kinds: tuple[str, ...]
    one_per: int
    days: int
    begins: tuple[float, float]
    lasts: tuple[float, float]


MEASURING = ("air", "noise", "traffic", "weather", "waste", "tree", "water")

# offline       silent, its last status is offline      stuck      the same values again and again
# spikes        single values far off                    malformed  some messages nobody can read
# duplicate     some messages come twice                 episode    fine dust over a few stations
# lamp_failure  told to burn and dark                    day_burner told to be dark and burning
# supply_loss   a feeder without voltage, its lamps silent
# door_open     a cabinet's door stands open             leaning    a tree leans
# overfull      a container that the round missed        congestion a road at walking pace
LANES = (
    Lane("offline", MEASURING, 200, 1, (0.0, 3.0), (8.0, 12.0)),
    Lane("offline", MEASURING, 200, 1, (9.0, 12.0), (8.0, 13.0)),
    Lane("stuck", ("noise",), 80, 1, (1.0, 20.0), (5.0, 9.0)),
    Lane("stuck", ("water",), 80, 2, (1.0, 12.0), (26.0, 34.0)),
    Lane("spikes", ("air",), 120, 1, (0.0, 18.0), (4.0, 6.0)),
    Lane("spikes", ("water",), 60, 1, (0.0, 18.0), (8.0, 12.0)),
    Lane("malformed", ("air", "weather", "noise", "traffic"), 150, 1, (0.0, 14.0), (4.0, 9.0)),
    Lane("duplicate", MEASURING, 150, 1, (0.0, 14.0), (4.0, 9.0)),
    Lane("episode", ("air",), 10_000, 1, (5.0, 17.0), (4.0, 7.0)),
    # Longer than three days and the latest beginning: one stands at any moment.
    Lane("lamp_failure", ("lamp",), 120, 3, (0.0, 12.0), (84.0, 90.0)),
    Lane("day_burner", ("lamp",), 200, 2, (0.0, 6.0), (42.0, 48.0)),
    Lane("supply_loss", ("feeder",), 60, 1, (19.0, 23.0), (1.5, 3.5)),
    Lane("door_open", ("feeder",), 60, 1, (7.0, 16.0), (0.4, 0.8)),
    Lane("leaning", ("tree",), 80, 4, (0.0, 10.0), (90.0, 106.0)),
    Lane("overfull", ("waste",), 40, 1, (5.0, 10.0), (14.0, 22.0)),
    Lane("congestion", ("traffic",), 60, 1, (6.5, 7.5), (0.7, 1.4)),
    Lane("congestion", ("traffic",), 60, 1, (16.5, 18.0), (0.7, 1.6)),
)


class Faults:
    """The faults of a city's devices. `truth` is the whole answer; the rest of the city only looks there."""

    def __init__(self, fleets: dict[str, Fleet], local: LocalTime, seed: int) -> None:
        self._fleets = fleets
        self._local = local
        self._seed = seed
        self._of_window = lru_cache(maxsize=4_096)(self._drawn)

    def truth(self, start: int, end: int) -> list[Fault]:
        """Faults that overlap [start, end), in order of their beginning. [ns]"""
        found = {
            fault
            for number, lane in enumerate(LANES)
            for window in self._windows(lane, start, end)
            for fault in self._of_window(number, window)
            if fault.start < end and fault.end > start
        }
        return sorted(found)

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
            device = candidates[int(which * len(candidates))]
            found += [Fault(start, end, lane.type, d) for d in self._struck(lane, device)]
        return tuple(found)

    def _struck(self, lane: Lane, device: str) -> Iterator[str]:
        """An episode lies over the stations around; anything else strikes one device."""
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
