"""Simulated devices obey commands, once, and answer; dead ones don't, and what can't be is refused in words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.command import decode_answer, encode_command
from devices.topics import Topic, command_topic
from simulators.commands import CommandEar
from simulators.fleet import LocalTime
from simulators.messages import Messages
from simulators.models import Scene
from simulators.orders import BOOT, Orders
from simulators.placement import simulated_devices
from simulators.run import run
from simulators.scenario import find_scenario, load_scenario
from telemetry.address import BrokerAddress
from telemetry.arrays import Values
from telemetry.clock import DAY, HOUR, MINUTE, SECOND, ManualClock, SystemClock, parse_time
from tests.brokers import Broker, make_broker, mosquitto_present, wait_until
from tests.services import require
from tests.simulators.cities import KINDS, SEED, city
from tests.simulators.listener import Listener
from tests.simulators.test_messages import said

NIGHT = parse_time("2026-11-21T13:00:00Z")  # 20:00 local, all burn at full level
CLOCK = SystemClock()


def small(count: int = 60, scenario: str = "quiet-day") -> Messages:
    """A small city, by a scenario."""
    devices = simulated_devices(city("hcmc"), KINDS, count, SEED)
    return Messages(city("hcmc"), KINDS, devices, SEED, load_scenario(find_scenario(scenario)))


def healthy(messages: Messages, kind: str, start: int, end: int, skip: int = 0) -> str:
    """A device of this kind that has no fault in this time and speaks by itself."""
    struck = {f.device for f in messages.truth(start - HOUR, end + HOUR)}
    found = [
        d.id
        for d in messages.devices
        if d.kind == kind
        and d.id not in struck
        and d.parent not in struck
        and d.id not in messages.gateways.of
    ]
    return found[skip]


def heard(ear: CommandEar, kind: str, device: str, command: str, body: object) -> dict[str, Any]:
    payload = body if isinstance(body, bytes) else msgspec.json.encode(body)
    answer = ear.answer(Topic(kind, device, "cmd", command), payload)
    assert answer is not None
    found: dict[str, Any] = msgspec.json.decode(answer[0])
    assert decode_answer(answer[0]).id == found["id"]
    return found


@pytest.fixture(scope="module")
def night() -> tuple[Messages, CommandEar, ManualClock]:
    messages, clock = small(), ManualClock(NIGHT)
    return messages, CommandEar(messages, BrokerAddress("127.0.0.1", 1), clock), clock


Night = tuple[Messages, CommandEar, ManualClock]


@pytest.mark.parametrize(
    ("kind", "command", "body", "error"),
    [
        ("lamp", "dimming", {"id": "1", "value": 101}, "must lie within 0…100 %"),
        ("lamp", "dimming", {"id": "2"}, "needs a value"),
        ("lamp", "dimming", {"id": "3", "value": "bright"}, "must be a number"),
        ("lamp", "dimming", {"id": "4", "value": True}, "must be a number"),
        ("lamp", "interval", {"id": "5", "value": 1}, "must lie within"),
        ("lamp", "restart", {"id": "6", "value": 3}, "takes no value"),
        ("lamp", "explode", {"id": "7"}, "must be one of dimming, interval, restart"),
        ("noise", "dimming", {"id": "8", "value": 40}, "must be one of interval, restart"),
        ("lamp", "dimming", {"id": "9", "value": 40, "expires": "2026-11-21T12:59:59Z"}, "has passed"),
        ("lamp", "dimming", {"id": "a", "value": 40, "expires": "soon"}, "expires"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused_in_words(
    night: Night, kind: str, command: str, body: dict[str, object], error: str
) -> None:
    messages, ear, _ = night
    device = healthy(messages, kind, NIGHT, NIGHT)
    found = heard(ear, kind, device, command, body)
    assert found["ok"] is False and "value" not in found
    assert error in found["error"]
    assert not messages.orders


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"\xff", b"[1]", b'{"value": 40}', b'{"id": 7}', b'{"id": ""}', b"[" * 9_000]
)  # fmt: skip
def test_what_has_no_id_can_not_be_answered(night: Night, payload: bytes) -> None:
    messages, ear, _ = night
    device = healthy(messages, "lamp", NIGHT, NIGHT)
    assert ear.answer(Topic("lamp", device, "cmd", "dimming"), payload) is None
    assert not messages.orders


def test_a_dead_device_says_nothing() -> None:
    messages = small(300, "blackout")
    fault = next(f for f in messages.truth(NIGHT, NIGHT + 2 * DAY) if f.type == "offline"
                 and f.device not in messages.gateways.of)  # fmt: skip
    kind = next(d.kind for d in messages.devices if d.id == fault.device)
    clock = ManualClock((fault.start + fault.end) // 2)
    ear = CommandEar(messages, BrokerAddress("127.0.0.1", 1), clock)
    topic = Topic(kind, fault.device, "cmd", "restart")
    assert ear.answer(topic, b'{"id": "x"}') is None
    clock.advance(fault.end + MINUTE - clock.now())
    assert ear.answer(topic, b'{"id": "x"}') is not None


def test_a_command_is_done_once_and_answered_twice() -> None:
    messages, clock = small(), ManualClock(NIGHT)
    ear = CommandEar(messages, BrokerAddress("127.0.0.1", 1), clock)
    lamp = healthy(messages, "lamp", NIGHT, NIGHT + HOUR)
    body = encode_command("once", 40, NIGHT, NIGHT + MINUTE)
    first = heard(ear, "lamp", lamp, "dimming", body)
    assert (first["ok"], first["value"]) == (True, 40)
    clock.advance(NIGHT + 10 * SECOND - clock.now())
    heard(ear, "lamp", lamp, "dimming", {"id": "later", "value": 80})
    again = ear.answer(Topic("lamp", lamp, "cmd", "dimming"), body)
    assert again is not None and msgspec.json.decode(again[0]) == first and again[1] is None
    assert messages.orders.levels[lamp][-1].level == 0.8


def test_a_restart_is_answered_first_and_then_it_is_away() -> None:
    messages, clock = small(), ManualClock(NIGHT)
    ear = CommandEar(messages, BrokerAddress("127.0.0.1", 1), clock)
    device = healthy(messages, "noise", NIGHT, NIGHT + HOUR)
    assert heard(ear, "noise", device, "restart", {"id": "r"})["ok"] is True
    clock.advance(NIGHT + SECOND - clock.now())
    assert ear.answer(Topic("noise", device, "cmd", "restart"), b'{"id": "s"}') is None
    clock.advance(NIGHT + BOOT - clock.now())
    assert ear.answer(Topic("noise", device, "cmd", "restart"), b'{"id": "s"}') is not None
    mine = [m for m in said(messages, NIGHT, NIGHT + BOOT + 5 * SECOND) if device in m.topic]
    assert all(m.time >= NIGHT + BOOT for m in mine)
    births = [m for m in mine if m.retain]
    assert len(births) == 1 and b'"online"' in births[0].payload


def test_a_lamp_that_is_told_tells_so_at_once() -> None:
    messages, clock = small(), ManualClock(NIGHT)
    ear = CommandEar(messages, BrokerAddress("127.0.0.1", 1), clock)
    lamp = healthy(messages, "lamp", NIGHT, NIGHT + HOUR)
    answer = ear.answer(Topic("lamp", lamp, "cmd", "dimming"), b'{"id": "d", "value": 35}')
    assert answer is not None and answer[1] is not None
    body = msgspec.json.decode(answer[1].payload)
    assert body["dimming"] == 35 and "seq" not in body
    rated = next(d.limits["rated_power"] for d in messages.devices if d.id == lamp)
    assert body["power"] == pytest.approx(0.35 * rated, rel=0.05)
    assert NIGHT <= parse_time(body["time"]) < NIGHT + 6 * SECOND


def scene_with(orders: Callable[[Orders, Scene], None]) -> tuple[Scene, Scene]:
    """(calm, with orders)."""
    place = city("hcmc")
    devices = simulated_devices(place, KINDS, 60, SEED)
    calm, told = (Scene(place, KINDS, devices, SEED, nature=False) for _ in range(2))
    orders(told.orders, told)
    return calm, told


def columns(scene: Scene, kind: str, start: int, end: int) -> tuple[Values, dict[str, Values]]:
    rows = scene.fleets[kind].rows(start, end)
    return np.asarray(rows.time), scene.models[kind].values(rows)


def test_an_order_holds_until_noon_and_both_meters_follow() -> None:
    def tell(orders: Orders, scene: Scene) -> None:
        for lamp in scene.fleets["lamp"].devices:
            orders.dim(lamp.id, 0.2, NIGHT)
        first = scene.fleets["lamp"].devices[0]
        orders.dim(first.id, 0.0, NIGHT + HOUR)

    calm, told = scene_with(tell)
    time, before = columns(calm, "lamp", NIGHT - HOUR, NIGHT + DAY)
    _, after = columns(told, "lamp", NIGHT - HOUR, NIGHT + DAY)
    noon = parse_time("2026-11-22T05:00:00Z")
    held = (time >= NIGHT) & (time < noon)
    assert np.array_equal(before["power"][~held], after["power"][~held])
    device = told.fleets["lamp"].rows(NIGHT - HOUR, NIGHT + DAY).device
    assert (after["dimming"][held & (device > 0)] == 20).all()
    assert (after["dimming"][held & (device == 0) & (time >= NIGHT + HOUR)] == 0).all()
    # What the meters counted is what was drawn.
    for lamp in (0, 3):
        mine = device == lamp
        lit = mine & (after["dimming"] > 0)  # a driver that stands by is not metered
        drawn = float((after["power"][lit] * 300 / 3.6e6).sum())
        counted = after["energy"][mine][-1] - after["energy"][mine][0]
        assert counted == pytest.approx(drawn, rel=0.03, abs=0.01)
        assert (np.diff(after["energy"][mine]) >= -1e-9).all()
    _, cabinet = columns(told, "feeder", NIGHT - HOUR, NIGHT + DAY)
    _, usual = columns(calm, "feeder", NIGHT - HOUR, NIGHT + DAY)
    at, _ = columns(told, "feeder", NIGHT - HOUR, NIGHT + DAY)
    evening = (at > NIGHT) & (at < NIGHT + HOUR)
    ratio = (cabinet["power"][evening] - 18) / (usual["power"][evening] - 18)
    assert np.abs(ratio - 0.2).max() < 0.01
    used = cabinet["energy"][-1] - cabinet["energy"][0]
    assert used == pytest.approx(float(((cabinet["power"] - 18) * 60 / 3.6e6).sum()), rel=0.05)


@settings(max_examples=20, deadline=None)
@given(
    orders=st.lists(st.tuples(st.integers(0, 3_000), st.floats(0, 1)), min_size=1, max_size=8).map(
        sorted
    )
)
def test_levels_follow_one_another(orders: list[tuple[int, float]]) -> None:
    """At any time the newest order holds, until the noon after it; spans never overlap."""
    book = Orders(LocalTime(city("hcmc").zone))
    for minute, level in orders:
        book.dim("lamp-0001", level, NIGHT + minute * MINUTE)
    spans = book.levels["lamp-0001"]
    assert all(a.end <= b.start for a, b in pairwise(spans))
    assert all(s.start < s.end <= s.start + DAY for s in spans)
    assert spans[-1].level == orders[-1][1]


def test_an_interval_is_kept_from_the_order_on_and_counts_follow_it() -> None:
    messages, clock = small(300), ManualClock(NIGHT)
    ear = CommandEar(messages, BrokerAddress("127.0.0.1", 1), clock)
    counter = healthy(messages, "traffic", NIGHT, NIGHT + 2 * HOUR)
    usual = [m for m in said(messages, NIGHT, NIGHT + 40 * MINUTE) if f"/{counter}/tele" in m.topic]
    assert heard(ear, "traffic", counter, "interval", {"id": "i", "value": 30})["ok"] is True
    clock.advance(NIGHT + 20 * MINUTE - clock.now())
    assert heard(ear, "traffic", counter, "interval", {"id": "j", "value": 120})["ok"] is True

    def mine(start: int, end: int) -> list[dict[str, Any]]:
        found = said(messages, start, end)
        return [msgspec.json.decode(m.payload) for m in found if f"/{counter}/tele" in m.topic]

    quick, slow = mine(NIGHT, clock.now()), mine(clock.now(), NIGHT + 40 * MINUTE)
    assert abs(len(quick) - 40) <= 1 and abs(len(slow) - 10) <= 1 and abs(len(usual) - 40) <= 1
    passed = sum(b["motorcycle"] for b in quick + slow)
    assert passed == pytest.approx(
        sum(msgspec.json.decode(m.payload)["motorcycle"] for m in usual), rel=0.1
    )
    # Slices join as ever.
    cut = clock.now() - 7 * MINUTE
    assert mine(NIGHT, cut) + mine(cut, clock.now()) == quick


@pytest.fixture(params=["nats", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "mosquitto":
        require("mosquitto", mosquitto_present())
    found = make_broker(request.param, tmp_path / "broker")
    found.start()
    yield found
    found.stop()


def test_over_a_broker_devices_obey_and_go_on_after_it_was_away(broker: Broker) -> None:
    messages = small(40)
    now = CLOCK.now()
    kind, device = "noise", healthy(messages, "noise", now - HOUR, now + HOUR)
    lamps = [
        d.id for d in messages.devices if d.kind == "lamp" and d.id not in messages.silent_at(now)
    ]
    listener = Listener(broker.port)

    def acks() -> list[tuple[str, Any]]:
        return [(t, decode_answer(p)) for t, p in listener.heard if "/ack/" in t]

    async def tell(kind: str, device: str, command: str, payload: bytes) -> None:
        listener.say(command_topic(kind, device, command), payload)

    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(40):
            while not condition():
                await asyncio.sleep(0.02)

    async def session() -> None:
        address = BrokerAddress("127.0.0.1", broker.port)
        ear = CommandEar(messages, address, CLOCK)
        work = asyncio.create_task(ear.run())
        await until(ear.listening.is_set)
        await tell(kind, device, "restart", encode_command("a", None, now, CLOCK.now() + MINUTE))
        await tell(kind, "nobody-1", "restart", encode_command("b", None, now, now + HOUR))
        for lamp in lamps:
            await tell("lamp", lamp, "dimming", encode_command(lamp, 55, now, CLOCK.now() + HOUR))
        await tell(kind, device, "dance", b'{"id": "c"}')
        await until(lambda: len(acks()) >= 1 + len(lamps))
        found = dict(acks())
        assert found[f"city/{kind}/{device}/ack/restart"].ok
        assert all(found[f"city/lamp/{lamp}/ack/dimming"].value == 55 for lamp in lamps)
        await until(
            lambda: len([t for t, _ in listener.said() if "/lamp/" in t]) >= len(lamps) // 2
        )
        ear.listening.clear()
        broker.stop()
        broker.start()
        await until(ear.listening.is_set)
        await tell("lamp", lamps[0], "dimming", encode_command("z", 10, now, CLOCK.now() + HOUR))
        await until(lambda: any(a.id == "z" and a.value == 10 for _, a in acks()))
        work.cancel()

    asyncio.run(session())
    listener.close()


def test_the_running_city_obeys(tmp_path: Path) -> None:
    """`run`, history and live, has its devices listen."""
    broker = make_broker("nats", tmp_path / "broker")
    broker.start()
    messages, listener = small(20), Listener(broker.port)
    now = CLOCK.now()
    device = healthy(messages, "noise", now - HOUR, now + HOUR)

    async def session() -> None:
        work = asyncio.create_task(
            run(messages, BrokerAddress("127.0.0.1", broker.port), CLOCK, CLOCK.now())
        )
        async with asyncio.timeout(40):
            while not any("/ack/" in t for t, _ in listener.heard):
                listener.say(
                    command_topic("noise", device, "interval"), b'{"id": "n", "value": 30}'
                )
                await asyncio.sleep(0.2)
        work.cancel()
        await asyncio.wait([work])

    asyncio.run(session())
    wait_until(lambda: device in messages.orders.paces)
    assert len(messages.orders.paces[device]) == 1
    listener.close()
    broker.stop()
