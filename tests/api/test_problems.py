"""Every error is a problem that names the parameter; nothing unknown is taken in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.app import create_app
from telemetry.errors import StoreBusy, UrbanError
from tests.api.client import Client
from tests.api.world import World


def routes(client: Client) -> Iterator[tuple[str, str]]:
    for path, operations in client.get("/openapi.json").json()["paths"].items():
        for method in operations:
            yield method.upper(), path


def filled(path: str) -> str:
    return (
        path.replace("{device_id}", "aq-1")
        .replace("{alert_id}", "alert-1")
        .replace("{item_id}", "q-text")
    )


def test_every_route_refuses_an_unknown_parameter(client: Client) -> None:
    found = list(routes(client))
    assert len(found) >= 17
    for method, path in found:
        answer = client.request(method, filled(path) + "?colour=red", json={"by": "An"})
        assert answer.status_code == 400, (method, path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert problem["parameter"] == "colour"
        assert set(problem) >= {"type", "title", "status", "detail"}
        assert problem["status"] == 400


def test_every_route_refuses_another_method(client: Client) -> None:
    for _, path in routes(client):
        allowed = {m for m, p in routes(client) if p == path}
        other = next(m for m in ("PATCH", "TRACE") if m not in allowed)
        answer = client.request(other, filled(path), json={})
        assert answer.status_code == 405, (other, path)
        assert answer.headers["allow"] in allowed
        assert answer.json()["title"] == "Method not allowed"


@pytest.mark.parametrize(
    "path", ["/api/v1/nonsense", "/api/v2/kinds", "/api/v1/kinds/", "/x", "/api/v1/devices/a/b"]
)
def test_what_is_not_there_is_a_problem(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/docs" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/v1/devices/ghost", "device"),
        ("/api/v1/alerts/ghost", "alert_id"),
        ("/api/v1/quarantine/ghost", "item_id"),
    ],
)
def test_a_thing_that_is_not_there_is_named(client: Client, path: str, parameter: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["parameter"] == parameter
    assert "ghost" in answer.json()["detail"]


def test_a_thousand_names_and_no_more(client: Client) -> None:
    answer = client.get("/api/v1/latest", params={"device": ["aq-1"] * 1_001})
    assert answer.status_code == 413
    assert answer.json()["parameter"] == "device"


@pytest.mark.parametrize(
    "name", ["'; drop table readings; --", "../../etc/passwd", "\x00", "aq-1\r\nX: y", "ố" * 300]
)
def test_hostile_names_are_only_unknown(client: Client, name: str) -> None:
    for parameter in ("device", "kind", "quantity", "area"):
        answer = client.get("/api/v1/latest", params={parameter: name})
        assert answer.status_code in (400, 404)
        assert answer.json()["parameter"] == parameter
        assert len(answer.text) < 1_500


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreBusy("telemetry.duckdb", "is held by another process"), 503),
        (UrbanError("somewhere", "went wrong"), 500),
        (RuntimeError("secret inside"), 500),
    ],
)
def test_a_fault_of_ours_is_a_problem_too(
    world: World, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: Any) -> Any:
        raise error

    monkeypatch.setattr(world.telemetry, "changed", fail)
    with Client(create_app(world.context, console=False)) as client:
        answer = client.get("/api/v1/latest")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


PARAMETERS = {
    "device": ["aq-1", "ghost"],
    "kind": ["air", "level", "robot"],
    "quantity": ["pm25", "online", "x"],
    "area": ["26740", "0"],
    "bbox": ["106,10,107,11", "1,2", "180,90,180,90"],
    "start": ["2026-11-22T00:00:00Z", "1970-01-01T00:00:00Z", "2026-02-30T00:00:00Z"],
    "end": ["2026-11-22T01:00:00+07:00", "2199-12-31T23:59:60Z", "now"],
    "every": ["5m", "1d", "366d", "-1s"],
    "agg": ["mean", "last", "p95"],
    "points": ["1", "500", "1e3", "99999999999999999999"],
    "limit": ["1", "0", "-5", "99999999999999999999"],
    "cursor": ["W10", "😀", "WyJkZXZpY2VzIiwiYXEtMSJd", "WyJkZXZpY2VzIiwiZ2hvc3QiXQ"],
    "state": ["cleared", "x"],
    "severity": ["high", "4"],
    "rule": ["flood_bd1", "x"],
    "reason": ["not_json", "x"],
    "by": ["hour", "kind", "device", "x"],
}
QUERIES = st.dictionaries(
    st.sampled_from(sorted(PARAMETERS)), st.integers(0, 10) | st.text(max_size=8), max_size=4
)
LISTS = [
    "kinds",
    "devices",
    "latest",
    "telemetry",
    "indices",
    "map",
    "alerts",
    "accounting",
    "quarantine",
]


@pytest.mark.parametrize("name", ["start", "end"])
@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "2262-04-12T00:00:00Z", "9999-12-31T23:59:59-23:59"]
)
@pytest.mark.parametrize("path", ["telemetry", "accounting", "quarantine", "alerts"])
def test_a_year_that_cannot_be_counted_is_refused_by_its_parameter(
    client: Client, path: str, name: str, time: str
) -> None:
    answer = client.get(f"/api/v1/{path}", params={name: time})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == name
    assert "must lie within the years 1678…2261" in answer.json()["detail"]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(LISTS), QUERIES)
def test_no_question_breaks_the_platform(
    client: Client, path: str, query: dict[str, int | str]
) -> None:
    """Known good and bad values, and any text at all: an answer or a problem, never a fault."""
    params = {
        name: PARAMETERS[name][value % len(PARAMETERS[name])] if isinstance(value, int) else value
        for name, value in query.items()
    }
    answer = client.get(f"/api/v1/{path}", params=params)
    assert answer.status_code in (200, 400, 404, 413), (path, params, answer.text)
    if answer.status_code != 200:
        assert answer.json()["parameter"] in params
