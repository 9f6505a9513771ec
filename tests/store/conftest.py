"""Fixtures: the kinds, a catalogue of two stations and a gauge, and each store on fresh files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.device import Catalogue, Device
from devices.registry import Kinds, load_kinds
from store.duckdb_store import DuckDBStore
from store.influx1 import Influx1Server, influx1_address
from store.influx_store import InfluxStore
from store.operations import OperationsStore
from store.sql_store import SqlOperations
from store.telemetry import TelemetryStore
from tests.services import require
from tests.store.influxd import Influxd, influxd_present


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture
def catalogue(kinds: Kinds) -> Catalogue:
    made = Catalogue(kinds)
    for name, kind in (("aq-1", "air"), ("aq-2", "air"), ("gauge-1", "level")):
        made.put(Device(id=name, kind=kind))
    return made


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["duckdb", pytest.param("influx1", marks=pytest.mark.influxdb)])
def telemetry(
    request: pytest.FixtureRequest, tmp_path: Path, catalogue: Catalogue
) -> Iterator[TelemetryStore]:
    store: TelemetryStore
    if request.param == "duckdb":
        store = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    else:
        url = request.getfixturevalue("influxd").url()
        store = InfluxStore(Influx1Server(influx1_address(url)), catalogue)
    yield store
    store.close()


@pytest.fixture(params=["sqlite"])
def operations(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OperationsStore]:
    assert request.param == "sqlite"
    store = SqlOperations(f"sqlite:///{tmp_path / 'o.db'}")
    yield store
    store.close()
