"""/req/data-array/data-array: rows out, and in through ingest as if a device had sent them (18-088, 10.2, 10.3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.access.principal import Role
from api.app import create_app
from tests.access.people import OWN, client_for, person
from tests.api.client import Client
from tests.api.test_quarantine import context_on
from tests.ingest.conftest import Bench, build
from tests.sta.conftest import ROOT, Ask, answer, follow, ids

T = "2026-11-22T02:{:02}:00Z"


def test_rows_of_a_datastream(ask: Ask) -> None:
    (group,) = ask("Datastreams('aq-2.pm25')/Observations", format="dataArray")["value"]
    assert group["Datastream@iot.navigationLink"] == f"{ROOT}/Datastreams('aq-2.pm25')"
    assert group["components"] == [
        "id",
        "phenomenonTime",
        "resultTime",
        "result",
        "resultQuality",
        "parameters",
    ]
    assert group["dataArray@iot.count"] == 2
    assert group["dataArray"][0][1:4] == [T.format(58), T.format(58), 61.5]


def test_a_group_for_each_datastream_and_pages(client: Client, ask: Ask) -> None:
    body = ask(
        "Observations", format="dataArray", select="phenomenonTime,result", top="5000", count="true"
    )
    rows = {g["Datastream@iot.navigationLink"]: g["dataArray"] for g in body["value"]}
    assert sum(map(len, rows.values())) == body["@iot.count"] and len(rows) > 5
    assert len(rows[f"{ROOT}/Datastreams('aq-1.pm25')"][0]) == 2
    page = ask("Datastreams('aq-1.pm25')/Observations", format="dataArray", top="10")
    following = follow(client, page)
    assert following["value"][0]["dataArray@iot.count"] == 10
    assert following["value"][0]["dataArray"][0] not in page["value"][0]["dataArray"]


@pytest.mark.parametrize(
    "path", ["Things", "Observations('x')", "Observations/$ref", "Datastreams('aq-1.pm25')"]
)
def test_only_of_observations(client: Client, path: str) -> None:
    assert answer(client, path, format="dataArray").status_code in (400, 404)
    assert (
        answer(client, "Observations", format="dataArray", expand="Datastream").status_code == 400
    )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A pipeline behind the API; the air station aq-1 is known."""
    made = build(tmp_path)
    made.air(b'{"pm25": 1.5, "time": "2026-11-22T01:00:00Z"}')
    yield made
    made.telemetry.close()
    made.operations.close()


@pytest.fixture
def writer(bench: Bench) -> Iterator[Client]:
    with Client(create_app(context_on(bench), console=False)) as made:
        yield made


def stream_of(writer: Client) -> str:
    found: str = ids(answer(writer, "Datastreams", filter="ObservedProperty/id eq 'pm25'").json())[
        0
    ]
    return found


def send(client: Client, groups: Any) -> Any:
    return client.post("/sta/v1.1/CreateObservations", json=groups)


def group(stream: str, rows: list[list[Any]], *components: str) -> dict[str, Any]:
    return {
        "Datastream": {"@iot.id": stream}, "components": list(components or ("phenomenonTime", "result")),
        "dataArray@iot.count": len(rows), "dataArray": rows,
    }  # fmt: skip


def test_rows_take_the_way_of_every_message(bench: Bench, writer: Client) -> None:
    stream = stream_of(writer)
    rows: list[list[Any]] = [[T.format(1), 31.2], [T.format(2), None], [T.format(1), 31.2], [T.format(3), "n/a"], [T.format(4), -9999],
            ["2026-11-22T02:05:00", 5.0], [T.format(6)]]  # fmt: skip
    answer_ = send(writer, [group(stream, rows), group("absent.pm25", [[T.format(1), 1.0]])])
    assert answer_.status_code == 201
    told = answer_.json()
    assert [t == "error" for t in told] == [False, False, False, True, True, True, True, True]
    assert told[0] == told[2], "a repeat is where the first one is"
    back = answer(writer, told[0].removeprefix(f"{ROOT}/")).json()
    assert (back["result"], back["phenomenonTime"]) == (31.2, T.format(1))
    assert answer(writer, told[1].removeprefix(f"{ROOT}/")).json()["result"] is None
    assert sorted(i.reason for i in bench.operations.quarantine()) == [
        "impossible_value",
        "not_a_number",
    ]
    account = {r.outcome: r.count for r in bench.telemetry.account(0, 2**62)}
    assert account["received"] == account["stored"] + account["duplicate"] + sum(
        n for name, n in account.items() if name.startswith("quarantined")
    )


def test_one_observation(writer: Client) -> None:
    stream = stream_of(writer)
    body = {"Datastream": {"@iot.id": stream}, "phenomenonTime": T.format(9), "result": 7.5}
    made = writer.post("/sta/v1.1/Observations", json=body)
    assert made.status_code == 201
    where = made.headers["location"]
    assert answer(writer, where.removeprefix(f"{ROOT}/")).json()["result"] == 7.5
    for wrong in (
        body | {"result": "x"},
        body | {"phenomenonTime": "naive"},
        {"result": 1},
        body | {"Datastream": 5},
    ):
        refused = writer.post("/sta/v1.1/Observations", json=wrong)
        assert refused.status_code == 400, wrong
    now = writer.post(
        "/sta/v1.1/Observations", json={"Datastream": {"@iot.id": stream}, "result": 8.5}
    )
    assert now.status_code == 201


@pytest.mark.parametrize(
    "groups",
    [{}, [1], [{"Datastream": {"@iot.id": "a"}}], [group("a", [], "phenomenonTime")], [group("a", [], "result", "colour")],
     [group("a", [[1]] * 10_001)], [group("a", [[1]]) | {"more": 1}], [{"Datastream": {}, "components": ["result"], "dataArray": []}]],
)  # fmt: skip
def test_a_body_that_is_none_is_refused_whole(writer: Client, groups: Any) -> None:
    assert send(writer, groups).status_code == 400


def test_who_may_not_does_not(bench: Bench) -> None:
    context = context_on(bench)
    with client_for(context, person(Role.OPERATOR)) as client:
        assert send(client, []).status_code == 403
    with client_for(context, person(Role.ENGINEER, areas={OWN})) as client:
        stream = next(iter(bench.catalogue.devices)).id + ".pm25"
        assert send(client, [group(stream, [[T.format(1), 1.0]])]).json() == ["error"]
