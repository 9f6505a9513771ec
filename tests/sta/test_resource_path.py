"""/req/resource-path/resource-path-to-entities: by id, navigation, property, $value, $ref (18-088, 9.2)."""

from __future__ import annotations

import pytest

from tests.api.client import Client
from tests.sta.conftest import ROOT, Ask, answer, ids


def test_by_id_and_by_navigation(ask: Ask) -> None:
    assert ask("Things('aq-1')")["@iot.id"] == "aq-1"
    assert ask("Datastreams('aq-1.pm25')/Thing")["@iot.id"] == "aq-1"
    assert (
        ask("Things('aq-1')/Datastreams('aq-1.pm25')/Thing/Datastreams('aq-1.pm10')")["@iot.id"]
        == "aq-1.pm10"
    )
    assert "lamp-1.power" in ids(ask("Sensors('lamp')/Datastreams"))
    assert ids(ask("ObservedProperties('pm25')/Datastreams")) == [
        "aq-1.pm25",
        "aq-2.pm25",
        "my-sensor.pm25",
    ]
    assert ids(ask("Locations('aq-1.0')/HistoricalLocations")) == ["aq-1.0"]
    assert ids(ask("HistoricalLocations('aq-1.0')/Locations")) == ["aq-1.0"]
    assert ask("HistoricalLocations('aq-1.0')/Thing")["@iot.id"] == "aq-1"


def test_properties_and_their_bare_values(client: Client, ask: Ask) -> None:
    assert ask("Things('aq-1')/name") == {"name": "Bến Thành"}
    value = answer(client, "Things('aq-1')/name/$value")
    assert (value.text, value.headers["content-type"]) == ("Bến Thành", "text/plain; charset=utf-8")
    assert (
        answer(client, "Datastreams('aq-1.pm25')/unitOfMeasurement/$value").json()["name"]
        == "ug/m3"
    )
    (missing,) = ask("Datastreams('aq-2.pm25')/Observations", filter="resultQuality/code eq 9")[
        "value"
    ]
    assert answer(client, f"Observations('{missing['@iot.id']}')/result").status_code == 204


def test_addresses_alone(ask: Ask) -> None:
    assert ask("Things/$ref", top="2")["value"] == [
        {"@iot.selfLink": f"{ROOT}/Things('aq-1')"}, {"@iot.selfLink": f"{ROOT}/Things('aq-2')"},
    ]  # fmt: skip
    assert ask("Things('aq-1')/Datastreams('aq-1.o3')/$ref") == {
        "@iot.selfLink": f"{ROOT}/Datastreams('aq-1.o3')"
    }


@pytest.mark.parametrize(
    "path",
    [
        "Nothings", "Things('absent')", "Things('aq-1')/nothing", "Things('aq-1')/name/more",
        "Things/Datastreams", "Things('aq-1')/Datastreams('aq-2.pm25')", "Datastreams('aq-1.vn')",
        "Datastreams('aq-1.power')", "Datastreams('aq-1')", "Observations('x')", "Observations('aq-1.pm25.5')",
        "Observations('aq-1.pm25.99999999999999999999')", "Things('aq-1')/$value", "Locations('aq-1.9')",
        "Locations('my-sensor.0')", "Things(aq-1)", "Things('aq-1", "Things('../../etc')", "$metadata",
        "Datastreams('aq-1.pm25')/Thing('aq-1')", "Things('aq-1')/$ref/x", "/".join(["Things('aq-1')"] * 20),
        "Datastreams('aq-1.pm25')/Observations('aq-2.pm25.1795316280000000000')",
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_404(client: Client, path: str) -> None:
    found = answer(client, path)
    assert found.status_code == 404, found.text
    assert found.json()["parameter"] == "path"
