"""Publishing over a real broker: nothing lost, the order kept, no seam between history and live."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devices.topics import GATEWAY
from simulators.history import HistoryPublisher
from simulators.messages import Message, Messages
from simulators.placement import simulated_devices
from simulators.run import run, wait_for_broker
from simulators.sessions import Sessions
from telemetry.address import BrokerAddress
from telemetry.clock import HOUR, MINUTE, SECOND, SystemClock, parse_time
from telemetry.errors import StartError
from tests.brokers import Broker, make_broker, wait_until
from tests.simulators.cities import KINDS, city
from tests.simulators.listener import Listener
from tests.simulators.test_messages import said, telemetry

START = parse_time("2026-11-21T03:00:00Z")
CLOCK = SystemClock()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = make_broker("nats", tmp_path / "broker")
    found.start()
    yield found
    found.stop()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    found = Listener(broker.port)
    yield found
    found.close()


def address(broker: Broker) -> BrokerAddress:
    return BrokerAddress("127.0.0.1", broker.port)


def small_city(count: int = 40) -> Messages:
    return Messages(city("hcmc"), KINDS, simulated_devices(city("hcmc"), KINDS, count, 1), 1)


def by_topic(found: list[tuple[str, bytes]]) -> dict[str, list[bytes]]:
    of: dict[str, list[bytes]] = defaultdict(list)
    for topic, payload in found:
        of[topic].append(payload)
    return dict(of)


def sent(found: list[Message]) -> dict[str, list[bytes]]:
    return by_topic([(m.topic, m.payload) for m in found])


def first_of_each(found: list[bytes]) -> list[bytes]:
    return list(dict.fromkeys(found))


def test_history_arrives_whole_and_in_order(broker: Broker, listener: Listener) -> None:
    messages = small_city()
    wanted = said(messages, START, START + 6 * HOUR)
    publisher = HistoryPublisher(address(broker), in_flight=200)
    publisher.publish(messages.between(START, START + 6 * HOUR))
    assert publisher.confirmed == len(wanted) > 4_000
    wait_until(lambda: len(listener.heard) >= len(wanted))
    assert by_topic(listener.heard) == sent(wanted)


def test_history_survives_the_loss_of_the_broker(
    broker: Broker, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = small_city()
    wanted = said(messages, START, START + 12 * HOUR)
    publisher = HistoryPublisher(address(broker), in_flight=100)
    real, order = publisher._send, list[tuple[str, bytes]]()

    def send(client: Any, message: Message) -> None:
        order.append((message.topic, message.payload))
        real(client, message)

    monkeypatch.setattr(publisher, "_send", send)
    work = threading.Thread(
        target=publisher.publish, args=[messages.between(START, START + 12 * HOUR)]
    )
    work.start()
    wait_until(lambda: publisher.confirmed > len(wanted) // 5)
    broker.stop()
    assert work.is_alive()
    broker.start()
    work.join(60)
    assert not work.is_alive()
    assert publisher.confirmed >= len(wanted)
    wait_until(lambda: len(set(listener.heard)) >= len({(m.topic, m.payload) for m in wanted}))
    # The broker owes no order to a listener that was away too: the order is that of sending.
    heard, in_order = by_topic(listener.heard), by_topic(order)
    for topic, payloads in sent(wanted).items():
        assert set(heard[topic]) == set(payloads)
        # What was sent twice repeats; the first of each is in order.
        assert first_of_each(in_order[topic]) == first_of_each(payloads)


def test_history_can_be_stopped(broker: Broker) -> None:
    publisher = HistoryPublisher(address(broker))
    work = threading.Thread(
        target=publisher.publish, args=[small_city(300).between(START, START + 200 * HOUR)]
    )
    work.start()
    wait_until(lambda: publisher.confirmed > 100)
    publisher.stop()
    work.join(2)
    assert not work.is_alive()


async def _during(work: Coroutine[Any, Any, None], done: Callable[[], bool]) -> None:
    """Run `work` until `done` holds, then cancel it."""
    task = asyncio.create_task(work)
    async with asyncio.timeout(60):
        while not done():
            assert not task.done(), task.exception()
            await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_history_and_live_join_without_a_seam(broker: Broker, listener: Listener) -> None:
    messages = small_city(300)
    since = CLOCK.now() - 30 * MINUTE
    progress: list[tuple[int, int]] = []
    live_at: list[int] = []

    def enough() -> bool:
        return bool(live_at) and CLOCK.now() - live_at[0] > 8 * SECOND

    work = run(
        messages,
        address(broker),
        CLOCK,
        since,
        progress=lambda done, total: progress.append((done, total)),
        on_live=lambda: live_at.append(CLOCK.now()),
    )
    asyncio.run(_during(work, enough))
    ended = CLOCK.now()
    surely = sent(telemetry(said(messages, since, ended - SECOND)))
    maybe = sent(telemetry(said(messages, since, ended + SECOND)))
    wait_until(lambda: len(listener.said()) >= sum(map(len, surely.values())))
    heard = by_topic(listener.said())
    for topic, payloads in maybe.items():
        got = heard.get(topic, [])
        assert got == payloads[: len(got)]
        assert len(got) >= len(surely.get(topic, []))
    assert progress[-1][0] == progress[-1][1] == messages.count(since, live_at[0]) or (
        abs(progress[-1][1] - messages.count(since, live_at[0])) < 60
    )
    assert all(a[0] <= b[0] for a, b in pairwise(progress))


def test_births_and_a_clean_end(broker: Broker, listener: Listener) -> None:
    messages = small_city(14)
    alive = {d.id for d in messages.senders() if d.kind != GATEWAY}
    alive -= messages.silent_at(CLOCK.now())

    async def live() -> None:
        async with (
            asyncio.timeout(30),
            Sessions(
                address(broker), messages.senders(), CLOCK, messages.silent_at, limit=10
            ) as sessions,
        ):
            while len(listener.said("status")) < len(alive):
                await asyncio.sleep(0.02)
            assert sessions.connected == 10 + 4  # of their own, and shared
            assert sessions.failed() is None

    asyncio.run(live())
    later = Listener(broker.port, "later")
    wait_until(lambda: len(later.retained) == len(alive))
    later.close()
    # The clean end said nothing: what is retained is each device's birth.
    assert {t.split("/")[2] for t in later.retained} == alive
    for payload in later.retained.values():
        body = msgspec.json.decode(payload)
        assert body["status"] == "online"
        assert parse_time(body["time"]) <= CLOCK.now()
    assert len(listener.said("status")) == len(alive)


def test_a_silent_device_is_not_born(broker: Broker, listener: Listener) -> None:
    messages = small_city(12)
    alone = [d.id for d in messages.senders() if d.kind != GATEWAY]
    silent = set(alone[:5])

    async def live() -> None:
        async with (
            asyncio.timeout(30),
            Sessions(address(broker), messages.senders(), CLOCK, lambda _: silent) as sessions,
        ):
            while len(listener.said("status")) < len(alone) - 5 or sessions.connected < len(
                messages.senders()
            ):
                await asyncio.sleep(0.02)

    asyncio.run(live())
    assert {t.split("/")[2] for t, _ in listener.said("status")}.isdisjoint(silent)


def test_live_sessions_survive_the_loss_of_the_broker(broker: Broker, listener: Listener) -> None:
    messages = small_city(20)
    wanted = telemetry(said(messages, START, START + 20 * MINUTE))

    async def live() -> None:
        async with (
            asyncio.timeout(60),
            Sessions(address(broker), messages.senders(), CLOCK, messages.silent_at) as sessions,
        ):
            half = len(wanted) // 2
            for message in wanted[:half]:
                await sessions.send(message)
            await sessions.drain()
            broker.stop()
            for message in wanted[half:]:
                await sessions.send(message)
            assert sessions.confirmed == half
            # From the main thread: the embedded broker dies with the thread that started it.
            broker.start()
            await sessions.drain()
            assert sessions.confirmed == len(wanted)

    asyncio.run(live())
    wait_until(lambda: len(set(listener.said())) >= len({(m.topic, m.payload) for m in wanted}))
    heard = by_topic(listener.said())
    for topic, payloads in sent(wanted).items():
        assert first_of_each(heard[topic]) == first_of_each(payloads)


def test_a_bounded_run_in_the_past_ends_by_itself(broker: Broker, listener: Listener) -> None:
    messages = small_city(20)
    reports: list[tuple[int, int]] = []
    asyncio.run(
        run(
            messages,
            address(broker),
            CLOCK,
            START,
            START + HOUR,
            progress=lambda done, total: reports.append((done, total)),
            on_live=lambda: pytest.fail("it never becomes live"),
        )
    )
    assert reports[-1] == (messages.count(START, START + HOUR),) * 2
    wanted = said(messages, START, START + HOUR)
    wait_until(lambda: len(listener.heard) >= len(wanted))
    assert by_topic(listener.heard) == sent(wanted)


def test_no_broker_is_one_line() -> None:
    nowhere = BrokerAddress("127.0.0.1", 1)
    with pytest.raises(
        StartError, match=r"mqtt://127.0.0.1:1: the broker can't be reached"
    ) as error:
        asyncio.run(wait_for_broker(nowhere, within_s=0.5))
    assert "\n" not in str(error.value)
