"""Engineers' rules over columns: whatever the rule, the readings and the cuts, as one reading at a time."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.custom.dry_run import new_state
from analytics.custom.evaluate import CustomRuleState, evaluate_all
from analytics.facts import What
from analytics.layout import Layout
from analytics.rows import arrange
from devices.device import Catalogue, Device
from telemetry.clock import HOUR, MINUTE, SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings
from tests.analytics.city import KINDS, T0
from tests.custom.model import ZONE, Model, rule

Rows = list[tuple[str, str, int, float]]
TIMEOUT = KINDS["air"].timeout_s * SECOND


def catalogue() -> Catalogue:
    known = Catalogue(KINDS)
    known.put(Device(id="aq-1", kind="air", area="26734", tags=("school",)))
    known.put(Device(id="aq-2", kind="air"))
    known.put(Device(id="gio-1", kind="weather"))
    return known


class Bench:
    """One rule over an empty layout; `told`: (what, device, time) without updates."""

    def __init__(self, known: Catalogue | None = None, **changes: Any) -> None:
        self.known = known or catalogue()
        self.rule = rule(self.known, **changes)
        self.layout = Layout(self.known)
        self.layout.grow()
        self.state: CustomRuleState = new_state(self.rule, self.layout, ZONE)
        self.told: list[tuple[str, str, int]] = []

    def take(self, rows: Rows, flag: Flag = Flag.GOOD) -> None:
        batch = Readings.of(
            [self.known.code(d) for d, _, _, _ in rows],  # type: ignore[misc]
            [KINDS.quantity_code[q] for _, q, _, _ in rows],
            [t for _, _, t, _ in rows], [v for _, _, _, v in rows], flag, T0,
        )  # fmt: skip
        laid = arrange(self.layout, batch, np.ones(len(batch), dtype=bool))
        told = evaluate_all([(7, self.state)], self.layout, laid)
        for number, device, what, time in zip(
            *(c.tolist() for c in (told.rule, told.device, told.what, told.time)), strict=True
        ):
            assert number == 7
            if what != What.UPDATE:
                name = self.known.devices[device].id
                self.told.append((What(what).name.lower(), name, time))


def dust(*values: float, device: str = "aq-1", quantity: str = "pm25") -> Rows:
    return [(device, quantity, T0 + n * MINUTE, v) for n, v in enumerate(values)]


def minutes(bench: Bench) -> list[tuple[str, int]]:
    return [(what, (time - T0) // MINUTE) for what, _, time in bench.told]


def test_above_and_clear() -> None:
    bench = Bench()
    bench.take(dust(50, 50.1, 45, 40.1, 40, 45, 60))
    assert minutes(bench) == [("raise", 1), ("clear", 4), ("raise", 6)]


def test_below() -> None:
    bench = Bench(when={"quantity": "humidity", "below": 20.0, "clear": 30.0})
    bench.take(dust(20, 19, 25, 29.9, 30, quantity="humidity"))
    assert minutes(bench) == [("raise", 1), ("clear", 4)]


def test_a_level_in_another_unit() -> None:
    bench = Bench(when={"quantity": "pm25", "unit": "mg/m3", "above": 0.05, "clear": 0.04})
    bench.take(dust(50, 51, 41, 40))
    assert minutes(bench) == [("raise", 1), ("clear", 3)]


def test_a_unit_with_an_offset() -> None:
    bench = Bench(when={"quantity": "temperature", "unit": "[degF]", "above": 100.4})
    bench.take(dust(37.9, 38.1, 37.9, quantity="temperature"))
    assert minutes(bench) == [("raise", 1), ("clear", 2)]


def test_dwell_and_readings() -> None:
    bench = Bench(dwell_s=120)
    bench.take(dust(60, 60, 30, 60, 60, 60))
    assert minutes(bench) == [("raise", 5)]
    bench = Bench(readings=3)
    for row in dust(60, 60, 30, 60, 60, 60, 60):
        bench.take([row])
    assert minutes(bench) == [("raise", 5)]


def test_both_conditions_at_one_time() -> None:
    humid = {"quantity": "humidity", "below": 90.0}
    both = Bench(also=humid)
    one = Bench(also=humid, combine="or")
    for bench in (both, one):
        # Dust rises as the humidity does: at no time do both hold.
        bench.take([*dust(30, 60, 60, 60), *dust(80, 95, 80, 95, quantity="humidity")])
    assert minutes(both) == [("raise", 2), ("clear", 3)]
    assert minutes(one) == [("raise", 0)]


def test_what_a_silent_sensor_said_last_does_not_hold_for_ever() -> None:
    bench = Bench(also={"quantity": "humidity", "below": 90.0})
    bench.take(dust(80, quantity="humidity"))
    late = T0 + TIMEOUT + SECOND
    bench.take([("aq-1", "pm25", late - SECOND, 60.0), ("aq-1", "pm25", late, 60.0)])
    assert [(w, t) for w, _, t in bench.told] == [("raise", late - SECOND), ("clear", late)]


def test_an_index_that_is_told_an_hour_later_counts_from_then() -> None:
    bench = Bench(also={"quantity": "vn_aqi", "above": 100.0})
    bench.take(dust(60, 60))
    bench.take([("aq-1", "vn_aqi", T0 - HOUR, 120.0)])
    assert minutes(bench) == [("raise", 1)]


def test_hours_of_the_week_are_local() -> None:
    # T0 is 07:00 of a Sunday in the city.
    bench = Bench(schedule={"days": ["sun"], "start": "07:02:00", "end": "07:04:00"})
    bench.take(dust(60, 60, 60, 60, 60, 60))
    assert minutes(bench) == [("raise", 2), ("clear", 4)]


@pytest.mark.parametrize(
    ("scope", "heard"),
    [
        ({}, ["aq-1", "aq-2"]),
        ({"areas": ["26734"]}, ["aq-1"]),
        ({"devices": ["aq-2"]}, ["aq-2"]),
        ({"tags": ["school", "market"]}, ["aq-1"]),
        ({"tags": ["market"]}, []),
    ],
    ids=str,
)
def test_scope(scope: dict[str, Any], heard: list[str]) -> None:
    bench = Bench(**scope)
    bench.take([*dust(60), *dust(60, device="aq-2")])
    assert sorted(d for _, d, _ in bench.told) == heard


def test_suspect_and_older_values_change_nothing() -> None:
    bench = Bench()
    bench.take(dust(60), flag=Flag.SUSPECT)
    assert bench.told == []
    bench.take(dust(30, 60))
    bench.take(dust(30))
    assert minutes(bench) == [("raise", 1)]


def test_devices_that_come_later_and_scopes_that_change() -> None:
    known = catalogue()
    bench = Bench(known, tags=["school"])
    known.put(Device(id="aq-3", kind="air", tags=("school",)))
    known.put(Device(id="aq-2", kind="air", tags=("school",)))
    first = bench.layout.grow()
    bench.state.members.grow(first)
    bench.state.grow()
    bench.take([*dust(60, device="aq-2"), *dust(60, device="aq-3")])
    assert [d for _, d, _ in bench.told] == ["aq-3"]
    bench.state.refresh()
    bench.take(dust(60, 60, device="aq-2"))
    assert [d for _, d, _ in bench.told] == ["aq-3", "aq-2"]


conditions = st.one_of(
    st.fixed_dictionaries(
        {"quantity": st.sampled_from(["pm25", "humidity"]), "above": st.just(50.0)},
        optional={"clear": st.sampled_from([30.0, 50.0])},
    ),
    st.fixed_dictionaries(
        {"quantity": st.sampled_from(["pm25", "humidity"]), "below": st.just(60.0)},
        optional={"clear": st.sampled_from([60.0, 80.0])},
    ),
)
rules = st.fixed_dictionaries(
    {"when": conditions},
    optional={
        "also": conditions,
        "combine": st.sampled_from(["and", "or"]),
        "dwell_s": st.sampled_from([60, 150]),
        "readings": st.integers(1, 4),
        "schedule": st.just({"start": "07:03:00", "end": "07:20:00"}),
    },
)
values = st.sampled_from([20.0, 30.0, 40.0, 50.0, 55.0, 60.0, 70.0, 80.0, 90.0])
steps = st.lists(
    st.tuples(st.integers(1, 400), st.dictionaries(st.sampled_from(["pm25", "humidity"]), values, min_size=1)),
    min_size=1, max_size=40,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(changes=rules, told=steps, cuts=st.lists(st.integers(0, 40), max_size=4))
def test_any_rule_over_any_cuts_is_as_one_reading_at_a_time(
    changes: dict[str, Any], told: list[tuple[int, dict[str, float]]], cuts: list[int]
) -> None:
    bench = Bench(**changes)
    model = Model(bench.rule, TIMEOUT)
    time, rows = T0, []
    for seconds, found in told:
        time += seconds * SECOND
        model.take(time, found)
        rows.append([("aq-1", q, time, v) for q, v in found.items()])
    bounds = sorted({0, len(rows), *(c for c in cuts if c < len(rows))})
    for a, b in pairwise(bounds):
        bench.take([r for group in rows[a:b] for r in group])
    assert [(w, t) for w, _, t in bench.told] == model.told
