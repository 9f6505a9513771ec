"""Rules: hysteresis, dwell, quality and lateness, against one reading at a time done by hand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.engine import Engine
from analytics.facts import What
from telemetry.clock import HOUR, MINUTE, SECOND
from tests.analytics.city import KINDS, T0, Row, Told, batch, catalogue, engine

Level = tuple[str, str, int, float]


def fill(value: float, minute: float) -> Row:
    return ("thung-1", "battery", T0 + int(minute * MINUTE), value)


def levels(values: list[float], every_s: int = 300) -> list[Row]:
    return [("phu-an", "level", T0 + i * every_s * SECOND, v) for i, v in enumerate(values)]


def run(rows: list[Row], cuts: list[int] | None = None) -> Told:
    known = catalogue()
    e, told = engine(known), Told(known)
    bounds = [0, *(cuts or []), len(rows)]
    for a, b in pairwise(bounds):
        told.take(e.process(batch(known, rows[a:b]), T0 + 100 * HOUR))
    return told


def test_each_stage_raises_and_clears_its_own_alert() -> None:
    told = run(levels([1.35, 1.41, 1.47, 1.52, 1.57, 1.62, 1.58, 1.53, 1.48, 1.43, 1.38]))
    assert [(w, r) for w, r, *_ in told.transitions if w != "update"] == [
        ("raise", "flood_bd1"),
        ("raise", "flood_bd2"),
        ("raise", "flood_bd3"),
        ("clear", "flood_bd3"),
        ("clear", "flood_bd2"),
        ("clear", "flood_bd1"),
    ]


def wind(values: list[float]) -> list[Row]:
    return [("gio-1", "wind_speed", T0 + i * 300 * SECOND, v) for i, v in enumerate(values)]


def test_between_the_clear_and_the_raise_level_the_alert_stands() -> None:
    # devices/kinds/weather.py: above 17.2 m/s, clear at 13.9 m/s
    values = [10.0, 17.2, 17.3, 17.0, 14.0, 17.3, 13.9, 17.2, 16.0]
    assert run(wind(values)).changes("weather_strong_wind") == [
        ("raise", "gio-1"),
        ("clear", "gio-1"),
    ]


@pytest.mark.parametrize(("value", "raised"), [(17.1, False), (17.2, False), (17.3, True)], ids=str)
def test_the_level_itself_does_not_raise(value: float, raised: bool) -> None:
    assert bool(run(wind([10.0, value])).changes("weather_strong_wind")) == raised


def dusty(values: list[float], every_s: int = 60) -> list[Row]:
    return [("aq-1", "pm25", T0 + i * every_s * SECOND, v) for i, v in enumerate(values)]


def test_dwell_is_counted_in_event_time() -> None:
    # devices/kinds/air.py: above 150 for 300 s
    told = run(dusty([100, 151, 152, 153, 154, 155, 156, 157]))
    raised = [t for w, r, _, t, _ in told.transitions if (w, r) == ("raise", "air_pm25_surge")]
    assert raised == [T0 + 6 * MINUTE]


def test_a_break_starts_the_dwell_anew() -> None:
    told = run(dusty([100, 151, 152, 153, 154, 150, 156, 157, 158, 159, 160]))
    assert told.changes("air_pm25_surge") == []


def test_suspect_values_do_not_raise() -> None:
    # 600 µg/m³ is outside the plausible range (0 … 500), so it is suspect.
    told = run(dusty([600.0] * 20))
    assert told.changes("air_pm25_surge") == []


def test_late_readings_change_nothing() -> None:
    rows = wind([10.0, 12.0, 11.0])
    late = ("gio-1", "wind_speed", T0 + 301 * SECOND, 18.0)
    assert run([*rows, late], [3]).changes("weather_strong_wind") == []


def test_one_update_a_batch_and_only_when_worse_or_a_minute_has_passed() -> None:
    values = [100.0, *[151.0] * 6, 180.0, 160.0, 158.0]
    rows = dusty(values) + [
        ("aq-1", "pm25", T0 + 9 * MINUTE + s * SECOND, 155.0 + s / 10) for s in (10, 20, 30)
    ]
    told = run(rows, [7, 8, 9, 10, 11, 12])
    updates = [(t - T0) // SECOND for w, _, _, t, _ in told.transitions if w == "update"]
    assert updates == [420, 480, 540]
    whole = run(rows)
    assert [w for w, *_ in whole.transitions] == ["raise", "update"]


def test_an_adopted_condition_can_clear() -> None:
    known = catalogue()
    e, told = engine(known), Told(known)
    rule = [r.code for _, r in e.rules()].index("weather_strong_wind")
    code = known.code("gio-1")
    assert code is not None
    e.adopt(np.array([rule]), np.array([code], np.int32), np.array([T0]), np.array([20.0]))
    older = batch(known, [("gio-1", "wind_speed", T0 - SECOND, 5.0)])
    told.take(e.process(older, T0))
    assert told.changes("weather_strong_wind") == []
    told.take(e.process(batch(known, wind([5.0])), T0))
    assert told.changes("weather_strong_wind") == [("clear", "gio-1")]


def by_hand(values: list[float]) -> list[tuple[str, int]]:
    """(what, row) of raise and clear for `air_pm25_surge`, one reading after the other."""
    raised, since, found = False, None, []
    for i, value in enumerate(values):
        if value > 500:
            continue
        since = (i if since is None else since) if value > 150 else None
        if not raised and since is not None and (i - since) * 60 >= 300:
            raised = True
            found.append(("raise", i))
        elif raised and value <= 120:
            raised = False
            found.append(("clear", i))
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([100.0, 120.0, 121.0, 150.0, 151.0, 152.0]), min_size=1, max_size=80),
    st.lists(st.integers(0, 80), max_size=6),
)
def test_any_cut_gives_what_one_reading_at_a_time_gives(
    values: list[float], cuts: list[int]
) -> None:
    rows = dusty(values)
    told = run(rows, sorted(min(c, len(rows)) for c in cuts))
    found = [
        (w, (t - T0) // MINUTE)
        for w, r, _, t, _ in told.transitions
        if r == "air_pm25_surge" and w != "update"
    ]
    assert found == by_hand(values)


@pytest.fixture
def fresh() -> Engine:
    return engine()


def test_nothing_raises_on_an_empty_batch(fresh: Engine) -> None:
    known = fresh.layout.catalogue
    facts = fresh.process(batch(known, []), T0)
    assert len(facts.transitions) == len(facts.flags) == 0


@pytest.mark.parametrize("kind", [k.name for k in KINDS])
def test_no_rule_waits_for_values_that_are_suspect_anyway(kind: str) -> None:
    """A rule on a measured quantity must be able to raise within the plausible range, with room."""
    for rule in KINDS[kind].rules:
        quantity = KINDS[kind].quantity(rule.quantity)
        assert quantity is not None
        span = quantity.plausible
        if rule.above is not None:
            assert span.high - rule.above >= 0.05 * (span.high - span.low), rule.code
        else:
            assert rule.level - span.low >= 0.05 * (span.high - span.low), rule.code


def worst_of_each(rows: list[Row], cuts: list[int]) -> list[float]:
    """The worst value that was told of each time that the wind was strong."""
    known = catalogue()
    e, found = engine(known), []
    for a, b in pairwise([0, *cuts, len(rows)]):
        told = e.process(batch(known, rows[a:b]), T0 + 100 * HOUR).transitions
        for what, worst in zip(told.what.tolist(), told.worst.tolist(), strict=True):
            if what == What.RAISE:
                found.append(worst)
            elif what == What.UPDATE:
                found[-1] = worst
    return found


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([10.0, 14.0, 18.0, 19.0, 21.0, 25.0]), min_size=1, max_size=30),
    st.sets(st.integers(1, 29), max_size=4),
)
def test_how_bad_it_was_does_not_depend_on_the_cuts(values: list[float], cuts: set[int]) -> None:
    rows = wind(values)
    singly = worst_of_each(rows, list(range(1, len(rows))))
    assert worst_of_each(rows, sorted(c for c in cuts if c < len(rows))) == singly
