"""What the API is asked about: an hour of a city's minutes, and thirty days of minutes of one more device."""

from __future__ import annotations

import numpy as np

from devices.device import Catalogue, Device
from devices.registry import load_kinds
from store.telemetry import Series, TelemetryStore
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from telemetry.ledger import Ledger
from telemetry.readings import Readings

DEVICES = 10_000
QUANTITIES = ("pm25", "pm10", "o3", "no2", "so2")
END = parse_time("2026-11-22T03:00:00Z")
HOUR_START, MONTH_START = END - HOUR, END - 30 * DAY
LONG = "aq-long"
NONE = Ledger.empty()


def catalogue_of(devices: int) -> Catalogue:
    """Stations, and the one with the long history."""
    found = Catalogue(load_kinds())
    for i in range(devices):
        lat, lon = 10.7 + (i % 100) / 500, 106.6 + (i // 100 % 100) / 500
        found.put(Device(id=f"aq-{i:05d}", kind="air", lat=lat, lon=lon, area="26740"))
    found.put(Device(id=LONG, kind="air", lat=10.77, lon=106.7, area="26740"))
    return found


def fill(store: TelemetryStore, catalogue: Catalogue, devices: int) -> None:
    """An hour of all stations, and the long history with its roll-ups."""
    rng = np.random.default_rng(1)
    code = [catalogue.kinds.quantity_code[q] for q in QUANTITIES]
    for minute in range(60):
        shift = np.repeat(rng.integers(0, 60, devices) * SECOND, len(code))
        time = HOUR_START + minute * MINUTE + shift
        device = np.repeat(np.arange(devices), len(code))
        values = np.round(rng.random(len(device)) * 100, 1)
        made = Readings.of(device, np.tile(code, devices), time, values, 1, END)
        store.append(made, NONE)
    _fill_month(store, catalogue, rng, code[0])


def _fill_month(
    store: TelemetryStore, catalogue: Catalogue, rng: np.random.Generator, quantity: int
) -> None:
    device = catalogue.code(LONG)
    assert device is not None
    time = np.arange(MONTH_START, END, MINUTE)
    for part in np.array_split(time, 20):
        n = len(part)
        values = np.round(30 + 10 * rng.random(n), 1)
        store.append(Readings.of([device] * n, [quantity] * n, part, values, 1, END), NONE)
    series = Series(np.array([device], np.int32), np.array([quantity], np.int16))
    for step in (MINUTE, HOUR):
        found = store.windows(series, MONTH_START, END, step)
        store.put_rollups(step, store.recompute(step, found.device, found.quantity, found.start))
