"""Readings a second through the whole engine, by the number of series, beside a bare numpy pass.

The reference, measured in the same run on the same batches, sorts by (series, time), tests the range
and sums by minute: what any implementation must do at least. Seconds are of this process's CPU time, so
that others on the machine don't count: readings a second on one core. `python -m benchmarks.analytics`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from time import process_time
from zoneinfo import ZoneInfo

import numpy as np

from analytics.engine import Engine
from devices.device import Catalogue, Device
from devices.registry import Kinds, load_kinds
from telemetry.arrays import Values
from telemetry.clock import MINUTE, SECOND, parse_time
from telemetry.readings import Readings

BATCH = 20_000
SIZES = (1_000, 100_000, 1_000_000)
START = parse_time("2026-11-22T00:00:00Z")
LIMITS = {"bd1": 1.4, "bd2": 1.5, "bd3": 1.6, "rated_power": 100.0}
# A city has more lamps than anything else.
MIX = ("lamp", "air", "lamp", "traffic", "lamp", "level", "feeder", "noise", "water", "lamp")


def city(kinds: Kinds, series: int) -> Catalogue:
    """Devices of a mix of kinds, until they have `series` series."""
    catalogue = Catalogue(kinds)
    made = number = 0
    while made < series:
        kind = MIX[number % len(MIX)]
        catalogue.put(Device(id=f"d-{number}", kind=kind, limits=LIMITS))
        made += len(kinds[kind].quantities)
        number += 1
    return catalogue


class Stream:
    """Each series reports once a minute at a moment of its own; batches come in order of time."""

    def __init__(self, engine: Engine, seed: int = 1) -> None:
        layout, kinds = engine.layout, engine.layout.kinds
        device = layout.series["device"][: layout.n_series]
        quantity = layout.series["quantity"][: layout.n_series]
        kind = layout.devices["kind"][device]
        accepted = np.flatnonzero(kinds.accepted[kind, quantity])
        self._rng = np.random.default_rng(seed)
        self._rng.shuffle(accepted)
        self._device, self._quantity = device[accepted], quantity[accepted]
        kind = kind[accepted]
        self._step = 3 * kinds.resolution[kind, self._quantity]
        self._value: Values = self._first(kinds, kind)
        self._next = 0

    def _first(self, kinds: Kinds, kind: np.ndarray) -> Values:
        low = np.maximum(kinds.plausible_low[kind, self._quantity], 0)
        high = kinds.plausible_high[kind, self._quantity]
        return np.asarray(low + np.minimum(high - low, 60.0) * 0.5)

    def batch(self) -> Readings:
        """The next readings: values walk about by a few steps of their sensor."""
        n = len(self._device)
        number = np.arange(self._next, self._next + BATCH)
        self._next += BATCH
        series = number % n
        time = START + number // n * MINUTE + series * (MINUTE // n)
        value = self._value[series] + self._step[series] * self._rng.normal(0, 1, BATCH)
        return Readings.of(self._device[series], self._quantity[series], time, value, 1, time)


def reference(batches: list[Readings], engine: Engine) -> float:
    """Seconds that a bare pass takes: sort, range test, sums by minute."""
    layout, kinds = engine.layout, engine.layout.kinds
    kind = layout.devices["kind"][layout.series["device"][: layout.n_series]]
    quantity = layout.series["quantity"][: layout.n_series]
    low, high = kinds.plausible_low[kind, quantity], kinds.plausible_high[kind, quantity]
    sums, fails = np.zeros(layout.n_series), 0
    rows = [(layout.index(b.device, b.quantity), b.time, b.value) for b in batches]
    started = process_time()
    for series, time, value in rows:
        order = np.lexsort((time, series))
        series, time, value = series[order], time[order], value[order]
        fails += int(((value < low[series]) | (value > high[series])).sum())
        minute = time // MINUTE
        first = np.flatnonzero(
            np.append(True, (series[1:] != series[:-1]) | (minute[1:] != minute[:-1]))
        )
        sums[series[first]] += np.add.reduceat(value, first)
    return process_time() - started


def run(series: int, readings: int) -> Iterator[dict[str, object]]:
    """One line: readings/s of engine and reference over the same batches, and the state's size."""
    engine = Engine(city(load_kinds(), series), ZoneInfo("Asia/Ho_Chi_Minh"))
    stream = Stream(engine)
    # Warm up until minutes close as fast as they begin: a city that has been running.
    minutes = engine.lateness // MINUTE + 3
    for _ in range(minutes * len(stream._device) // BATCH + 1):
        step(engine, stream.batch())
    # Whole minutes, so that each reading's window closes once.
    measured = max(readings, 2 * len(stream._device))
    batches = [stream.batch() for _ in range(measured // BATCH)]
    taken = BATCH * len(batches)
    started = process_time()
    for batch in batches:
        step(engine, batch)
    seconds = process_time() - started
    bare = reference(batches, engine)
    yield {
        "benchmark": "analytics",
        "series": engine.layout.n_series,
        "readings": taken,
        "readings_per_s": round(taken / seconds),
        "reference_per_s": round(taken / bare),
        "ratio": round(bare / seconds, 3),
        "state_bytes_per_series": round(engine.state_bytes() / engine.layout.n_series),
    }


def step(engine: Engine, batch: Readings) -> None:
    """One batch, received when its last reading was measured."""
    engine.process(batch, int(batch.time[-1]) + SECOND)


def main() -> None:
    """Print a JSON line per size."""
    for series in SIZES:
        for line in run(series, 1_000_000):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
