"""What outlives its request ends with the right to it: streams, sockets; and nobody opens a socket unasked."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from api.access import gate
from api.access.principal import ANONYMOUS, Role
from api.app import create_app
from telemetry.clock import MINUTE, SECOND
from tests.access.doors import Doors, doors_of
from tests.access.people import app_for, person
from tests.api.world import World

Message = dict[str, Any]


async def connect(
    app: FastAPI, kind: str, path: str, headers: list[tuple[bytes, bytes]], meanwhile: Any = None
) -> list[Message]:
    """Everything that a client gets that never leaves by itself; `meanwhile` runs after the first message."""
    got: list[Message] = []
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            if kind == "websocket":
                return {"type": "websocket.connect"}
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(message: Any) -> None:
        got.append(message)
        if len(got) == 1 and meanwhile is not None:
            meanwhile()

    scope = {
        "type": kind, "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET",
        "scheme": "ws" if kind == "websocket" else "http", "path": path, "raw_path": path.encode(),
        "query_string": b"", "root_path": "", "headers": [(b"host", b"127.0.0.1"), *headers],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "subprotocols": [], "state": {},
        "extensions": {"websocket.http.response": {}},
    }  # fmt: skip
    if kind == "websocket":
        del scope["method"]
    await asyncio.wait_for(app(scope, receive, send), 20)
    return got


@pytest.fixture
def doors(world: World, monkeypatch: pytest.MonkeyPatch) -> Doors:
    monkeypatch.setattr(gate, "CHECK_S", 0.02)
    return doors_of(world)


@pytest.mark.parametrize(
    ("kind", "path"), [("http", "/api/v1/stream"), ("websocket", "/api/v1/stream/ws")]
)
def test_a_stream_ends_when_its_key_is_revoked(doors: Doors, kind: str, path: str) -> None:
    key = doors.key()
    app = create_app(doors.world.context, console=False, access=doors.access)
    clock, operations = doors.world.clock, doors.world.operations

    def revoke() -> None:
        kept = operations.api_key(key[4:12])
        assert kept is not None
        operations.put_api_key(kept.but(revoked=clock.now()))
        clock.advance(3 * SECOND)

    headers = [(b"authorization", f"Bearer {key}".encode())]
    got = asyncio.run(connect(app, kind, path, headers, revoke))
    begun = {"http": "http.response.start", "websocket": "websocket.accept"}[kind]
    assert got[0]["type"] == begun


def test_a_stream_ends_when_its_session_does(doors: Doors) -> None:
    account = doors.account("lan")
    token, _ = doors.access.sessions.begin("lan", account.grant, "lan")
    app = create_app(doors.world.context, console=False, access=doors.access)
    headers = [(b"cookie", f"urban_session={token}".encode())]

    def idle() -> None:
        doors.world.clock.advance(doors.world.context.settings.session_max + MINUTE)

    got = asyncio.run(connect(app, "http", "/api/v1/stream", headers, idle))
    assert got[0]["status"] == 200


@pytest.mark.parametrize(
    "principal", [ANONYMOUS, person(Role.ANONYMOUS)], ids=["nobody", "too low"]
)
def test_nobody_unasked_opens_a_socket(world: World, principal: Any) -> None:
    app = app_for(world.context, principal)
    got = asyncio.run(connect(app, "websocket", "/api/v1/stream/ws", []))
    assert "websocket.accept" not in [m["type"] for m in got]
    assert got[0]["type"] == "websocket.http.response.start"
    assert got[0]["status"] in (401, 403)


def test_the_page_s_socket_is_for_who_is_logged_in(doors: Doors) -> None:
    app = create_app(doors.world.context, console=False, access=doors.access)
    got = asyncio.run(connect(app, "websocket", "/_nicegui_ws/socket.io/", []))
    assert [m["type"] for m in got] == ["websocket.close"]
