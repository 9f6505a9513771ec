"""Messages: the same seed gives the same bytes, slices join without a seam, and ingest understands them."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.topics import parse_topic, telemetry_topic
from simulators.messages import Message, Messages
from simulators.placement import simulated_devices
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, format_time, parse_time
from tests.simulators.cities import KINDS, city, city_messages

START = parse_time("2026-11-21T03:00:00Z")


def said(messages: Messages, start: int, end: int) -> list[Message]:
    return [m for chunk in messages.between(start, end) for m in chunk]


def telemetry(found: list[Message]) -> list[Message]:
    return [m for m in found if m.topic.endswith("/telemetry")]


def unpacked(found: list[Message]) -> list[Message]:
    """The same, where each device's record in a gateway's pack is a message of its own, in flat JSON."""
    every = []
    for message in found:
        if not message.topic.startswith("city/gateway/"):
            every.append(message)
            continue
        for record in msgspec.json.decode(message.payload):
            if "bn" in record:
                device = record["bn"].rstrip("/")
                time = record.get("bt", message.time // SECOND)
                body = {"time": format_time(round(time * 1_000) * SECOND // 1_000)}
                topic = telemetry_topic("tree" if device.startswith("tree") else "waste", device)
                every.append(Message(message.time, topic, b""))
            body[record["n"]] = record.get("v", record.get("vs"))
            every[-1] = every[-1]._replace(payload=msgspec.json.encode(body))
    return every


@pytest.mark.parametrize("name", ["hcmc", "hanoi"])
def test_the_same_seed_gives_the_same_bytes(name: str) -> None:
    city_messages.cache_clear()
    first = said(city_messages(name), START, START + HOUR)
    city_messages.cache_clear()
    assert said(city_messages(name), START, START + HOUR) == first
    other = said(city_messages(name, seed=2), START, START + HOUR)
    assert {m.payload for m in first}.isdisjoint({m.payload for m in other if len(m.payload) > 60})


def test_two_cities_of_one_seed_differ() -> None:
    here = {m.payload for m in telemetry(said(city_messages("hcmc"), START, START + HOUR))}
    there = {m.payload for m in telemetry(said(city_messages("hanoi"), START, START + HOUR))}
    assert len(here & there) < 0.01 * len(here)


@settings(max_examples=15, deadline=None)
@given(
    start=st.integers(-30 * DAY, 30 * DAY),
    lengths=st.lists(st.integers(0, 40 * MINUTE), min_size=1, max_size=5),
)
def test_slices_join_without_a_seam(start: int, lengths: list[int]) -> None:
    messages = city_messages("hcmc", 60)
    edges = [START + start]
    for length in lengths:
        edges.append(edges[-1] + length)
    parts = [m for a, b in pairwise(edges) for m in said(messages, a, b)]
    assert parts == said(messages, edges[0], edges[-1])


def test_a_day_in_hours_is_the_day() -> None:
    """Across dusk, midnight and every kind of fault, byte by byte."""
    messages = city_messages("hanoi", 120)
    hours = [m for h in range(24) for m in said(messages, START + h * HOUR, START + (h + 1) * HOUR)]
    assert hours == said(messages, START, START + DAY)


def test_messages_are_in_order_and_within_their_slice() -> None:
    found = said(city_messages("hcmc"), START, START + 3 * HOUR)
    times = [m.time for m in found]
    assert times == sorted(times)
    assert times[0] >= START
    assert times[-1] < START + 3 * HOUR


def test_every_kind_speaks_at_its_interval() -> None:
    messages = city_messages("hcmc")
    found = unpacked(telemetry(said(messages, START, START + 4 * HOUR)))
    struck = {f.device for f in messages.truth(START - DAY, START + 4 * HOUR)}
    lamps_of = {d.id for d in messages.devices if d.parent in struck}
    lamps_of |= {d for d, gateway in messages.gateways.of.items() if gateway in struck}
    times = defaultdict(list)
    for message in found:
        topic = parse_topic(message.topic)
        assert topic is not None
        body = msgspec.json.decode(message.payload) if topic.device not in struck else {}
        times[topic.kind, topic.device].append(parse_time(body.get("time", "2026-11-21T03:00:00Z")))
    assert {kind for kind, _ in times} == set(KINDS.code)
    for (kind, device), of in times.items():
        if device in struck | lamps_of:
            continue
        gaps, beat = {b - a for a, b in pairwise(of)}, KINDS[kind].interval_s * SECOND
        if device in messages.gateways.of:  # a cheap timer strays
            assert all(abs(gap - beat) <= 0.03 * beat for gap in gaps)
            assert len(gaps) > 1
        else:
            assert gaps == {beat}
    assert len({of[0] % MINUTE for of in times.values()}) > 200  # each at a phase of its own


def test_payloads_are_flat_json_of_declared_quantities() -> None:
    messages = city_messages("hcmc")
    unlike = ("malformed", "wrong_clock", "late_burst")
    struck = {f.device for f in messages.truth(START - DAY, START + HOUR) if f.type in unlike}
    decode = msgspec.json.Decoder(dict[str, object]).decode
    numbered = Counter[tuple[str, object]]()
    for message in unpacked(telemetry(said(messages, START, START + HOUR))):
        topic = parse_topic(message.topic)
        assert topic is not None
        if topic.device in struck:
            continue
        body = decode(message.payload)
        time, packed = parse_time(str(body.pop("time"))), topic.device in messages.gateways.of
        # A modem takes up to two seconds, a clock strays by up to four, a gateway collects for a minute.
        assert -4 * SECOND < message.time - time < (66 if packed else 6) * SECOND
        seq = time // (KINDS[topic.kind].interval_s * SECOND)
        assert body.pop("seq", seq if packed else None) == seq
        numbered[topic.device, seq] += 1
        assert set(body) == {q.name for q in KINDS[topic.kind].quantities if not q.derived}
        for name, value in body.items():
            quantity = KINDS[topic.kind].quantity(name)
            assert quantity is not None and isinstance(value, int | float)
            assert quantity.possible.low <= value <= quantity.possible.high
            decimals = len(repr(value).partition(".")[2]) if isinstance(value, float) else 0
            assert decimals <= 3 or "e" in repr(value)
    twice = {device for (device, _), n in numbered.items() if n > 1}
    duplicating = {f.device for f in messages.truth(START, START + HOUR) if f.type == "duplicate"}
    assert twice <= duplicating


def test_count_is_what_is_said_where_nothing_fails() -> None:
    messages = city_messages("hcmc")
    found = unpacked(telemetry(said(messages, START, START + DAY)))
    assert abs(len(found) - messages.count(START, START + DAY)) < 0.03 * len(found)
    assert messages.count(START, START) == 0


def test_a_city_without_devices_says_nothing() -> None:
    nobody = Messages(city("hcmc"), KINDS, [], 1)
    assert said(nobody, START, START + DAY) == []
    assert nobody.truth(START, START + DAY) == []


def test_a_few_devices_are_enough() -> None:
    for count in range(1, 12):
        devices = simulated_devices(city("hcmc"), KINDS, count, 1)
        few = Messages(city("hcmc"), KINDS, devices, 1)
        found = unpacked(telemetry(said(few, START, START + 12 * HOUR)))
        heard = {m.topic.split("/")[2] for m in found}
        assert heard <= {d.id for d in devices}
        assert len(heard) >= count - 1  # at most one is dead for all of half a day
