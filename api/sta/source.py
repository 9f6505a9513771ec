"""Finds entities in the city as the asking principal sees it: all of a type, one by its id, what one leads to.

Ids: Thing aq-1 · Location, HistoricalLocation, FeatureOfInterest aq-1.0 · Datastream aq-1.pm25 ·
Sensor air · ObservedProperty pm25 · Observation aq-1.pm25.1790000000000000000
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from api.context import Context
from api.sta.entities import Entity, Reading
from api.sta.model import TYPES
from api.sta.places import Place, at, places
from devices.device import Device
from store.device_records import DeviceEvent
from store.telemetry import Series
from telemetry.errors import QueryError
from telemetry.readings import Readings

# Times that both stores can hold.
EARLIEST, LATEST = 0, 9_000_000_000 * 10**9
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Span:
    """Which observations are meant: those of these series in start <= time < end [ns]."""

    series: Series
    start: int = EARLIEST
    end: int = LATEST


class Source:
    """For one request. `root` is where the platform answers."""

    def __init__(self, context: Context, root: str) -> None:
        self._context = context
        self.root = root
        self.kinds = context.kinds
        self._places: dict[int, list[Place]] = {}

    def device(self, code: int) -> Device:
        """The device of a code."""
        return self._context.catalogue.devices[code]

    def kind_of(self, code: int) -> int:
        """The kind's code of a device."""
        return int(self._context.catalogue.kind_of[code])

    def places(self, code: int) -> list[Place]:
        """Where a device has been."""
        found = self._places.get(code)
        if found is None:
            device = self.device(code)
            found = self._places[code] = places(device, self._moves.get(device.id, []))
        return found

    def all(self, type_: str) -> Iterator[Entity]:
        """Every entity of a type but Observation, in a lasting order."""
        makers: dict[str, Callable[[], Iterator[Entity]]] = {
            "Thing": self._things,
            "Location": lambda: self._placed("Location"),
            "HistoricalLocation": lambda: self._placed("HistoricalLocation"),
            "FeatureOfInterest": lambda: self._placed("FeatureOfInterest"),
            "Datastream": self._datastreams,
            "Sensor": lambda: (
                self._sensor(k) for k in range(len(self.kinds.kinds)) if self._sees(k)
            ),
            "ObservedProperty": lambda: map(self._observed, range(len(self.kinds.quantities))),
        }
        return makers[type_]()

    def get(self, type_: str, name: str) -> Entity | None:
        """The entity of an id; None where there is none, or none that is seen."""
        return _BY_ID[type_](self, name)

    def lead(self, entity: Entity, link: str) -> Iterator[Entity]:
        """What a link of an entity leads to. Raises QueryError for observations: ask for their span."""
        if link == "Observations":
            raise QueryError(
                "$filter", "does not look into Observations from here", None,
                "ask Observations, and filter by Datastream/id or Datastream/Thing/id",
            )  # fmt: skip
        return _LEADS[entity.type.name, link](self, entity)

    def span(self, entity: Entity) -> Span:
        """The observations that a Datastream or a FeatureOfInterest leads to."""
        device = np.array([entity.code], np.int32)
        if entity.type.name == "Datastream":
            return Span(Series(device, np.array([entity.quantity], np.int16)))
        assert entity.place is not None
        first = entity.place.number == 0
        start = EARLIEST if first else max(EARLIEST, entity.place.since)
        return Span(Series(device, None), start, min(LATEST, entity.place.until))

    def everything(self) -> Span:
        """All observations that are seen."""
        return Span(Series(self._context.sight.of(None), None))

    def observation(self, reading: Reading) -> Entity:
        """A row of telemetry as an entity."""
        name = f"{self.device(reading.device).id}.{self.kinds.quantities[reading.quantity]}.{reading.time}"
        return Entity(
            TYPES["Observation"], name, self, reading.device, reading.quantity, reading=reading
        )

    def observations(self, readings: Readings) -> Iterator[Entity]:
        """Rows as entities, in their order."""
        columns = (c.tolist() for c in readings.columns())
        for device, quantity, time, value, flag, received in zip(*columns, strict=True):
            shown = value if np.isfinite(value) else None
            yield self.observation(Reading(device, quantity, time, shown, flag, received))

    def codes(self) -> list[int]:
        """Codes of the devices that are seen."""
        seen = self._context.sight.of(None)
        return list(range(len(self._context.catalogue))) if seen is None else seen.tolist()

    def datastreams_of(self, code: int) -> Iterator[Entity]:
        """What a device measures by its kind, and what is derived of it and stored."""
        kind = self.kind_of(code)
        accepted, derived = self.kinds.accepted[kind], self._derived
        for quantity in np.flatnonzero(self.kinds.declared[kind]).tolist():
            if accepted[quantity] or (code, quantity) in derived:
                yield self._datastream(code, quantity)

    def _datastreams(self) -> Iterator[Entity]:
        for code in self.codes():
            yield from self.datastreams_of(code)

    @cached_property
    def _derived(self) -> set[tuple[int, int]]:
        rows = self._context.telemetry.latest(Series(self._context.sight.of(None), None))
        kinds = self._context.catalogue.kind_of[rows.device]
        computed = ~self.kinds.accepted[kinds, rows.quantity]
        return set(
            zip(rows.device[computed].tolist(), rows.quantity[computed].tolist(), strict=True)
        )

    @cached_property
    def _moves(self) -> dict[str, list[DeviceEvent]]:
        found: dict[str, list[DeviceEvent]] = {}
        for event in self._context.operations.place_history():
            found.setdefault(event.device, []).append(event)
        return found

    def _sees(self, kind: int) -> bool:
        return self._context.sight.kind(self.kinds.kinds[kind].name)

    def _things(self) -> Iterator[Entity]:
        return map(self._thing, self.codes())

    def _thing(self, code: int) -> Entity:
        return Entity(TYPES["Thing"], self.device(code).id, self, code)

    def _placed(self, type_: str) -> Iterator[Entity]:
        for code in self.codes():
            yield from self._places_of(type_, code)

    def _places_of(self, type_: str, code: int) -> Iterator[Entity]:
        for place in self.places(code):
            if place.known or type_ == "FeatureOfInterest":
                yield self._at(type_, code, place)

    def _at(self, type_: str, code: int, place: Place) -> Entity:
        return Entity(
            TYPES[type_], f"{self.device(code).id}.{place.number}", self, code, place=place
        )

    def _datastream(self, code: int, quantity: int) -> Entity:
        name = f"{self.device(code).id}.{self.kinds.quantities[quantity]}"
        return Entity(TYPES["Datastream"], name, self, code, quantity)

    def _sensor(self, kind: int) -> Entity:
        return Entity(TYPES["Sensor"], self.kinds.kinds[kind].name, self, kind)

    def _observed(self, quantity: int) -> Entity:
        name = self.kinds.quantities[quantity]
        return Entity(TYPES["ObservedProperty"], name, self, quantity=quantity)

    def _code(self, device_id: str) -> int | None:
        return self._context.catalogue.code(device_id)

    def _find_thing(self, name: str) -> Entity | None:
        code = self._code(name)
        return None if code is None else self._thing(code)

    def _find_place(self, type_: str, name: str) -> Entity | None:
        device, _, number = name.rpartition(".")
        code = self._code(device)
        if code is None or not number.isdecimal():
            return None
        return next((e for e in self._places_of(type_, code) if e.id == name), None)

    def find_series(self, name: str) -> Entity | None:
        """The Datastream of an id."""
        device, _, quantity = name.partition(".")
        code, which = self._code(device), self.kinds.quantity_code.get(quantity)
        if code is None or which is None or not self.kinds.declared[self.kind_of(code), which]:
            return None
        return self._datastream(code, which)

    def _find_kind(self, name: str) -> Entity | None:
        kind = self.kinds.code.get(name)
        return None if kind is None or not self._sees(kind) else self._sensor(kind)

    def _find_observed(self, name: str) -> Entity | None:
        quantity = self.kinds.quantity_code.get(name)
        return None if quantity is None else self._observed(quantity)

    def _find_observation(self, name: str) -> Entity | None:
        stream, _, time = name.rpartition(".")
        series = self.find_series(stream)
        if series is None or not time.isdecimal() or len(time) > _DIGITS or int(time) >= LATEST:
            return None
        span, moment = self.span(series), int(time)
        rows = self._context.telemetry.raw(span.series, moment, moment + 1, 1)
        return next(self.observations(rows), None)

    def _here(self, entity: Entity) -> Iterator[Entity]:
        place = self.places(entity.code)[-1]
        return iter([self._at("Location", entity.code, place)] if place.known else [])

    def _things_there(self, entity: Entity) -> Iterator[Entity]:
        now = entity.place == self.places(entity.code)[-1]
        return iter([self._thing(entity.code)] if now else [])

    def _feature(self, entity: Entity) -> Iterator[Entity]:
        assert entity.reading is not None
        place = at(self.places(entity.code), entity.reading.time)
        return iter([self._at("FeatureOfInterest", entity.code, place)])

    def _kinds_streams(self, entity: Entity) -> Iterator[Entity]:
        for code in self.codes():
            if self.kind_of(code) == entity.code:
                yield from self.datastreams_of(code)


