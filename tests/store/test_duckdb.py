"""DuckDB's own: reopening, one process only, and codes that change between runs."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest

from devices.device import Catalogue, Device
from devices.registry import Kinds
from store.duckdb_store import DuckDBStore
from store.names import NameMap
from store.telemetry import Series
from telemetry.errors import StoreBusy, StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings


def one(kinds: Kinds, device: int, value: float) -> Readings:
    return Readings.of([device], [kinds.quantity_code["pm25"]], [60], [value], 1, 1)


def test_readings_of_a_new_device_are_read_whole_while_they_are_written(
    tmp_path: Path, kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = Catalogue(kinds)
    for n in range(100):
        catalogue.put(Device(id=f"aq-{n}", kind="air"))
    store = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    committed, go_on = threading.Event(), threading.Event()
    adopt = NameMap.adopt

    def slow(self: NameMap, rows: Iterable[tuple[int, str, int]]) -> None:
        committed.set()
        assert go_on.wait(10)
        adopt(self, rows)

    monkeypatch.setattr(NameMap, "adopt", slow)
    with ThreadPoolExecutor(2) as threads:
        # Number 99 lies beyond the table of names that are known so far.
        written = threads.submit(
            store.append, Readings.concat([one(kinds, n, 22.0) for n in range(100)]), Ledger.empty()
        )
        assert committed.wait(10)
        read = threads.submit(store.since, 0, 1_000)
        # It may only end once the devices are known: the log goes on behind what was read.
        assert not wait([read], 0.3).done
        go_on.set()
        ((position, found),) = [(b.position, b.readings) for b in read.result(10)]
        assert (position, found.device.tolist()) == (written.result(10), list(range(100)))
    store.close()


def test_reopened_with_other_codes_it_still_names_the_right_device(
    tmp_path: Path, kinds: Kinds
) -> None:
    first = Catalogue(kinds)
    for name in ("aq-1", "aq-2"):
        first.put(Device(id=name, kind="air"))
    store = DuckDBStore(tmp_path / "t.duckdb", first)
    store.append(one(kinds, 1, 22.0), Ledger.of([(0, 1, 0, 1)]))
    store.close()

    second = Catalogue(kinds)
    for name in ("aq-0", "aq-2", "aq-1"):
        second.put(Device(id=name, kind="air"))
    store = DuckDBStore(tmp_path / "t.duckdb", second)
    assert [second.devices[c].id for c in store.latest(Series()).device] == ["aq-2"]
    assert store.seen(one(kinds, 1, 0.0)).tolist() == [True]
    assert store.account(0, 1)[0].device == "aq-2"
    assert store.position() == 1
    store.close()


def test_reopened_the_latest_missing_value_is_still_missing(tmp_path: Path, kinds: Kinds) -> None:
    catalogue = Catalogue(kinds)
    catalogue.put(Device(id="aq-1", kind="air"))
    store = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    pm25 = kinds.quantity_code["pm25"]
    store.append(Readings.of([0, 0], [pm25, pm25], [1, 2], [5.0, np.nan], [1, 9]), Ledger.empty())
    before = store.latest(Series())
    store.close()
    store = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    for mine, theirs in zip(before.columns(), store.latest(Series()).columns(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert np.isnan(before.value[0])
    store.close()


def test_a_device_that_only_the_store_knows_comes_back_unregistered(
    tmp_path: Path, kinds: Kinds
) -> None:
    first = Catalogue(kinds)
    first.put(Device(id="aq-9", kind="air"))
    store = DuckDBStore(tmp_path / "t.duckdb", first)
    store.append(one(kinds, 0, 1.0), Ledger.empty())
    store.close()
    second = Catalogue(kinds)
    DuckDBStore(tmp_path / "t.duckdb", second).close()
    assert [(d.id, d.kind, d.registered) for d in second.devices] == [("aq-9", "air", False)]


def test_a_file_held_by_another_process_is_said_in_words(
    tmp_path: Path, catalogue: Catalogue
) -> None:
    path = tmp_path / "t.duckdb"
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"import duckdb,sys; c=duckdb.connect({str(path)!r}); print('held',flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        with pytest.raises(StoreBusy, match=r"in use by another run.*URBAN_DATA_DIR"):
            DuckDBStore(path, catalogue)
    finally:
        holder.communicate(b"")


def test_a_refused_batch_leaves_nothing_behind(
    tmp_path: Path, catalogue: Catalogue, kinds: Kinds
) -> None:
    store = DuckDBStore(tmp_path / "t.duckdb", catalogue)
    store._db.execute("drop table ledger")
    with pytest.raises(StoreError):
        store.append(one(kinds, 0, 1.0), Ledger.of([(0, 0, 0, 1)]))
    assert store._one("select count(*) from readings") == 0
    assert store.position() == 0
    store.close()


def test_what_it_holds_in_memory_stays_within_its_limit_as_the_file_grows(
    tmp_path: Path, kinds: Kinds
) -> None:
    limit_mb, rows = 32, 500_000
    catalogue = Catalogue(kinds)
    catalogue.put(Device(id="aq-1", kind="air"))
    store = DuckDBStore(tmp_path / "t.duckdb", catalogue, limit_mb)
    random = np.random.default_rng(1)
    device, pm25 = np.zeros(rows, np.int32), np.full(rows, kinds.quantity_code["pm25"], np.int16)
    held: list[int] = []
    for batch in range(10):
        time = np.arange(batch * rows, (batch + 1) * rows)
        store.append(Readings.of(device, pm25, time, random.random(rows), 1, 1), Ledger.empty())
        (used,) = store._db.execute(
            "select sum(memory_usage_bytes) from duckdb_memory()"
        ).fetchall()[0]
        held.append(int(used))
    windows = store.windows(Series(), 0, 10 * rows, rows)
    assert windows.total.tolist() == [rows] * 10
    store.close()
    assert (tmp_path / "t.duckdb").stat().st_size > limit_mb * 2**20
    assert max(held) <= limit_mb * 2**20
