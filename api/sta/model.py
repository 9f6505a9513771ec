"""The eight entity types of SensorThings 1.1: their properties, and what leads from one to another (18-088, 8.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Link:
    """A navigation property: `many` leads to a collection, else to one entity."""

    target: str
    many: bool


@dataclass(frozen=True, slots=True)
class EntityType:
    """One type. `collection` is its name in addresses; links by name."""

    name: str
    collection: str
    properties: tuple[str, ...]
    links: Mapping[str, Link]


def _one(target: str) -> Link:
    return Link(target, False)


def _many(target: str) -> Link:
    return Link(target, True)


_DESCRIBED = ("name", "description", "properties")
_TYPES = (
    EntityType(
        "Thing", "Things", _DESCRIBED,
        {
            "Locations": _many("Location"),
            "HistoricalLocations": _many("HistoricalLocation"),
            "Datastreams": _many("Datastream"),
        },
    ),
    EntityType(
        "Location", "Locations", (*_DESCRIBED, "encodingType", "location"),
        {"Things": _many("Thing"), "HistoricalLocations": _many("HistoricalLocation")},
    ),
    EntityType(
        "HistoricalLocation", "HistoricalLocations", ("time",),
        {"Thing": _one("Thing"), "Locations": _many("Location")},
    ),
    EntityType(
        "Datastream", "Datastreams",
        (*_DESCRIBED, "unitOfMeasurement", "observationType", "observedArea"),
        {
            "Thing": _one("Thing"),
            "Sensor": _one("Sensor"),
            "ObservedProperty": _one("ObservedProperty"),
            "Observations": _many("Observation"),
        },
    ),
    EntityType(
        "Sensor", "Sensors", (*_DESCRIBED, "encodingType", "metadata"),
        {"Datastreams": _many("Datastream")},
    ),
    EntityType(
        "ObservedProperty", "ObservedProperties", (*_DESCRIBED, "definition"),
        {"Datastreams": _many("Datastream")},
    ),
    EntityType(
        "Observation", "Observations",
        ("phenomenonTime", "resultTime", "result", "resultQuality", "parameters"),
        {"Datastream": _one("Datastream"), "FeatureOfInterest": _one("FeatureOfInterest")},
    ),
    EntityType(
        "FeatureOfInterest", "FeaturesOfInterest", (*_DESCRIBED, "encodingType", "feature"),
        {"Observations": _many("Observation")},
    ),
)  # fmt: skip

TYPES: dict[str, EntityType] = {t.name: t for t in _TYPES}
COLLECTIONS: dict[str, EntityType] = {t.collection: t for t in _TYPES}
