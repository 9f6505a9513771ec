"""Commands over HTTP: who is meant, a dry run that changes nothing, what became of them, the shadow."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from api.live import Encodings, wish
from control.settle import Heard
from devices.command import Answer
from devices.topics import Topic
from telemetry.clock import MINUTE, SECOND
from tests.api.client import Client
from tests.api.world import NOW, World


def ask(client: Client, **body: Any) -> Any:
    return client.post("/api/v1/commands", json={"by": "Lan", "command": "dimming"} | body)


def test_a_dry_run_says_who_and_changes_nothing(world: World, own_client: Client) -> None:
    answer = ask(own_client, value=40, area=["26740"], dry_run=True).json()
    assert answer["devices"] == ["lamp-1"]
    assert answer["batch"] is None and answer["commands"] == []
    left = {item["device"]: item["why"] for item in answer["left_out"]}
    assert left == {
        "aq-1": "air knows no command dimming",
        "gauge-1": "level knows no command dimming",
        "tree-1": "tree knows no command dimming",
    }
    assert world.operations.commands() == []


def test_a_command_is_noted_and_its_result_is_found(world: World, own_client: Client) -> None:
    made = ask(own_client, value=40, kind=["lamp"], why="đêm hội").json()
    (command,) = made["commands"]
    assert command["state"] == "requested"
    assert (command["value"], command["unit"], command["why"]) == (40.0, "%", "đêm hội")
    assert command["expires"] == "2026-11-22T03:00:30Z"
    desk = world.context.commands
    assert desk is not None
    topic = Topic("lamp", "lamp-1", "ack", "dimming")
    desk.settle([Heard(topic, Answer(command["id"], True, 38.0))])
    (listed,) = own_client.get(f"/api/v1/commands?batch={made['batch']}").json()["items"]
    assert (listed["state"], listed["applied"], listed["late"]) == ("acknowledged", 38.0, False)
    assert own_client.get(f"/api/v1/commands/{command['id']}").json() == listed
    for query, count in (
        ("device=lamp-1", 1), ("device=aq-1", 0), ("kind=lamp&state=acknowledged", 1), ("state=sent", 0),
        ("start=2026-11-22T03:00:00Z&end=2026-11-22T03:00:01Z", 1), ("end=2026-11-22T03:00:00Z", 0),
    ):  # fmt: skip
        found = own_client.get(f"/api/v1/commands?{query}").json()["items"]
        assert len(found) == count, query


def test_pages_of_commands(own_client: Client) -> None:
    for value in range(5):
        ask(own_client, value=value, device=["lamp-1"])
    first = own_client.get("/api/v1/commands?limit=3").json()
    rest = own_client.get(f"/api/v1/commands?limit=3&cursor={first['next']}").json()
    assert len(first["items"]) == 3 and len(rest["items"]) == 2 and rest["next"] is None
    assert len({c["id"] for c in first["items"] + rest["items"]}) == 5


@pytest.mark.parametrize(
    ("body", "status", "parameter"),
    [
        ({"value": 40}, 400, "device"),
        ({"value": 40, "device": []}, 400, "device"),
        ({"value": 40, "device": ["absent"]}, 404, "device"),
        ({"value": 40, "kind": ["moon"]}, 400, "kind"),
        ({"value": 40, "area": ["0"]}, 400, "area"),
        ({"value": 140, "device": ["lamp-1"]}, 400, "command"),
        ({"device": ["lamp-1"]}, 400, "command"),
        ({"value": "40", "device": ["lamp-1"]}, 400, "value"),
        ({"value": 1e999, "device": ["lamp-1"]}, 400, "value"),
        ({"value": 40, "device": ["aq-1"]}, 400, "command"),
        ({"value": 40, "device": ["my-sensor"]}, 400, "command"),
        ({"value": 40, "device": ["lamp-1"], "timeout": "2d"}, 400, "timeout"),
        ({"value": 40, "device": ["lamp-1"], "timeout": "soon"}, 400, "timeout"),
        ({"value": 40, "device": ["lamp-1"], "more": 1}, 400, "more"),
        ({"value": 40, "bbox": "1,2,3"}, 400, "bbox"),
        ({"command": "../x", "value": 40, "device": ["lamp-1"]}, 400, "command"),
        ({"command": "explode", "device": ["lamp-1"]}, 400, "command"),
        ({"value": 40, "tag": "absent"}, 400, "command"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_and_nothing_is_noted(
    world: World, own_client: Client, body: dict[str, Any], status: int, parameter: str
) -> None:
    text = json.dumps({"by": "Lan", "command": "dimming"} | body).encode()
    headers = {"Content-Type": "application/json"}
    answer = own_client.post("/api/v1/commands", content=text, headers=headers)
    assert (answer.status_code, answer.json()["parameter"]) == (status, parameter), answer.text
    assert world.operations.commands() == []


def test_where_nobody_sends_it_is_said(world: World, own_client: Client) -> None:
    world.context.commands = None
    answer = ask(own_client, value=40, device=["lamp-1"])
    assert answer.status_code == 503
    assert "can't be sent from this process" in answer.json()["detail"]
    assert own_client.get("/api/v1/commands").json()["items"] == []


def test_by_feeder_and_by_tag(world: World, own_client: Client) -> None:
    assert ask(own_client, value=1, parent="feeder-1", dry_run=True).json()["devices"] == ["lamp-1"]
    assert ask(own_client, value=1, parent="feeder-2", dry_run=True).json()["devices"] == []
    body = {"command": "restart", "kind": ["lamp", "tree"], "bbox": "106.6,10.7,106.692,10.9"}
    assert ask(own_client, **body, dry_run=True).json()["devices"] == ["lamp-1"]


def test_the_shadow_is_what_was_asked_and_what_the_device_said(
    world: World, own_client: Client
) -> None:
    def facet(name: str) -> Any:
        items = own_client.get("/api/v1/devices/lamp-1/shadow").json()["items"]
        return next(f for f in items if f["name"] == name)

    assert [f["name"] for f in own_client.get("/api/v1/devices/lamp-1/shadow").json()["items"]] == [
        "dimming", "interval",
    ]  # fmt: skip
    assert (facet("dimming")["desired"], facet("dimming")["in_step"]) == (None, None)
    (command,) = ask(own_client, value=40, device=["lamp-1"]).json()["commands"]
    assert facet("dimming")["desired"]["value"] == 40.0
    world.clock.advance(SECOND)
    desk = world.context.commands
    assert desk is not None
    desk.settle([Heard(Topic("lamp", "lamp-1", "ack", "dimming"), Answer(command["id"], True, 40))])
    said = facet("dimming")
    assert said["in_step"] is True
    assert said["reported"] == {
        "value": 40.0, "time": "2026-11-22T03:00:01Z", "source": "acknowledgement"
    }  # fmt: skip
    world.store("lamp-1", "dimming", [NOW + MINUTE], [80.0])
    said = facet("dimming")
    assert (said["reported"]["source"], said["in_step"]) == ("telemetry", False)
    assert own_client.get("/api/v1/devices/absent/shadow").status_code == 404


def test_kinds_tell_their_commands(client: Client) -> None:
    kinds = {k["name"]: k for k in client.get("/api/v1/kinds").json()["items"]}
    assert [c["name"] for c in kinds["lamp"]["commands"]] == ["dimming", "interval", "restart"]
    assert kinds["air"]["commands"][0]["unit"] == "s"
    assert kinds["air"]["commands"][1]["low"] is None


def test_the_stream_tells_of_commands_where_they_are_asked_for(
    world: World, own_client: Client
) -> None:
    async def heard(types: list[Any], device: str) -> list[tuple[str, bytes]]:
        subscription = world.hub.subscribe(after=0)
        event = await subscription.next()
        subscription.close()
        assert event is not None
        return list(Encodings().of(event, wish(world.context, device=[device], types=types)))

    ask(own_client, value=40, device=["lamp-1"])
    ((name, body),) = asyncio.run(heard(["commands"], "lamp-1"))
    assert name == "commands" and json.loads(body)["items"][0]["device"] == "lamp-1"
    assert asyncio.run(heard(["commands"], "aq-1")) == []
    assert asyncio.run(heard(["readings", "alerts"], "lamp-1")) == []
