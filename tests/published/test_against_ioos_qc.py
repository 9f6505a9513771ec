"""Our tests beside those of ioos_qc 2.3.0, on random series and on its own recordings, where both define one.

Flat line is defined differently: theirs takes the range of the last n values, ours the distance from the
first value of a run, and time instead of a number of values. They agree where what stands still is equal
and what moves does so by more than the tolerance, at even intervals; only that is compared. Drift,
neighbours and pairs are not in ioos_qc.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ioos_qc import qartod as theirs

from analytics import qartod as ours
from analytics.attenuated import Attenuated
from analytics.engine import Engine
from analytics.flat import still_since
from analytics.hourly import Hour
from analytics.layout import Layout
from devices.device import Catalogue, Device
from devices.kind import Kind, Quantity, Span
from devices.registry import Kinds, load_kinds
from telemetry.arrays import Flags, Times, Values
from telemetry.clock import HOUR, SECOND, parse_time
from telemetry.flags import Flag
from telemetry.readings import Readings
from tests.analytics.city import ZONE

DATA = Path(os.environ.get("URBAN_DATA_SETS", Path(__file__).parents[3] / "shared" / "data"))
RECORDING = DATA / "ioos_qc_water_level"
T0 = parse_time("2026-01-31T12:00:00Z")


@st.composite
def walks(draw: st.DrawFn) -> Values:
    """A level that walks about, with spikes, steps and values that are missing."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(3, 200))
    values = 1 + np.cumsum(rng.normal(0, 0.05, n))
    values[rng.random(n) < 0.05] += rng.normal(0, 3)
    if draw(st.booleans()):
        values[rng.random(n) < 0.05] = np.nan
    return np.asarray(values)


def at(values: Values, every_s: int = 360) -> Times:
    return T0 + np.arange(len(values)) * every_s * SECOND


def of(time: Times) -> np.ndarray:
    return time.astype("datetime64[ns]")


def before(values: Values) -> Values:
    return np.concatenate(([np.nan], values[:-1]))


def after(values: Values) -> Values:
    return np.concatenate((values[1:], [np.nan]))


def same(found: Flags, wanted: object) -> None:
    np.testing.assert_array_equal(found, np.asarray(wanted))


def check_ranges(values: Values) -> None:
    found = ours.gross_range(values, (-0.5, 2.0), (-1.0, 3.0))
    same(found, theirs.gross_range_test(values, fail_span=(-1.0, 3.0), suspect_span=(-0.5, 2.0)))


def check_spikes(values: Values, suspect: float, fail: float) -> None:
    found = ours.spike(before(values), values, after(values), suspect, fail)
    found[np.isnan(values)] = Flag.MISSING
    wanted = np.asarray(theirs.spike_test(values, suspect, fail))
    # Where a neighbour is missing theirs says good or not evaluated; ours always says not evaluated.
    known = ~np.isnan(before(values) + after(values)) | np.isnan(values)
    same(found[known], wanted[known])
    assert set(found[~known]) <= {Flag.NOT_EVALUATED}


def check_rates(values: Values, time: Times, per_s: float) -> None:
    step = values - before(values)
    elapsed = np.diff(time, prepend=time[0] - SECOND)
    fast = ours.rate_of_change(step, elapsed, per_s / SECOND)
    found = np.where(fast, Flag.SUSPECT, Flag.GOOD)
    found[np.isnan(values)] = Flag.MISSING
    same(found, theirs.rate_of_change_test(values, of(time), per_s))


@given(walks())
def test_gross_range(values: Values) -> None:
    check_ranges(values)


@given(walks(), st.sampled_from([0.05, 0.1, 0.7]))
def test_spike(values: Values, threshold: float) -> None:
    check_spikes(values, threshold, 2 * threshold)


@given(walks(), st.integers(1, 3600))
def test_rate_of_change(values: Values, every_s: int) -> None:
    check_rates(values, at(values, every_s), 0.1 / 360)


@given(walks(), st.integers(1, 12), st.integers(0, 11))
def test_climatology(values: Values, first: int, more: int) -> None:
    config = theirs.ClimatologyConfig()
    last = min(12, first + more)
    config.add(tspan=(first, last), vspan=(0.5, 1.5), period="month")
    time = at(values, 6 * 3600)
    wanted = theirs.climatology_test(config, values, of(time), np.full(len(values), np.nan))
    month = of(time).astype("datetime64[M]").astype(int) % 12 + 1
    inside = (month >= first) & (month <= last)
    low, high = (np.where(inside, bound, np.nan) for bound in (0.5, 1.5))
    outside = ours.climatology(values, low, high)
    found = np.where(outside, Flag.SUSPECT, np.where(inside, Flag.GOOD, Flag.NOT_EVALUATED))
    # A value that is missing is good there; here it has the flag of the range test, missing.
    there = ~np.isnan(values)
    same(found.astype(np.uint8)[there], np.asarray(wanted)[there])


