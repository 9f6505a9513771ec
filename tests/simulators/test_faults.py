"""Faults: every day has its own, some stand at any moment, and each does what the truth says of it."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulators.faults import LANES, Fault
from simulators.messages import Message
from telemetry.clock import DAY, HOUR, MINUTE, parse_time
from tests.simulators.cities import KINDS, city_messages
from tests.simulators.test_messages import said

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
    return [m for m in said(city_messages("hcmc"), start, end) if m.topic.endswith(ending)]


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
    two_days = {f.type for f in messages.truth(now - 2 * DAY, now)}
    assert two_days == {lane.type for lane in LANES}
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
        assert known[fault.device] in {
            k for lane in LANES if lane.type == fault.type for k in lane.kinds
        }


def test_a_dead_device_says_so_and_then_nothing() -> None:
    fault = first("offline")
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
    dead = next(f for f in truth if f.type == "lamp_failure" and f.start < night[0])
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
