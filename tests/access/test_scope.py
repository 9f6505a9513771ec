"""Who sees a part of the city: nothing of the rest, by list, id, cursor, stream, count or map; no act on it."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from api.access.principal import Principal, Role
from api.access.rules import RuledRoute, ruled_routes
from store.command_records import CommandRecord
from store.records import QuarantineItem
from tests.access.people import OWN, app_for, client_for, person
from tests.api.client import Client
from tests.api.world import DEVICES, NOW, World, alert, build

# Part → ids of the devices in it. By domain: the kinds' (devices/kinds).
PARTS = {
    "area": (person(Role.ENGINEER, areas={OWN}), {"aq-1", "gauge-1", "lamp-1", "tree-1"}),
    "domain": (
        person(Role.ENGINEER, domains={"environment"}),
        {"aq-1", "aq-2", "wx-1", "noise-1", "my-sensor"},
    ),
    "both": (person(Role.ENGINEER, domains={"environment"}, areas={OWN}), {"aq-1"}),
    "nothing": (person(Role.ENGINEER, domains=set()), set()),
}
EVERY = {d.id for d in DEVICES}
# Addresses that take an id, and an id of each device that has one.
ALERT_OF = {"alert-1": "aq-1", "alert-2": "gauge-1", "alert-3": "tree-1", "alert-4": "aq-2"}
UNKNOWN = "no-such-thing"


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest) -> tuple[Principal, set[str]]:
    return PARTS[str(request.param)]


def ids_in(value: Any) -> set[str]:
    """Every string in an answer that is a device's id, or about one."""
    found: set[str] = set()
    if isinstance(value, dict):
        for inner in (*value.keys(), *value.values()):
            found |= ids_in(inner)
    elif isinstance(value, list):
        for inner in value:
            found |= ids_in(inner)
    elif isinstance(value, str):
        found |= {i for i in EVERY if i == value or f"/{i}/" in value}
    return found


def readable(world: World, principal: Principal) -> list[RuledRoute]:
    """Routes without an id in their address that answer once, with what is to be read."""
    return [
        r
        for r in ruled_routes(app_for(world.context, principal))
        if "GET" in r.methods and "{" not in r.path and not r.path.endswith("/stream")
    ]


def test_no_list_holds_a_foreign_device(
    shared_world: World, part: tuple[Principal, set[str]]
) -> None:
    principal, own = part
    with client_for(shared_world.context, principal) as client:
        for route in readable(shared_world, principal):
            answer = client.get(route.path)
            assert answer.status_code < 500, (route.path, answer.text)
            if "json" in answer.headers.get("content-type", ""):
                assert ids_in(answer.json()) <= own, route.path


def test_the_lists_hold_all_of_ones_own(
    shared_world: World, part: tuple[Principal, set[str]]
) -> None:
    principal, own = part
    with client_for(shared_world.context, principal) as client:
        assert ids_in(client.get("/api/v1/devices").json()) == own
        counted = client.get("/api/v1/kinds").json()["items"]
        assert sum(kind["devices"] for kind in counted) == len(own)
        mapped = client.get("/api/v1/map").json()
        assert len(mapped["features"]) + mapped["unplaced"] == len(own)
        listed = {a["id"] for a in client.get("/api/v1/alerts").json()["items"]}
        assert listed == {a for a, device in ALERT_OF.items() if device in own}


def test_a_foreign_id_is_answered_like_an_unknown_one(
    shared_world: World, part: tuple[Principal, set[str]]
) -> None:
    principal, own = part
    values = {
        "device_id": EVERY - own,
        "alert_id": {a for a, d in ALERT_OF.items() if d not in own},
    }
    with client_for(shared_world.context, principal) as client:
        for route in ruled_routes(app_for(shared_world.context, principal)):
            for name, foreign in values.items():
                if f"{{{name}}}" not in route.path:
                    continue
                for method in route.methods:
                    unknown = ask(client, method, route.path, name, UNKNOWN)
                    assert unknown.status_code in (400, 403, 404), (route.path, unknown.text)
                    for value in foreign:
                        answer = ask(client, method, route.path, name, value)
                        told = answer.text.replace(value, UNKNOWN)
                        assert (answer.status_code, told) == (unknown.status_code, unknown.text)


