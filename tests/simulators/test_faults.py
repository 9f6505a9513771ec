"""Faults: every day has its own, some stand at any moment, and each does what the truth says of it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.effects import change_values
from simulators.faults import Fault
from simulators.gateways import Gateways
from simulators.lamp_age import age_years, hazard
from simulators.lanes import LANES
from simulators.messages import Message, Messages
from simulators.silence import Silence
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, parse_time
from telemetry.errors import TimeError
from tests.simulators.cities import KINDS, city_messages, scene
from tests.simulators.test_messages import said, telemetry, unpacked

START = parse_time("2026-11-21T03:00:00Z")
Body = dict[str, float]


def first(type_: str, kind: str = "") -> Fault:
    """A fault of this type that begins after START, and whose device has no other then."""
    messages = city_messages("hcmc")
    ids = {d.id for d in messages.devices if d.kind == kind or not kind}
    for fault in messages.truth(START, START + 10 * DAY):
        others = messages.truth(fault.start - 2 * HOUR, fault.end + 2 * HOUR)
        alone = [f for f in others if f.device == fault.device] == [fault]
        if fault.type == type_ and fault.start > START and fault.device in ids and alone:
            return fault
    raise AssertionError(f"no {type_} within ten days")


def of_device(device: str, start: int, end: int, channel: str = "telemetry") -> list[Message]:
    ending = f"/{device}/{channel}"
    found = said(city_messages("hcmc"), start - 6 * SECOND, end + MINUTE)
    within = [m for m in unpacked(found) if m.topic.endswith(ending)]
    return [m for m in within if start <= time_in(m) < end]


def time_in(message: Message) -> int:
    """The time that a message names; when it left, where it can't be read."""
    try:
        return parse_time(msgspec.json.decode(message.payload)["time"])
    except (msgspec.DecodeError, TimeError, KeyError):
        return message.time


def column(fault: Fault, name: str, start: int, end: int) -> np.ndarray:
    bodies = [msgspec.json.decode(m.payload) for m in of_device(fault.device, start, end)]
    return np.array([b[name] for b in bodies], dtype=np.float64)


@settings(max_examples=25, deadline=None)
@given(day=st.integers(-400, 400))
def test_every_day_has_its_faults_and_some_stand_at_any_moment(day: int) -> None:
    messages = city_messages("hcmc")
    now = START + day * DAY
    types = {f.type for f in messages.truth(now - DAY, now)}
    assert types >= {"offline", "lamp_failure", "day_burner", "leaning", "overfull", "supply_loss"}
    four_days = {f.type for f in messages.truth(now - 4 * DAY, now)}
    # Some are rarer than every fourth day.
    assert {lane.type for lane in LANES if lane.days <= 4} <= four_days
    assert four_days <= {lane.type for lane in LANES}
    standing = {f.type for f in messages.truth(now, now + 1)}
    assert "lamp_failure" in standing
    assert len(messages.truth(now, now + 1)) <= 25
    assert messages.truth(now - DAY, now) == messages.truth(now - DAY, now)


def test_truth_is_the_same_however_it_is_asked_for() -> None:
    messages = city_messages("hcmc")
    whole = messages.truth(START, START + 3 * DAY)
    hours = {f for h in range(72) for f in messages.truth(START + h * HOUR, START + (h + 1) * HOUR)}
    assert sorted(hours) == whole
    known = {d.id: d.kind for d in messages.devices}
    for fault in whole:
        assert fault.start < fault.end
        kind = known.get(fault.device, "tree" if fault.device in messages.gateways.behind else "")
        assert kind in {k for lane in LANES if lane.type == fault.type for k in lane.kinds}


