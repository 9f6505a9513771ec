"""Fixtures: the kinds, a catalogue of two stations and a gauge, and each store on fresh files."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.device import Catalogue, Device
from devices.registry import Kinds, load_kinds
from store.duckdb_store import DuckDBStore
from store.influx1 import Influx1Server, influx1_address
from store.influx2 import Influx2Server, influx2_address
from store.influx_store import InfluxStore
from store.operations import OperationsStore
from store.telemetry import TelemetryStore
from tests.operations import opened
from tests.services import require
from tests.store.influx2_fake import FakeInflux2
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


@pytest.fixture
def influx2(influxd: Influxd) -> Iterator[FakeInflux2]:
    server = FakeInflux2(influxd.http)
    yield server
    server.close()


INFLUX = [pytest.param(name, marks=pytest.mark.influxdb) for name in ("influx1", "influx2")]


@pytest.fixture(params=["duckdb", *INFLUX])
def telemetry(
    request: pytest.FixtureRequest, tmp_path: Path, catalogue: Catalogue
) -> Iterator[TelemetryStore]:
    store: TelemetryStore
    if request.param == "duckdb":
        store = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    elif request.param == "influx1":
        url = request.getfixturevalue("influxd").url()
        store = InfluxStore(Influx1Server(influx1_address(url)), catalogue)
    else:
        url = request.getfixturevalue("influx2").url(f"t{uuid.uuid4().hex}")
        store = InfluxStore(Influx2Server(influx2_address(url)), catalogue)
    yield store
    store.close()


@pytest.fixture
def operations(either_operations: None, tmp_path: Path) -> Iterator[OperationsStore]:
    store = opened(tmp_path / "o.db")
    yield store
    store.close()
