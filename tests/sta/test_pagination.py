"""/req/request-data/top, skip, count, pagination: whole and without repeats, however it is cut (18-088, 9.3.3.2…)."""

from __future__ import annotations

import pytest

from tests.api.client import Client
from tests.sta.conftest import Ask, answer, follow, ids


def walk(client: Client, body: object) -> list[str]:
    found: list[str] = []
    while True:
        found += ids(body)
        if "@iot.nextLink" not in body:  # type: ignore[operator]
            return found
        body = follow(client, body)


@pytest.mark.parametrize("size", ["1", "3", "100"])
@pytest.mark.parametrize("collection", ["Things", "Datastreams", "ObservedProperties"])
def test_pages_are_the_whole(client: Client, ask: Ask, collection: str, size: str) -> None:
    if collection != "Things" and size == "1":
        size = "40"
    whole = ids(ask(collection, top="1000"))
    assert walk(client, ask(collection, top=size)) == whole
    assert len(set(whole)) == len(whole)


@pytest.mark.parametrize(
    "order", ["phenomenonTime asc", "phenomenonTime desc", "resultTime desc,id"]
)
@pytest.mark.parametrize("size", ["70", "500"])
def test_observations_in_both_directions(client: Client, ask: Ask, order: str, size: str) -> None:
    path = "Datastreams('aq-1.pm25')/Observations"
    found = walk(client, ask(path, orderby=order, top=size))
    times = [int(i.rpartition(".")[2]) for i in found]
    assert len(found) == 1_381
    assert times == sorted(times, reverse="desc" in order)


def test_of_all_series_ties_in_time_are_kept_apart(client: Client, ask: Ask) -> None:
    up = walk(
        client, ask("Observations", top="50", filter="phenomenonTime ge 2026-11-22T01:00:00Z")
    )
    down = walk(
        client,
        ask(
            "Observations",
            top="7",
            orderby="phenomenonTime desc",
            filter="phenomenonTime ge 2026-11-22T01:00:00Z",
        ),
    )
    assert len(up) == len(set(up)) and set(up) == set(down)
    assert down == up[::-1]


def test_top_skip_and_count(client: Client, ask: Ask) -> None:
    every = ids(ask("Things"))
    assert ids(ask("Things", top="2", skip="3")) == every[3:5]
    assert ids(ask("Things", skip="100")) == []
    body = ask("Things", top="0", count="true")
    assert body == {"@iot.count": len(every), "value": []}
    assert (
        ask("Things", count="true", filter="properties/kind eq 'air'", top="1")["@iot.count"] == 3
    )
    path = "Datastreams('aq-1.pm25')/Observations"
    first = ids(ask(path, top="10"))
    assert ids(ask(path, top="4", skip="6")) == first[6:]
    counted = ask(path, count="true", top="1", filter="phenomenonTime ge 2026-11-22T02:00:00Z")
    assert counted["@iot.count"] == 60
    assert ask("Observations", count="true", top="1")["@iot.count"] == len(
        walk(client, ask("Observations", top="1000"))
    )


def test_more_than_a_page_comes_in_pages(client: Client, ask: Ask) -> None:
    """18-088, requirement 26: a $top above the server's page is discarded."""
    body = ask("Datastreams('aq-1.pm25')/Observations", top="1100")
    assert len(body["value"]) == 1_000
    rest = follow(client, body)
    assert len(rest["value"]) == 381 and "@iot.nextLink" not in rest


def test_a_server_page_without_top(client: Client, ask: Ask) -> None:
    body = ask("Datastreams('aq-1.pm25')/Observations")
    assert len(body["value"]) == 100
    assert ids(follow(client, body))[0] not in ids(body)


def test_a_skip_that_is_too_far_is_refused(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.sta.observations.SCAN", 500)
    monkeypatch.setattr("api.sta.observations._CHUNK", 100)
    found = answer(client, "Datastreams('aq-1.pm25')/Observations", skip="900")
    assert found.status_code == 400 and found.json()["parameter"] == "$skip"