def test_a_dead_device_says_so_and_then_nothing() -> None:
    fault = first("offline", "noise")
    assert of_device(fault.device, fault.start, fault.end) == []
    statuses = of_device(fault.device, fault.start - HOUR, fault.end + HOUR, "status")
    assert [msgspec.json.decode(m.payload)["status"] for m in statuses] == ["offline", "online"]
    assert all(m.retain for m in statuses)
    gone, back = statuses
    assert fault.start < gone.time < fault.start + MINUTE
    assert back.time == fault.end
    assert parse_time(msgspec.json.decode(gone.payload)["time"]) == gone.time
    messages = city_messages("hcmc")
    assert fault.device in messages.silent_at((fault.start + fault.end) // 2)
    assert fault.device not in messages.silent_at(fault.end)


def test_a_feeder_without_supply_takes_its_lamps_along() -> None:
    fault = first("supply_loss")
    inside = fault.start + 5 * MINUTE, fault.end
    for name in ("voltage", "power", "current"):
        assert (column(fault, name, *inside) == 0).all()
    energy = column(fault, "energy", fault.start - HOUR, fault.end + HOUR)
    assert (np.diff(energy) >= 0).all()
    messages = city_messages("hcmc")
    lamps = {d.id for d in messages.devices if d.parent == fault.device}
    assert len(lamps) >= 20
    found = said(messages, fault.start, fault.end)
    assert {m.topic.split("/")[2] for m in found if m.topic.endswith("telemetry")}.isdisjoint(lamps)
    offline = {m.topic.split("/")[2] for m in found if b'"offline"' in m.payload}
    assert lamps <= offline
    online = said(messages, fault.end, fault.end + 1)
    assert lamps <= {m.topic.split("/")[2] for m in online if b'"online"' in m.payload}


def test_a_stuck_sensor_repeats_itself() -> None:
    fault = first("stuck", "noise")
    stuck = column(fault, "laeq", fault.start, fault.end)
    before = column(fault, "laeq", fault.start - HOUR, fault.start)
    assert len(set(stuck.tolist())) == 1
    assert stuck[0] == before[-1]
    assert len(set(before.tolist())) > 5


def test_spikes_stand_alone_and_fail_the_spike_test() -> None:
    fault = first("spikes", "air")
    values = column(fault, "pm25", fault.start, fault.end)
    step = np.diff(values)
    height = np.abs(step[:-1] - step[1:]) / 2
    quantity = KINDS["air"].quantity("pm25")
    assert quantity is not None and quantity.spike is not None
    assert (height > 2 * quantity.spike).sum() >= 3
    assert np.median(values) < 75


def test_malformed_messages_can_not_be_read() -> None:
    fault = first("malformed")
    payloads = [m.payload for m in of_device(fault.device, fault.start, fault.end)]
    bad = [p for p in payloads if b'"seq"' not in p]
    assert 0.03 < len(bad) / len(payloads) < 0.25
    assert any(b'"n/a"' in p for p in bad)


def test_duplicates_are_the_same_bytes() -> None:
    fault = first("duplicate")
    seen: Counter[bytes] = Counter()
    for message in of_device(fault.device, fault.start, fault.end):
        seen[message.payload] += 1
    assert set(seen.values()) <= {1, 2}
    assert 2 in seen.values()


def test_an_episode_makes_the_air_unhealthy() -> None:
    fault = first("episode")
    values = column(fault, "pm25", fault.start + HOUR, fault.end - HOUR)
    assert values.min() > 150  # the surge rule's level
    pm10 = column(fault, "pm10", fault.start, fault.end)
    assert (pm10 >= column(fault, "pm25", fault.start, fault.end)).all()


def test_lamps_fail_and_burn_by_day() -> None:
    night = parse_time("2026-11-21T13:00:00Z"), parse_time("2026-11-21T15:00:00Z")
    noon = parse_time("2026-11-21T05:00:00Z"), parse_time("2026-11-21T07:00:00Z")
    truth = city_messages("hcmc").truth(*night)
    dead = next(
        f for f in truth if f.type == "lamp_failure" and f.start < night[0] and f.end > night[1]
    )
    share = column(dead, "power", *night) / 90.0
    assert (column(dead, "dimming", *night) == 100).all()
    assert (share < 0.5).all()
    burner = next(f for f in city_messages("hcmc").truth(*noon) if f.type == "day_burner")
    assert (column(burner, "dimming", *noon) == 0).all()
    assert (column(burner, "power", *noon) > 0.1 * 150).all()


@pytest.mark.parametrize(
    ("type_", "quantity", "level", "after"),
    [
        ("leaning", "tilt", 15.0, 3 * HOUR),
        ("overfull", "fill", 90.0, 6 * HOUR),
        ("door_open", "door", 0.5, 0),
    ],
)
def test_standing_faults_pass_their_rules_level(
    type_: str, quantity: str, level: float, after: int
) -> None:
    fault = next(f for f in city_messages("hcmc").truth(START, START + 9 * DAY) if f.type == type_)
    values = column(fault, quantity, fault.start + after, fault.end)
    assert len(values)
    assert (values > level).all()


def test_congestion_is_slow_full_and_long_enough() -> None:
    fault = first("congestion")
    inside = fault.start + 10 * MINUTE, fault.end - 10 * MINUTE
    assert (column(fault, "speed", *inside) < 10).all()
    assert len(column(fault, "speed", *inside)) > 10
    assert (column(fault, "occupancy", *inside) > 40).all()


def test_what_a_loss_of_signal_kept_comes_in_a_burst_and_nothing_is_missing() -> None:
    fault = first("late_burst")
    messages = city_messages("hcmc")
    found = said(messages, fault.start - HOUR, fault.end + HOUR)
    of = [m for m in found if m.topic.endswith(f"/{fault.device}/telemetry")]
    late = [m for m in of if fault.start <= time_in(m) < fault.end]
    assert len(late) > 10
    assert all(fault.end < m.time < fault.end + 10 * MINUTE for m in late)
    numbers = [msgspec.json.decode(m.payload)["seq"] for m in of]
    assert sorted(numbers) == list(range(min(numbers), max(numbers) + 1))
    statuses = [m for m in found if m.topic.endswith(f"/{fault.device}/status")]
    assert [msgspec.json.decode(m.payload)["status"] for m in statuses] == ["offline", "online"]


@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(0, 20 * 60), min_size=1, max_size=5))
def test_a_burst_is_the_same_however_time_is_cut(cuts: list[int]) -> None:
    fault, messages = first("late_burst"), city_messages("hcmc")
    start = fault.end - 10 * MINUTE
    edges = [start, *sorted(start + c * SECOND for c in cuts), start + 20 * MINUTE]
    parts = [m for a, b in pairwise(edges) for m in said(messages, a, b)]
    assert parts == said(messages, start, edges[-1])


