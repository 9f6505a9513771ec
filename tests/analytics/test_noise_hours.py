"""Noise through the engine: energy by the hour, limits by area, spikes taken out; any order and cut."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from devices.device import Catalogue, Device
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from tests.analytics.city import ZONE, Row, Told, batch, catalogue, engine

MIDNIGHT = parse_time("2026-11-21T00:00:00+07:00")
DEVICES = (
    Device(id="on-1", kind="noise"),
    Device(id="on-2", kind="noise", limits={"noise_area": 1}),
    Device(id="gio-1", kind="weather"),
)


def flush(known: Catalogue, e: Engine, told: Told, at: int) -> None:
    told.take(e.process(batch(known, [("gio-1", "pressure", at, 1010.0)]), at))


def run(rows: list[Row], until: int, cuts: list[int] | None = None) -> Told:
    known = catalogue(DEVICES)
    e, told = engine(known), Told(known)
    bounds = sorted({0, len(rows), *(min(c, len(rows)) for c in cuts or [])})
    for a, b in itertools.pairwise(bounds):
        told.take(e.process(batch(known, rows[a:b]), until))
    flush(known, e, told, until)
    return told


def hour(device: str, number: int, levels: list[float]) -> list[Row]:
    start = MIDNIGHT + number * HOUR
    return [(device, "laeq", start + i * 10 * MINUTE, x) for i, x in enumerate(levels)]


def test_the_hour_is_the_mean_of_energy_and_its_limit_goes_by_area_and_time() -> None:
    rows = [
        r
        for device in ("on-1", "on-2")
        for n in (5, 6)
        for r in hour(device, n, [65.0, 70.0, 75.0])
    ]
    told = run(sorted(rows, key=lambda r: r[2]), MIDNIGHT + 8 * HOUR)
    assert set(told.of("laeq_1h").values()) == {71.7}
    over = {(d, (t - MIDNIGHT) // HOUR): v for (d, t), v in told.of("noise_over_limit").items()}
    assert over == {("on-1", 5): 16.7, ("on-1", 6): 1.7, ("on-2", 5): 26.7, ("on-2", 6): 16.7}
    assert sorted(told.changes("noise_over_limit")) == [
        ("clear", "on-1"),
        ("raise", "on-1"),
        ("raise", "on-2"),
    ]


@pytest.mark.parametrize(("level", "over"), [(69.9, -0.1), (70.0, 0.0), (70.1, 0.1)])
def test_below_at_and_above_the_limit(level: float, over: float) -> None:
    told = run(hour("on-1", 10, [level] * 3), MIDNIGHT + 14 * HOUR)
    assert told.of("noise_over_limit") == {("on-1", MIDNIGHT + 10 * HOUR): over}
    assert told.changes("noise_over_limit") == []


@pytest.mark.parametrize(("level", "raised"), [(84.9, False), (85.0, False), (85.1, True)])
def test_far_above_the_limit_is_an_alert(level: float, raised: bool) -> None:
    told = run(hour("on-1", 10, [level] * 3), MIDNIGHT + 14 * HOUR)
    assert bool(told.changes("noise_over_limit")) == raised


def test_two_readings_are_too_few_for_an_hour() -> None:
    rows = [*hour("on-1", 10, [60.0, 62.0]), *hour("on-1", 11, [60.0, 62.0, 60.0])]
    assert [t for _, t in run(rows, MIDNIGHT + DAY).of("laeq_1h")] == [MIDNIGHT + 11 * HOUR]


def test_lden_of_a_day() -> None:
    level = {h: 62.0 if h < 7 or h == 23 else 70.0 if h < 19 else 68.0 for h in range(24)}
    rows = [r for h, x in level.items() for r in hour("on-1", h, [x - 0.1, x, x + 0.1])]
    told = run(rows, MIDNIGHT + DAY + HOUR)
    for quantity, expected in (("lday", 70.0), ("levening", 68.0), ("lnight", 62.0), ("lden", 71.3)):  # fmt: skip
        assert told.of(quantity) == {("on-1", MIDNIGHT): expected}, quantity
    assert set(told.of("laeq_day")) == set(told.of("laeq_night")) == {("on-1", MIDNIGHT)}


def test_a_late_reading_corrects_its_hour() -> None:
    known = catalogue(DEVICES)
    e, told = engine(known), Told(known)
    told.take(e.process(batch(known, hour("on-1", 10, [60.0] * 4)), MIDNIGHT + 11 * HOUR))
    flush(known, e, told, MIDNIGHT + 12 * HOUR)
    assert told.of("laeq_1h") == {("on-1", MIDNIGHT + 10 * HOUR): 60.0}
    late: list[Row] = [("on-1", "laeq", MIDNIGHT + 10 * HOUR + 5 * MINUTE, 70.0)]
    told.take(e.process(batch(known, late, MIDNIGHT + 12 * HOUR), MIDNIGHT + 12 * HOUR))
    want = 10 * math.log10((4 * 1e6 + 1e7) / 5)
    assert told.of("laeq_1h") == {("on-1", MIDNIGHT + 10 * HOUR): round(want, 1)}


def test_a_spike_is_taken_out_again() -> None:
    known = catalogue(DEVICES)
    e, told = engine(known), Told(known)
    first = hour("on-1", 10, [60.0, 60.1, 60.0, 60.1, 105.0])
    told.take(e.process(batch(known, first), MIDNIGHT + 11 * HOUR))
    flush(known, e, told, MIDNIGHT + 12 * HOUR)
    assert told.of("laeq_1h")["on-1", MIDNIGHT + 10 * HOUR] > 95
    after: list[Row] = [("on-1", "laeq", MIDNIGHT + 12 * HOUR, 60.0)]
    told.take(e.process(batch(known, after), MIDNIGHT + 12 * HOUR))
    assert told.of("laeq_1h")["on-1", MIDNIGHT + 10 * HOUR] in (60.0, 60.1)


def test_a_late_neighbour_that_clears_a_spike_puts_it_in_again() -> None:
    known = catalogue(DEVICES)
    e, told = engine(known), Told(known)
    start = MIDNIGHT + 10 * HOUR
    rows: list[Row] = [("on-1", "laeq", start + i * MINUTE, x) for i, x in enumerate((60.0, 61.0, 60.0))]  # fmt: skip
    rows += [("on-1", "laeq", start + 4 * MINUTE, 90.0), ("on-1", "laeq", start + 6 * MINUTE, 61.0)]
    told.take(e.process(batch(known, rows), start + 6 * MINUTE))
    assert told.flags["on-1", "laeq", start + 4 * MINUTE] == 3
    late: list[Row] = [
        ("on-1", "laeq", start + 3 * MINUTE, 80.0),
        ("on-1", "laeq", start + 5 * MINUTE, 80.0),
    ]
    told.take(e.process(batch(known, late, start + 7 * MINUTE), start + 7 * MINUTE))
    flush(known, e, told, start + 2 * HOUR)
    levels = {t: v for _, _, t, v in [*rows, *late]}
    good = [v for t, v in levels.items() if told.flags.get(("on-1", "laeq", t), 1) == 1]
    assert 90.0 in good
    want = 10 * math.log10(math.fsum(10 ** (v / 10) for v in good) / len(good))
    assert told.of("laeq_1h") == {("on-1", start): pytest.approx(want, abs=0.051)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 80), max_size=8))
@example(seed=451, cuts=[54])  # one reading corrected twice in one batch
def test_with_spikes_and_late_readings_the_hour_is_that_of_its_good_readings(
    seed: int, cuts: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    minutes = np.unique(rng.integers(0, 110, 80))
    rows: list[Row] = [
        ("on-1", "laeq", MIDNIGHT + int(m) * MINUTE, round(float(60 + 0.4 * (k * 7 % 13) + 40 * (rng.random() < 0.1)), 1))
        for k, m in enumerate(minutes)
    ]  # fmt: skip
    arrival = sorted(rows, key=lambda r: r[2] + int(rng.integers(0, 500)) * SECOND)
    known = catalogue(DEVICES)
    e, told = engine(known), Told(known)
    bounds = sorted({0, len(rows), *(min(c, len(rows)) for c in cuts)})
    for a, b in itertools.pairwise(bounds):
        chunk = batch(known, arrival[a:b])
        told.take(e.process(chunk, max(r[2] for r in arrival[:b])))
    flush(known, e, told, MIDNIGHT + 5 * HOUR)
    sums: dict[int, list[float]] = {}
    for _, _, t, v in rows:
        if told.flags.get(("on-1", "laeq", t), 1) == 1:
            sums.setdefault((t - MIDNIGHT) // HOUR, []).append(10 ** (v / 10))
    want = {("on-1", MIDNIGHT + h * HOUR): 10 * math.log10(math.fsum(v) / len(v)) for h, v in sums.items() if len(v) >= 3}  # fmt: skip
    assert told.of("laeq_1h") == {k: pytest.approx(v, abs=0.051) for k, v in want.items()}


def test_five_hundred_hours_in_one_batch() -> None:
    rows = [r for n in range(500) for r in hour("on-1", n, [55.0 + n % 7] * 3)]
    told = run(rows, MIDNIGHT + 501 * HOUR)
    assert told.of("laeq_1h") == {("on-1", MIDNIGHT + n * HOUR): 55.0 + n % 7 for n in range(500)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 300), max_size=8), st.booleans())
def test_any_order_and_cut_and_a_restart_give_the_same_last_word(
    seed: int, cuts: list[int], restart: bool
) -> None:
    rng = np.random.default_rng(seed)
    times = np.unique(rng.integers(0, 30 * 60, int(rng.integers(60, 500))))
    rows: list[Row] = [
        ("on-1", "laeq", MIDNIGHT + int(t) * MINUTE, round(60.0 + 0.4 * (k * 7 % 13), 1))
        for k, t in enumerate(times)  # neighbours in time never stand still: nothing is flagged
    ]
    arrival = sorted(rows, key=lambda r: r[2] + int(rng.integers(0, 599)) * SECOND)
    until = MIDNIGHT + 50 * HOUR
    known = catalogue(DEVICES)
    e, told = engine(known), Told(known)
    bounds = sorted({0, len(rows), *(min(c, len(rows)) for c in cuts)})
    for a, b in itertools.pairwise(bounds):
        told.take(e.process(batch(known, arrival[a:b]), arrival[b - 1][2]))
        if restart:
            e = Engine.restore(e.snapshot(), known, ZONE)
    flush(known, e, told, until)
    sums: dict[int, list[float]] = {}
    for _, _, t, v in rows:
        sums.setdefault((t - MIDNIGHT) // HOUR, []).append(10 ** (v / 10))
    want = {
        ("on-1", MIDNIGHT + h * HOUR): round(10 * math.log10(math.fsum(v) / len(v)), 1)
        for h, v in sums.items()
        if len(v) >= 3
    }
    assert told.of("laeq_1h") == want
