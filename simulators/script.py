"""A scenario in a city → faults and events with devices, places and instants, for any span of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np

from devices.city import City
from simulators.chance import derived, key, keys, uniform
from simulators.events import EVENT_TYPES, Event, nearness
from simulators.fault_types import GATEWAY
from simulators.faults import Fault
from simulators.fleet import Fleet, LocalTime
from simulators.gateways import Gateways
from simulators.scenario import Entry, Scenario, of_kinds
from simulators.sensor_faults import suited
from simulators.toml_file import TomlFile
from telemetry.errors import DeclarationError


class Script:
    """What a scenario brings to a city. Raises DeclarationError where the city has no such device or place."""

    def __init__(
        self,
        scenario: Scenario,
        file: TomlFile,
        city: City,
        fleets: Mapping[str, Fleet],
        gateways: Gateways,
        local: LocalTime,
        seed: int,
    ) -> None:
        self.scenario = scenario
        self._city = city
        self._fleets = fleets
        self._gateways = gateways
        self._local = local
        self._seed = key(seed, "scenario", scenario.name)
        for part, entries in (("faults", scenario.faults), ("events", scenario.events)):
            for i, entry in enumerate(entries):
                self._check(file, part, i, entry)
        self._faults_of = lru_cache(maxsize=64)(self._cycle_faults)
        self._events_of = lru_cache(maxsize=64)(self._cycle_events)

    def faults(self, start: int, end: int) -> list[Fault]:
        """Faults that overlap [start, end). [ns]"""
        found = [f for c in self._cycles(start, end) for f in self._faults_of(c)]
        return [f for f in found if f.start < end and f.end > start]

    def events(self, start: int, end: int, type: str = "") -> list[Event]:
        """Events that overlap [start, end) [ns], of a type or all."""
        found = [e for c in self._cycles(start, end) for e in self._events_of(c)]
        return [e for e in found if e.start < end and e.end > start and type in ("", e.type)]

    def _cycles(self, start: int, end: int) -> range:
        # What begins in one cycle ends in the next at the latest.
        days, first = self.scenario.days, self.scenario.day
        return range(
            (self._local.day(start) - first) // days - 1, (self._local.day(end) - first) // days + 1
        )

    def _cycle_faults(self, cycle: int) -> tuple[Fault, ...]:
        found = []
        for i, entry in enumerate(self.scenario.faults):
            struck = self._struck("faults", i, entry, cycle)
            for start, end in self._spans(entry, cycle):
                strength = entry.strength or 0.0
                found += [
                    Fault(start, end, entry.type, d, strength, entry.quantity) for d in struck
                ]
        return tuple(found)

    def _cycle_events(self, cycle: int) -> tuple[Event, ...]:
        found = []
        for i, entry in enumerate(self.scenario.events):
            devices: tuple[str, ...] = ()
            if entry.named or entry.kind or entry.count or entry.share:
                devices = self._struck("events", i, entry, cycle)
                if not devices:
                    continue  # this city has none of the kind
            place = (None, None, 0.0) if devices else self._place(entry)
            strength = EVENT_TYPES[entry.type].low if entry.strength is None else entry.strength
            found += [
                Event(start, end, entry.type, *place, strength=strength, devices=devices)
                for start, end in self._spans(entry, cycle)
            ]
        return tuple(found)

    def _spans(self, entry: Entry, cycle: int) -> Iterator[tuple[int, int]]:
        first = self.scenario.day + cycle * self.scenario.days
        for day in entry.days or range(1, self.scenario.days + 1):
            midnight = self._local.midnight(first + day - 1)
            for begin in entry.begins:
                yield midnight + begin, midnight + entry.ends(begin)

    def _place(self, entry: Entry) -> tuple[float | None, float | None, float]:
        """(lat, lon, radius) of an entry; around the centre where it names no place of its own."""
        if entry.area:
            area = self._city.area[entry.area]
            return area.lat, area.lon, entry.radius_m or 1_000.0 * float(np.sqrt(area.km2 / np.pi))
        if not entry.radius_m:
            return None, None, 0.0
        lat, lon = self._city.centre if entry.lat is None else (entry.lat, entry.lon)
        return lat, lon, entry.radius_m

    def _struck(self, part: str, i: int, entry: Entry, cycle: int) -> tuple[str, ...]:
        """The devices that an entry strikes in a cycle, in the order of their kinds."""
        if entry.named:
            return entry.named
        kinds = (entry.kind,) if entry.kind else of_kinds(part, entry.type)
        found: list[str] = []
        for kind in kinds:
            ids, there, of = self._candidates(entry, kind)
            number = entry.count or round(entry.share * int(there.sum()))
            if entry.share and there.any():
                number = max(number, 1)
            which = np.flatnonzero(there)
            if entry.count or entry.share:
                draw = uniform(derived(of, key(self._seed, part, i, cycle) % 2**62))
                which = np.sort(which[np.argsort(draw[which], kind="stable")[:number]])
            found += [ids[n] for n in which.tolist()]
        return tuple(found)

    def _candidates(self, entry: Entry, kind: str) -> tuple[Sequence[str], np.ndarray, np.ndarray]:
        """(ids, which of them stand at the entry's place, keys) of a kind."""
        where = Event(0, 1, entry.type, *self._place(entry))
        if kind == GATEWAY:
            ids = list(self._gateways.behind)
            at = np.array([self._gateways.position[g] for g in ids]).reshape(-1, 2)
            there = nearness(where, at[:, 0], at[:, 1]) > 0.5
            return ids, there, keys(self._seed, ids, GATEWAY)
        fleet = self._fleets.get(kind)
        if fleet is None:
            return [], np.zeros(0, dtype=bool), keys(self._seed, [])
        there = nearness(where, fleet.lat, fleet.lon) > 0.5
        return [d.id for d in fleet.devices], there, fleet.key

    def _check(self, file: TomlFile, part: str, i: int, entry: Entry) -> None:
        kinds = of_kinds(part, entry.type)
        for device in entry.named:
            if not self._known(device, kinds):
                some = [d for k in kinds for d in self._candidates(entry, k)[0][:2]]
                need = f"must be of {' or '.join(kinds)} here, like {', '.join(some[:4])}"
                place = file.place(part, i, "device" if entry.device else "devices")
                raise DeclarationError(place, need, device)
        if entry.area and entry.area not in self._city.area:
            need = (
                f"must be the code of an area of {self._city.en}, like {self._city.areas[0].code}"
            )
            raise DeclarationError(file.place(part, i, "area"), need, entry.area)
        if entry.lat is not None and entry.lon is not None:
            west, south, east, north = self._city.bbox
            if not (south <= entry.lat <= north and west <= entry.lon <= east):
                need = f"must lie in {self._city.en}: {south}…{north}, {west}…{east}"
                raise DeclarationError(file.place(part, i, "lat"), need, (entry.lat, entry.lon))
        self._check_quantity(file, part, i, entry)

    def _check_quantity(self, file: TomlFile, part: str, i: int, entry: Entry) -> None:
        if not entry.quantity:
            return
        kinds = [
            k for k, f in self._fleets.items() if entry.kind == k or set(entry.named) & {*f.index}
        ]
        for kind in kinds:
            allowed = suited(self._fleets[kind].kind, entry.type)
            if entry.quantity not in allowed:
                need = f"must be one of {', '.join(allowed)} ({kind})"
                raise DeclarationError(file.place(part, i, "quantity"), need, entry.quantity)

    def _known(self, device: str, kinds: Sequence[str]) -> bool:
        if GATEWAY in kinds and device in self._gateways.behind:
            return True
        return any(device in self._fleets[k].index for k in kinds if k in self._fleets)
