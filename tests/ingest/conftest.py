"""Fixtures: a pipeline on real stores in a folder of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from devices.device import Catalogue, Device
from devices.intake import Message
from devices.registry import Kinds, load_kinds
from ingest.decode import Decoder
from ingest.pipeline import Pipeline
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from store.telemetry import Series
from telemetry.clock import SECOND

NOW = 1_795_316_400 * SECOND  # 2026-11-22T03:00:00Z


@dataclass
class Bench:
    """A pipeline with its stores, and short ways to feed it and to look."""

    folder: Path
    kinds: Kinds
    catalogue: Catalogue
    telemetry: DuckDBStore
    operations: SqlOperations
    pipeline: Pipeline

    def send(self, *messages: tuple[str, bytes], received: int = NOW) -> None:
        batch = [Message(topic, payload, received) for topic, payload in messages]
        for prepared in self.pipeline.prepare(batch):
            self.pipeline.write(prepared)

    def air(self, *payloads: bytes, received: int = NOW) -> None:
        self.send(*(("city/air/aq-1/telemetry", p) for p in payloads), received=received)

    def stored(self) -> dict[tuple[str, str, int], float]:
        rows = self.telemetry.raw(Series(), 0, 2**62, 10**6)
        return {
            (self.catalogue.devices[d].id, self.kinds.quantities[q], t): v
            for d, q, t, v in zip(
                rows.device.tolist(),
                rows.quantity.tolist(),
                rows.time.tolist(),
                rows.value.tolist(),
                strict=True,
            )
        }

    def account(self) -> dict[str, int]:
        total: dict[str, int] = {}
        for row in self.telemetry.account(0, 2**62):
            total[row.outcome] = total.get(row.outcome, 0) + row.count
        return total

    def reasons(self) -> dict[str, str]:
        return {q.reason: q.detail for q in self.operations.quarantine(limit=1000)}


def build(folder: Path, devices: Sequence[Device] = (), unregistered: str = "accept") -> Bench:
    kinds = load_kinds()
    catalogue = Catalogue(kinds)
    operations = SqlOperations(f"sqlite:///{folder / 'o.db'}")
    operations.put_devices(devices)
    for device in operations.devices():
        catalogue.put(device)
    telemetry = DuckDBStore(folder / "t.duckdb", catalogue)
    decoder = Decoder(catalogue, unregistered, max_devices=1000)
    pipeline = Pipeline(catalogue, telemetry, operations, decoder)
    return Bench(folder, kinds, catalogue, telemetry, operations, pipeline)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = build(tmp_path)
    yield made
    made.telemetry.close()
    made.operations.close()


def holds(account: dict[str, int]) -> bool:
    """Promise 3: received = stored + duplicate + quarantined."""
    quarantined = sum(n for outcome, n in account.items() if outcome.startswith("quarantined:"))
    ended = account.get("stored", 0) + account.get("duplicate", 0) + quarantined
    return account.get("received", 0) == ended
