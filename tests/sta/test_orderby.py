"""/req/request-data/orderby, order: by one and more expressions, both directions, null first."""

from __future__ import annotations

import pytest

from tests.api.client import Client
from tests.sta.conftest import Ask, answer, ids


def test_by_properties_and_along_links(ask: Ask) -> None:
    names = [t["name"] for t in ask("Things", orderby="name")["value"]]
    assert names == sorted(names)
    assert ids(ask("Things", orderby="id desc", top="2")) == ["wx-1", "tree-1"]
    kinds = ask("Things", orderby="properties/kind desc,id desc")["value"]
    keys = [(t["properties"]["kind"], t["@iot.id"]) for t in kinds]
    assert keys == sorted(keys, reverse=True)
    streams = ids(ask("Datastreams", orderby="Thing/id desc,id", top="3"))
    assert [s.partition(".")[0] for s in streams] == ["wx-1"] * 3 and streams == sorted(streams)


def test_observations_by_their_result(ask: Ask) -> None:
    values = [
        e["result"]
        for e in ask("Datastreams('gauge-1.level')/Observations", orderby="result desc", top="3")[
            "value"
        ]
    ]
    assert values == pytest.approx([1.66, 1.64, 1.62])
    both = ask("Datastreams('aq-2.pm25')/Observations", orderby="result")["value"]
    assert [e["result"] for e in both] == [None, 61.5]
    assert (
        ids(ask("Datastreams('aq-1.pm25')/Observations", orderby="result desc", top="1", skip="1"))
        != []
    )


def test_too_many_to_sort_are_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sta.observations.SORTED", 100)
    found = answer(client, "Observations", orderby="result")
    assert (found.status_code, found.json()["parameter"]) == (400, "$orderby")
    assert "narrow it" in found.json()["detail"]