def ask(client: Client, method: str, path: str, name: str, value: str) -> httpx.Response:
    body = {} if method in ("GET", "DELETE") else {"json": BODIES.get(path.rpartition("/")[2], {})}
    return client.request(method, path.replace(f"{{{name}}}", value), **body)


BODIES: dict[str, dict[str, str]] = {
    "shelve": {"duration": "1h"},
    "assign": {"to": "Tổ 1"},
    "comment": {"text": "x"},
    "out-of-service": {"why": "x"},
}


def test_naming_a_foreign_device_area_or_kind_is_refused(shared_world: World) -> None:
    principal = person(Role.VIEWER, domains={"environment"}, areas={OWN})
    with client_for(shared_world.context, principal) as client:
        for path in ("latest", "telemetry", "devices", "map", "indices", "alerts"):
            for query, status in (
                ("device=aq-2", 404), ("device=gauge-1", 404), ("kind=level", 403), ("area=26824", 403),
            ):  # fmt: skip
                answer = client.get(f"/api/v1/{path}?{query}")
                assert answer.status_code == status, (path, query, answer.text)
                assert answer.json()["parameter"] == query.partition("=")[0]


def test_a_cursor_of_somebody_else_opens_nothing(shared_world: World) -> None:
    everything = person(Role.VIEWER)
    with client_for(shared_world.context, everything) as client:
        pages = {
            p: client.get(f"/api/v1/{p}?limit=1").json()["next"]
            for p in ("latest", "telemetry", "devices", "alerts")
        }
    with client_for(shared_world.context, person(Role.VIEWER, areas={"26977"})) as client:
        for path, cursor in pages.items():
            answer = client.get(f"/api/v1/{path}?cursor={cursor}")
            assert ids_in(answer.json()) <= {"wx-1", "noise-1"} | ids_in(cursor), path


def test_quarantine_of_foreign_unknown_and_packed_devices_stays_closed(world: World) -> None:
    packed = QuarantineItem(
        id="q-pack", received=NOW, topic="city/gateway/gw-1/telemetry", payload=b"aq-2",
        reason="not_json", device="aq-1", kind="air",
    )  # fmt: skip
    world.operations.put_quarantine([packed])
    with client_for(world.context, person(Role.ENGINEER, areas={OWN})) as client:
        listed = client.get("/api/v1/quarantine").json()["items"]
        assert [item["id"] for item in listed] == ["q-text"]
        assert client.get("/api/v1/quarantine/counts").json()["total"] == 1
        for item in ("q-pack", "q-bytes"):
            assert client.get(f"/api/v1/quarantine/{item}").status_code == 404
            answer = client.post(f"/api/v1/quarantine/{item}/discard", json={"why": "x"})
            assert answer.status_code == 404
        foreign = {"topic": "city/air/aq-2/telemetry", "payload": "{}"}
        answer = client.post("/api/v1/quarantine/q-text/resend", json=foreign)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "topic")
        done = client.post("/api/v1/quarantine/discard", json={"why": "x"}).json()
        assert (done["matched"], done["items"]) == (1, 1)
    waiting = {item.id for item in world.operations.quarantine()}
    assert waiting == {"q-pack", "q-bytes"}


def test_alerts_of_areas_gateways_and_the_platform(world: World) -> None:
    gateways = world.catalogue.gateways
    code = gateways.code("gw-1")
    gateways.learn(np.array([world.code("aq-2")], dtype=np.int32), np.array([code]))
    subjects = ("area:26740", "area:26824", "gateway:gw-1", "gateway:gw-2", "platform:disk")
    world.operations.save_alerts(
        [
            alert(10 + i, s, "", "area_offline", "online", id=s)
            for i, s in enumerate(subjects)
        ],
        [],
    )  # fmt: skip

    def seen(principal: Principal) -> set[str]:
        with client_for(world.context, principal) as client:
            ids = [a["id"] for a in client.get("/api/v1/alerts?limit=100").json()["items"]]
            return {i for i in ids if ":" in i}

    assert seen(person(Role.VIEWER)) == set(subjects)
    assert seen(person(Role.VIEWER, areas={"26740"})) == {"area:26740"}
    assert seen(person(Role.VIEWER, areas={"26824"})) == {"area:26824", "gateway:gw-1"}
    assert seen(person(Role.VIEWER, domains={"environment"})) == {"gateway:gw-1"}


