"""Smart Data Models: each property is one of the model's, in the unit that it wants; nothing doubtful as sound.

Property lists: github.com/smart-data-models, the versions that api/formats/smart_models.py names.
"""

from __future__ import annotations

from typing import Any

import pytest

from api.formats.smart_models import MODELS
from devices.kind import Kind
from devices.registry import load_kinds
from telemetry.clock import MINUTE
from telemetry.flags import Flag
from tests.api.client import Client
from tests.api.world import NOW, World

COMMON = {"id", "type", "@context", "location", "address", "name", "refDevice"}
LISTED = {
    "AirQualityObserved": "dateObserved airQualityIndex co no2 o3 pm10 pm25 relativeHumidity so2 temperature",
    "WeatherObserved": "dateObserved atmosphericPressure precipitation relativeHumidity temperature windDirection "
    "windSpeed",
    "NoiseLevelObserved": "dateObserved dateObservedFrom dateObservedTo LAeq LAmax",
    "WaterQualityObserved": "dateObserved temperature bod cod conductivity tss turbidity pH O2 NH4",
    "FloodMonitoring": "alertLevel currentLevel dangerLevel stationID observationDateTime",
    "TrafficFlowObserved": "dateObserved intensity occupancy averageVehicleSpeed vehicleType",
    "Streetlight": "status powerState illuminanceLevel powerConsumption current powerFactor voltage "
    "observationDateTime",
    "WasteContainer": "fillingLevel temperature timeInstant",
}
REQUIRED = {
    "AirQualityObserved": "dateObserved location",
    "WeatherObserved": "dateObserved location",
    "NoiseLevelObserved": "dateObservedFrom dateObservedTo location",
    "WaterQualityObserved": "dateObserved location",
    "FloodMonitoring": "",
    "TrafficFlowObserved": "dateObserved",
    "Streetlight": "location status",
    "WasteContainer": "location",
}
MODELLED = [k for k in load_kinds() if k.name in MODELS]


def entities(client: Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{path}")
    assert answer.headers["content-type"] == "application/ld+json"
    found: list[dict[str, Any]] = answer.json()
    return found


def test_every_kind_that_is_asked_for_has_its_model() -> None:
    kinds = {k.name: k.model for k in load_kinds()}
    for name in ("air", "water", "traffic", "lamp", "waste", "noise", "weather", "level"):
        assert MODELS[name].type == kinds[name]
    for name, model in MODELS.items():
        quantities = {q.name for q in load_kinds()[name].quantities}
        assert set(model.properties) <= quantities


@pytest.mark.parametrize("kind", MODELLED, ids=lambda k: k.name)
def test_an_entity_has_the_models_properties_and_no_other(
    world: World, own_client: Client, kind: Kind
) -> None:
    from devices.device import Device

    name = f"new-{kind.name}"
    world.catalogue.put(
        Device(id=name, kind=kind.name, name="Mới", lat=10.8, lon=106.7, area="26740")
    )
    for quantity in kind.quantities:
        world.store(name, quantity.name, [NOW - MINUTE], [quantity.plausible.high])
    found = entities(own_client, f"latest.ngsi-ld?device={name}")
    assert found
    for entity in found:
        type_ = entity["type"]
        assert type_ == kind.model
        assert set(entity) <= COMMON | set(LISTED[type_].split())
        assert set(REQUIRED[type_].split()) <= set(entity)
        assert entity["id"].startswith(f"urn:ngsi-ld:{type_}:{name}")
        assert entity["@context"][-1].startswith("https://uri.etsi.org/ngsi-ld/")
        for key, value in entity.items():
            if key not in ("id", "type", "@context"):
                assert value["type"] in ("Property", "GeoProperty", "Relationship"), key
    given = {q for q in MODELS[kind.name].properties if q in {x.name for x in kind.quantities}}
    assert {MODELS[kind.name].properties[q].name for q in given} <= set(found[0])


def test_units_are_the_models(world: World, own_client: Client) -> None:
    world.store("aq-1", "humidity", [NOW], [57.0])
    (entity,) = entities(own_client, "latest.ngsi-ld?device=aq-1")
    assert entity["relativeHumidity"] == {
        "type": "Property",
        "value": 0.57,
        "unitCode": "C62",
        "observedAt": "2026-11-22T03:00:00Z",
    }
    assert entity["pm25"]["unitCode"] == "GQ"


def test_vehicles_are_counted_by_class_and_together(world: World, own_client: Client) -> None:
    from devices.device import Device

    world.catalogue.put(Device(id="tc-1", kind="traffic", lat=10.8, lon=106.7))
    for quantity, count in (("motorcycle", 40.0), ("car", 9.0), ("truck", 1.0)):
        world.store("tc-1", quantity, [NOW], [count])
    found = {
        e["vehicleType"]["value"] if "vehicleType" in e else "": e["intensity"]["value"]
        for e in entities(own_client, "telemetry.ngsi-ld?device=tc-1&end=2026-11-22T03:01:00Z")
    }
    assert found == {"": 50, "motorcycle": 40, "car": 9, "lorry": 1}


def test_what_failed_is_left_out_and_what_is_suspect_says_so(
    world: World, own_client: Client
) -> None:
    for minute, flag in ((1, Flag.GOOD), (2, Flag.SUSPECT), (3, Flag.FAIL), (4, Flag.MISSING)):
        world.store("wx-1", "humidity", [NOW - minute * MINUTE], [50.0], flag)
    found = entities(own_client, "telemetry.ngsi-ld?device=wx-1&quantity=humidity")
    told = {e["dateObserved"]["value"]["@value"]: e["relativeHumidity"] for e in found}
    assert set(told) == {"2026-11-22T02:59:00Z", "2026-11-22T02:58:00Z"}
    assert "qualityFlag" not in told["2026-11-22T02:59:00Z"]
    assert told["2026-11-22T02:58:00Z"]["qualityFlag"] == {"type": "Property", "value": 3}


def test_kinds_without_a_model_have_no_entities(client: Client) -> None:
    assert entities(client, "latest.ngsi-ld?kind=tree") == []
