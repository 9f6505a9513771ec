"""A scenario through the real stack in event time: decode, validate, store, analyse, raise; then what was signalled.

Every message is received when it leaves its device, by a clock that is moved from step to step, so that
nothing depends on the speed of the machine: DuckDB and SQLite on disk, the engine in its own thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from analytics.alerts.book import AlertBook
from analytics.engine import Engine
from analytics.own import Hearing
from analytics.worker import Worker
from benchmarks.detection_signals import Signal, limit_reached, signals_of
from devices.city import City
from devices.device import Catalogue, Device
from devices.intake import Message
from devices.registry import Kinds
from ingest.decode import Decoder
from ingest.fairness import Fairness, Rates
from ingest.pipeline import Pipeline
from ingest.validate import Limits
from simulators.messages import Messages
from simulators.truth import Truth
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from telemetry.clock import HOUR, MINUTE, SECOND, ManualClock
from telemetry.live import Hub

STEP = 15 * MINUTE
AFTER = HOUR  # what is signalled a little later counts too
AHEAD = 600 * SECOND
PATIENCE_S = 120.0


class Stack:
    """Ingest without a broker, both stores, and analytics, on a clock of their own."""

    def __init__(
        self, folder: Path, city: City, kinds: Kinds, devices: list[Device], start: int
    ) -> None:
        self.clock = ManualClock(start)
        # Ingest is a step ahead: what it takes in is not in the future for it, nor silence for analytics.
        self._arrival = ManualClock(start)
        self.catalogue = Catalogue(kinds)
        for device in devices:
            self.catalogue.put(device)
        self.operations = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
        self.operations.put_devices(devices)
        self.telemetry = DuckDBStore(folder / "telemetry.duckdb", self.catalogue)
        rates = Rates(10.0, 3_600.0, 60.0, 5_000)
        self._pipeline = Pipeline(
            self.catalogue,
            self.telemetry,
            self.operations,
            Decoder(self.catalogue),
            Limits(AHEAD),
            self._arrival,
            fairness=Fairness(self.catalogue, rates),
        )
        hub = Hub()
        self.book = AlertBook(self.operations, self.catalogue, hub, self.clock)
        self.worker = Worker(
            Engine(self.catalogue, city.zone),
            self.telemetry,
            self.operations,
            self.book,
            hub,
            self.clock,
            folder / "analytics.npz",
            save_every=1e9,
            hearing=Hearing(start),
        )

    def __enter__(self) -> Stack:
        self.worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.stop()
        self.telemetry.close()
        self.operations.close()

    def run(self, messages: Messages, start: int, end: int) -> Iterator[int]:
        """Let all of [start, end) pass; yields the time up to which it has. [ns]"""
        for step in range(start, end, STEP):
            until = min(step + STEP, end)
            self._arrival.advance(until - self._arrival.now())
            for chunk in messages.between(step, until):
                taken = [Message(m.topic, m.payload, m.time) for m in chunk]
                for prepared in self._pipeline.prepare(taken):
                    self._pipeline.write(prepared)
            self.clock.advance(until - self.clock.now())
            self._settle()
            yield until

    def _settle(self) -> None:
        """Until analytics has told everything up to now, and alerts have done what was due."""
        now, patience = self.clock.now(), time.monotonic() + PATIENCE_S
        while not (self.worker.passed() == now and self.worker.caught_up()):
            self.worker.wake()
            threading.Event().wait(0.001)
            if time.monotonic() > patience:
                raise TimeoutError(f"analytics stands still: {self.worker.trouble()}")
        self.book.tend()


def signals(
    city: City,
    kinds: Kinds,
    devices: list[Device],
    parts: list[tuple[Messages, int, int]],
    truths: list[Truth] | None = None,
) -> Iterator[int | list[Signal]]:
    """Let these follow each other: yields the time while they run, at last all that was signalled.

    Of `truths` those are taken out by which no limit was passed: nobody had to notice.
    """
    first, last = parts[0][1], parts[-1][2]
    with (
        TemporaryDirectory(prefix="urban-detection-") as folder,
        Stack(Path(folder), city, kinds, devices, first) as stack,
    ):
        for messages, start, end in parts:
            yield from stack.run(messages, start, end)
        if truths is not None:
            reached = limit_reached(stack.telemetry, stack.catalogue)
            truths[:] = [t for t in truths if reached(t)]
        yield signals_of(stack.operations, stack.telemetry, stack.catalogue, first, last)
