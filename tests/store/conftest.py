"""Fixtures: the kinds, a catalogue of two stations and a gauge, and each store on fresh files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.device import Catalogue, Device
from devices.registry import Kinds, load_kinds
from store.duckdb_store import DuckDBStore
from store.operations import OperationsStore
from store.sql_store import SqlOperations
from store.telemetry import TelemetryStore


@pytest.fixture(scope="session")
def kinds() -> Kinds:
    return load_kinds()


@pytest.fixture
def catalogue(kinds: Kinds) -> Catalogue:
    made = Catalogue(kinds)
    for name, kind in (("aq-1", "air"), ("aq-2", "air"), ("gauge-1", "level")):
        made.put(Device(id=name, kind=kind))
    return made


@pytest.fixture(params=["duckdb"])
def telemetry(
    request: pytest.FixtureRequest, tmp_path: Path, catalogue: Catalogue
) -> Iterator[TelemetryStore]:
    assert request.param == "duckdb"
    store = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    yield store
    store.close()


@pytest.fixture(params=["sqlite"])
def operations(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OperationsStore]:
    assert request.param == "sqlite"
    store = SqlOperations(f"sqlite:///{tmp_path / 'o.db'}")
    yield store
    store.close()
