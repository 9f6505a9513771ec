"""/req/request-data/expand: nested, with options of its own at each level (18-088, 9.3.2.1)."""

from __future__ import annotations

import pytest

from tests.api.client import Client
from tests.api.world import World
from tests.sta.conftest import ROOT, Ask, answer, follow, ids


def test_one_and_many(ask: Ask) -> None:
    thing = ask(
        "Things('aq-1')", expand="Locations,Datastreams($top=2;$select=id,name;$count=true)"
    )
    assert thing["Locations"][0]["@iot.id"] == "aq-1.0"
    assert [set(d) for d in thing["Datastreams"]] == [{"@iot.id", "name"}] * 2
    assert thing["Datastreams@iot.count"] == 10
    assert thing["Datastreams@iot.nextLink"].startswith(f"{ROOT}/Things('aq-1')/Datastreams?")
    assert "Datastreams@iot.navigationLink" not in thing


def test_the_newest_value_of_everything_in_one_question(ask: Ask) -> None:
    found = ask(
        "Things",
        filter="properties/kind eq 'air'",
        expand="Datastreams($filter=ObservedProperty/id eq 'pm25';$expand=Observations($orderby=phenomenonTime desc;$top=1),ObservedProperty)",
    )
    newest = {t["@iot.id"]: t["Datastreams"][0]["Observations"] for t in found["value"]}
    assert newest["aq-1"][0]["phenomenonTime"] == "2026-11-22T02:59:00Z"
    assert newest["aq-2"][0]["result"] is None
    assert newest["my-sensor"] == []
    assert found["value"][0]["Datastreams"][0]["ObservedProperty"]["@iot.id"] == "pm25"


def test_the_next_link_of_what_was_expanded_goes_on(client: Client, ask: Ask) -> None:
    stream = ask(
        "Datastreams('aq-1.pm25')", expand="Observations($top=3;$orderby=phenomenonTime desc)"
    )
    more = follow(client, {"@iot.nextLink": stream["Observations@iot.nextLink"]})
    times = [o["phenomenonTime"] for o in stream["Observations"] + more["value"]]
    assert times == sorted(times, reverse=True) and len(set(times)) == 6


def test_along_a_path_and_from_an_observation(ask: Ask) -> None:
    (one,) = ask(
        "Observations",
        filter="Datastream/id eq 'tree-1.tilt'",
        expand="Datastream/Thing/Locations,FeatureOfInterest",
    )["value"]
    assert one["Datastream"]["Thing"]["Locations"][0]["@iot.id"] == "tree-1.0"
    assert one["FeatureOfInterest"]["feature"]["type"] == "Point"


def test_what_would_be_too_large_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sta.answer.ENTITIES", 20)
    found = answer(client, "Things", expand="Datastreams")
    assert (found.status_code, found.json()["parameter"]) == (413, "$expand")


def test_nothing_foreign_comes_along(world: World) -> None:
    from api.access.principal import Role
    from tests.access.people import OWN, client_for, person

    with client_for(
        world.context, person(Role.VIEWER, domains={"environment"}, areas={OWN})
    ) as client:
        assert ids(answer(client, "Things").json()) == ["aq-1"]
        assert "lamp" not in ids(answer(client, "Sensors").json())
        streams = ids(answer(client, "ObservedProperties('pm25')/Datastreams").json())
        assert streams == ["aq-1.pm25"]
        values = answer(client, "Observations", top="1000", count="true").json()
        assert {i.partition(".")[0] for i in ids(values)} == {"aq-1"}
        for path in ("Things('aq-2')", "Datastreams('aq-2.pm25')", "Locations('aq-2.0')", "Things('lamp-1')",
                     "Observations('aq-2.pm25.1795316280000000000')"):  # fmt: skip
            assert answer(client, path).status_code == 404, path
        named = answer(client, "Observations", filter="Datastream/id eq 'aq-2.pm25'").json()
        assert named["value"] == []
