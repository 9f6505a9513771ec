"""What devices should not send, and do: defined, never a crash, never lost."""

from __future__ import annotations

import math
from time import process_time

import numpy as np
import pytest

from devices.device import Catalogue, Device
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings
from tests.analytics.city import KINDS, T0, Row, Told, batch, catalogue, engine
from tests.analytics.slow import Judged, series

KINDS_BY_NAME = [k.name for k in KINDS]


def test_a_clock_that_runs_backwards_within_the_lateness_gives_what_one_that_runs_on_gives() -> (
    None
):
    values = [10, 10, 300, 10, 11, 11, 12, 10]
    rows: list[Row] = [("aq-1", "pm25", T0 + i * MINUTE, v) for i, v in enumerate(values)]
    told = []
    for order in (rows, rows[::-1]):
        known = catalogue()
        e, found = engine(known), Told(known)
        for row in order:
            found.take(e.process(batch(known, [row]), T0 + HOUR))
        found.take(e.process(batch(known, [("aq-2", "co", T0 + HOUR, 500.0)]), T0 + HOUR))
        windows = {k: repr(v) for k, v in found.rollups.items()}
        told.append(({k: v for k, v in found.flags.items() if v > 1}, windows))
    assert told[0] == told[1]
    assert told[0][0]


def test_a_clock_that_runs_backwards_for_days_is_judged_by_its_range() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    for i in range(50):
        value = 900.0 if i == 20 else 10.0
        row = ("aq-1", "pm25", T0 - i * HOUR, value)
        told.take(e.process(batch(known, [row]), T0 + HOUR))
    assert {k: v for k, v in told.flags.items() if v != 1} == {}
    # Suspect already when it came: ingest had judged the range. It is in no window.
    assert told.rollups.get((HOUR, "aq-1", "pm25", T0 - 20 * HOUR), (0,))[0] == 0
    named = told.stale[MINUTE]
    assert {("aq-1", "pm25", T0 - i * HOUR) for i in range(1, 50)} <= named


@pytest.mark.parametrize(
    ("value", "flag"),
    [(0.0, 1), (500.0, 1), (math.nextafter(500, 501), 3), (2000.0, 3), (math.nextafter(2000, 2001), 4), (math.inf, 4), (-math.inf, 4)],
)  # fmt: skip
def test_values_at_the_bounds_of_the_range(value: float, flag: int) -> None:
    known = catalogue()
    judged = Judged(known).hear(series(known, "aq-1", "pm25", [value], 60)).end()
    assert judged.flags.get(("aq-1", "pm25", T0), 1) == flag


def test_nan_is_missing_and_judges_nobody() -> None:
    known = catalogue()
    values = [10.0, math.nan, 11.0, math.nan, math.nan, 10.0]
    rows: list[Row] = [("aq-1", "pm25", T0 + i * MINUTE, v) for i, v in enumerate(values)]
    e, told = engine(known), Told(known)
    told.take(e.process(batch(known, rows), T0 + HOUR))
    told.take(e.process(batch(known, [("aq-2", "co", T0 + 2 * HOUR, 500.0)]), T0 + 2 * HOUR))
    assert not told.flags
    assert told.rollups[HOUR, "aq-1", "pm25", T0][:4] == (3, 31.0, 10.0, 11.0)


def test_a_batch_of_nothing_but_nan() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rows: list[Row] = [("aq-1", "pm25", T0 + i * HOUR, math.nan) for i in range(5)]
    told.take(e.process(batch(known, rows), T0 + 9 * HOUR))
    assert not told.flags
    assert not told.rollups


def test_one_reading_a_year() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    year = 365 * DAY
    for i in range(6):
        told.take(
            e.process(
                batch(known, [("phu-an", "level", T0 + i * year, 1.0 + i / 100)]), T0 + i * year
            )
        )
        told.take(e.advance(T0 + i * year + DAY))
    hours = {k[3]: v[0] for k, v in told.rollups.items() if k[0] == HOUR}
    assert hours == {(T0 + i * year) // HOUR * HOUR: 1 for i in range(6)}
    # Two equal values a year apart are no flat line, and a change in a year is no jump.
    assert not told.flags


def test_a_leap_of_a_year_costs_no_loop_over_its_hours() -> None:
    known = catalogue()
    e = engine(known)
    e.process(batch(known, [("aq-1", "pm25", T0, 10.0)]), T0)
    started = process_time()
    e.process(batch(known, [("aq-1", "pm25", T0 + 10 * 365 * DAY, 10.0)]), T0 + 10 * 365 * DAY)
    assert process_time() - started < 2.0


@pytest.mark.parametrize("kind", KINDS_BY_NAME)
def test_state_of_every_kind_is_under_one_kilobyte_a_series(kind: str) -> None:
    known = Catalogue(KINDS)
    for i in range(40):
        known.put(Device(id=f"x-{i}", kind=kind))
    e = engine(known)
    declared = [q for q in KINDS[kind].quantities if not q.derived]
    step = KINDS[kind].interval_s * SECOND
    for i in range(13 * MINUTE // step + 1):
        at = T0 + i * step
        rows: list[Row] = [
            (f"x-{d}", q.name, at, min(max(q.plausible.low, 1.0), q.plausible.high))
            for d in range(40)
            for q in declared
        ]
        e.process(batch(known, rows), at)
    assert e.state_bytes() / e.layout.n_series < 1024


def test_a_million_series_of_one_kind() -> None:
    known = Catalogue(KINDS)
    lamps = 1_000_000 // len(KINDS["lamp"].quantities) + 1
    for i in range(lamps):
        known.put(
            Device(id=f"d-{i}", kind="lamp", parent=f"f-{i % 999}", limits={"rated_power": 100.0})
        )
    e = engine(known)
    assert e.layout.n_series >= 1_000_000
    assert e.state_bytes() / e.layout.n_series < 1024
    power = KINDS.quantity_code["power"]
    device = np.arange(0, lamps, 7)
    found = []
    started = process_time()
    for i in range(3):
        time = np.full(len(device), T0 + i * 300 * SECOND)
        readings = Readings.of(
            device,
            np.full(len(device), power),
            time,
            np.full(len(device), 98.0 + i),
            Flag.GOOD,
            time,
        )
        found.append(e.process(readings, int(time[0])))
    e.process(batch(known, [("d-1", "power", T0 + HOUR, 98.0)]), T0 + HOUR)
    # Ten times what it takes here: to have something of each series done a million times would take far longer.
    assert process_time() - started < 10.0
    assert not any(len(f.flags) for f in found)
