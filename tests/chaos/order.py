"""Each device's order after a fault: who reads back gets its readings in the order in which they were measured,
each time once, and `latest` is the newest, in whatever order they arrived."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from devices.device import Catalogue
from devices.registry import load_kinds
from store.duckdb_store import DuckDBStore
from store.telemetry import Series, TelemetryStore


def assert_order_kept(store: TelemetryStore) -> None:
    """Of everything that the store holds."""
    latest = store.latest(Series())
    assert len(latest)
    for device in np.unique(latest.device):
        mine = store.raw(Series(devices=np.array([device], dtype=np.int32)), 0, 2**62, 10**6)
        for quantity in np.unique(mine.quantity):
            rows = mine.take(mine.quantity == quantity)
            assert np.all(np.diff(rows.time) > 0), "a device's readings are out of order, or twice"
            newest = latest.take((latest.device == device) & (latest.quantity == quantity))
            assert newest.time.tolist() == [rows.time[-1]], "latest is not the newest"
            assert newest.value.tolist() == [rows.value[-1]]


def assert_order_kept_in(path: Path) -> None:
    """The same for the file of a platform or an ingestor that has ended."""
    store = DuckDBStore(path, Catalogue(load_kinds()))
    assert_order_kept(store)
    store.close()
