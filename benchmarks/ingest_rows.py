"""The rows of the ingest benchmark, each measured once: what is done, and the reference beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import ingest_messages
from benchmarks.ingest_broker import PATIENCE_S, BrokerProcess, open_session, publish, running
from benchmarks.ingest_drain import Drained, Task, bare, bare_live, ours, processes
from benchmarks.ingest_messages import KINDS, PACK, VALUES
from benchmarks.ingest_publisher import Messages, Publisher
from benchmarks.ingest_stores import INFLUXDB, place_for
from devices.topics import STATUS, TELEMETRY

Row = dict[str, Any]
_TOPICS = (TELEMETRY, STATUS)
_BUSY = 0.8  # of a core: from here on a process is what limits
_LATENCY_S = 5.0
_SETTLE_S = 5.0  # for a process to start, connect and subscribe; not what is measured
_ROUNDS = 4
_TARGET_MB = 400


@dataclass(frozen=True, slots=True)
class Options:
    """How much, how often, on which broker and store.

    rate     of the latency row [messages/s]; 0: half the top rate
    devices  known and reporting, of the memory row
    """

    messages: int
    runs: int
    broker: str
    store: str
    rate: float = 0.0
    devices: int = 100_000


def single(options: Options, folder: Path, _: float) -> Row:
    """A queue of messages with four values each."""
    messages = options.messages
    made = lambda: ingest_messages.singles(messages)  # noqa: E731
    return _drain(options, folder, made, messages, VALUES) | {"target_ratio": 0.6}


def pack(options: Options, folder: Path, singles_per_s: float) -> Row:
    """A queue of gateways' packs."""
    number = max(100, options.messages // 10)
    row = _drain(options, folder, lambda: ingest_messages.packs(number), number, PACK)
    if singles_per_s:
        row["times_single"] = round(row["readings_per_s"] / (singles_per_s * VALUES), 2)
    return row | {"target_readings_per_s": 400_000, "target_times_single": 8}


def _drain(
    options: Options, folder: Path, made: Callable[[], Messages], messages: int, values: int
) -> Row:
    """The reference, then ours, each on a broker of its own with the same messages."""
    with running(options.broker, folder / "a") as process:
        open_session(process.port, "bench", _TOPICS)
        publish(process.port, made())
        with processes(1) as call:
            done = call(bare, process.port, "bench", _TOPICS, messages).result()
    reference = done.count / (done.end - done.start)
    with (
        running(options.broker, folder / "b") as process,
        place_for(options.store, folder / "stores") as place,
    ):
        open_session(process.port, "bench", _TOPICS)
        publish(process.port, made())
        task = _task(process.port, messages * values, folder / "ours", place.address("bench"))
        used = {"broker": process.cpu_s(), "server": place.cpu_s()}
        with processes(1) as call:
            done = call(ours, task).result()
        used = {
            "broker": process.cpu_s() - used["broker"], "server": place.cpu_s() - used["server"],
        }  # fmt: skip
    rate = done.count / values / (done.end - done.start)
    return {
        "messages": messages, "readings": messages * values,
        "reference_messages_per_s": round(reference),
        "messages_per_s": round(rate), "readings_per_s": round(rate * values),
        "ratio": round(rate / reference, 3),
        "lost": messages * values - done.count,
        **_costs(done, used["broker"], used["server"], options.store),
    }  # fmt: skip


def _task(port: int, readings: int, folder: Path, store: str) -> Task:
    return Task(port, "bench", _TOPICS, readings, folder, store)


def _costs(done: Drained, broker_cpu: float, server_cpu: float, store: str) -> Row:
    """CPU time, memory, and what limited: a part of ours, the broker, the store's server, or neither (waiting)."""
    elapsed = done.end - done.start
    client = max(0.0, done.cpu_s - done.decode_s - done.store_s)
    shares = {"client": client, "decode": done.decode_s, "store": done.store_s}
    others = {"broker": broker_cpu, "store server": server_cpu}
    busiest = max(others, key=lambda part: others[part])
    if done.cpu_s >= max(_BUSY * elapsed, others[busiest]):
        bound = max(shares, key=lambda part: shares[part])
    else:
        bound = busiest if others[busiest] >= _BUSY * elapsed else "waiting"
    return {
        "bound": bound,
        "ingest_cores": round(done.cpu_s / elapsed, 2),
        "broker_cores": round(broker_cpu / elapsed, 2),
        **({"server_cores": round(server_cpu / elapsed, 2)} if store == INFLUXDB else {}),
        **{f"{part}_share": round(s / done.cpu_s, 2) for part, s in shares.items() if done.cpu_s},
        "cpu_s_per_million_readings": round(done.cpu_s / max(done.count, 1) * 1e6, 2),
        "peak_mb": round(done.peak_mb),
    }


def latency(options: Options, folder: Path, singles_per_s: float) -> Row:
    """Publish at half the top rate, beside a bare receiver and beside the ingestor."""
    rate = options.rate or singles_per_s / 2 or 1_000.0
    wanted = int(rate * _LATENCY_S)
    with running(options.broker, folder / "a") as process, processes(1) as call:
        open_session(process.port, "bench", _TOPICS)
        future = call(bare_live, process.port, "bench", _TOPICS, wanted)
        time.sleep(_SETTLE_S)
        _paced(process, wanted, rate)
        reference = future.result()
    with (
        running(options.broker, folder / "b") as process,
        place_for(options.store, folder / "stores") as place,
        processes(1) as call,
    ):
        open_session(process.port, "bench", _TOPICS)
        store = place.address("bench")
        future = call(ours, _task(process.port, wanted * VALUES, folder / "ours", store))
        time.sleep(_SETTLE_S)
        sent_per_s = _paced(process, wanted, rate)
        done = future.result()
    return {
        "rate": round(rate), "sent_per_s": round(sent_per_s), "messages": wanted,
        "reference_p50_ms": round(1e3 * reference.latency_s[0], 1),
        "reference_p99_ms": round(1e3 * reference.latency_s[1], 1),
        "p50_ms": round(1e3 * done.latency_s[0], 1), "p99_ms": round(1e3 * done.latency_s[1], 1),
        "target_p99_ms": 500,
        "lost": wanted * VALUES - done.count, "peak_mb": round(done.peak_mb),
    }  # fmt: skip


def _paced(process: BrokerProcess, wanted: int, rate: float) -> float:
    """Publish so many at an even pace. Returns the pace that was reached. [messages/s]"""
    publisher, messages, sent = Publisher(process.port), ingest_messages.live(), 0
    start = time.monotonic()
    while sent < wanted:
        due = min(wanted, int((time.monotonic() - start) * rate) + 1)
        sent = publisher.send(islice(messages, max(0, due - sent)))
        time.sleep(0.005)
    elapsed = time.monotonic() - start
    publisher.finish(PATIENCE_S)
    return wanted / elapsed


def pair(options: Options, folder: Path, _: float) -> Row:
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
    """Messages a second of all together, and readings lost. Each has a store of its own: decision 20."""
    messages = options.messages // len(KINDS) * len(KINDS)
    with (
        running(options.broker, folder / "broker") as process,
        place_for(options.store, folder / "stores") as place,
    ):
        for i, topics in enumerate(parts):
            open_session(process.port, f"bench-{i}", topics)
        publish(process.port, ingest_messages.singles(messages, KINDS))
        each = messages * VALUES // len(parts)
        with processes(len(parts)) as call:
            futures = []
            for i, topics in enumerate(parts):
                name = f"bench-{i}"
                store = place.address(name)
                task = Task(process.port, name, topics, each, folder / f"ours-{i}", store)
                futures.append(call(ours, task))
            done = [f.result() for f in futures]
    elapsed = max(d.end for d in done) - min(d.start for d in done)
    stored = sum(d.count for d in done)
    return stored / VALUES / elapsed, messages * VALUES - stored


def memory(options: Options, folder: Path, _: float) -> Row:
    """Many devices, known and reporting: what the ingest process holds after each round of all of them."""
    each = options.devices // len(KINDS)
    messages = each * len(KINDS) * _ROUNDS
    with (
        running(options.broker, folder / "broker") as process,
        place_for(options.store, folder / "stores") as place,
        processes(1) as call,
    ):
        open_session(process.port, "bench", _TOPICS)
        publish(process.port, ingest_messages.singles(messages, KINDS, each))
        readings, store = messages * VALUES, place.address("bench")
        task = Task(process.port, "bench", _TOPICS, readings, folder / "ours", store, each, _ROUNDS)
        done = call(ours, task).result()
    held = [round(mb) for mb in done.held_mb]
    return {
        "devices": each * len(KINDS), "rounds": _ROUNDS, "messages": messages,
        "peak_mb": round(done.peak_mb), "target_mb": _TARGET_MB,
        **{f"after_round_{i}_mb": mb for i, mb in enumerate(held, 1)},
        "lost": readings - done.count,
    }  # fmt: skip


MEASURES: dict[str, Callable[[Options, Path, float], Row]] = {
    "single": single, "pack": pack, "latency": latency, "pair": pair, "memory": memory,
}  # fmt: skip
