"""What strangers send: injections, tricks with paths and headers, filters without end. Refused, and by name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import pytest
from starlette.types import Message

from api.app import create_app
from api.cursor import make_cursor
from tests.api.client import Client
from tests.api.world import World
from tests.browser.server import Server

TEXTS = (
    "aq-1' or '1'='1",
    "aq-1; drop table readings --",
    'aq-1" ; DROP MEASUREMENT "air"',
    "pm25) FROM air; SELECT (1",
    '=HYPERLINK("http://x")',
    "../../etc/passwd",
    "aq-1\r\nX-Evil: 1",
    "\x00",
    "ｐｍ25",
    "a" * 5_000,
)
ADDRESSES = ("telemetry", "latest", "export", "telemetry.csv", "indices", "map")


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize("parameter", ["device", "kind", "area", "quantity", "bbox"])
def test_a_filter_is_a_name_or_refused(client: Client, parameter: str, text: str) -> None:
    for address in ADDRESSES:
        if (address, parameter) == ("map", "quantity"):
            continue
        answer = client.get(f"/api/v1/{address}", params={parameter: text})
        assert answer.status_code in (400, 404), (address, answer.text)
        assert answer.json()["parameter"] == parameter
        assert "X-Evil" not in answer.headers and len(answer.content) < 4_000


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
@pytest.mark.parametrize(
    "parameter", ["start", "end", "every", "agg", "points", "limit", "cursor", "format"]
)
def test_so_is_every_other_word(client: Client, parameter: str, text: str) -> None:
    more = {"every": "1h"} if parameter == "agg" else {}
    answer = client.get("/api/v1/telemetry", params={**more, parameter: text})
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_tag_is_any_text_and_finds_nothing(client: Client, text: str) -> None:
    answer = client.get("/api/v1/latest", params={"tag": text})
    assert answer.json()["items"] == []


def test_a_cursor_of_our_form_with_foreign_words_is_refused(client: Client) -> None:
    frame = [0, 10, 5]
    for place in (["ghost", "pm25"], ["aq-1", "x'--"], ["aq-1", 7], ["aq-1"]):
        for cursor in (make_cursor("telemetry", [*frame, *place]), make_cursor("latest", place)):
            answer = client.get("/api/v1/telemetry", params={"cursor": cursor})
            assert answer.status_code in (400, 404)
            assert answer.json()["parameter"] in ("cursor", "device")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("start=2026-11-22T00:00:00", "start"),
        ("end=2026-11-22T00:00:00", "end"),
        ("start=2026-11-22T01:00:00Z&end=2026-11-22T00:00:00Z", "start"),
        ("start=2026-11-22T01:00:00Z&end=2026-11-22T01:00:00Z", "start"),
        ("nonsense=1", "nonsense"),
        ("Device=aq-1", "Device"),
        ("start=0", "start"),
        ("end=9999-99-99T99:99:99Z", "end"),
        ("points=1e3", "points"),
        ("bbox=-inf,0,inf,1", "bbox"),
        ("format=json&format=csv", "format"),
    ],
)
@pytest.mark.parametrize("address", ["telemetry", "export", "telemetry.parquet"])
def test_times_and_unknown_fields(client: Client, address: str, query: str, parameter: str) -> None:
    answer = client.get(f"/api/v1/{address}?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_paths_lead_nowhere_else(client: Client) -> None:
    for path in (
        "/api/v1/export.csv%0d%0aX-Evil:1",
        "/api/v1/export.%2e%2e%2fetc",
        "/api/v1/latest.csv/../../../etc/passwd",
        "/open/air/26740/..%2f..%2f..%2fetc%2fpasswd.parquet",
        "/open/..%2f..%2f/26740/2026-11-21.parquet",
        "/open/air/26740/2026-11-21.parquet%00.csv",
        "/docs/static/../../../etc/passwd",
    ):
        answer = client.get(path)
        assert answer.status_code == 404, path
        assert "root:" not in answer.text and "x-evil" not in answer.headers


async def asked(client: Client, query: bytes) -> tuple[int, bytes]:
    """The app's answer to a query that no client's library would send."""
    scope = {
        "type": "http", "http_version": "1.1", "method": "GET", "path": "/api/v1/latest", "query_string": query,
        "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "scheme": "http", "root_path": "",
    }  # fmt: skip
    told: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        told.append(message)

    await client.app(scope, receive, send)
    return told[0]["status"], b"".join(m.get("body", b"") for m in told)


@pytest.fixture
def server(world: World) -> Iterator[Server]:
    with Server(create_app(world.context, console=False)) as made:
        yield made


def test_filters_without_end_are_refused_at_once(client: Client, server: Server) -> None:
    many = "&".join(f"device=aq-{i}" for i in range(2_000))
    answer = client.get(f"/api/v1/latest?{many}")
    assert (answer.status_code, answer.json()["parameter"]) == (413, "device")
    for query in (
        "device=" + "a" * 10_000_000,
        "&".join(["device=aq-1"] * 1_000_000),
        "tag=" + "&tag=".join(str(i) for i in range(1_000_000)),
    ):
        status, body = asyncio.run(asked(client, query.encode()))
        assert (status, json.loads(body)["parameter"]) == (414, "query")
    # Over a socket the server's own limit may come first.
    try:
        code = httpx.get(f"{server.url}/api/v1/latest?device={'a' * 60_000}").status_code
        assert code in (400, 404, 414, 431)
    except httpx.HTTPError:
        pass
    assert httpx.get(f"{server.url}/healthz").status_code == 200
