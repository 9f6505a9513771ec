"""Durable ingest against a bare receiver: messages a second, packs, latency, two side by side; JSON lines.

Rows `single`, `pack` and `pair` drain a persistent session that was filled before the clock starts, so that
the publisher is not what is measured. The reference takes each message and throws it away; ours decodes,
validates, deduplicates, writes to DuckDB and its account, and then acknowledges. Row `latency` publishes
at half the top rate of `single` and tells the time from publish to stored. Ends with 1 where one is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import ingest_messages
from benchmarks.ingest_broker import (
    BrokerProcess,
    Filler,
    Messages,
    mosquitto,
    open_session,
    publish,
    running,
)
from benchmarks.ingest_drain import Drained, bare, bare_live, ours, processes
from benchmarks.ingest_messages import KINDS, PACK, VALUES
from devices.topics import STATUS, TELEMETRY

Row = dict[str, Any]
_TOPICS = (TELEMETRY, STATUS)
_BUSY = 0.8  # of a core: from here on a process is what limits
_LATENCY_S = 5.0
_SETTLE_S = 5.0  # for a process to start, connect and subscribe; not what is measured


@dataclass(frozen=True, slots=True)
class Options:
    """How much, how often, on which broker; `rate` of the latency row, 0: half the top rate."""

    messages: int
    runs: int
    broker: str
    rate: float = 0.0


def rows(options: Options, wanted: set[str]) -> Iterator[Row]:
    """A line a run and row, and a line of medians after each row."""
    top: list[float] = []
    for name, measure in _MEASURES.items():
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


def _single(options: Options, folder: Path, _: float) -> Row:
    messages = options.messages
    made = lambda: ingest_messages.singles(messages)  # noqa: E731
    return _drain(options.broker, folder, made, messages, VALUES) | {"target_ratio": 0.6}


def _pack(options: Options, folder: Path, singles_per_s: float) -> Row:
    number = max(100, options.messages // 10)
    row = _drain(options.broker, folder, lambda: ingest_messages.packs(number), number, PACK)
    if singles_per_s:
        row["times_single"] = round(row["readings_per_s"] / (singles_per_s * VALUES), 2)
    return row | {"target_readings_per_s": 400_000, "target_times_single": 8}


def _drain(
    broker: str, folder: Path, made: Callable[[], Messages], messages: int, values: int
) -> Row:
    """The reference, then ours, each on a broker of its own with the same messages."""
    with running(broker, folder / "a") as process:
        open_session(process.port, "bench", _TOPICS)
        publish(process.port, made())
        with processes(1) as call:
            done = call(bare, process.port, "bench", _TOPICS, messages).result()
    reference = done.count / (done.end - done.start)
    with running(broker, folder / "b") as process:
        open_session(process.port, "bench", _TOPICS)
        publish(process.port, made())
        broker_cpu = process.cpu_s()
        arguments = (process.port, "bench", _TOPICS, messages * values, folder / "store")
        with processes(1) as call:
            done = call(ours, *arguments).result()
        broker_cpu = process.cpu_s() - broker_cpu
    rate = done.count / values / (done.end - done.start)
    return {
        "messages": messages, "readings": messages * values,
        "reference_messages_per_s": round(reference),
        "messages_per_s": round(rate), "readings_per_s": round(rate * values),
        "ratio": round(rate / reference, 3),
        "lost": messages * values - done.count,
        **_costs(done, broker_cpu),
    }  # fmt: skip


def _costs(done: Drained, broker_cpu: float) -> Row:
    """CPU time, memory, and what limited: a part of ours, the broker, or neither (waiting)."""
    elapsed = done.end - done.start
    client = max(0.0, done.cpu_s - done.decode_s - done.store_s)
    shares = {"client": client, "decode": done.decode_s, "store": done.store_s}
    if done.cpu_s >= _BUSY * elapsed:
        bound = max(shares, key=lambda part: shares[part])
    else:
        bound = "broker" if broker_cpu >= _BUSY * elapsed else "waiting"
    return {
        "bound": bound,
        "ingest_cores": round(done.cpu_s / elapsed, 2),
        "broker_cores": round(broker_cpu / elapsed, 2),
        **{f"{part}_share": round(s / done.cpu_s, 2) for part, s in shares.items() if done.cpu_s},
        "cpu_s_per_million_readings": round(done.cpu_s / max(done.count, 1) * 1e6, 2),
        "peak_mb": round(done.peak_mb),
    }


def _latency(options: Options, folder: Path, singles_per_s: float) -> Row:
    """Publish at half the top rate, beside a bare receiver and beside the ingestor."""
    rate = options.rate or singles_per_s / 2 or 1_000.0
    wanted = int(rate * _LATENCY_S)
    with running(options.broker, folder / "a") as process, processes(1) as call:
        open_session(process.port, "bench", _TOPICS)
        future = call(bare_live, process.port, "bench", _TOPICS, wanted)
        time.sleep(_SETTLE_S)
        _paced(process, wanted, rate)
        reference = future.result()
    with running(options.broker, folder / "b") as process, processes(1) as call:
        open_session(process.port, "bench", _TOPICS)
        arguments = (process.port, "bench", _TOPICS, wanted * VALUES, folder / "store")
        future = call(ours, *arguments)
        time.sleep(_SETTLE_S)
        sent_per_s = _paced(process, wanted, rate)
        done = future.result()
    return {
        "rate": round(rate), "sent_per_s": round(sent_per_s), "messages": wanted,
        "reference_p50_ms": round(1e3 * reference.latency_s[0], 1),
        "reference_p99_ms": round(1e3 * reference.latency_s[1], 1),
        "p50_ms": round(1e3 * done.latency_s[0], 1), "p99_ms": round(1e3 * done.latency_s[1], 1),
        "lost": wanted * VALUES - done.count, "peak_mb": round(done.peak_mb),
    }  # fmt: skip


def _paced(process: BrokerProcess, wanted: int, rate: float) -> float:
    """Publish so many at an even pace. Returns the pace that was reached. [messages/s]"""
    filler, messages, sent = Filler(process.port), ingest_messages.live(), 0
    start = time.monotonic()
    while sent < wanted:
        due = min(wanted, int((time.monotonic() - start) * rate) + 1)
        sent = filler.send(islice(messages, max(0, due - sent)))
        time.sleep(0.005)
    elapsed = time.monotonic() - start
    filler.finish()
    return wanted / elapsed


def _pair(options: Options, folder: Path, _: float) -> Row:
    """The same queue drained by one ingestor, and by two that share it by topic (by kind)."""
    one, lost_one = _side_by_side(options, folder / "one", [_TOPICS])
    split = [(f"city/{kind}/+/telemetry", f"city/{kind}/+/status") for kind in KINDS]
    two, lost_two = _side_by_side(options, folder / "two", split)
    return {
        "messages": options.messages, "one_messages_per_s": round(one),
        "two_messages_per_s": round(two), "scaling": round(two / one, 2),
        "cores": os.cpu_count(), "lost": lost_one + lost_two,
    }  # fmt: skip


def _side_by_side(
    options: Options, folder: Path, parts: Sequence[Sequence[str]]
) -> tuple[float, int]:
    """Messages a second of all together, and readings lost."""
    messages = options.messages // len(KINDS) * len(KINDS)
    with running(options.broker, folder / "broker") as process:
        for i, topics in enumerate(parts):
            open_session(process.port, f"bench-{i}", topics)
        publish(process.port, ingest_messages.singles(messages, KINDS))
        each = messages * VALUES // len(parts)
        with processes(len(parts)) as call:
            futures = [
                call(ours, process.port, f"bench-{i}", topics, each, folder / f"store-{i}")
                for i, topics in enumerate(parts)
            ]
            done = [f.result() for f in futures]
    elapsed = max(d.end for d in done) - min(d.start for d in done)
    stored = sum(d.count for d in done)
    return stored / VALUES / elapsed, messages * VALUES - stored


_MEASURES: dict[str, Callable[[Options, Path, float], Row]] = {
    "single": _single, "pack": _pack, "latency": _latency, "pair": _pair,
}  # fmt: skip


def _headed(name: str, options: Options) -> Row:
    return {"bench": "ingest", "row": name, "broker": options.broker, "store": "duckdb"}


def _medians(found: list[Row]) -> Row:
    """Medians of the figures, the commonest of the words, and the sum of what was lost."""
    first = found[0]
    figures = {
        k: statistics.median(r[k] for r in found) if isinstance(v, int | float)
        else statistics.mode(r[k] for r in found)
        for k, v in first.items()
        if k not in ("run", "lost", *_headed("", Options(0, 0, "")))
    }  # fmt: skip
    return {"median_of": len(found), **figures, "lost": sum(r["lost"] for r in found)}


def main() -> None:
    """Print JSON lines; nats always, mosquitto where it is installed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--broker", choices=["nats", "mosquitto"], action="append")
    parser.add_argument("--row", choices=list(_MEASURES), action="append")
    parser.add_argument("--rate", type=float, default=0.0, help="messages/s of the latency row")
    given = parser.parse_args()
    lost = 0
    for broker in given.broker or (["nats", "mosquitto"] if mosquitto() else ["nats"]):
        options = Options(given.messages, given.runs, broker, given.rate)
        for row in rows(options, set(given.row or _MEASURES)):
            print(json.dumps(row), flush=True)
            lost += row["lost"]
    if lost:
        sys.exit(1)


if __name__ == "__main__":
    main()
