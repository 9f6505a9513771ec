"""VN_AQI by the hour from readings: when it is told, corrected, taken back; in any order and cut."""

from __future__ import annotations

import itertools
import math
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from analytics.indices.vn_aqi import hourly
from telemetry.clock import HOUR, MINUTE
from tests.analytics.city import T0, Row, Told, batch, catalogue, engine, hours

OFFICIAL = [20.6, 19.6, 22.4, 20.3, 16.5, 19.0, 16.5, 19.5, 23.5, 20.5, 24.7, 26.9]


def flush(e: Engine, told: Told, at: int) -> None:
    known = e.layout.catalogue
    told.take(e.process(batch(known, [("gio-1", "pressure", at, 1010.0)]), at))


def expected(means: dict[int, float], until: int) -> dict[int, float]:
    """VN_AQI of every hour up to `until`, from hour means of PM2.5 alone."""
    found = {}
    for hour in range(until):
        c = [means.get(hour - i, math.nan) for i in range(12)]
        index, _ = hourly([c], [[math.nan] * 12], {})
        if not np.isnan(index[0]):
            found[hour] = float(index[0])
    return found


def test_the_official_example_hour_by_hour() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    for hour, mean in enumerate(reversed(OFFICIAL)):
        at = hours(hour) + 30 * MINUTE
        told.take(e.process(batch(known, [("aq-1", "pm25", at, mean)]), at))
    flush(e, told, hours(12) + 10 * MINUTE)
    index = told.of("vn_aqi")
    assert index["aq-1", hours(11)] == 41  # QĐ 1459/QĐ-TCMT's example: 40.53
    assert ("aq-1", hours(0)) not in index  # one hour is not two of three
    assert ("aq-1", hours(1)) in index


def test_an_hour_without_data_is_judged_by_the_two_before() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    for hour in (0, 1):
        told.take(e.process(batch(known, [("aq-1", "pm25", hours(hour), 35.0)]), hours(hour)))
    flush(e, told, hours(6))
    assert told.of("vn_aqi") == {("aq-1", hours(1)): 70, ("aq-1", hours(2)): 70}


def test_a_late_reading_corrects_the_hour_and_the_later_ones() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    means = {h: 35.0 + h for h in range(6)}
    rows: list[Row] = [("aq-1", "pm25", hours(h), v) for h, v in means.items()]
    told.take(e.process(batch(known, rows), hours(6)))
    flush(e, told, hours(7))
    assert told.of("vn_aqi") == {("aq-1", hours(h)): v for h, v in expected(means, 6).items()}
    late = batch(known, [("aq-1", "pm25", hours(4) + 1, 105.0)], received=hours(7))
    told.take(e.process(late, hours(7)))
    corrected = means | {4: (39.0 + 105.0) / 2}
    want = {("aq-1", hours(h)): v for h, v in expected(corrected, 6).items()}
    assert told.of("vn_aqi") == want
    assert want["aq-1", hours(5)] != expected(means, 6)[5]


def test_an_index_whose_data_turn_out_to_be_a_spike_is_taken_back() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    told.take(e.process(batch(known, [("aq-1", "pm25", hours(0), 35.0)]), hours(0)))
    told.take(e.process(batch(known, [("aq-1", "pm25", hours(1), 400.0)]), hours(1)))
    flush(e, told, hours(4))
    assert ("aq-1", hours(1)) in told.of("vn_aqi")
    late = batch(known, [("aq-1", "pm25", hours(3), 35.0)])
    told.take(e.process(late, hours(4)))
    flush(e, told, hours(9))
    # The spike is gone: hours 0 and 3 remain, and no three hours hold two of them.
    assert told.of("vn_aqi") == {}


def test_gases_alone_give_no_index() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rows: list[Row] = [("aq-1", "o3", hours(h), 100.0) for h in range(6)]
    told.take(e.process(batch(known, rows), hours(6)))
    flush(e, told, hours(9))
    assert told.of("vn_aqi") == {}


def test_five_thousand_hours_of_one_station_in_one_batch() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rng = np.random.default_rng(1)
    means = {h: float(v) for h, v in enumerate(30 + np.cumsum(rng.normal(0, 0.2, 5000)) % 40)}
    gaps = set(rng.integers(0, 5000, 800).tolist())
    means = {h: v for h, v in means.items() if h not in gaps}
    rows: list[Row] = [("aq-1", "pm25", hours(h), v) for h, v in means.items()]
    told.take(e.process(batch(known, rows, received=hours(5001)), hours(5001)))
    flush(e, told, hours(5010))
    counted = {h: v for h, v in means.items() if told.flags.get(("aq-1", "pm25", hours(h)), 1) == 1}
    want = {("aq-1", hours(h)): v for h, v in expected(counted, 5009).items()}
    assert told.of("vn_aqi") == want


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 200), max_size=8),
    st.sampled_from([0, 60, 599]),
)
@example(
    26892, [], 0
)  # with values that hardly move, one stood still for two hours and was flagged
def test_any_order_within_the_lateness_and_any_cut_gives_the_same_index(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 200))
    times = np.unique(rng.integers(0, 30 * 3600, n))
    # No faster than the 150 µg/m³ a minute that are believable, also from second to second, and never
    # standing still: nothing is flagged.
    rows: list[Row] = [
        ("aq-1", "pm25", T0 + int(t) * 10**9, 30.0 + 2.1 * (k % 2) + 0.2 * float(rng.random()))
        for k, t in enumerate(times)
    ]
    arrival = sorted(rows, key=lambda r: r[2] + int(rng.integers(0, delay_s * 10**9 + 1)))
    known = catalogue()
    e, told = engine(known), Told(known)
    bounds = sorted({0, len(rows), *(min(c, len(rows)) for c in cuts)})
    for a, b in itertools.pairwise(bounds):
        told.take(e.process(batch(known, arrival[a:b]), hours(31)))
    flush(e, told, hours(40))
    sums: dict[int, list[float]] = {}
    for _, _, t, v in rows:
        sums.setdefault((t - T0) // HOUR, []).append(v)
    means = {h: math.fsum(v) / len(v) for h, v in sums.items()}
    want = {("aq-1", hours(h)): v for h, v in expected(means, 39).items()}
    assert told.of("vn_aqi") == want
    assert ZoneInfo(str(e.zone)) == e.zone
