"""The API over loopback, on each store that is there; JSON lines, each beside a reference of the same run.

`latest`: the newest of 50,000 series in one call. `windows`: thirty days of minutes of one series as 500 points.
`parquet`: an hour of all series as a file. `clients`: 200 listeners of the live stream. `requests`: small requests
on connections that stay open. `memory`: exports of the hour, one after the other. The references: the same bytes
from a bare answer; the same columns written by pyarrow alone; bare events; an empty object.
"""

from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.api_clients import get, listen, small_requests
from benchmarks.api_load import END, HOUR_START, LONG, MONTH_START, QUANTITIES, catalogue_of, fill
from benchmarks.ingest_broker import wait_until_it_listens
from benchmarks.ingest_stores import open_store, place_for, stores_present
from ingest.broker import free_port
from telemetry.clock import format_time

Row = dict[str, Any]
_SPAWN = multiprocessing.get_context("spawn")
_EXAMPLE = "Example: urban bench api --row latest --store duckdb --runs 5"
_HOUR = f"start={format_time(HOUR_START)}&end={format_time(END)}"
_PUBLISHED = 100  # readings in an event, ten times a second
_ASKS = 20


class Bench:
    """One filled store, and the server in front of it."""

    def __init__(self, address: str, folder: Path, devices: int) -> None:
        self.address, self.folder, self.devices = address, folder, devices
        self.port = 0

    @contextmanager
    def server(self, publish: int = 0) -> Iterator[int]:
        """The port of a server of its own."""
        port = free_port()
        command = [
            sys.executable, "-m", "benchmarks.api_server", "--store", self.address, "--folder", str(self.folder),
            "--port", str(port), "--devices", str(self.devices), "--publish", str(publish),
        ]  # fmt: skip
        process = subprocess.Popen(command)
        try:
            wait_until_it_listens(port, "the server", 120)
            yield port
        finally:
            process.terminate()
            process.wait(30)

    def latest(self) -> Row:
        """Median time of `latest` of everything, and of the same bytes bare."""
        with self.server() as port:
            before = _cost(port)["cpu_s"]
            ours, size = _median(port, "/api/v1/latest?limit=1000000")
            used = (_cost(port)["cpu_s"] - before) / (_ASKS + 1)
            bare, _ = _median(port, f"/bare/bytes?size={size}")
        return {
            "series": self.devices * len(QUANTITIES), "bytes": size, "ms": _ms(ours), "cpu_ms": _ms(used),
            "reference_ms": _ms(bare), "ratio": round(ours / bare, 1), "target_ms": 100,
        }  # fmt: skip

    def windows(self) -> Row:
        """Median time of 500 points of a month, and of the same bytes bare."""
        asked = f"device={LONG}&quantity={QUANTITIES[0]}&start={format_time(MONTH_START)}&end={format_time(END)}"
        with self.server() as port:
            ours, size = _median(port, f"/api/v1/telemetry?{asked}&points=500")
            raw, _ = _median(port, f"/api/v1/telemetry?{asked}&points=500&agg=p50", 5)
            bare, _ = _median(port, f"/bare/bytes?size={size}")
        return {
            "ms": _ms(ours), "percentile_ms": _ms(raw), "bytes": size, "reference_ms": _ms(bare),
            "ratio": round(ours / bare, 1), "target_ms": 50,
        }  # fmt: skip

    def parquet(self) -> Row:
        """Rows a second of the hour as Parquet, and of pyarrow alone."""
        rows = self.devices * len(QUANTITIES) * 60 + 60
        with self.server() as port:
            get(port, f"/api/v1/export.parquet?device={LONG}&{_HOUR}")  # pyarrow is imported
            before = _cost(port)["cpu_s"]
            seconds, size = get(port, f"/api/v1/export.parquet?{_HOUR}")
            used = _cost(port)["cpu_s"] - before
        alone = _written_alone(rows)
        return {
            "rows": rows, "bytes": size, "rows_per_s": round(rows / seconds),
            "rows_per_cpu_s": round(rows / used),
            "reference_rows_per_s": round(rows / alone), "ratio": round(alone / seconds, 2),
            "target_rows_per_s": 1_000_000,
        }  # fmt: skip

    def clients(self, clients: int = 200, seconds: float = 10.0) -> Row:
        """Delay from publish to arrival at many clients, and of bare events of the same size."""
        with self.server(publish=_PUBLISHED) as port, ProcessPoolExecutor(1, _SPAWN) as pool:
            bare = pool.submit(listen, port, "/bare/stream", clients, seconds).result()
            before = _cost(port)
            ours = pool.submit(listen, port, "/api/v1/stream?kind=air", clients, seconds).result()
            after = _cost(port)
        p50, p99 = np.percentile(ours.delays, [50, 99])
        reference = np.percentile(bare.delays, 99)
        return {
            "clients": clients, "events": len(ours.delays), "readings_per_s": 10 * _PUBLISHED,
            "p50_ms": _ms(p50), "p99_ms": _ms(p99), "reference_p99_ms": _ms(reference),
            "least_events": ours.least, "most_events": ours.most,
            "server_cores": round((after["cpu_s"] - before["cpu_s"]) / (seconds + 3), 2),
            "target_p99_ms": 500,
        }  # fmt: skip

    def requests(self, seconds: float = 5.0) -> Row:
        """Small requests a second of CPU time, and of an empty object."""
        found: Row = {}
        paths = {"latest": "/api/v1/latest?device=aq-00007", "reference": "/bare/small"}
        with self.server() as port, ProcessPoolExecutor(1, _SPAWN) as pool:
            for name, path in paths.items():
                pool.submit(small_requests, port, path, 8, 1.0).result()
                before = _cost(port)["cpu_s"]
                answered = pool.submit(small_requests, port, path, 8, seconds).result()
                used = _cost(port)["cpu_s"] - before
                found |= {
                    f"{name}_per_s": round(answered / seconds),
                    f"{name}_per_cpu_s": round(answered / used),
                }
        ratio = found["latest_per_cpu_s"] / found["reference_per_cpu_s"]
        return found | {"ratio": round(ratio, 3), "target_per_cpu_s": 1_000}

    def memory(self) -> Row:
        """Memory of the server after each of some exports of the hour, after a first one."""
        held = []
        with self.server() as port:
            for ending in ("parquet", "csv", "ndjson", "arrow", "csv", "parquet"):
                get(port, f"/api/v1/export.{ending}?{_HOUR}")
                held.append(round(_cost(port)["rss_mb"]))
        return {
            "rss_mb": held, "growth_mb": held[-1] - held[1], "reference_mb": held[1],
            "rows_each": self.devices * len(QUANTITIES) * 60,
        }  # fmt: skip


