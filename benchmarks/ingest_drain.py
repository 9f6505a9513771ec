"""Drain a broker's queue: bare (take and throw away) or ours (store, then acknowledge), each in a process
of its own, so that CPU time and peak memory are its own."""

from __future__ import annotations

import multiprocessing
import resource
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.ingest_broker import PATIENCE_S, session_client
from benchmarks.ingest_messages import DEVICES, devices, live_time
from benchmarks.ingest_stores import open_store
from devices.device import Catalogue
from devices.intake import Message
from devices.registry import load_kinds
from ingest.decode import Decoder
from ingest.fairness import Fairness, Rates
from ingest.pipeline import Pipeline, Prepared, Written
from ingest.receiver import Receiver
from ingest.sink import Sink
from ingest.spool import Spool
from store.sql_store import SqlOperations
from telemetry.address import BrokerAddress
from telemetry.arrays import Values
from telemetry.clock import SECOND, SystemClock
from telemetry.readings import Readings

_SPAWN = multiprocessing.get_context("spawn")
_together: Any = None  # a barrier, in a child: all begin at once


@dataclass(frozen=True, slots=True)
class Drained:
    """What one process did. Times are of the monotonic clock, which all processes share. [s]"""

    start: float
    end: float
    count: int  # messages (bare) or readings stored (ours)
    cpu_s: float = 0.0
    decode_s: float = 0.0  # of it: decode, validate, deduplicate, account
    store_s: float = 0.0  # of it: the write, in the ingest thread
    peak_mb: float = 0.0
    latency_s: list[float] = field(default_factory=list)  # p50, p99 from publish to stored
    held_mb: list[float] = field(default_factory=list)  # memory held at the end of each round


@contextmanager
def processes(number: int) -> Iterator[Callable[..., Future[Drained]]]:
    """A way to call a function in one of `number` fresh processes that begin together."""
    barrier = _SPAWN.Barrier(number)
    with ProcessPoolExecutor(number, _SPAWN, _take_barrier, (barrier,)) as pool:
        yield pool.submit


def bare(port: int, client_id: str, topics: Sequence[str], messages: int) -> Drained:
    """Take each message and throw it away; paho acknowledges."""
    return _received(port, client_id, topics, messages, lambda message: None)


def bare_live(port: int, client_id: str, topics: Sequence[str], messages: int) -> Drained:
    """Take each message of `live` and note only how long after its own time it came."""
    late: list[float] = []

    def on_message(message: Any) -> None:
        late.append(time.time() - live_time(message.payload))

    done = _received(port, client_id, topics, messages, on_message)
    return replace(done, latency_s=_quantiles(np.array(late)))


def _received(
    port: int,
    client_id: str,
    topics: Sequence[str],
    messages: int,
    take: Callable[[Any], None],
) -> Drained:
    """A client that takes so many messages. Raises TimeoutError where they do not come."""
    seen, done = [0], threading.Event()

    def on_message(_c: Any, _u: Any, message: Any) -> None:
        take(message)
        seen[0] += 1
        if seen[0] == messages:
            done.set()

    client = session_client(client_id, topics)
    client.on_message = on_message
    _together.wait()
    start = time.monotonic()
    client.connect("127.0.0.1", port)
    client.loop_start()
    if not done.wait(PATIENCE_S):
        raise TimeoutError(f"the bare receiver got {seen[0]} of {messages} messages")
    end = time.monotonic()
    client.disconnect()
    client.loop_stop()
    return Drained(start, end, seen[0])


@dataclass(frozen=True, slots=True)
class Task:
    """What an ingestor is to do: take so many readings of `topics` into the store at `store`.

    each    devices of each kind that are known
    rounds  how often the memory is looked at, evenly over the readings
    """

    port: int
    client_id: str
    topics: Sequence[str]
    readings: int
    folder: Path
    store: str
    each: int = DEVICES
    rounds: int = 1


def ours(task: Task) -> Drained:
    """Our ingestor, as the platform builds it, until so many readings are stored or patience ends."""
    task.folder.mkdir(parents=True)
    catalogue = Catalogue(load_kinds())
    for device in devices(task.each):
        catalogue.put(device)
    telemetry = open_store(task.store, catalogue)
    operations = SqlOperations(f"sqlite:///{task.folder / 'o.db'}")
    clock = SystemClock()
    fairness = Fairness(catalogue, Rates())
    pipeline = _TimedPipeline(
        catalogue, telemetry, operations, Decoder(catalogue), clock=clock, fairness=fairness
    )
    arrivals = _Arrivals(task.readings, task.rounds)
    sink = Sink(pipeline, Spool(task.folder / "spool", 2**30), arrivals)
    address = BrokerAddress("127.0.0.1", task.port)
    receiver = Receiver(address, task.client_id, sink, clock, topics=task.topics)
    _together.wait()
    cpu, start = time.process_time(), time.monotonic()
    receiver.start()
    arrivals.done.wait(PATIENCE_S)
    end, cpu = time.monotonic(), time.process_time() - cpu
    receiver.stop()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # The kernel notes the peak a little late: what was held at some moment was certainly held.
    peak = max([peak, *arrivals.held_mb])
    stored = sum(row.count for row in telemetry.account(0, 2**62) if row.outcome == "stored")
    telemetry.close()
    operations.close()
    spent = pipeline.decode_s, pipeline.store_s
    return Drained(start, end, stored, cpu, *spent, peak, arrivals.quantiles(), arrivals.held_mb)


class _TimedPipeline(Pipeline):
    """Tells where the ingest thread's CPU time went."""

    decode_s = 0.0
    store_s = 0.0

    def write(self, prepared: Prepared) -> Written:
        begun = time.thread_time()
        try:
            return super().write(prepared)
        finally:
            self.store_s += time.thread_time() - begun

    def _prepare(self, messages: Sequence[Message], asked: bool = False) -> Prepared:
        begun = time.thread_time()
        try:
            return super()._prepare(messages, asked)
        finally:
            self.decode_s += time.thread_time() - begun


class _Arrivals:
    """Counts what is stored, how long after its own time it was, and what memory is held meanwhile."""

    def __init__(self, readings: int, rounds: int) -> None:
        self.done = threading.Event()
        self.held_mb: list[float] = []
        self._wanted, self._stored = readings, 0
        self._rounds = rounds
        self._late: list[Values] = []

    def __call__(self, readings: Readings) -> None:
        if self._rounds == 1:  # kept only where it is asked for: it would be memory, too
            self._late.append((time.time_ns() - readings.time) / SECOND)
        self._stored += len(readings)
        rounds = min(self._rounds, self._stored * self._rounds // self._wanted)
        self.held_mb += [_held_mb()] * (rounds - len(self.held_mb))
        if self._stored >= self._wanted:
            self.done.set()

    def quantiles(self) -> list[float]:
        """p50 and p99. [s]"""
        return _quantiles(np.concatenate(self._late)) if self._late else []


def _held_mb() -> float:
    """Memory that this process holds now; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 2**20


def _quantiles(seconds: Values) -> list[float]:
    return [float(q) for q in np.quantile(seconds, [0.5, 0.99])]


def _take_barrier(barrier: Any) -> None:
    global _together
    _together = barrier