def test_the_live_stream_holds_only_ones_own(world: World) -> None:
    world.hub.publish("readings", world.readings("aq-1", "pm25", [NOW], [31.0]))
    world.hub.publish("readings", world.readings("aq-2", "pm25", [NOW], [77.0]))
    world.hub.publish("alert", alert(5, "aq-2", "air", "air_unhealthy", "vn_aqi"))
    world.hub.publish("alert", alert(6, "aq-1", "air", "air_unhealthy", "vn_aqi"))
    world.hub.publish("alert", alert(7, "platform:disk", "", "own_disk", ""))
    app = app_for(world.context, person(Role.VIEWER, areas={OWN}))
    text = asyncio.run(first_bytes(app, "/api/v1/stream", b"alert-6"))
    assert "aq-1" in text and "31.0" in text
    assert "aq-2" not in text and "77.0" not in text and "platform" not in text


async def first_bytes(app: Any, path: str, until: bytes) -> str:
    """What a stream sends from everything that is kept on, until these bytes are in it."""
    got, asked, enough = b"", False, asyncio.Event()

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await enough.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        nonlocal got
        got += message.get("body", b"")
        if until in got:
            enough.set()

    headers = [(b"host", b"127.0.0.1"), (b"last-event-id", b"00000000.0")]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    await asyncio.wait_for(app(scope, receive, send), 20)
    return got.decode()


def test_rules_reach_no_further_than_their_engineer(world: World) -> None:
    rule: dict[str, Any] = {
        "code": "mine", "kind": "air", "vi": "a", "en": "a", "severity": "high",
        "when": {"quantity": "pm25", "above": 75.0, "clear": 60.0},
    }  # fmt: skip
    own = person(Role.ENGINEER, domains={"environment"}, areas={OWN})
    with client_for(world.context, own) as client:
        for changes, parameter in (
            ({}, "areas"),
            ({"areas": ["26824"]}, "areas"),
            ({"devices": ["aq-2"]}, "areas"),
            ({"kind": "level", "when": {"quantity": "level", "above": 2.0}}, "kind"),
        ):
            body = json.dumps(rule | changes)
            for method, path in (("PUT", "mine"), ("POST", "try")):
                answer = client.request(
                    method, f"/api/v1/rules/{path}", content=body,
                    headers={"Content-Type": "application/json"},
                )  # fmt: skip
                assert (answer.status_code, answer.json().get("parameter")) == (400, parameter)
        done = client.request("PUT", "/api/v1/rules/mine", json=rule | {"areas": [OWN]})
        assert done.status_code == 200, done.text
        assert done.json()["updated_by"] == own.name
    with client_for(world.context, person(Role.ENGINEER, areas={"26824"})) as client:
        assert "mine" not in {r["code"] for r in own_rules(client)}
        assert client.request("DELETE", "/api/v1/rules/mine").status_code == 404
    with client_for(world.context, own) as client:
        assert client.request("DELETE", "/api/v1/rules/mine").status_code == 200


