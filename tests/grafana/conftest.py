"""The day of a simulated city, once for all tests of boards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.grafana.world import World
from tests.services import require
from tests.store.influxd import Influxd, influxd_present


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path_factory.mktemp("boards") / "influxd")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def world(influxd: Influxd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(influxd.url("boards"), tmp_path_factory.mktemp("city"))
    made.live()
    yield made
    made.close()
