"""Flood stage and lights from readings: told when they change, by event time, with their quality."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.device import Device
from telemetry.clock import HOUR, MINUTE, SECOND
from tests.analytics.city import PHU_AN, T0, Row, Told, batch, catalogue, engine


def run(rows: list[Row], cuts: list[int] | None = None) -> Told:
    known = catalogue()
    e, told = engine(known), Told(known)
    for a, b in pairwise([0, *(cuts or []), len(rows)]):
        told.take(e.process(batch(known, rows[a:b]), T0 + 100 * HOUR))
    return told


def test_one_stage_a_level_reading() -> None:
    rows: list[Row] = [
        ("phu-an", "level", T0 + i * 300 * SECOND, v) for i, v in enumerate([1.39, 1.4, 1.51])
    ]
    assert list(run(rows).of("flood_stage").values()) == [0, 1, 2]


def test_a_station_without_alarm_levels_gets_no_stage_until_it_is_given_some() -> None:
    known = catalogue([Device(id="kenh-1", kind="level")])
    e, told = engine(known), Told(known)
    told.take(e.process(batch(known, [("kenh-1", "level", T0, 1.77)]), T0))
    assert told.of("flood_stage") == {}
    known.put(Device(id="kenh-1", kind="level", limits=PHU_AN))
    told.take(e.advance(T0 + MINUTE))
    told.take(e.process(batch(known, [("kenh-1", "level", T0 + MINUTE, 1.77)]), T0 + MINUTE))
    assert told.of("flood_stage") == {("kenh-1", T0 + MINUTE): 3}


def test_a_stage_carries_the_flag_of_its_level() -> None:
    rows: list[Row] = [
        ("phu-an", "level", T0 + i * 20 * MINUTE, v) for i, v in enumerate([1.0, 1.9, 1.0])
    ]
    known = catalogue()
    e = engine(known)
    flags: dict[int, int] = {}
    for a, b in ((0, 2), (2, 3)):
        derived = e.process(batch(known, rows[a:b]), T0 + HOUR).derived
        stage = derived.take(derived.quantity == known.kinds.quantity_code["flood_stage"])
        flags |= dict(
            zip(((stage.time - T0) // (20 * MINUTE)).tolist(), stage.flag.tolist(), strict=True)
        )
    # 0.9 m off its neighbours: more than twice the 0.25 m of the spike test.
    assert flags == {0: 1, 1: 4, 2: 1}


@settings(max_examples=80, deadline=None)
@given(st.permutations(range(12)), st.lists(st.integers(0, 12), max_size=4))
def test_any_order_and_cut_gives_the_same_stages(order: list[int], cuts: list[int]) -> None:
    # 40 s apart: all within the lateness; at 5 cm/min allowed, these stay believable.
    levels = [1.38 + 0.02 * i for i in range(12)]
    rows: list[Row] = [("phu-an", "level", T0 + i * 40 * SECOND, v) for i, v in enumerate(levels)]
    told = run([rows[i] for i in order], sorted(cuts))
    assert told.of("flood_stage") == run(rows).of("flood_stage")


def lamp(minute: float, power: float, dimming: float, device: str = "den-1") -> list[Row]:
    time = T0 + int(minute * MINUTE)
    return [(device, "power", time, power), (device, "dimming", time, dimming)]


def verdicts(told: Told, name: str) -> list[tuple[int, float]]:
    return [
        ((t - T0) // MINUTE, v)
        for (_, t), v in sorted(told.of(name).items(), key=lambda i: i[0][1])
    ]


def test_a_lamp_is_judged_when_it_is_warm_and_told_on_change_and_while_it_fails() -> None:
    rows = [
        *lamp(0, 0, 0), *lamp(5, 20, 100), *lamp(10, 98, 100), *lamp(15, 97, 100), *lamp(20, 35, 100),
        *lamp(25, 34, 100), *lamp(30, 20, 50), *lamp(35, 48, 50),
    ]  # fmt: skip
    # At 10 min it has been on for 300 s, which is not longer than 300 s.
    assert verdicts(run(rows), "lamp_failure") == [(15, 0), (20, 1), (25, 1), (30, 1), (35, 0)]


def test_a_failed_lamp_stays_failed_by_day() -> None:
    rows = [
        *lamp(0, 5, 100),
        *lamp(10, 5, 100),
        *lamp(20, 0, 0),
        *lamp(700, 0, 100),
        *lamp(710, 0, 100),
    ]
    told = run(rows)
    assert verdicts(told, "lamp_failure") == [(10, 1), (710, 1)]
    assert told.changes("lamp_failure") == [("raise", "den-1")]


def test_a_lamp_without_rated_power_is_not_judged() -> None:
    known = catalogue([Device(id="den-9", kind="lamp")])
    e, told = engine(known), Told(known)
    rows = [*lamp(0, 0, 100, "den-9"), *lamp(20, 0, 100, "den-9"), *lamp(30, 50, 0, "den-9")]
    told.take(e.process(batch(known, rows), T0 + HOUR))
    assert told.of("lamp_failure") == told.of("day_burner") == {}


def test_a_lamp_that_burns_by_day() -> None:
    rows = [*lamp(0, 0, 0), *lamp(5, 22, 0), *lamp(10, 22, 0), *lamp(21, 22, 0), *lamp(25, 98, 100)]
    told = run(rows)
    assert verdicts(told, "day_burner") == [(0, 0), (5, 1), (10, 1), (21, 1), (25, 0)]
    # It must go on for 900 s before anyone is told: from minute 5 to 21 it does.
    assert told.changes("lamp_day_burner") == [("raise", "den-1"), ("clear", "den-1")]


def test_a_short_glow_by_day_raises_nothing() -> None:
    told = run([*lamp(0, 0, 0), *lamp(5, 22, 0), *lamp(10, 22, 0), *lamp(15, 0, 0)])
    assert told.changes("lamp_day_burner") == []


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.sampled_from([(0, 0), (98, 100), (20, 50), (35, 100), (22, 0), (math.nan, 100)]),
        min_size=1, max_size=30,
    ),
    st.lists(st.integers(0, 30), max_size=5),
)  # fmt: skip
def test_any_cut_between_messages_gives_the_same_verdicts(
    messages: list[tuple[float, float]], cuts: list[int]
) -> None:
    rows = [row for i, (p, d) in enumerate(messages) for row in lamp(4 * i, p, d)]
    whole = run(rows)
    parts = run(rows, sorted(2 * min(c, len(messages)) for c in cuts))
    for name in ("lamp_failure", "day_burner"):
        assert whole.of(name) == parts.of(name)
    # What minutes tell comes when they close: after what a reading tells at once, in whatever cut.
    assert sorted(t[:4] for t in whole.transitions if t[0] != "update") == sorted(
        t[:4] for t in parts.transitions if t[0] != "update"
    )


@pytest.mark.parametrize(("volts", "lost"), [(0.0, 1), (49.9, 1), (50.0, 0), (230.0, 0)])
def test_supply_loss_is_told_at_first_sight(volts: float, lost: int) -> None:
    told = run([("tu-1", "voltage", T0, volts)])
    assert told.of("supply_loss") == {("tu-1", T0): lost}
    assert told.changes("feeder_supply_loss") == [("raise", "tu-1")] * lost


def test_supply_loss_comes_and_goes() -> None:
    volts = [230.0, 231.0, 0.0, 0.0, 229.0]
    told = run([("tu-1", "voltage", T0 + i * MINUTE, v) for i, v in enumerate(volts)])
    assert verdicts(told, "supply_loss") == [(0, 0), (2, 1), (3, 1), (4, 0)]
    assert told.changes("feeder_supply_loss") == [("raise", "tu-1"), ("clear", "tu-1")]