_BY_ID: dict[str, Callable[[Source, str], Entity | None]] = {
    "Thing": Source._find_thing,
    "Location": lambda s, n: s._find_place("Location", n),
    "HistoricalLocation": lambda s, n: s._find_place("HistoricalLocation", n),
    "FeatureOfInterest": lambda s, n: s._find_place("FeatureOfInterest", n),
    "Datastream": Source.find_series,
    "Sensor": Source._find_kind,
    "ObservedProperty": Source._find_observed,
    "Observation": Source._find_observation,
}
_LEADS: dict[tuple[str, str], Callable[[Source, Entity], Iterator[Entity]]] = {
    ("Thing", "Locations"): Source._here,
    ("Thing", "HistoricalLocations"): lambda s, e: s._places_of("HistoricalLocation", e.code),
    ("Thing", "Datastreams"): lambda s, e: s.datastreams_of(e.code),
    ("Location", "Things"): Source._things_there,
    ("Location", "HistoricalLocations"): lambda s, e: iter([s._at("HistoricalLocation", e.code, _place(e))]),
    ("HistoricalLocation", "Thing"): lambda s, e: iter([s._thing(e.code)]),
    ("HistoricalLocation", "Locations"): lambda s, e: iter([s._at("Location", e.code, _place(e))]),
    ("Datastream", "Thing"): lambda s, e: iter([s._thing(e.code)]),
    ("Datastream", "Sensor"): lambda s, e: iter([s._sensor(s.kind_of(e.code))]),
    ("Datastream", "ObservedProperty"): lambda s, e: iter([s._observed(e.quantity)]),
    ("Sensor", "Datastreams"): Source._kinds_streams,
    ("ObservedProperty", "Datastreams"): lambda s, e: (d for d in s._datastreams() if d.quantity == e.quantity),
    ("Observation", "Datastream"): lambda s, e: iter([s._datastream(e.code, e.quantity)]),
    ("Observation", "FeatureOfInterest"): Source._feature,
}  # fmt: skip


def _place(entity: Entity) -> Place:
    assert entity.place is not None
    return entity.place
