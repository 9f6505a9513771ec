"""The score of detection: what counts as found, as false, as fallen; and a scenario through the real stack."""

from __future__ import annotations

from math import isnan
from pathlib import Path

import pytest

from benchmarks.detection import falls, read_baseline, table
from benchmarks.detection_score import SLACK, Count, Score
from benchmarks.detection_sees import OF_SENSORS, SEES, STATEMENTS, UNSEEN
from benchmarks.detection_signals import Signal
from benchmarks.detection_stack import signals
from devices.device import Device
from devices.registry import load_kinds
from simulators.events import EVENT_TYPES
from simulators.fault_types import FAULT_TYPES
from simulators.messages import Messages
from simulators.placement import simulated_devices
from simulators.scenario import load_scenario
from simulators.truth import Truth
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from telemetry.reasons import Reason
from tests.simulators.cities import KINDS, city

T0 = parse_time("2026-03-10T17:00:00Z")  # midnight in Ho Chi Minh City
DEVICES = [
    Device(id="aq-1", kind="air"),
    Device(id="aq-2", kind="air"),
    Device(id="bin-1", kind="waste"),
    Device(id="lamp-1", kind="lamp", parent="tu-1"),
    Device(id="tu-1", kind="feeder"),
]


def truth(device: str, type_: str, begin: int, end: int, kind: str = "air") -> Truth:
    return Truth(T0 + begin, T0 + end, device, kind, type_, "fault", 1.0, "")


def signal(device: str, what: str, begin: int, end: int) -> Signal:
    return Signal(T0 + begin, T0 + end, device, what)


def scores(truths: list[Truth], told: list[Signal], days: float = 365.2425) -> dict[str, Score]:
    count = Count()
    count.add(truths, told, DEVICES, {"bin-1": "gw-1"}, T0, T0 + int(days * DAY))
    return {s.type: s for s in count.scores()}


def test_every_type_has_signals_that_exist() -> None:
    assert set(FAULT_TYPES) | set(EVENT_TYPES) == set(SEES) | UNSEEN
    kinds = load_kinds()
    rules = {r.code for k in kinds for r in k.rules}
    rules |= {"gateway_silent", "area_silent", "feeder_lamps_lost"}
    for what in {w for of in SEES.values() for w in of} | STATEMENTS:
        source, _, code = what.partition(":")
        if source == "alert":
            assert code in rules, what
        if source == "quarantine":
            assert code in set(Reason), what
    assert set(FAULT_TYPES) >= OF_SENSORS


def test_found_and_missed_and_how_soon() -> None:
    truths = [truth("aq-1", "stuck", HOUR, 9 * HOUR), truth("aq-2", "stuck", HOUR, 9 * HOUR)]
    told = [signal("aq-1", "quality:flat", 5 * HOUR, 10 * HOUR)]
    found = scores(truths, told)["stuck"]
    assert (found.truths, found.found, found.recall, found.false) == (2, 1, 0.5, 0)
    assert (found.delay_s, found.precision) == (4 * 3_600.0, 1.0)


def test_an_answer_too_late_or_of_another_kind_is_none() -> None:
    late = [signal("aq-1", "quality:flat", 2 * HOUR + SLACK, 9 * HOUR)]
    found = scores([truth("aq-1", "stuck", HOUR, 2 * HOUR)], late)["stuck"]
    assert (found.found, found.false, found.precision) == (0, 1, 0.0)
    assert isnan(found.delay_s)
    other = [signal("aq-1", "account:duplicate", HOUR, 2 * HOUR)]
    assert scores([truth("aq-1", "stuck", HOUR, 2 * HOUR)], other)["stuck"].found == 0


def test_an_hours_account_is_about_its_hour_and_seen_at_its_end() -> None:
    told = [Signal(T0 + 3 * HOUR, T0 + 3 * HOUR, "aq-1", "account:gap", T0 + 2 * HOUR)]
    found = scores([truth("aq-1", "gap", HOUR, 2 * HOUR + 10 * MINUTE)], told)["gap"]
    assert (found.found, found.false, found.delay_s) == (1, 0, 2 * 3_600.0)


def test_false_alerts_are_by_device_and_year() -> None:
    told = [signal("aq-1", "alert:device_offline", n * DAY, n * DAY + HOUR) for n in range(10)]
    found = scores([], told)["offline"]
    assert (found.truths, found.false) == (0, 10)
    assert found.false_alerts == pytest.approx(10 / 5, rel=1e-3)  # five devices, a year


