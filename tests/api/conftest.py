"""The small city of world.py behind the real app, asked through HTTP without a socket.

`client` looks at a city that all tests share; a test that changes something takes `world` and `own_client`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from tests.api.client import Client
from tests.api.world import World, build


@pytest.fixture(scope="session")
def shared_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = build(tmp_path_factory.mktemp("city"))
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
