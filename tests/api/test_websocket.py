"""The live stream over a WebSocket: the same events, ids and refusals as over server-sent events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from api.app import create_app
from tests.api.test_stream import publish, until
from tests.api.world import World, alert
from tests.browser.server import Server


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    with Server(create_app(world.context, console=False)) as made:
        yield made


@contextmanager
def joined(world: World, server: Server, query: str = "") -> Iterator[ClientConnection]:
    until(lambda: world.hub.clients() == 0)
    with connect(address(server, query)) as socket:
        until(lambda: world.hub.clients() == 1)
        yield socket


def address(server: Server, query: str) -> str:
    return f"{server.url.replace('http', 'ws')}/api/v1/stream/ws{query}"


def told(socket: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(socket.recv(timeout=10))
    return found


def test_readings_and_alerts_arrive_filtered(world: World, server: Server) -> None:
    with joined(world, server, "?kind=level&types=readings&types=alerts") as socket:
        publish(world, "aq-1", "pm25", 1.0)
        publish(world, "gauge-1", "level", 1.25)
        first = told(socket)
        assert (first["event"], first["data"]["items"][0]["value"]) == ("readings", 1.25)
        world.hub.publish("alert", alert(2, "gauge-1", "level", "flood_bd1", "flood_stage"))
        assert told(socket)["data"]["rule"] == "flood_bd1"


def test_resuming_loses_nothing(world: World, server: Server) -> None:
    with joined(world, server) as socket:
        publish(world, "aq-1", "pm25", 1.0)
        last = told(socket)["id"]
    publish(world, "aq-1", "pm25", 2.0)
    with joined(world, server, f"?last_event_id={last}") as socket:
        publish(world, "aq-1", "pm25", 3.0)
        assert [told(socket)["data"]["items"][0]["value"] for _ in range(2)] == [2.0, 3.0]
    with joined(world, server, "?last_event_id=0badcafe.3") as socket:
        assert told(socket)["event"] == "lost"


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [
        ("?kind=robot", 400, "kind"),
        ("?device=ghost", 404, "device"),
        ("?types=all", 400, "types"),
        ("?nonsense=1", 400, "nonsense"),
        ("?last_event_id=17", 400, "last_event_id"),
    ],
)
def test_what_is_wrong_is_refused_with_a_problem(
    server: Server, query: str, status: int, parameter: str
) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(address(server, query)):
        pass
    answer = refused.value.response
    assert answer.status_code == status
    assert json.loads(answer.body or b"{}")["parameter"] == parameter


def test_a_foreign_page_can_not_connect(server: Server) -> None:
    with (
        pytest.raises(InvalidStatus),
        connect(address(server, ""), origin=Origin("http://evil.example")),
    ):
        pass


def test_who_falls_behind_is_cut_and_told(world: World, server: Server) -> None:
    with joined(world, server) as socket:
        world.hub._keep = 1
        for value in range(3_000):
            publish(world, "aq-1", "pm25", float(value))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                socket.recv(timeout=10)
        assert closed.value.rcvd is not None and closed.value.rcvd.code == 1013
    until(lambda: world.hub.clients() == 0)
