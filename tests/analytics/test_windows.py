"""Windows: closed by the watermark, corrected late, the same in any arrival order and any cut."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.clock import HOUR, MINUTE, SECOND
from tests.analytics.city import DEVICES, T0, Row, Told, batch, catalogue, engine

SERIES = [
    ("aq-1", "pm25"),
    ("aq-1", "co"),
    ("aq-2", "pm10"),
    ("phu-an", "level"),
    ("den-1", "power"),
]
STEPS = (MINUTE, HOUR)


def recomputed(rows: list[Row], told: Told) -> dict[tuple[int, str, str, int], tuple[float, ...]]:
    """Every window from scratch, from the values that count by their final flags."""
    windows: dict[tuple[int, str, str, int], list[tuple[int, float]]] = defaultdict(list)
    for device, quantity, time, value in rows:
        flag = told.flags.get((device, quantity, time), 1)
        for step in STEPS:
            window = windows[step, device, quantity, time // step * step]
            if flag == 1 and not math.isnan(value):
                window.append((time, value))
    found: dict[tuple[int, str, str, int], tuple[float, ...]] = {}
    for key, values in windows.items():
        v = [value for _, value in sorted(values)]
        none = (0.0, 0.0, math.nan, math.nan, math.nan)
        found[key] = (float(len(v)), sum(v), min(v), max(v), v[-1]) if v else none
    return found


def same(told: Told, rows: list[Row]) -> None:
    expected = recomputed(rows, told)
    anew = {(step, *key) for step, keys in told.stale.items() for key in keys}
    assert told.rollups.keys() | anew == expected.keys()
    expected = {k: v for k, v in expected.items() if k in told.rollups}
    for key, values in expected.items():
        np.testing.assert_allclose(
            told.rollups[key], values, rtol=1e-9, atol=1e-9, err_msg=str(key)
        )


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Row], list[list[Row]]]:
    """Readings over three hours, in an arrival order with delays within the lateness, cut anywhere."""
    n = draw(st.integers(1, 120))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    delay_s = draw(st.sampled_from([0, 30, 300, 599]))
    keys = {
        (int(s), int(t))
        for s, t in zip(rng.integers(0, 5, n), rng.integers(0, 3 * 3600, n), strict=True)
    }
    rows: list[Row] = []
    for s, t in sorted(keys):
        device, quantity = SERIES[s]
        # Near enough to each other that only the range test has anything to say.
        value = [10.0, 500.0, 20.0, 1.0, 60.0][s] + float(rng.normal(0, 0.002))
        rows.append((device, quantity, T0 + t * SECOND + int(rng.integers(0, SECOND)), value))
    arrival = sorted(rows, key=lambda row: row[2] + int(rng.integers(0, delay_s * SECOND + 1)))
    cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=8)))
    bounds = [0, *cuts, len(rows)]
    return rows, [arrival[a:b] for a, b in itertools.pairwise(bounds)]


@settings(max_examples=150, deadline=None)
@given(arrivals())
def test_any_order_within_the_lateness_and_any_cut_gives_the_same_windows(
    case: tuple[list[Row], list[list[Row]]],
) -> None:
    rows, batches = case
    known = catalogue()
    e, told = engine(known), Told(known)
    for part in batches:
        told.take(e.process(batch(known, part), T0 + 4 * HOUR))
    told.take(
        e.process(batch(known, [("gio-1", "pressure", T0 + 9 * HOUR, 1010.0)]), T0 + 9 * HOUR)
    )
    told.rollups = {k: v for k, v in told.rollups.items() if k[1] != "gio-1"}
    same(told, rows)
    assert not told.stale


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([10.0, 10.1, 30.0, 90.0, 400.0, 600.0, math.nan]), min_size=1, max_size=60
    ),
    st.lists(st.integers(0, 60), max_size=10),
    st.sampled_from([20, 60, 600]),
)
def test_any_cut_of_wild_values_gives_the_same_flags_and_windows(
    values: list[float], cuts: list[int], every_s: int
) -> None:
    rows: list[Row] = [("aq-1", "pm25", T0 + i * every_s * SECOND, v) for i, v in enumerate(values)]
    whole, parts = Told(known := catalogue()), Told(known)
    bounds = sorted({0, len(rows), *(min(c, len(rows)) for c in cuts)})
    for told, edges in ((whole, [0, len(rows)]), (parts, bounds)):
        e = engine(known)
        for a, b in itertools.pairwise(edges):
            told.take(e.process(batch(known, rows[a:b]), T0 + 9 * HOUR))
        end = batch(known, [("gio-1", "pressure", T0 + 19 * HOUR, 1010.0)])
        told.take(e.process(end, T0 + 19 * HOUR))
    given_flags = dict(zip((r[2] for r in rows), batch(known, rows).flag.tolist(), strict=True))
    for time, flag in given_flags.items():
        key = ("aq-1", "pm25", time)
        assert whole.flags.get(key, flag) == parts.flags.get(key, flag)
    counted = [r for r in rows if not math.isnan(r[3])]
    for told in (whole, parts):
        told.rollups = {k: v for k, v in told.rollups.items() if k[1] != "gio-1"}
        told.flags = {("aq-1", "pm25", t): f for t, f in given_flags.items()} | told.flags
        same(told, counted)


def test_a_window_is_told_when_the_watermark_passes_its_end() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    told.take(e.process(batch(known, [("aq-1", "pm25", T0 + 5 * SECOND, 10.0)]), T0 + 5 * SECOND))
    at = T0 + 11 * MINUTE
    told.take(e.process(batch(known, [("aq-2", "pm25", at - 1, 10.0)]), at))
    assert not told.rollups
    told.take(e.process(batch(known, [("aq-2", "pm10", at, 10.0)]), at))
    assert list(told.rollups) == [(MINUTE, "aq-1", "pm25", T0)]
    assert e.watermark == T0 + MINUTE


def test_a_late_reading_corrects_its_windows() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rows: list[Row] = [("aq-1", "pm25", T0 + i * MINUTE, 10.0 + i / 10) for i in range(90)]
    told.take(e.process(batch(known, rows), T0 + 90 * MINUTE))
    at = T0 + 59 * MINUTE
    assert told.rollups[MINUTE, "aq-1", "pm25", at][0] == 1
    late = ("aq-1", "pm25", at - 10 * SECOND, 2.0)
    told.take(e.process(batch(known, [late]), T0 + 90 * MINUTE))
    hour = told.rollups[HOUR, "aq-1", "pm25", T0]
    assert (hour[0], hour[2], hour[3]) == (61, 2.0, 15.9)
    # The window's last value is the latest by event time, not the one that came last.
    assert hour[4] == 15.9
    # A minute that was told is no longer in memory: the store computes it from all its readings.
    assert told.stale == {MINUTE: {("aq-1", "pm25", at - MINUTE)}}


def test_a_reading_too_late_for_memory_names_the_window_to_compute_anew() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rows: list[Row] = [("aq-1", "pm25", T0 + i * MINUTE, 10.0 + i % 7) for i in range(10 * 60)]
    told.take(e.process(batch(known, rows), T0 + 10 * HOUR))
    told.take(e.process(batch(known, [("aq-1", "pm25", T0 + 1, 12.0)]), T0 + 10 * HOUR))
    assert told.stale == {s: {("aq-1", "pm25", T0)} for s in STEPS}


def test_a_value_found_to_be_a_spike_leaves_a_window_that_was_told_already() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rows: list[Row] = [("aq-1", "pm25", T0 + i * SECOND, 10.0) for i in range(3)]
    rows.append(("aq-1", "pm25", T0 + 50 * SECOND, 100.0))
    told.take(e.process(batch(known, rows), T0 + MINUTE))
    told.take(e.process(batch(known, [("aq-2", "pm25", T0 + HOUR, 9.0)]), T0 + HOUR))
    assert told.rollups[MINUTE, "aq-1", "pm25", T0][3] == 100.0
    told.take(e.process(batch(known, [("aq-1", "pm25", T0 + 2 * MINUTE, 10.0)]), T0 + HOUR))
    assert told.flags["aq-1", "pm25", T0 + 50 * SECOND] == 3
    minutes = {("aq-1", "pm25", T0), ("aq-1", "pm25", T0 + 2 * MINUTE)}
    assert told.stale == {MINUTE: minutes}
    flush = [("aq-2", "pm25", T0 + 2 * HOUR, 9.0)]
    told.take(e.process(batch(known, flush), T0 + 2 * HOUR))
    assert told.rollups[HOUR, "aq-1", "pm25", T0] == (4, 40.0, 10.0, 10.0, 10.0)


def test_a_clock_that_runs_ahead_does_not_drag_the_watermark() -> None:
    known = catalogue()
    e = engine(known)
    e.process(batch(known, [("aq-1", "pm25", T0 + 24 * HOUR, 10.0)], received=T0), T0)
    assert e.watermark == T0 - 10 * MINUTE


def test_time_alone_closes_windows_at_the_pace_of_the_clock() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    yesterday = T0 - 24 * HOUR  # a recording that is replayed: event time is not the clock's
    e.process(batch(known, [("aq-1", "pm25", yesterday, 10.0)], received=T0), T0)
    told.take(e.advance(T0 + 5 * MINUTE))
    assert not told.rollups
    told.take(e.advance(T0 + 11 * MINUTE))
    assert list(told.rollups) == [(MINUTE, "aq-1", "pm25", yesterday)]


@pytest.mark.parametrize("at", [1, 2])
def test_devices_may_join_at_any_time(at: int) -> None:
    known = catalogue(DEVICES[:1])
    e, told = engine(known), Told(known)
    told.take(e.process(batch(known, [("aq-1", "pm25", T0, 10.0)]), T0))
    for device in DEVICES[1 : 1 + at]:
        known.put(device)
    told.take(e.process(batch(known, [(DEVICES[at].id, _main(at), T0, 1.0)]), T0))
    told.take(e.process(batch(known, [("aq-1", "pm25", T0 + HOUR, 10.0)]), T0 + HOUR))
    assert told.rollups[MINUTE, DEVICES[at].id, _main(at), T0][0] == 1


def _main(place: int) -> str:
    return {"air": "pm25", "level": "level"}[DEVICES[place].kind]


def test_a_window_that_leaves_the_ring_untold_takes_no_other_series_along() -> None:
    """One series comes back after as many hours as the ring holds, while another is there each hour."""
    known = catalogue()
    e, told = engine(known), Told(known)
    rows: list[Row] = [
        ("aq-1", "o3", T0 + 12 * MINUTE, 30.0),
        *(("aq-1", "pm25", T0 + h * HOUR + 50 * MINUTE, 30.0 + h) for h in range(4)),
        ("aq-1", "o3", T0 + 4 * HOUR + 32 * MINUTE, 33.5),
        ("aq-1", "o3", T0 + 4 * HOUR + 52 * MINUTE, 30.5),
        ("aq-1", "pm25", T0 + 4 * HOUR + 20 * MINUTE, 36.0),
        ("aq-1", "o3", T0 + 5 * HOUR + 12 * MINUTE, 34.0),
    ]
    told.take(e.process(batch(known, rows), T0 + 7 * HOUR))
    told.take(
        e.process(batch(known, [("gio-1", "pressure", T0 + 7 * HOUR, 1010.0)]), T0 + 7 * HOUR)
    )
    assert told.rollups[HOUR, "aq-1", "o3", T0 + 4 * HOUR] == (2.0, 64.0, 30.5, 33.5, 30.5)
    assert told.rollups[HOUR, "aq-1", "pm25", T0 + 4 * HOUR] == (1.0, 36.0, 36.0, 36.0, 36.0)
    assert not told.stale.get(HOUR)
