"""From a device's message to the alert on the live stream, and back to work after SIGKILL; JSON lines.

Rows `half` and `fixed`: gauges rise above their alarm level, 40 a second, while stations publish at half of the
top ingest rate (row `single` of `urban bench ingest`, measured first) or at `--rate`; the time from publish
to the alert on `/api/v1/stream`. The reference is the same load into a bare paho receiver. Row `restart`:
the platform is killed under load and started again. Ends with 1 where an alert or a reading is lost.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.alerts_load import Load, gauges, stations
from benchmarks.alerts_probe import Probed, Task, measure
from benchmarks.alerts_restart import restart
from benchmarks.ingest_broker import mosquitto, running
from benchmarks.ingest_rows import Options, single
from benchmarks.ingest_stores import DUCKDB
from benchmarks.platform_process import PlatformProcess, wait_for

Row = dict[str, Any]
_PROBES_PER_S = 40.0
_SETTLE_S = 4.0  # for processes to start and connect, and for the load to find its pace
_TARGET_MS = 500
_RESTART_RATE = 10_000.0
_TOP_MESSAGES = 60_000
_SPAWN = multiprocessing.get_context("spawn")
_EXAMPLE = "Example: urban bench alerts --row fixed --rate 2000 --broker mosquitto --runs 5"


@dataclass(frozen=True, slots=True)
class Given:
    """What was asked for. seconds: of probing, or of load before the kill."""

    broker: str
    seconds: float


def latency(given: Given, folder: Path, rate: float) -> Row:
    """One run of the reference, then one of ours, each on a broker of its own."""
    with running(given.broker, folder / "a") as process:
        reference, _ = _probed(given, process.port, 0, rate)
    with (
        running(given.broker, folder / "b") as process,
        PlatformProcess(folder / "data", process.port, _devices(given)) as platform,
    ):
        platform.start()
        wait_for(platform.ready, "the platform")
        ours, sent_per_s = _probed(given, process.port, platform.http, rate)
        refused = platform.get("/api/v1/accounting")["totals"]["quarantined"]
    return {
        "rate": round(rate), "sent_per_s": round(sent_per_s), "alerts": _number(given),
        "reference_p50_ms": _ms(reference.p50), "reference_p99_ms": _ms(reference.p99),
        "p50_ms": _ms(ours.p50), "p99_ms": _ms(ours.p99), "worst_ms": _ms(ours.worst),
        "target_p99_ms": _TARGET_MS, "reference_missing": reference.missing,
        "lost": ours.missing + refused,
    }  # fmt: skip


def _devices(given: Given) -> list[Any]:
    return [*stations(), *gauges(_number(given))]


def _number(given: Given) -> int:
    return int(given.seconds * _PROBES_PER_S)


def _probed(given: Given, port: int, http: int, rate: float) -> tuple[Probed, float]:
    with ProcessPoolExecutor(1, _SPAWN) as pool:
        begin = time.monotonic() + _SETTLE_S
        task = Task(port, http, _number(given), _PROBES_PER_S, begin)
        future = pool.submit(measure, task)
        time.sleep(_SETTLE_S / 2)
        load = Load(port, rate)
        time.sleep(_SETTLE_S / 2 + given.seconds)
        sent_per_s = load.stop()
        return future.result(), sent_per_s


def _ms(seconds: float) -> float:
    return round(1e3 * seconds, 1)


def _top(given: Given) -> float:
    """The top ingest rate of now. [messages/s]"""
    with tempfile.TemporaryDirectory() as folder:
        row = single(Options(_TOP_MESSAGES, 1, given.broker, DUCKDB), Path(folder), 0.0)
    return float(row["messages_per_s"])


def rows(given: Given, wanted: list[str], rate: float, runs: int) -> int:
    """A line a run, and one of medians after each row. Returns what was lost in all."""
    measures: dict[str, Callable[[Path], Row]] = {
        "fixed": lambda folder: latency(given, folder, rate or 2_000.0),
        "half": lambda folder: latency(given, folder, _top(given) / 2),
        "restart": lambda folder: restart(
            given.broker, given.seconds, folder, rate or _RESTART_RATE
        ),
    }
    lost = 0
    for name in wanted:
        found = []
        head = {"bench": "alerts", "row": name, "broker": given.broker}
        for run in range(runs):
            with tempfile.TemporaryDirectory() as folder:
                row = measures[name](Path(folder))
            print(json.dumps(head | {"run": run} | row), flush=True)
            found.append(row)
        figures = {k: statistics.median(r[k] for r in found) for k in found[0] if k != "lost"}
        missed = sum(r["lost"] for r in found)
        print(json.dumps(head | {"median_of": runs} | figures | {"lost": missed}), flush=True)
        lost += missed
    return lost


def main() -> None:
    """Print JSON lines; on each broker that is there, unless one is named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], epilog=_EXAMPLE)
    parser.add_argument("--row", choices=["fixed", "half", "restart"], action="append")
    parser.add_argument("--broker", choices=["nats", "mosquitto"], action="append")
    parser.add_argument("--rate", type=float, default=0.0, help="messages/s of fixed and restart")
    parser.add_argument("--seconds", type=float, default=10.0, help="of probing or load, a run")
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    if "mosquitto" in (given.broker or ()) and not mosquitto():
        parser.error("--broker mosquitto needs the program mosquitto")
    if min(given.seconds, given.runs) <= 0 or given.rate < 0:
        parser.error("--seconds and --runs must be above 0, --rate 0 or more")
    lost = 0
    for broker in given.broker or (["nats", "mosquitto"] if mosquitto() else ["nats"]):
        wanted = given.row or ["fixed", "half", "restart"]
        lost += rows(Given(broker, given.seconds), wanted, given.rate, given.runs)
    if lost:
        sys.exit(1)


if __name__ == "__main__":
    main()
