"""OpenAPI describes every operation whole, and /docs works without the internet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.api.client import Client

Json = dict[str, Any]


@pytest.fixture(scope="module")
def described(client: Client) -> Json:
    found: Json = client.get("/openapi.json").json()
    return found


def operations(described: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_every_resource_of_the_design_is_there(described: Json) -> None:
    wanted = (
        "kinds devices devices/{device_id} commands commands/{command_id} devices/{device_id}/shadow devices/{device_id}/history "
        "devices/{device_id}/retire devices/{device_id}/reinstate devices/{device_id}/credentials register "
        "devices/{device_id}/quality latest telemetry export indices map alerts alerts/{alert_id} "
        "alerts/{alert_id}/ack devices/{device_id}/out-of-service devices/{device_id}/return-to-service "
        "alerts/figures alerts/out-of-service alerts/{alert_id}/clear alerts/{alert_id}/shelve "
        "alerts/{alert_id}/unshelve alerts/{alert_id}/assign alerts/{alert_id}/comment "
        "alerts/{alert_id}/out-of-service alerts/{alert_id}/return-to-service rules rules/{code} rules/try stream accounting quarantine "
        "quarantine/counts quarantine/{item_id} backups backups/{name} platform-alerts/grafana audit me "
        "quarantine/resend quarantine/discard quarantine/{item_id}/resend quarantine/{item_id}/discard"
    )
    assert set(described["paths"]) == {f"/api/v1/{name}" for name in wanted.split()} | {
        "/sta/v1.1",
        "/sta/v1.1/{path}",
        "/sta/v1.1/CreateObservations",
        "/sta/v1.1/Observations",
        "/healthz",
        "/readyz",
        "/metrics",
        "/open/catalog",
        "/open/{kind}/{area}",
        "/open/{kind}/{area}/latest.{ending}",
        "/open/{kind}/{area}/{day}.parquet",
    }


def test_every_operation_is_described(described: Json) -> None:
    tags = {tag["name"] for tag in described["tags"]}
    for name, operation in operations(described):
        assert operation["summary"], name
        assert len(operation["description"]) > 15, name
        assert set(operation["tags"]) <= tags, name
        good = [s for s in operation["responses"] if s.startswith("2")]
        assert len(good) == 1 and operation["responses"][good[0]]["content"], name
        assert "422" not in operation["responses"], name
        for status, answer in operation["responses"].items():
            if status not in (*good, "304"):
                assert list(answer["content"]) == ["application/problem+json"], (name, status)


def test_every_operation_has_examples_that_fit_its_schema(described: Json) -> None:
    for name, operation in operations(described):
        (good,) = [s for s in operation["responses"] if s.startswith("2")]
        contents = [operation["responses"][good]["content"]]
        if "requestBody" in operation:
            contents.append(operation["requestBody"]["content"])
        for content in contents:
            for media_type, told in content.items():
                if told["schema"].get("format") == "binary":
                    continue
                given = [told["example"]] if "example" in told else []
                given += [e["value"] for e in told.get("examples", {}).values()]
                assert given, (name, media_type)
                schema = told["schema"] | {"components": described["components"]}
                for example in given:
                    errors = list(Draft202012Validator(schema).iter_errors(example))
                    assert not errors, (name, media_type, errors[0].message)


def test_every_parameter_is_described(described: Json) -> None:
    for name, operation in operations(described):
        for parameter in operation.get("parameters", []):
            told = parameter.get("description") or parameter["schema"].get("description")
            assert told or parameter["name"] == "limit", (name, parameter["name"])


def test_every_reference_leads_somewhere(described: Json) -> None:
    known = described["components"]["schemas"]
    for reference in references(described):
        assert reference.removeprefix("#/components/schemas/") in known, reference


def test_docs_take_everything_from_here(client: Client) -> None:
    page = client.get("/docs")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    sources = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(sources) >= 3
    for source in sources:
        assert source.startswith("/docs/static/"), source
        answer = client.get(source)
        assert answer.status_code == 200
        assert len(answer.content) > 1_000