def test_a_statement_on_a_well_device_is_true_and_on_an_ill_one_misled() -> None:
    told = [signal("aq-1", "alert:air_unhealthy", HOUR, 2 * HOUR)]
    assert scores([], told) == {}
    ill = scores([truth("aq-1", "bias", 0, 9 * HOUR)], told)
    assert ill["burning"].false == 1
    assert ill["bias"].false == 0


def test_a_signal_about_a_cause_answers_for_what_hangs_on_it() -> None:
    truths = [
        truth("lamp-1", "offline", HOUR, 3 * HOUR, "lamp"),
        truth("gw-1", "dead_gateway", HOUR, 3 * HOUR, "gateway"),
    ]
    told = [
        signal("tu-1", "alert:feeder_lamps_lost", 2 * HOUR, 3 * HOUR),
        signal("bin-1", "alert:device_offline", 2 * HOUR, 3 * HOUR),
    ]
    found = scores(truths, told)
    assert found["offline"].recall == 1.0
    assert found["dead_gateway"].recall == 1.0


def test_a_fall_is_said_in_words_and_a_rise_is_not() -> None:
    was = {
        "stuck": Score("stuck", 4, 3, 0.75, 1.0, 60.0, 0, 0.0).as_json(),
        "gap": Score("gap", 2, 2, 1.0, 0.5, 60.0, 3, 1.0).as_json(),
        "fire": Score("fire", 1, 1, 1.0, 1.0, 60.0, 0, 0.0).as_json(),
    }
    now = [
        Score("stuck", 4, 2, 0.50, 1.0, 60.0, 0, 0.0),
        Score("gap", 2, 2, 1.0, 0.6, 60.0, 9, 2.0),
        Score("spill", 0, 0, float("nan"), 0.0, float("nan"), 7, 3.0),
    ]
    assert falls(now, was) == [
        "stuck: recall 0.50, was 0.75",
        "gap: 2.00 false alerts a device-year, were 1.00",
        "fire: does not occur any more",
        "spill: 3.00 false alerts a device-year, were none",
    ]
    assert falls([Score("stuck", 4, 4, 1.0, 1.0, 9.0, 0, 0.0)], {"stuck": was["stuck"]}) == []
    assert "stuck" in table(now) and "–" in table(now)


def test_the_baseline_is_of_every_type() -> None:
    kept = read_baseline()
    assert {t for t, s in kept["everything"].items() if s["truths"]} == set(SEES) - {"episode"} or {
        t for t, s in kept["everything"].items() if s["truths"]
    } == set(SEES)
    assert not any(s["truths"] for s in kept["quiet-day"].values())


def test_counts_of_several_runs_are_added() -> None:
    one, whole = Count(), Count()
    told = [signal("aq-1", "quality:flat", 5 * HOUR, 6 * HOUR)]
    one.add([truth("aq-1", "stuck", HOUR, 9 * HOUR)], told, DEVICES, {}, T0, T0 + DAY)
    whole.take(one)
    whole.take(one)
    [found] = [s for s in whole.scores() if s.type == "stuck"]
    assert (found.truths, found.found, found.precision) == (2, 2, 1.0)


SMALL = """text = "small"
days = 1
begins = "2026-03-11"
[[faults]]
type = "offline"
kind = "air"
at = "01:00"
lasts = "2h"
count = 1
[[faults]]
type = "malformed"
kind = "noise"
at = "00:30"
lasts = "2h"
count = 1
[[faults]]
type = "duplicate"
kind = "weather"
at = "00:30"
lasts = "2h"
count = 1
strength = 0.9
"""


def test_a_small_scenario_through_the_real_stack(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(SMALL)
    devices = simulated_devices(city("hcmc"), KINDS, 30, 1)
    messages = Messages(city("hcmc"), KINDS, devices, 1, load_scenario(path))
    end = T0 + 3 * HOUR + 30 * MINUTE
    told = list(signals(city("hcmc"), KINDS, devices, [(messages, T0, end)]))
    found = told[-1]
    assert isinstance(found, list)
    by_type = {f.type: f.device for f in messages.truth(T0, end)}
    said = {(s.subject, s.what): s for s in found}
    offline = said[by_type["offline"], "alert:device_offline"]
    assert T0 + HOUR < offline.time < T0 + HOUR + 10 * MINUTE
    assert T0 + 3 * HOUR <= offline.end <= T0 + 3 * HOUR + 15 * MINUTE  # a step of the stack
    assert any(s == by_type["malformed"] and w.startswith("quarantine:") for s, w in said)
    assert (by_type["duplicate"], "account:duplicate") in said
