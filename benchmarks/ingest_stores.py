"""The telemetry stores for a benchmark: a DuckDB file, or an InfluxDB of our own on a free port and folder."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.ingest_broker import cpu_s_of, wait_until_it_listens
from devices.device import Catalogue
from ingest.broker import free_port
from store.duckdb_store import DuckDBStore
from store.telemetry import TelemetryStore

DUCKDB, INFLUXDB = "duckdb", "influxdb"
_INFLUX1 = "influx1://"
_CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
  dir = "{folder}/meta"
[data]
  dir = "{folder}/data"
  wal-dir = "{folder}/wal"
  index-version = "tsi1"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:{http}"
  log-enabled = false
"""


@dataclass(frozen=True, slots=True)
class Place:
    """Where stores are made.

    address  the name of a store → where it is, for `open_store` in whichever process
    cpu_s    CPU time of the server; 0 where the store lives in the ingest process [s]
    """

    address: Callable[[str], str]
    cpu_s: Callable[[], float]


def stores_present() -> list[str]:
    """The stores that this machine can run."""
    return [DUCKDB, INFLUXDB] if shutil.which("influxd") else [DUCKDB]


@contextmanager
def place_for(store: str, folder: Path) -> Iterator[Place]:
    """A place for stores of this kind, until the block ends."""
    folder.mkdir(parents=True)
    if store == DUCKDB:
        yield Place(lambda name: str(folder / f"{name}.duckdb"), lambda: 0.0)
        return
    http, config = free_port(), folder / "influxdb.conf"
    config.write_text(_CONFIG.format(folder=folder, http=http, rpc=free_port()))
    process = subprocess.Popen(
        ["influxd", "-config", str(config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        wait_until_it_listens(http, "influxd")
        yield Place(
            lambda name: f"{_INFLUX1}127.0.0.1:{http}/{name}", lambda: cpu_s_of(process.pid)
        )
    finally:
        process.terminate()
        process.wait(20)


def open_store(address: str, catalogue: Catalogue) -> TelemetryStore:
    """The store at an address of `Place`."""
    if address.startswith(_INFLUX1):
        from store.influx import open_influx

        return open_influx(address, catalogue)
    return DuckDBStore(Path(address), catalogue)
