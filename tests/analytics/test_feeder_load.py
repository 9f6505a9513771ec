"""The meter's power drop: a string that is dark by night though its cabinet has voltage, whatever the order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.feeder_load import load_lost
from devices.device import Device
from telemetry.clock import DAY, HOUR, MINUTE
from tests.analytics.arrivals import by_time, delayed, known_with, told_of
from tests.analytics.city import T0, Row, Told

FEEDER = Device(id="tu-1", kind="feeder", lat=10.78, lon=106.70)
# Civil dusk is at 17:50 local there, dawn at 05:28 (2026-11-22; T0 is 07:00).
EVENING, DAWN = 11 * 60, 22 * 60 + 28  # minutes after T0


def power(minute: float, watts: float) -> Row:
    return ("tu-1", "power", T0 + int(minute * MINUTE), watts)


def night(change: dict[int, float]) -> list[Row]:
    """Every minute of a night from 18:00 on at 5 kW, but from each minute of `change` on its power."""
    rows, watts = [], 5000.0
    for m in range(600):
        watts = change.get(m, watts)
        rows.append(power(EVENING + m, watts + m % 2))
    return rows


def told_by(rows: list[Row], feeder: Device = FEEDER) -> Told:
    return told_of(known_with([feeder]), rows, rows[-1][2] + HOUR)


def changes(told: Told) -> list[tuple[str, int]]:
    """(what, minute after 18:00) of the alert."""
    return [
        (w, (t - T0) // MINUTE - EVENING)
        for w, r, _, t, _ in told.transitions
        if r == "feeder_load_lost" and w != "update"
    ]


def test_a_string_that_goes_dark_by_night_is_an_alert_after_two_minutes() -> None:
    told = told_by(night({120: 20.0, 200: 5000.0}))
    assert changes(told) == [("raise", 122), ("clear", 200)]


def test_dimming_and_half_of_the_lamps_are_none() -> None:
    assert changes(told_by(night({120: 2500.0, 240: 1500.0, 400: 1250.0}))) == []


@pytest.mark.parametrize(
    ("watts", "peak", "lost"),
    [(19.9, 100, True), (20.0, 100, False), (0.0, 99.9, False), (0.0, 100.0, True)],
)
def test_below_and_at_a_fifth_of_the_peak(watts: float, peak: float, lost: bool) -> None:
    assert load_lost(np.array([watts]), np.array([peak])).tolist() == [lost]


def test_at_dawn_and_at_dusk_a_cabinet_switches_when_it_likes() -> None:
    rows = [power(EVENING + m, 5000.0) for m in range(600)]
    rows += [power(DAWN - 28 + m, 18.0) for m in range(0, 13 * 60, 5)]  # till 18:00
    assert changes(told_by(rows)) == []


def test_an_outage_that_lasts_into_the_day_stands_until_the_string_burns_again() -> None:
    rows = [*night({500: 20.0}), power(DAWN + 300, 18.0), power(DAWN + 12 * 60, 5000.0)]
    assert [w for w, _ in changes(told_by(rows))] == ["raise", "clear"]
    assert [w for w, _ in changes(told_by(rows[:-1]))] == ["raise"]


def test_one_spike_is_not_what_it_draws() -> None:
    rows = night({})
    rows[60] = power(EVENING + 60, 50_000.0)
    assert changes(told_by(rows)) == []


def test_without_a_place_and_where_it_is_dark_by_plan_nothing_is_told() -> None:
    rows = night({120: 20.0})
    for feeder in (
        Device(id="tu-1", kind="feeder"),
        replace(FEEDER, limits={"part_night": 1.0}),
    ):
        assert changes(told_by(rows, feeder)) == []


def test_smaller_lamps_are_an_outage_for_some_days_only() -> None:
    """5000 W → 800 W is 16 %: after two days and a half the peak has faded to a fifth of it."""
    days = [power(EVENING + m, 5000.0) for m in range(120)]
    for day in range(1, 6):
        days += [power(EVENING + day * DAY // MINUTE + m, 800.0) for m in range(120)]
    lost = [t for t, v in by_time(told_by(days), "load_lost", "tu-1").items() if v]
    assert {(t - T0) // DAY for t in lost} == {1}


def test_it_is_one_alert_with_the_supply_that_is_lost() -> None:
    rows = night({120: 0.0})
    rows += [("tu-1", "voltage", t, 0.0 if t >= T0 + (EVENING + 125) * MINUTE else 230.0)
             for _, _, t, _ in rows]  # fmt: skip
    told = told_by(sorted(rows, key=lambda r: r[2]))
    raised = [r for w, r, _, _, _ in told.transitions if w == "raise"]
    assert raised == ["feeder_load_lost", "feeder_supply_loss"]
    rules = {r.code: r.family for r in known_with([FEEDER]).kinds["feeder"].rules}
    assert {rules[r] for r in raised} == {"feeder_supply_loss"}


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(0, 160), max_size=8),
    st.sampled_from([0, 60, 599]),
)
def test_any_order_within_the_lateness_and_any_cut_tells_the_same(
    seed: int, cuts: list[int], delay_s: int
) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        power(EVENING + 40 + m, float(rng.choice([5000.0, 2000.0, 800.0, 20.0])))
        for m in range(0, 120, 2)
    ]
    until = rows[-1][2] + HOUR
    known = known_with([FEEDER])
    told = [
        told_of(known, r, until, c) for r, c in ((rows, []), (delayed(rows, seed, delay_s), cuts))
    ]
    assert told[0].of("load_lost") == told[1].of("load_lost")
    assert told[0].of("load_lost")