@given(
    st.lists(st.tuples(st.integers(-5, 5), st.integers(1, 12)), min_size=2, max_size=20),
    st.integers(2, 6),
)
def test_flat_line(runs: list[tuple[int, int]], count: int) -> None:
    values = np.repeat([v / 10 for v, _ in runs], [n for _, n in runs])
    if len(values) < 3:
        return
    time = at(values)
    jump = ~(np.abs(np.diff(values, prepend=np.nan)) <= 0.05)
    carried = np.array([0]), np.array([np.nan]), np.array([0]), np.array([0])
    still = np.zeros(len(values), dtype=bool)
    _, since, length = still_since(values, time, jump, carried, np.full(len(values), 0.05), still)
    suspect, fail = count * 360, 2 * count * 360
    found = ours.flat_line(time - since, length, suspect * SECOND, fail * SECOND)
    same(found, theirs.flat_line_test(values, of(time), suspect, fail, 0.05))


def faders(suspect: float, fail: float) -> Catalogue:
    level = Quantity(
        name="level", unit="m", vi="Mực nước", en="Level", possible=Span(-50, 50),
        plausible=Span(-50, 50), attenuated=(suspect, fail),
    )  # fmt: skip
    kind = Kind(
        name="gauge", vi="Trạm đo", en="Gauge", domain="flood", interval_s=600, timeout_s=1200,
        model="", main="level", quantities=(level,),
    )  # fmt: skip
    known = Catalogue(Kinds([kind]))
    known.put(Device(id="gauge-1", kind="gauge"))
    return known


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_attenuated_signal_at_the_end_of_each_hour(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.normal(0, 0.02, 6 * 72)) * np.repeat(rng.random(18), 24)
    wanted = np.asarray(
        theirs.attenuated_signal_test(
            values, of(at(values, 600)), 0.3, 0.15, test_period=12 * 3600, check_type="range"
        )
    )
    layout = Layout(faders(0.3, 0.15))
    layout.grow()
    test = Attenuated(layout)
    test.grow()
    hours = values.reshape(-1, 6)
    found = []
    for number, hour in enumerate(hours):
        low, high = np.array([hour.min()]), np.array([hour.max()])
        row = Hour(T0 // HOUR + number, test.chosen.series, low, low, high)
        found.append(int(test.hour(row)[1][0]))
    # Theirs judges from the first value on; ours when nine of the twelve hours are known.
    same(np.array(found[12:], np.uint8), wanted[5::6][12:])
    assert set(found[:8]) == {Flag.NOT_EVALUATED}


def recorded(name: str, column: int, time: int) -> tuple[Times, Values]:
    with (RECORDING / name).open(encoding="utf-8") as file:
        rows = [r for r in csv.reader(file) if r and not r[0].startswith("#")][1:]
    values = np.array([float(r[column]) if r[column] else np.nan for r in rows])
    return np.array([int(float(r[time])) for r in rows], dtype=np.int64) * SECOND, values


@pytest.mark.recordings
@pytest.mark.skipif(not RECORDING.is_dir(), reason=f"no recordings in {DATA}: set URBAN_DATA_SETS")
def test_a_recorded_tide_gauge() -> None:
    time, values = recorded("water_level_example.csv", 5, 1)
    assert len(values) > 5_000
    check_ranges(values)
    check_spikes(values, 0.123456, 0.5123456)
    keep = np.concatenate(([True], np.diff(time) > 0))
    check_rates(values[keep], time[keep], 0.0001234567)


@pytest.mark.recordings
@pytest.mark.skipif(not RECORDING.is_dir(), reason=f"no recordings in {DATA}: set URBAN_DATA_SETS")
def test_the_stuck_gauge_is_seen_through_the_engine() -> None:
    time, values = recorded("water_level_example.csv", 5, 1)
    known = Catalogue(load_kinds())
    known.put(Device(id="phu-an", kind="level"))
    engine = Engine(known, ZONE)
    code = known.kinds.quantity_code["level"]
    n = len(values)
    batch = Readings.of(np.zeros(n), np.full(n, code), time, values, 1, time)
    flags = engine.process(batch, int(time[-1])).flags
    stuck = np.flatnonzero(values == _most_common(values))
    failed = set(flags.time[flags.flag == Flag.FAIL].tolist())
    assert len(stuck) > 3_000
    # All but the first hours of what repeats 3,503 times.
    assert len(failed & set(time[stuck].tolist())) > 0.98 * len(stuck)


def _most_common(values: Values) -> float:
    found, number = np.unique(values[~np.isnan(values)], return_counts=True)
    return float(found[np.argmax(number)])
