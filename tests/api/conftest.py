"""The small city of world.py behind the real app, asked through HTTP without a socket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.app import create_app
from tests.api.client import Client
from tests.api.world import World, build


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(world: World) -> Iterator[Client]:
    with Client(create_app(world.context, console=False)) as made:
        yield made
