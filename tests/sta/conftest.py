"""The small city of tests/api/world.py through /sta/v1.1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from api.app import create_app
from tests.api.client import Client
from tests.api.world import World, build

BASE = "/sta/v1.1"
ROOT = "http://127.0.0.1/sta/v1.1"
Ask = Callable[..., Any]


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = build(tmp_path_factory.mktemp("sta"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def client(shared_world: World) -> Iterator[Client]:
    with Client(create_app(shared_world.context, console=False)) as made:
        yield made


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


@pytest.fixture
def own_client(world: World) -> Iterator[Client]:
    with Client(create_app(world.context, console=False)) as made:
        yield made


def answer(client: Client, path: str, **options: str) -> httpx.Response:
    """One request; options without their $ are query options: filter="…", and format is resultFormat."""
    pairs = [("resultFormat" if n == "format" else f"${n}", v) for n, v in options.items()]
    query = "&".join(f"{n}={quote(v)}" for n, v in pairs)
    return client.get(f"{BASE}/{path}" + (f"?{query}" if query else ""))


@pytest.fixture(scope="session")
def ask(client: Client) -> Ask:
    """The JSON behind a path of the shared city."""

    def get(path: str, **options: str) -> Any:
        found = answer(client, path, **options)
        assert found.status_code == 200, found.text
        return found.json()

    return get


def ids(body: Any) -> list[str]:
    """The ids of a collection."""
    return [e["@iot.id"] for e in body["value"]]


def follow(client: Client, body: Any) -> Any:
    """The page behind a next link."""
    found = client.get(body["@iot.nextLink"].removeprefix("http://127.0.0.1"))
    assert found.status_code == 200, found.text
    return found.json()
