"""/req/datamodel: each entity has its mandatory properties, its links, and leads where they say (18-088, 8.2)."""

from __future__ import annotations

from typing import Any

import pytest

from api.sta.model import COLLECTIONS
from tests.api.client import Client
from tests.api.world import NOW, World
from tests.sta.conftest import ROOT, Ask, answer, ids

# 18-088, tables 2…17: what is mandatory; `result` may be null where a device sent null.
MANDATORY = {
    "Things": {"name", "description"},
    "Locations": {"name", "description", "encodingType", "location"},
    "HistoricalLocations": {"time"},
    "Datastreams": {"name", "description", "unitOfMeasurement", "observationType"},
    "Sensors": {"name", "description", "encodingType", "metadata"},
    "ObservedProperties": {"name", "definition", "description"},
    "Observations": {"phenomenonTime", "resultTime", "result"},
    "FeaturesOfInterest": {"name", "description", "encodingType", "feature"},
}
LINKS = {
    "Things": {"Locations", "HistoricalLocations", "Datastreams"},
    "Locations": {"Things", "HistoricalLocations"},
    "HistoricalLocations": {"Thing", "Locations"},
    "Datastreams": {"Thing", "Sensor", "ObservedProperty", "Observations"},
    "Sensors": {"Datastreams"},
    "ObservedProperties": {"Datastreams"},
    "Observations": {"Datastream", "FeatureOfInterest"},
    "FeaturesOfInterest": {"Observations"},
}


def test_the_root_names_the_collections_and_what_is_met(client: Client) -> None:
    root = client.get("/sta/v1.1").json()
    assert {v["name"]: v["url"] for v in root["value"]} == {n: f"{ROOT}/{n}" for n in LINKS}
    met = root["serverSettings"]["conformance"]
    assert "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel/thing" in met
    assert not any("update" in uri for uri in met)


@pytest.mark.parametrize("collection", list(COLLECTIONS))
def test_every_entity_has_what_is_mandatory_and_its_links_lead_somewhere(
    client: Client, ask: Ask, collection: str
) -> None:
    found = ask(collection, top="5")["value"]
    assert found
    for entity in found:
        assert MANDATORY[collection] <= entity.keys()
        assert entity["@iot.selfLink"] == f"{ROOT}/{collection}('{entity['@iot.id']}')"
        alone = client.get(entity["@iot.selfLink"].removeprefix("http://127.0.0.1"))
        assert alone.json() == entity
        links = {n.partition("@")[0]: v for n, v in entity.items() if n.endswith("navigationLink")}
        assert links.keys() == LINKS[collection]
        for link in links.values():
            led = client.get(link.removeprefix("http://127.0.0.1"))
            assert led.status_code == 200, link


def test_a_device_is_a_thing_at_a_place(ask: Ask) -> None:
    thing = ask("Things('aq-1')")
    assert thing["name"] == "Bến Thành"
    assert thing["properties"]["kind"] == "air" and thing["properties"]["area"] == "26740"
    (place,) = ask("Things('aq-1')/Locations")["value"]
    assert place["encodingType"] == "application/geo+json"
    assert place["location"] == {"type": "Point", "coordinates": [106.698, 10.772]}
    assert ask("Things('my-sensor')/Locations")["value"] == []


def test_a_datastream_says_what_is_measured_in_which_unit(ask: Ask) -> None:
    stream = ask("Datastreams('aq-1.pm25')", expand="ObservedProperty,Sensor,Thing")
    assert stream["unitOfMeasurement"] == {
        "name": "ug/m3", "symbol": "µg/m³", "definition": "http://unitsofmeasure.org/ucum#ug/m3",
    }  # fmt: skip
    assert stream["observationType"].endswith("/OM_Measurement")
    assert "pm2p5" in stream["ObservedProperty"]["definition"]
    assert (stream["Sensor"]["@iot.id"], stream["Thing"]["@iot.id"]) == ("air", "aq-1")
    # Derived ones are there where something was derived.
    assert "aq-1.vn_aqi" in ids(ask("Things('aq-1')/Datastreams"))
    assert "tree-1.vn_aqi" not in ids(ask("Things('tree-1')/Datastreams"))


def test_a_reading_is_an_observation_with_its_quality(ask: Ask) -> None:
    missing = ask("Datastreams('aq-2.pm25')/Observations", orderby="phenomenonTime desc", top="1")[
        "value"
    ][0]
    assert missing["result"] is None
    assert missing["resultQuality"]["code"] == 9 and missing["resultQuality"]["name"] == "missing"
    assert missing["phenomenonTime"] == "2026-11-22T02:59:00Z"
    assert ask(f"Observations('{missing['@iot.id']}')/Datastream")["@iot.id"] == "aq-2.pm25"
    assert ask(f"Observations('{missing['@iot.id']}')/FeatureOfInterest")["@iot.id"] == "aq-2.0"


def test_where_a_device_has_been(world: World, own_client: Client) -> None:
    """A move is a Location and a HistoricalLocation; readings before it belong to the place of then."""

    def get(path: str) -> Any:
        return answer(own_client, path).json()

    body = {"by": "Lan", "lat": 10.9}
    world.clock.advance(1_000_000_000)
    own_client.request("PATCH", "/api/v1/devices/aq-1", json=body)
    world.store("aq-1", "pm25", [NOW + 2_000_000_000], [5.0])
    assert ids(get("Things('aq-1')/HistoricalLocations")) == ["aq-1.0", "aq-1.1"]
    assert get("HistoricalLocations('aq-1.1')")["time"] == "2026-11-22T03:00:01Z"
    assert get("Locations('aq-1.0')")["location"]["coordinates"] == [106.698, 10.772]
    assert get("Things('aq-1')/Locations")["value"][0]["location"]["coordinates"] == [106.698, 10.9]
    assert get("Locations('aq-1.0')/Things")["value"] == []
    assert ids(get("Locations('aq-1.1')/Things")) == ["aq-1"]
    (new,) = get("FeaturesOfInterest('aq-1.1')/Observations")["value"]
    assert new["result"] == 5.0
    old = answer(own_client, "FeaturesOfInterest('aq-1.0')/Observations", count="true").json()
    assert old["@iot.count"] == 1_383
    own_client.request(
        "PATCH", "/api/v1/devices/aq-1", json={"by": "Lan", "lat": None, "lon": None}
    )
    assert get("Things('aq-1')/Locations")["value"] == []
    assert get("FeaturesOfInterest('aq-1.2')")["feature"]["geometry"] is None
