"""The telemetry store into files and back: all that it answers is the same, also when copied beside a writer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.device import Catalogue
from devices.registry import Kinds
from store.copy_files import Manifest, Tell
from store.duckdb_copy import copy_duckdb, copy_duckdb_file, restore_duckdb
from store.duckdb_store import DuckDBStore
from store.influx import influx_server
from store.influx_copy import (
    clear_influx,
    copy_influx,
    finish_influx,
    occupied_influx,
    restore_influx,
)
from store.influx_write import log_refused
from store.telemetry import Rollups, Series, TelemetryStore
from telemetry.clock import HOUR, MINUTE
from telemetry.errors import StoreBusy, StoreError
from telemetry.readings import Readings
from tests.store.conftest import INFLUX
from tests.store.influx_world import T0, city, deliver, everything, logged, open_store, pm25, totals

Row = tuple[int, int, float]


def quiet(part: str, share: float) -> None:
    assert part and 0 <= share <= 1


def manifest_of(files: Any, telemetry: str, settled: int = 0) -> Manifest:
    return Manifest(
        made="", program="", city="", telemetry=telemetry, settled=settled, operations="",
        revision="", sequences={}, files=files,
    )  # fmt: skip


class Place:
    """A store of one sort, its copy, and another of its sort."""

    def __init__(self, kinds: Kinds, sort: str, url: Callable[[], str], folder: Path) -> None:
        self.kinds, self.sort, self._url, self._folder = kinds, sort, url, folder
        self.address = self._new()
        self.store = self.open(self.address)

    def _new(self) -> str:
        if self.sort == "duckdb":
            return str(self._folder / f"{uuid.uuid4().hex}.duckdb")
        return self._url()

    def open(self, address: str) -> TelemetryStore:
        catalogue = city(self.kinds)
        if self.sort == "duckdb":
            return DuckDBStore(Path(address), catalogue)
        return open_store(address, catalogue)

    def copy(self, tell: Tell = quiet) -> Manifest:
        root = self._folder / "copy"
        if isinstance(self.store, DuckDBStore):
            with self.store.reading() as db:
                return manifest_of(copy_duckdb(db, root, tell), "duckdb")
        server = influx_server(self.address)
        try:
            files, settled = copy_influx(server, root, tell)
        finally:
            server.close()
        return manifest_of(files, "influxdb", settled)

    def restored(self, manifest: Manifest) -> TelemetryStore:
        """The copy in another place, opened as a start would."""
        root, address = self._folder / "copy", self._new()
        if self.sort == "duckdb":
            restore_duckdb(Path(address), root, manifest, 128, quiet)
            return self.open(address)
        server = influx_server(address)
        server.prepare()
        assert occupied_influx(server) == ""
        assert restore_influx(server, root, manifest, quiet) == 0
        finish_influx(server, city(self.kinds), manifest, log_refused)
        assert occupied_influx(server) != ""
        return self.open(address)


@pytest.fixture(params=["duckdb", *INFLUX])
def place(request: pytest.FixtureRequest, kinds: Kinds, tmp_path: Path) -> Place:
    def url() -> str:
        server = request.getfixturevalue("influxd" if request.param == "influx1" else "influx2")
        return str(server.url(f"t{uuid.uuid4().hex}"))

    return Place(kinds, request.param, url, tmp_path)


def rows(n: int, device: int = 0) -> list[Row]:
    return [(device, 60 * i, float(i) if i % 2 else i + 0.25) for i in range(n)]


def derive(store: TelemetryStore, kinds: Kinds) -> None:
    """What analytics writes: an index, a corrected flag, a roll-up."""
    aqi = kinds.quantity_code["vn_aqi"]
    store.put_derived(Readings.of([0], [aqi], [T0 + HOUR], [42.0], 1, T0))
    bad = pm25(kinds, (0, 60, 1.0))
    store.correct_flags(Readings.of(bad.device, bad.quantity, bad.time, bad.value, 4, T0))
    one = np.array([0])
    store.put_rollups(
        MINUTE,
        Rollups(one.astype(np.int32), np.array([kinds.quantity_code["pm25"]], np.int16),
                np.array([T0]), np.array([3]), *(np.array([float(v)]) for v in (6, 1, 3, 2))),
    )  # fmt: skip


def answers(store: TelemetryStore) -> dict[str, Any]:
    """All that a store can be asked."""
    raw = store.raw(Series(), 0, 2 * T0, 1_000_000)
    rolled = store.rollups(MINUTE, Series(), 0, 2 * T0)
    return {
        "raw": [c.tolist() for c in raw.columns()],
        "log": logged(store),
        "account": totals(store),
        "position": store.position(),
        "latest": sorted(zip(*(c.tolist() for c in store.latest(Series()).columns()), strict=True)),
        "rollups": [getattr(rolled, f).tolist() for f in Rollups.__dataclass_fields__],
    }


def test_all_that_it_answers_is_the_same(place: Place) -> None:
    for part in (rows(50), rows(30, 1), rows(60)):  # the last repeats the first
        deliver(place.store, pm25(place.kinds, *part))
    derive(place.store, place.kinds)
    wanted = answers(place.store)
    again = place.restored(place.copy())
    assert answers(again) == wanted and wanted["raw"][0] and wanted["rollups"][0]
    # And it goes on: a repeat is a repeat, what is new takes the next place.
    deliver(again, pm25(place.kinds, *rows(61)))
    assert len(everything(again)) == len(wanted["raw"][0]) + 1
    assert totals(again)["duplicate"] == wanted["account"].get("duplicate", 0) + 60
    again.close()
    place.store.close()


def test_what_is_written_meanwhile_is_whole_or_not_there(place: Place) -> None:
    deliver(place.store, pm25(place.kinds, *rows(40)))
    n = 0

    def between(part: str, share: float) -> None:
        nonlocal n
        late = [(2, 60 * n, 1.5), (1, 7 + 60 * n, 2.5)]
        deliver(place.store, pm25(place.kinds, *late))
        n += 1

    again = place.restored(place.copy(between))
    found = everything(again)
    assert n > 2 and set(rows(40)) <= set(found)
    assert sorted(logged(again)) == sorted(found)
    account = totals(again)
    assert account["stored"] == len(found) == account["received"]
    # What came behind the copy comes again from its devices, and nothing counts twice.
    for i in range(n):
        deliver(again, pm25(place.kinds, (2, 60 * i, 1.5), (1, 7 + 60 * i, 2.5)))
    assert len(everything(again)) == 40 + 2 * n == totals(again)["stored"]
    assert sorted(everything(again)) == sorted(everything(place.store))
    again.close()
    place.store.close()


def test_an_empty_store_comes_back_empty(place: Place) -> None:
    again = place.restored(place.copy()) if place.sort == "duckdb" else place.store
    assert answers(again)["raw"] == [[]] * 6
    place.store.close()


@pytest.mark.influxdb
@pytest.mark.parametrize("sort", ["influx1", "influx2"])
def test_a_place_is_emptied_before_it_is_filled(
    request: pytest.FixtureRequest, kinds: Kinds, sort: str
) -> None:
    server = request.getfixturevalue("influxd" if sort == "influx1" else "influx2")
    url = server.url(f"t{uuid.uuid4().hex}")
    store = open_store(url, city(kinds))
    deliver(store, pm25(kinds, *rows(10)))
    derive(store, kinds)
    store.close()
    address = influx_server(url)
    assert "air" in occupied_influx(address) and "log" in occupied_influx(address)
    clear_influx(address)
    assert occupied_influx(address) == ""
    address.close()
    empty = open_store(url, city(kinds))
    assert answers(empty)["raw"] == [[]] * 6 and empty.position() == 0
    empty.close()


def test_a_file_that_a_process_holds_is_said_to_be_busy(kinds: Kinds, tmp_path: Path) -> None:
    import subprocess
    import sys

    path = tmp_path / "t.duckdb"
    DuckDBStore(path, Catalogue(kinds)).close()
    hold = f"import duckdb; db = duckdb.connect({str(path)!r}); print('held', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(StoreBusy):
            copy_duckdb_file(path, tmp_path / "copy", quiet)
    with pytest.raises(StoreError, match="nothing was stored"):
        copy_duckdb_file(tmp_path / "none.duckdb", tmp_path / "copy", quiet)