def own_rules(client: Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get("/api/v1/rules").json()["items"]
    return [r for r in items if r["definition"] is not None]


def test_who_is_logged_in_signs_with_that_name(world: World) -> None:
    lan = person(Role.OPERATOR)
    with client_for(world.context, lan) as client:
        forged = client.post("/api/v1/alerts/alert-1/ack", json={"by": "Somebody Else"})
        assert (forged.status_code, forged.json()["parameter"]) == (400, "by")
        done = client.post("/api/v1/alerts/alert-1/ack", json={})
        assert done.json()["acknowledged_by"] == lan.name
    program = Principal(name="scada", role=Role.OPERATOR, sort="key", key="abcd")
    with client_for(world.context, program) as client:
        done = client.post("/api/v1/alerts/alert-2/ack", json={"by": "An"})
        assert done.json()["acknowledged_by"] == "An (scada)"


def test_a_city_of_ones_own_changes_with_its_devices(tmp_path: Path) -> None:
    world = build(tmp_path)
    try:
        with client_for(world.context, person(Role.VIEWER, areas={"26977"})) as client:
            assert ids_in(client.get("/api/v1/devices").json()) == {"wx-1", "noise-1"}
            moved = world.catalogue.get("aq-2")
            assert moved is not None
            world.catalogue.put(replace(moved, area="26977"))
            assert ids_in(client.get("/api/v1/devices").json()) == {"aq-2", "wx-1", "noise-1"}
    finally:
        world.close()


SETS = (
    "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "Observations",
    "FeaturesOfInterest", "Things?$expand=Locations,Datastreams/Observations",
    "Observations?$orderby=phenomenonTime desc&$expand=FeatureOfInterest,Datastream/Thing",
    "ObservedProperties?$expand=Datastreams/Thing", "Sensors?$expand=Datastreams/Thing",
)  # fmt: skip


@pytest.mark.parametrize("entities", SETS)
def test_sensorthings_holds_only_ones_own(
    shared_world: World, part: tuple[Principal, set[str]], entities: str
) -> None:
    principal, own = part
    path = f"/sta/v1.1/{entities}{'&' if '?' in entities else '?'}$top=100"
    foreign = sorted(EVERY - own)
    with client_for(shared_world.context, principal) as client:
        found = client.get(path)
        assert found.status_code == 200, found.text
        assert [i for i in foreign if i in found.text] == []
        count = client.get("/sta/v1.1/Things?$count=true&$top=0").json()["@iot.count"]
        assert count == len(own)
        for device in foreign:
            unknown = client.get(f"/sta/v1.1/Things('{UNKNOWN}')")
            answer = client.get(f"/sta/v1.1/Things('{device}')")
            assert answer.status_code == unknown.status_code == 404
            for inner in ("Datastreams", "Locations"):
                assert client.get(f"/sta/v1.1/Things('{device}')/{inner}").status_code == 404


# What stands in addresses, and which test shows that a foreign one is closed.
IDS = {
    "device_id": "test_a_foreign_id_is_answered_like_an_unknown_one",
    "alert_id": "test_a_foreign_id_is_answered_like_an_unknown_one",
    "item_id": "test_quarantine_of_foreign_unknown_and_packed_devices_stays_closed",
    "command_id": "test_a_foreign_command_is_closed",
    "code": "test_rules_reach_no_further_than_their_engineer",
    "path": "test_sensorthings_holds_only_ones_own",
}
NO_IDS = {"extension", "ending", "day", "kind", "area"}  # formats, and addresses of the open data


def test_a_new_sort_of_id_is_thought_about(shared_world: World) -> None:
    for route in ruled_routes(app_for(shared_world.context, person(Role.VIEWER))):
        if route.whole:
            continue  # closed to who sees a part
        named = set(re.findall(r"{(\w+)(?::\w+)?}", route.path))
        assert named <= IDS.keys() | NO_IDS, f"{route.path}: say which test shows it is closed"
    assert set(IDS.values()) <= globals().keys()


def test_a_foreign_command_is_closed(world: World) -> None:
    def command(device: str) -> CommandRecord:
        return CommandRecord(
            id=f"c-{device}", batch="b", device=device, kind="air", command="restart", value=None,
            requested=NOW, requested_by="Lan", expires=NOW + 1,
        )  # fmt: skip

    world.operations.add_commands([command("aq-1"), command("aq-2")])
    with client_for(world.context, person(Role.ENGINEER, areas={OWN})) as client:
        listed = client.get("/api/v1/commands?batch=b").json()["items"]
        assert [c["device"] for c in listed] == ["aq-1"]
        assert client.get("/api/v1/commands/c-aq-1").status_code == 200
        assert client.get("/api/v1/commands/c-aq-2").status_code == 404
        body = {"command": "restart", "device": ["aq-2"]}
        assert client.post("/api/v1/commands", json=body).status_code == 404