def test_lost_messages_leave_a_gap_in_the_numbers_and_no_word() -> None:
    fault = first("gap")
    assert of_device(fault.device, fault.start, fault.end) == []
    assert of_device(fault.device, fault.start - HOUR, fault.end + HOUR, "status") == []


def test_a_wrong_clock_is_off_by_hours_and_counts_on() -> None:
    fault = first("wrong_clock")
    messages = city_messages("hcmc")
    found = said(messages, fault.start + MINUTE, fault.end - MINUTE)
    of = [m for m in found if m.topic.endswith(f"/{fault.device}/telemetry")]
    assert of and all(abs(time_in(m) - m.time - 7 * HOUR) < 10 * SECOND for m in of)
    numbers = [msgspec.json.decode(m.payload)["seq"] for m in of]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_nothing_comes_through_a_dead_gateway() -> None:
    messages = city_messages("hcmc")
    truth = messages.truth(START, START + 10 * DAY)
    fault = next(f for f in truth if f.type == "dead_gateway" and f.start > START)
    behind = messages.gateways.behind[fault.device]
    for device in behind:
        assert of_device(device, fault.start, fault.end) == []
    packs = said(messages, fault.end, fault.end + 2 * HOUR)
    assert any(m.topic == f"city/gateway/{fault.device}/telemetry" for m in packs)


STRUCK = [
    ("drift", "air", "temperature", 5.0, 8 * HOUR, 12 * HOUR, 1.0, 20.0),
    ("bias", "weather", "pressure", 3.0, 0, 12 * HOUR, 4.4, 4.6),
    ("noise", "air", "temperature", 2.0, 0, 12 * HOUR, 8.0, 14.0),
    ("wrong_unit", "weather", "temperature", 0.0, 0, 12 * HOUR, 40.0, 70.0),
    ("wrong_unit", "air", "co", 0.0, 0, 12 * HOUR, 300.0, 5_000.0),
    ("wrong_unit", "level", "level", 0.0, 0, 12 * HOUR, 1.0, 900.0),
]


@pytest.mark.parametrize(
    ("type_", "kind", "quantity", "strength", "after", "lasts", "low", "high"), STRUCK
)
def test_a_sensor_is_ill_by_its_strength(
    type_: str,
    kind: str,
    quantity: str,
    strength: float,
    after: int,
    lasts: int,
    low: float,
    high: float,
) -> None:
    """The difference from what it should say lies between `low` and `high`, at its largest."""
    of = scene("hcmc")
    fleet, model = of.fleets[kind], of.models[kind]
    device = fleet.devices[0].id
    fault = Fault(START, START + lasts, type_, device, strength, quantity)
    rows = fleet.rows(START + after, START + lasts)
    part = rows.slice(*rows.span(0, START, START + lasts))
    healthy = model.values(part)
    struck = change_values(fault, part, dict(healthy), fleet, model)
    off = np.abs(struck[quantity] - healthy[quantity])
    assert low <= off.max() <= high
    others = set(healthy) - {quantity}
    assert all(np.array_equal(struck[o], healthy[o]) for o in others)


