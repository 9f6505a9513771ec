"""The city as entities: a device is a Thing, its places Locations, (device, quantity) a Datastream.

An entity knows which row of the city it stands for and makes its properties when it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import shapely

from api.sta.expression import Moment
from api.sta.model import TYPES, EntityType
from api.sta.places import Place
from api.sta.vocabulary import GEOJSON, OM_MEASUREMENT, definition, unit_of_measurement
from devices.device import Device
from devices.kind import Kind, Quantity
from telemetry.clock import format_time
from telemetry.flags import Flag

if TYPE_CHECKING:
    from api.sta.source import Source

_FLAGS = {f.value: f.name.lower() for f in Flag}
QARTOD = "https://ioos.noaa.gov/project/qartod/"


@dataclass(frozen=True, slots=True)
class Reading:
    """One row of telemetry."""

    device: int
    quantity: int
    time: int
    value: float | None
    flag: int
    received: int


@dataclass(eq=False)
class Entity:
    """One entity; which of the others is set depends on its type. A Subject of evaluate.py."""

    type: EntityType
    id: str
    source: Source
    code: int = -1
    quantity: int = -1
    place: Place | None = None
    reading: Reading | None = None

    @cached_property
    def fields(self) -> dict[str, Any]:
        """Its properties; times as Moment, places as shapes."""
        found: dict[str, Any] = _MAKERS[self.type.name](self)
        return found

    def value(self, name: str) -> Any:
        """See Subject."""
        if name in ("id", "@iot.id"):
            return self.id
        if name not in self.type.properties:
            known = ", ".join(("id", *self.type.properties, *self.type.links))
            raise KeyError(f"{self.type.name} has {known}")
        return self.fields.get(name)

    def lead(self, name: str) -> Iterator[Entity] | None:
        """See Subject."""
        if name not in self.type.links:
            return None
        return self.source.lead(self, name)

    @property
    def device(self) -> Device:
        """The device that it stands for, or is of."""
        return self.source.device(self.code)


def _kind(entity: Entity) -> Kind:
    return entity.source.kinds.kinds[entity.code]


def _quantity(entity: Entity) -> Quantity:
    found: Quantity = entity.source.kinds.quantity(
        entity.source.kind_of(entity.code), entity.quantity
    )
    return found


def _thing(entity: Entity) -> dict[str, Any]:
    device, kind = entity.device, entity.source.kinds[entity.device.kind]
    return {
        "name": device.name or device.id,
        "description": f"{kind.vi} · {kind.en}",
        "properties": {
            "kind": device.kind, "domain": kind.domain, "area": device.area, "parent": device.parent,
            "tags": list(device.tags), "limits": dict(device.limits), "registered": device.registered,
            "retired": device.retired, "simulated": device.simulated, "model": kind.model,
        },
    }  # fmt: skip


def _location(entity: Entity) -> dict[str, Any]:
    name = entity.device.name or entity.device.id
    return {
        "name": name,
        "description": f"{name}: {_words(entity.place)}",
        "properties": {"area": entity.device.area},
        "encodingType": GEOJSON,
        "location": _point(entity.place),
    }


def _feature(entity: Entity) -> dict[str, Any]:
    found = _location(entity)
    return {("feature" if k == "location" else k): v for k, v in found.items()}


def _historical(entity: Entity) -> dict[str, Any]:
    assert entity.place is not None
    return {"time": Moment(entity.place.since, entity.place.since)}


def _datastream(entity: Entity) -> dict[str, Any]:
    device, quantity = entity.device, _quantity(entity)
    return {
        "name": f"{device.name or device.id}: {quantity.en}",
        "description": f"{quantity.vi} · {quantity.en}",
        "properties": {
            "derived": quantity.derived,
            "interval": entity.source.kinds[device.kind].interval_s,
        },
        "unitOfMeasurement": unit_of_measurement(quantity.unit),
        "observationType": OM_MEASUREMENT,
        "observedArea": _point(entity.source.places(entity.code)[-1]),
    }


def _sensor(entity: Entity) -> dict[str, Any]:
    kind = _kind(entity)
    return {
        "name": kind.en,
        "description": f"{kind.vi} · {kind.en}",
        "properties": {
            "interval": kind.interval_s,
            "timeout": kind.timeout_s,
            "domain": kind.domain,
        },
        "encodingType": "application/json",
        "metadata": f"{entity.source.root}/api/v1/kinds",
    }


def _observed(entity: Entity) -> dict[str, Any]:
    quantity = entity.source.kinds.quantities[entity.quantity]
    declared = next(q for k in entity.source.kinds for q in k.quantities if q.name == quantity)
    return {
        "name": declared.en,
        "description": f"{declared.vi} · {declared.en}",
        "properties": {"quantity": quantity},
        "definition": definition(quantity),
    }


def _observation(entity: Entity) -> dict[str, Any]:
    reading = entity.reading
    assert reading is not None
    time = Moment(reading.time, reading.time)
    return {
        "phenomenonTime": time,
        "resultTime": time,
        "result": reading.value,
        "resultQuality": {
            "code": reading.flag, "name": _FLAGS.get(reading.flag, "?"), "codeSpace": QARTOD,
        },
        "parameters": {"received": format_time(reading.received)},
    }  # fmt: skip


def _point(place: Place | None) -> shapely.Point | None:
    if place is None or place.lat is None or place.lon is None:
        return None
    return shapely.Point(place.lon, place.lat)


def _words(place: Place | None) -> str:
    if place is None or not place.known:
        return "where is not known"
    return f"{place.lat:.5f}, {place.lon:.5f}"


_MAKERS = {
    "Thing": _thing,
    "Location": _location,
    "HistoricalLocation": _historical,
    "Datastream": _datastream,
    "Sensor": _sensor,
    "ObservedProperty": _observed,
    "Observation": _observation,
    "FeatureOfInterest": _feature,
}
assert set(_MAKERS) == set(TYPES)