def _median(port: int, path: str, times: int = _ASKS) -> tuple[float, int]:
    get(port, path)
    found = [get(port, path) for _ in range(times)]
    return statistics.median(s for s, _ in found), found[0][1]


def _cost(port: int) -> dict[str, float]:
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/bare/cost", timeout=60) as answer:
        found: dict[str, float] = json.load(answer)
        return found


def _written_alone(rows: int) -> float:
    """Seconds in which pyarrow writes as many rows of the same columns, ready in memory."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    rng = np.random.default_rng(1)
    names = pa.array([f"aq-{i:05d}" for i in range(10_000)])
    device = pa.DictionaryArray.from_arrays(
        pa.array(rng.integers(0, 10_000, rows, dtype=np.int32)), names
    )
    time_ = pa.array(
        np.sort(rng.integers(HOUR_START, END, rows)), type=pa.timestamp("ns", tz="UTC")
    )
    value = pa.array(np.round(rng.random(rows) * 100, 1))
    table = pa.table({"device": device, "time": time_, "value": value})
    begin = time.perf_counter()
    parquet.write_table(table, io.BytesIO(), compression="zstd", compression_level=1)
    return time.perf_counter() - begin


def _ms(seconds: float) -> float:
    return round(1e3 * float(seconds), 1)


def rows(store: str, wanted: list[str], devices: int, runs: int) -> None:
    """A line a run, and one of medians after each row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with place_for(store, folder / "store") as place:
            address = place.address("bench")
            catalogue = catalogue_of(devices)
            made = open_store(address, catalogue)
            fill(made, catalogue, devices)
            made.close()
            bench = Bench(address, folder, devices)
            for row in wanted:
                measure: Callable[[], Row] = getattr(bench, row)
                _print(row, store, [measure() for _ in range(runs)])


def _print(row: str, store: str, found: list[Row]) -> None:
    head = {"bench": "api", "row": row, "store": store}
    for run, figures in enumerate(found):
        print(json.dumps(head | {"run": run} | figures), flush=True)
    numbers = {k: v for k, v in found[0].items() if isinstance(v, int | float)}
    medians = {k: statistics.median(f[k] for f in found) for k in numbers}
    print(json.dumps(head | {"median_of": len(found)} | medians), flush=True)


ROWS = ("latest", "windows", "parquet", "clients", "requests", "memory")


def main() -> None:
    """Print JSON lines; on each store that is there, unless one is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], epilog=_EXAMPLE)
    parser.add_argument("--row", choices=ROWS, action="append")
    parser.add_argument("--store", choices=["duckdb", "influxdb"], action="append")
    parser.add_argument("--devices", type=int, default=10_000, help="of five series each")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    if min(given.devices, given.runs) <= 0:
        parser.error("--devices and --runs must be above 0")
    if "influxdb" in (given.store or ()) and "influxdb" not in stores_present():
        parser.error("--store influxdb needs the program influxd")
    for store in given.store or stores_present():
        rows(store, given.row or list(ROWS), given.devices, given.runs)


if __name__ == "__main__":
    main()