def test_a_flat_battery_says_so_before_it_is_silent() -> None:
    of = scene("hcmc")
    fleet, model = of.fleets["waste"], of.models["waste"]
    fault = Fault(START, START + 40 * HOUR, "flat_battery", fleet.devices[0].id)
    rows = fleet.rows(START, START + 40 * HOUR)
    part = rows.slice(*rows.span(0, START, START + 40 * HOUR))
    left = change_values(fault, part, model.values(part), fleet, model)["battery"]
    assert left[0] > 30 and left[-1] == pytest.approx(3.0)
    assert (np.diff(left) <= 0).all()
    silence = Silence(of.fleets, Gateways([], 1), 1).spans([fault])
    assert silence == {fault.device: [(START + 32 * HOUR, START + 40 * HOUR)]}


def test_what_overlaps_is_one_silence_and_a_short_one_is_not_noticed() -> None:
    silence = Silence({}, Gateways([], 1), 1)
    spans = {
        "a": [(START, START + HOUR), (START, START + HOUR), (START + MINUTE, START + 2 * HOUR)]
    }
    words = [w for _, _, w in silence.statuses(spans, START - HOUR, START + 3 * HOUR)]
    assert words == ["offline", "online"]
    assert silence.statuses({"a": [(START, START + SECOND)]}, START, START + HOUR) == []


@pytest.mark.parametrize(("type_", "share"), [("breaker_trip", 1.0), ("cable_theft", 0.5)])
def test_a_feeder_loses_its_load_and_the_lamps_behind_are_silent(type_: str, share: float) -> None:
    """The voltage stays; what is drawn falls by the lamps that are gone, and so does the counter's pace."""
    messages = city_messages("hcmc")
    found = messages.truth(START, START + 30 * DAY)
    fault = next(f for f in found if f.type == type_ and f.start > START)
    night = max(fault.start, fault.end - 3 * HOUR) if type_ == "breaker_trip" else fault.start
    inside = night + 5 * MINUTE, min(fault.end, night + 2 * HOUR)
    assert (column(fault, "voltage", *inside) > 200).all()
    of = scene("hcmc")
    rows = of.fleets["feeder"].rows(*inside)
    rows = rows.take(np.flatnonzero(rows.device == of.fleets["feeder"].index[fault.device]))
    usual = float(of.models["feeder"].values(rows)["power"].mean())
    assert column(fault, "power", *inside).mean() == pytest.approx(
        18 + (1 - share) * (usual - 18), rel=0.05
    )
    lamps = [d.id for d in messages.devices if d.parent == fault.device]
    heard = {m.topic.split("/")[2] for m in telemetry(said(messages, *inside))}
    dark = lamps[len(lamps) - round(share * len(lamps)) :]
    assert not heard & set(dark)
    assert set(lamps) - set(dark) <= heard | struck_in(messages, *inside)
    opened = column(fault, "door", fault.start, fault.start + 30 * MINUTE)
    assert (opened == (1 if type_ == "cable_theft" else 0)).all()


def struck_in(messages: Messages, start: int, end: int) -> set[str]:
    return {f.device for f in messages.truth(start - HOUR, end + HOUR)}


def test_old_lamps_fail_more_often_than_new_ones() -> None:
    messages = city_messages("hcmc", 3_000)
    fleet = scene("hcmc", 3_000).fleets["lamp"]
    age = age_years(fleet)
    failed = [
        f.device for f in messages.truth(START, START + 300 * DAY) if f.type == "lamp_failure"
    ]
    of_failed = age[[fleet.index[d] for d in failed]]
    assert len(failed) > 300
    assert of_failed.mean() > age.mean() + 1.0
    assert age.min() >= 0 and age.max() <= 14
    assert (hazard(np.array([1.0, 5.0, 12.0])) == np.sort(hazard(np.array([12.0, 1.0, 5.0])))).all()
    # A street's lights were put up together: most of a feeder's are of one age.
    first = [n for n, d in enumerate(fleet.devices) if d.parent == fleet.devices[0].parent]
    assert (age[first] == age[first].max()).mean() > 0.3


def test_a_breaker_that_trips_where_there_is_no_voltage_says_that_nothing_flows() -> None:
    of = scene("hcmc")
    fleet, model = of.fleets["feeder"], of.models["feeder"]
    device = fleet.devices[0].id
    part = fleet.rows(START, START + HOUR).slice(0, 30)
    columns = model.values(part)
    for type_ in ("supply_loss", "breaker_trip"):
        fault = Fault(START, START + HOUR, type_, device)
        columns = change_values(fault, part, columns, fleet, model)
    assert (columns["voltage"] == 0).all()
    assert (columns["current"] == 0).all()
