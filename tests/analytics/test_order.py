"""The same readings in any order within the lateness, in any cuts, over one or four partitions: the same facts."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from telemetry.clock import HOUR, MINUTE, SECOND
from tests.analytics.city import T0, ZONE, Key, Row, Told, batch, catalogue, engine
from tests.analytics.test_windows import recomputed

LATENESS_S = 600
SERIES = [
    ("aq-1", "pm25", [10.0, 10.1, 30.0, 90.0, 400.0, 600.0, math.nan]),
    ("aq-1", "pm10", [20.0, 20.0, 20.0, 300.0]),
    ("phu-an", "level", [1.0, 1.001, 1.2, 1.9]),
    ("gio-1", "wind_direction", [1.0, 359.0, 180.0, 1.0]),
    ("den-1", "power", [98.0, 20.0]),
]


@st.composite
def wild(draw: st.DrawFn) -> tuple[list[Row], list[Row], list[int]]:
    """Readings of some hours, full of spikes, steps and stops: in order of time, as they arrive, cuts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    step_s = draw(st.sampled_from([20, 60, 300, 900, 2400]))
    delay_s = draw(st.sampled_from([0, 60, LATENESS_S]))
    rows: list[Row] = []
    for device, quantity, values in SERIES:
        for i in range(int(rng.integers(1, 40))):
            time = T0 + i * step_s * SECOND + int(rng.integers(0, step_s * SECOND))
            calm = rng.random() < 0.6
            rows.append((device, quantity, time, values[0 if calm else rng.integers(len(values))]))
    rows.sort(key=lambda r: r[2])
    arrival = _arrival(rows, rng, delay_s)
    cuts = draw(st.lists(st.integers(0, len(rows)), max_size=12))
    return rows, arrival, sorted({0, *cuts, len(rows)})


def _arrival(rows: list[Row], rng: np.random.Generator, delay_s: int) -> list[Row]:
    delay = rng.integers(0, delay_s * SECOND + 1, len(rows))
    return [
        r
        for _, r in sorted(
            zip((r[2] + int(d) for r, d in zip(rows, delay, strict=True)), rows, strict=True),
            key=lambda x: x[0],
        )
    ]


def final(rows: list[Row], cuts: list[int], restore: bool = False) -> tuple[dict[Key, int], Told]:
    """Last word on flags and windows: what a store holds at the end. Windows it computes are computed."""
    known = catalogue()
    e, told = engine(known), Told(known)
    for a, b in itertools.pairwise(cuts):
        told.take(e.process(batch(known, rows[a:b]), T0 + 99 * HOUR))
        if restore:
            e = Engine.restore(e.snapshot(), known, ZONE)
    end = [("aq-2", "co", T0 + 90 * HOUR, 500.0)]
    told.take(e.process(batch(known, end), T0 + 99 * HOUR))
    given_flags = batch(known, rows).flag.tolist()
    own = {r[:3]: f for r, f in zip(rows, given_flags, strict=True)}
    told.flags = own | told.flags
    valued = [r for r in rows if not math.isnan(r[3])]
    expected = recomputed(valued, told)
    for step, keys in told.stale.items():
        for key in keys:
            told.rollups.setdefault((step, *key), expected[step, *key])
    for window, values in expected.items():
        np.testing.assert_allclose(
            told.rollups[window], values, rtol=1e-9, atol=1e-9, err_msg=str(window)
        )
    return dict(told.flags), told


@settings(max_examples=200, deadline=None)
@given(wild())
def test_flags_and_windows_do_not_depend_on_order_or_cuts(
    case: tuple[list[Row], list[Row], list[int]],
) -> None:
    rows, arrival, cuts = case
    whole, _ = final(rows, [0, len(rows)])
    assert final(arrival, cuts)[0] == whole


@settings(max_examples=30, deadline=None)
@given(wild())
def test_nor_on_a_restart_after_any_batch(case: tuple[list[Row], list[Row], list[int]]) -> None:
    rows, arrival, cuts = case
    whole, _ = final(rows, [0, len(rows)])
    assert final(arrival, cuts, restore=True)[0] == whole


def test_a_late_value_is_judged_as_if_it_had_come_in_time() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    times = [T0 + i * MINUTE for i in range(5)]
    rows: list[Row] = [
        ("aq-1", "pm25", t, v) for t, v in zip(times, [10, 10, 300, 10, 10], strict=True)
    ]
    told.take(e.process(batch(known, [rows[0], rows[1], rows[3], rows[4]]), T0 + HOUR))
    assert not told.flags
    told.take(e.process(batch(known, [rows[2]]), T0 + HOUR))
    assert told.flags == {
        ("aq-1", "pm25", times[1]): 4, ("aq-1", "pm25", times[2]): 4, ("aq-1", "pm25", times[3]): 4
    }  # fmt: skip


def test_a_repeated_reading_changes_nothing() -> None:
    known = catalogue()
    e = engine(known)
    rows: list[Row] = [("aq-1", "pm25", T0 + i * MINUTE, 10.0) for i in range(5)]
    told = Told(known)
    told.take(e.process(batch(known, rows), T0 + HOUR))
    told.take(e.process(batch(known, rows + rows), T0 + HOUR))
    told.take(e.process(batch(known, [("aq-2", "co", T0 + HOUR, 500.0)]), T0 + HOUR))
    assert not told.flags
    assert told.rollups[MINUTE, "aq-1", "pm25", T0][0] == 1
