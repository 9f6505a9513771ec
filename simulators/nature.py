"""What happens in a city by itself: the events that nature and people bring, drawn anew for every local day.

A function of (seed, devices, day), like all of the city; the truth tells them as it tells what is forced.
A storm leaves trees behind that lean: whichever storm it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulators.chance import derived, key, uniform
from simulators.climate import through_year
from simulators.events import EVENT_TYPES, Event, nearness
from simulators.fleet import Fleet, LocalTime
from simulators.places import METRES_PER_DEG
from telemetry.arrays import Values
from telemetry.clock import SECOND

YEAR = (1.0,) * 12
NEVER = (0.0,) * 12


@dataclass(frozen=True, slots=True)
class Habit:
    """How often a type of event comes.

    chance    a day: per device of the type's first kind where `each`, else per city
    south, north  by month, January first: a factor
    weekend   a factor on Fridays to Sundays; begins: earliest and latest local hour; lasts: [h]
    strength  least and most; most are nearer to the least. radius_m: of events at a place; None: the city
    """

    type: str
    chance: float
    each: bool
    begins: tuple[float, float]
    lasts: tuple[float, float]
    strength: tuple[float, float] = (1.0, 1.0)
    radius_m: tuple[float, float] | None = None
    south: tuple[float, ...] = YEAR
    north: tuple[float, ...] = YEAR
    weekend: float = 1.0

    @property
    def days(self) -> int:
        """How many days later one that begins on a day may still last."""
        return int((self.begins[1] + self.lasts[1]) / 24.0) + 1


# Straw is burnt after harvest (the north's in June and October), waste in the dry season; squalls come before
# and after the south-west monsoon and in the north's summer; inversions lie over the north's winter.
BURNT_SOUTH = (1.6, 1.8, 1.8, 1.2, 0.5, 0.3, 0.3, 0.3, 0.3, 0.4, 0.7, 1.2)
BURNT_NORTH = (0.9, 0.7, 0.6, 0.6, 1.4, 2.0, 0.6, 0.4, 0.8, 2.0, 1.4, 1.0)
SQUALL_SOUTH = (0.05, 0.05, 0.2, 0.9, 1.8, 1.3, 1.2, 1.2, 1.4, 1.2, 0.5, 0.1)
SQUALL_NORTH = (0.0, 0.0, 0.3, 0.9, 1.6, 1.8, 1.8, 1.7, 1.0, 0.3, 0.1, 0.0)
CAPPED_NORTH = (1.4, 1.1, 0.8, 0.2, 0.0, 0.0, 0.0, 0.0, 0.1, 0.6, 1.1, 1.4)
HABITS = (
    Habit("burning", 0.25, False, (15.0, 20.0), (3.0, 7.0), (35.0, 110.0), (2_000.0, 5_000.0), BURNT_SOUTH, BURNT_NORTH),
    Habit("inversion", 0.10, False, (0.0, 20.0), (36.0, 90.0), (0.25, 0.5), None, NEVER, CAPPED_NORTH),
    Habit("storm", 0.20, False, (12.5, 18.0), (0.8, 1.6), (7.0, 17.0), (3_000.0, 7_000.0), SQUALL_SOUTH, SQUALL_NORTH),
    Habit("spill", 1 / 150, True, (0.0, 24.0), (5.0, 12.0), (12.0, 45.0), (1_200.0, 2_500.0)),
    Habit("party", 0.02, True, (18.5, 20.0), (1.5, 3.0), (70.0, 80.0), weekend=4.0),
    Habit("fire", 1 / 4_000, True, (0.0, 24.0), (2.0, 4.0), (50.0, 190.0)),
    Habit("late_round", 0.025, True, (17.0, 17.5), (11.0, 21.0)),
    Habit("shutdown", 1 / 45, True, (5.0, 20.0), (8.0, 30.0)),
    Habit("calibration", 1.0, True, (8.0, 11.0), (0.35, 0.6)),
    Habit("exceedance", 1 / 30, True, (0.0, 24.0), (1.5, 4.0), (1.8, 3.2)),
    Habit("incident", 1 / 80, True, (6.0, 20.0), (0.4, 1.0), (0.6, 0.9)),
)  # fmt: skip
LONGEST_LEAN_DAYS = 5  # then it has been braced
_WITH = {"storm": "cloudburst"}  # what a habit's events bring with them


class Nature:
    """The natural events of a city."""

    def __init__(
        self, fleets: Mapping[str, Fleet], local: LocalTime, seed: int, north: float
    ) -> None:
        self._fleets, self._local, self._north = fleets, local, north
        self._key = key(seed, "nature")
        self._of_day = lru_cache(maxsize=256)(self._drawn)

    def between(self, start: int, end: int, type: str = "") -> Sequence[Event]:
        """Events that overlap [start, end) [ns], of a type or all."""
        found: list[Event] = []
        last = self._local.day(end)
        for number, habit in enumerate(HABITS):
            if type and type not in (habit.type, _WITH.get(habit.type, "")):
                continue
            for day in range(self._local.day(start) - habit.days, last + 1):
                found += self._of_day(number, day)
        return [
            e for e in found if e.start < end and e.end > start and (not type or e.type == type)
        ]

    def _drawn(self, number: int, day: int) -> tuple[Event, ...]:
        habit = HABITS[number]
        fleet = self._fleets.get(EVENT_TYPES[habit.type].kinds[0])
        if fleet is None and habit.radius_m is None and habit.each:
            return ()
        midnight = self._local.midnight(day)
        return tuple(
            event
            for where, of in self._struck(habit, number, fleet, day)
            for event in self._event(habit, midnight, fleet, where, uniform(of, np.arange(6)))
        )

    def _struck(
        self, habit: Habit, number: int, fleet: Fleet | None, day: int
    ) -> Iterator[tuple[int, int]]:
        """(device that it strikes or lies by, key of its further draws)."""
        chance = habit.chance * self._season(habit, day)
        if (day + 3) % 7 >= 4:  # Friday, Saturday, Sunday
            chance *= habit.weekend
        if habit.each:
            if fleet is not None:
                salts = derived(fleet.key, 900 + number)
                for n in np.flatnonzero(uniform(salts, day) < chance).tolist():
                    yield n, key(int(salts[n]), day)
            return
        of = int(derived(self._key, 900 + number))
        if float(uniform(of, day)) < chance:
            which = int(float(uniform(of, day + 2**40)) * len(fleet)) if fleet is not None else 0
            yield which, key(of, day)

    def _season(self, habit: Habit, day: int) -> float:
        part = np.array([((day + 0.5) / 365.2425) % 1.0])
        south, north = (float(through_year(m, part)[0]) for m in (habit.south, habit.north))
        return (1.0 - self._north) * south + self._north * north

    def _event(
        self, habit: Habit, midnight: int, fleet: Fleet | None, which: int, draw: Values
    ) -> Iterator[Event]:
        when, long, strong, wide, angle, far = draw.tolist()
        start = midnight + int(_between(habit.begins, when) * 3_600) * SECOND
        end = start + int(_between(habit.lasts, long) * 3_600) * SECOND
        strength = round(_between(habit.strength, strong**1.5), 2)
        if habit.radius_m is None:
            devices = (fleet.devices[which].id,) if habit.each and fleet is not None else ()
            yield Event(start, end, habit.type, strength=strength, devices=devices)
            return
        if fleet is None:
            return
        radius = round(_between(habit.radius_m, wide))
        off = radius * far / METRES_PER_DEG
        lat = round(float(fleet.lat[which] + off * np.sin(2 * np.pi * angle)), 5)
        lon = round(float(fleet.lon[which] + off * np.cos(2 * np.pi * angle)), 5)
        yield Event(start, end, habit.type, lat, lon, radius, strength)
        if habit.type == "storm":
            yield Event(start, end, "cloudburst", lat, lon, radius, 10.0 + 3.5 * strength)


class AfterStorms:
    """Trees that lean after storms, whoever sent them: a source of `uproot` events."""

    def __init__(self, fleet: Fleet | None, storms: Callable[[int, int], Sequence[Event]]) -> None:
        self._fleet, self._storms = fleet, storms

    def between(self, start: int, end: int, type: str = "") -> Sequence[Event]:
        """Events that overlap [start, end) [ns]."""
        if self._fleet is None or type not in ("", "uproot"):
            return ()
        back = LONGEST_LEAN_DAYS * 86_400 * SECOND
        found = [e for storm in self._storms(start - back, end) for e in self._leaning(storm)]
        return [e for e in found if e.start < end and e.end > start]

    def _leaning(self, storm: Event) -> Iterator[Event]:
        fleet = self._fleet
        if fleet is None:
            return
        blown = storm.strength * nearness(storm, fleet.lat, fleet.lon)
        if storm.devices:
            blown = blown * np.isin([d.id for d in fleet.devices], storm.devices)
        # From 9 m/s more than usual on, some give way; at 25 every fifth.
        chance = np.clip((blown - 9.0) / 80.0, 0.0, 0.3)
        salts = derived(fleet.key, 990)
        moment = storm.start // SECOND
        for n in np.flatnonzero(uniform(salts, moment) < chance).tolist():
            when, lean, braced = uniform(key(int(salts[n]), moment), np.arange(3)).tolist()
            start = storm.start + int(when * (storm.end - storm.start))
            hours = 18.0 + (24.0 * LONGEST_LEAN_DAYS - 20.0) * braced
            yield Event(
                start, start + int(hours * 3_600) * SECOND, "uproot",
                strength=round(4.0 + 22.0 * lean**2, 1), devices=(fleet.devices[n].id,),
            )  # fmt: skip


def _between(span: tuple[float, float], draw: float) -> float:
    return span[0] + (span[1] - span[0]) * draw
