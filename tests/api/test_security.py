"""What a foreign web page in the operator's browser could try: refused before any route sees it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.security import HEADERS
from tests.api.client import Client


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "127.0.0.1", "[::1]:8000"])
def test_loopback_names_are_let_in(client: Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8000", "", "[::2]"]
)
def test_a_rebound_name_is_refused(client: Client, host: str) -> None:
    answer = client.get("/api/v1/devices", headers={"Host": host})
    assert answer.status_code == 400
    assert answer.json()["title"] == "Unknown host"


def test_a_foreign_page_can_not_acknowledge(client: Client) -> None:
    path, body = "/api/v1/alerts/alert-1/ack", {"by": "mallory"}
    foreign = client.post(path, json=body, headers={"Origin": "http://evil.example"})
    assert foreign.status_code == 403
    form = client.post(path, data=body)
    assert form.status_code == 415
    plain = client.post(path, content='{"by":"mallory"}', headers={"Content-Type": "text/plain"})
    assert plain.status_code == 415
    assert client.get("/api/v1/alerts/alert-1").json()["state"] == "unacknowledged"


def test_no_answer_invites_other_origins(client: Client) -> None:
    answer = client.get("/api/v1/devices", headers={"Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = client.request(
        "OPTIONS",
        "/api/v1/alerts/alert-1/ack",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    )
    assert preflight.status_code == 405


def test_a_foreign_page_can_not_poll_the_console(client: Client) -> None:
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=polling"
    answer = client.get(path, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert client.get(path, headers={"Origin": "http://127.0.0.1"}).status_code == 404


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/kinds", "/nonsense", "/docs", "/metrics"])
def test_every_answer_has_the_headers(client: Client, path: str) -> None:
    answer = client.get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy.replace("https:", "")


@pytest.mark.parametrize(
    ("host", "origin", "let_in"),
    [
        ("127.0.0.1:8000", "http://127.0.0.1:8000", True),
        ("127.0.0.1:8000", None, True),
        ("127.0.0.1:8000", "http://evil.example", False),
        ("127.0.0.1:8000", "null", False),
        ("evil.example", "http://evil.example", False),
    ],
)
def test_a_foreign_page_can_not_open_a_socket(host: str, origin: str | None, let_in: bool) -> None:
    from api.security import Guard

    reached: list[str] = []
    sent: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", host.encode())]
    if origin is not None:
        headers.append((b"origin", origin.encode()))
    scope = {"type": "websocket", "path": "/_nicegui_ws/", "headers": headers}
    asyncio.run(Guard(app)(scope, receive, send))
    assert bool(reached) == let_in
    assert let_in or sent[0]["type"] == "websocket.close"


def test_a_body_has_a_bound(client: Client) -> None:
    answer = client.post("/api/v1/alerts/alert-1/ack", json={"by": "x" * 100_000})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
