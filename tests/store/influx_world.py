"""Helpers of the InfluxDB tests: a store on a new database, and a delivery as ingest does it."""

from __future__ import annotations

from collections import Counter

import numpy as np

from devices.device import Catalogue, Device
from devices.registry import Kinds
from store.influx import open_influx
from store.influx_http import Patience
from store.influx_store import InfluxStore
from store.influx_write import OnRefused, log_refused
from store.telemetry import Series, TelemetryStore
from telemetry.clock import HOUR, SECOND
from telemetry.ledger import OUTCOME_CODE, Ledger
from telemetry.readings import Readings

T0 = 1_790_000_000 * SECOND // HOUR * HOUR
RECEIVED, STORED, DUPLICATE = (OUTCOME_CODE[o] for o in ("received", "stored", "duplicate"))
# No second try: what the script says is what the store sees.
AT_ONCE = Patience(total_s=0.0)


def open_store(
    url: str,
    catalogue: Catalogue,
    patience: Patience | None = None,
    on_refused: OnRefused = log_refused,
) -> InfluxStore:
    return open_influx(url, catalogue, on_refused, patience)


def city(kinds: Kinds, devices: int = 3) -> Catalogue:
    made = Catalogue(kinds)
    for i in range(devices):
        made.put(Device(id=f"aq-{i}", kind="air"))
    return made


def pm25(kinds: Kinds, *rows: tuple[int, int, float]) -> Readings:
    """(device, seconds after T0, value)."""
    device, at, value = zip(*rows, strict=True)
    code = kinds.quantity_code["pm25"]
    times = np.array(at, dtype=np.int64) * SECOND + T0
    return Readings.of(device, np.full(len(rows), code), times, value, 1, T0)


def ledger_of(readings: Readings, fresh: np.typing.NDArray[np.bool_]) -> Ledger:
    counts = Counter[tuple[int, int]]()
    for device, new in zip(readings.device.tolist(), fresh.tolist(), strict=True):
        counts[device, RECEIVED] += 1
        counts[device, STORED if new else DUPLICATE] += 1
    return Ledger.of((T0, device, outcome, n) for (device, outcome), n in counts.items())


def deliver(store: TelemetryStore, readings: Readings) -> None:
    """What ingest does with a batch that holds no repeats of its own."""
    newest = store.newest_times(readings.device, readings.quantity)
    fresh = readings.time > newest
    old = np.flatnonzero(~fresh)
    if len(old):
        fresh[old] = ~store.seen(readings.take(old))
    store.append(readings.take(fresh), ledger_of(readings, fresh))


def totals(store: TelemetryStore) -> dict[str, int]:
    """The account of everything, by outcome."""
    counts = Counter[str]()
    for row in store.account(0, 2 * T0):
        counts[row.outcome] += row.count
    return dict(counts)


def everything(store: TelemetryStore) -> list[tuple[int, int, float]]:
    """(device, seconds after T0, value) of all that is stored."""
    found = store.raw(Series(), 0, 2 * T0, 1_000_000)
    seconds = ((found.time - T0) // SECOND).tolist()
    return list(zip(found.device.tolist(), seconds, found.value.tolist(), strict=True))


def logged(store: TelemetryStore) -> list[tuple[int, int, float]]:
    """The same of the log, in its order."""
    found = Readings.concat([s.readings for s in store.since(0, 1_000_000)])
    seconds = ((found.time - T0) // SECOND).tolist()
    return list(zip(found.device.tolist(), seconds, found.value.tolist(), strict=True))
