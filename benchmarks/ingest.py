"""Durable ingest against a bare receiver: messages a second, packs, latency, two side by side, memory; JSON lines.

Rows `single`, `pack`, `pair` and `memory` drain a persistent session that was filled before the clock starts,
so that the publisher is not what is measured. The reference takes each message and throws it away; ours
decodes, validates, deduplicates, writes to the store and its account, and then acknowledges. Row `latency`
publishes at half the top rate of `single` and tells the time from publish to stored. Ends with 1 where
one is lost.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ingest_broker import mosquitto
from benchmarks.ingest_rows import MEASURES, Options, Row
from benchmarks.ingest_stores import INFLUXDB, stores_present

_EXAMPLE = "Example: urban bench ingest --row single --broker mosquitto --store influxdb --runs 5"


def rows(options: Options, wanted: set[str]) -> Iterator[Row]:
    """A line a run and row, and a line of medians after each row."""
    top: list[float] = []
    for name, measure in MEASURES.items():
        if name not in wanted:
            continue
        found = []
        for number in range(options.runs):
            with tempfile.TemporaryDirectory() as folder:
                rate = statistics.median(top) if top else 0.0
                row = (
                    _headed(name, options) | {"run": number} | measure(options, Path(folder), rate)
                )
            if name == "single":
                top.append(row["messages_per_s"])
            found.append(row)
            yield row
        yield _headed(name, options) | _medians(found)


def _headed(name: str, options: Options) -> Row:
    return {"bench": "ingest", "row": name, "broker": options.broker, "store": options.store}


def _medians(found: list[Row]) -> Row:
    """Medians of the figures, the commonest of the words, and the sum of what was lost."""
    first = found[0]
    figures = {
        k: statistics.median(r[k] for r in found) if isinstance(v, int | float)
        else statistics.mode(r[k] for r in found)
        for k, v in first.items()
        if k not in ("run", "lost", *_headed("", Options(0, 0, "", "")))
    }  # fmt: skip
    return {"median_of": len(found), **figures, "lost": sum(r["lost"] for r in found)}


def main() -> None:
    """Print JSON lines; on each broker and store that is there, unless they are named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0], epilog=_EXAMPLE)
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--broker", choices=["nats", "mosquitto"], action="append")
    parser.add_argument("--store", choices=["duckdb", "influxdb"], action="append")
    parser.add_argument("--row", choices=list(MEASURES), action="append")
    parser.add_argument("--rate", type=float, default=0.0, help="messages/s of the latency row")
    parser.add_argument(
        "--devices", type=int, default=100_000, help="known and reporting, of the memory row"
    )
    given = parser.parse_args()
    if "mosquitto" in (given.broker or ()) and not mosquitto():
        parser.error("--broker mosquitto needs the program mosquitto")
    if INFLUXDB in (given.store or ()) and INFLUXDB not in stores_present():
        parser.error("--store influxdb needs the program influxd")
    lost = 0
    for broker in given.broker or (["nats", "mosquitto"] if mosquitto() else ["nats"]):
        for store in given.store or stores_present():
            options = Options(given.messages, given.runs, broker, store, given.rate, given.devices)
            for row in rows(options, set(given.row or MEASURES)):
                print(json.dumps(row), flush=True)
                lost += row["lost"]
    if lost:
        sys.exit(1)


if __name__ == "__main__":
    main()
