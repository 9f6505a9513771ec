"""Messages of a recording, and their way to a real broker: in order, confirmed, through a broken connection."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import aiomqtt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.mqtt_client import mqtt_client
from devices.registry import Kinds
from ingest.broker import EmbeddedBroker, free_port
from simulators.mapping import ValueColumn, load_mapping
from simulators.recording import Recording, read_recording
from simulators.replay import (
    IN_FLIGHT,
    Message,
    Progress,
    Replayer,
    copy_of,
    count_messages,
    messages,
    shifts_to_now,
    together,
)
from telemetry.address import BrokerAddress, broker_address
from telemetry.clock import HOUR, SECOND, parse_time
from telemetry.errors import StartError
from tests.replay.conftest import MAPPING

TOPIC = "city/air/order-1/telemetry"
T0 = parse_time("2024-01-01T00:00:00Z")
CSV = (
    "when,pm,wind\n2024-01-01T00:00:00,31.2,7.2\n2024-01-01T01:00:00,,3\n"
    "2024-01-01T02:00:00,,\n2024-01-01T03:00:00.25,30,\n"
)


@pytest.fixture
def recording(write: Callable[[str, str], Path], kinds: Kinds) -> Recording:
    return read_recording(
        write("r.csv", CSV), load_mapping(write("m.toml", MAPPING), kinds), None, None
    )


def test_one_senml_message_a_row_and_device_and_gaps_stay_gaps(recording: Recording) -> None:
    sent = [(m.topic, json.loads(m.payload), m.values) for m in messages(recording)]
    air, met = "city/air/aq-1/telemetry", "city/weather/met-1/telemetry"
    s = T0 // SECOND
    assert sent == [
        (air, [{"bt": s, "n": "pm25", "u": "ug/m3", "v": 31.2}], 1),
        (met, [{"bt": s, "n": "wind_speed", "u": "km/h", "v": 7.2}], 1),
        (met, [{"bt": s + 3600, "n": "wind_speed", "u": "km/h", "v": 3.0}], 1),
        (air, [{"bt": s + 10800.25, "n": "pm25", "u": "ug/m3", "v": 30.0}], 1),
    ]
    assert count_messages(recording) == (4, 4)


def test_several_quantities_of_a_device_share_a_message_and_its_base_time(
    write: Callable[[str, str], Path], kinds: Kinds
) -> None:
    second = MAPPING[MAPPING.index("[[values]]") : MAPPING.rindex("[[values]]")]
    mapping = MAPPING + second.replace('"pm"', '"wind"').replace('"pm25"', '"pm10"')
    recording = read_recording(
        write("r.csv", "when,pm,wind\n2024-01-01T00:00:00,1,2\n"),
        load_mapping(write("m.toml", mapping), kinds),
    )
    first = next(messages(recording))
    assert first.values == 2
    assert json.loads(first.payload) == [
        {"bt": T0 // SECOND, "n": "pm25", "u": "ug/m3", "v": 1.0},
        {"n": "pm10", "u": "ug/m3", "v": 2.0},
    ]
    assert count_messages(recording) == (2, 3)


@given(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3600.0]), st.integers(T0 + 24 * HOUR, T0 + 48 * HOUR))
def test_shifted_readings_are_never_ahead_of_the_clock(speed: float, now: int) -> None:
    recording = _hours(4)
    [shift] = shifts_to_now([recording], now, speed)
    first = int(recording.time[0])
    for time in recording.time.tolist():
        published = now + (int((time - first) / speed) if speed else 0)
        assert time + shift <= published
    lasts = int(3 * HOUR / max(speed, 1)) if speed else 0
    assert int(recording.time[-1]) + shift == now + lasts


def test_nothing_to_shift_in_an_empty_recording() -> None:
    assert shifts_to_now([_hours(0)], T0, 1) == [0]


@given(st.sampled_from([0.0, 1.0, 7.0, 3600.0]), st.integers(1, 30), st.integers(1, 30))
def test_recordings_that_are_shifted_together_end_together_and_none_is_ahead(
    speed: float, one: int, other: int
) -> None:
    now, both = T0 + 48 * HOUR, [_hours(one), _hours(other)]
    shifts = shifts_to_now(both, now, speed)
    ends = {int(r.time[-1]) + s for r, s in zip(both, shifts, strict=True)}
    assert len(ends) == 1
    times = [m.time for m in together([messages(r, s) for r, s in zip(both, shifts, strict=True)])]
    assert times == sorted(times)
    for time in times:
        published = now + (int((time - times[0]) / speed) if speed else 0)
        assert time <= published


def test_a_recording_as_several_devices_leaves_the_first_as_it_is() -> None:
    recording = _hours(2)
    assert copy_of(recording, 1) is recording
    names = {c.device for c in copy_of(recording, 3).columns}
    assert names == {f"{c.device}-3" for c in recording.columns}


def test_publishes_in_order_and_counts_what_was_confirmed(broker: BrokerAddress) -> None:
    source = _messages(500)
    replayer = Replayer(broker)

    async def run() -> list[object]:
        async with mqtt_client(broker) as client:
            await client.subscribe(TOPIC, qos=1)
            await replayer.run(source)
            return await _take(client, 500)

    assert asyncio.run(run()) == [m.payload for m in source]
    assert (replayer.progress.messages, replayer.progress.values) == (500, 1000)
    assert replayer.progress.again == 0


def test_keeps_the_pace_that_was_asked_for(broker: BrokerAddress) -> None:
    confirmed: list[float] = []

    def note(progress: Progress) -> None:
        if progress.messages:
            confirmed.append(asyncio.get_running_loop().time())

    asyncio.run(Replayer(broker, speed=100, on_change=note).run(_messages(6, step=10 * SECOND)))
    assert len(confirmed) == 6
    # 10 s apart at a hundredfold speed: 0.1 s, of which the first's own journey may take a part.
    assert 0.4 < confirmed[-1] - confirmed[0] < 5


def test_goes_on_where_it_stopped_when_the_broker_comes_back(tmp_path: Path) -> None:
    running = EmbeddedBroker(tmp_path, free_port())
    address = broker_address(f"mqtt://127.0.0.1:{running.port}")
    running.start()
    try:
        arrived, progress, connected = asyncio.run(_replay_through_a_restart(running, address))
    finally:
        running.stop()
    assert progress.messages == 1500
    assert connected[0] and connected[-1] and not all(connected)
    # Each at least once; what was on its way when the broker died perhaps twice.
    assert sorted({int(p) for p in arrived}) == list(range(1500))
    assert len(arrived) <= 1500 + progress.again
    assert progress.again <= IN_FLIGHT + 1  # one may have been waiting for its time


async def _replay_through_a_restart(
    running: EmbeddedBroker, address: BrokerAddress
) -> tuple[list[bytes], Progress, list[bool]]:
    async with _session(address) as client:
        await client.subscribe(TOPIC, qos=1)
    connected: list[bool] = []
    enough, away = asyncio.Event(), asyncio.Event()

    def watch(progress: Progress) -> None:
        connected.append(progress.connected)
        if progress.messages == 300:
            enough.set()
        if not progress.connected:
            away.set()

    # A millisecond apart, so that the broker dies in the middle and not behind the last.
    replayer = Replayer(address, speed=1, on_change=watch)
    replaying = asyncio.create_task(replayer.run(_messages(1500, step=SECOND // 1000)))
    await asyncio.wait_for(enough.wait(), 20)
    os.kill(running.pid or 0, signal.SIGKILL)
    await asyncio.wait_for(away.wait(), 20)
    running.stop()
    running.start()
    await asyncio.wait_for(replaying, 60)
    arrived: list[bytes] = []
    async with _session(address) as client, asyncio.timeout(30):
        async for message in client.messages:
            arrived.append(bytes(message.payload))
            if len(set(arrived)) == 1500:
                break
    return arrived, replayer.progress, connected


def _session(address: BrokerAddress) -> aiomqtt.Client:
    return aiomqtt.Client(address.host, address.port, identifier="kept", clean_session=False)


def test_says_so_where_there_is_no_broker() -> None:
    address = broker_address(f"mqtt://127.0.0.1:{free_port()}")
    with pytest.raises(StartError, match="can't be reached"):
        asyncio.run(Replayer(address).run(_messages(1)))


def test_an_empty_source_ends_at_once(broker: BrokerAddress) -> None:
    replayer = Replayer(broker)
    asyncio.run(replayer.run([]))
    assert replayer.progress.messages == 0


async def _take(client: aiomqtt.Client, n: int) -> list[object]:
    taken: list[object] = []
    async with asyncio.timeout(20):
        async for message in client.messages:
            taken.append(message.payload)
            if len(taken) == n:
                break
    return taken


def _messages(n: int, step: int = SECOND) -> list[Message]:
    return [Message(T0 + i * step, TOPIC, str(i).encode(), 2) for i in range(n)]


def _hours(n: int) -> Recording:
    column = ValueColumn("pm", "aq-1", "air", "pm25", "ug/m3")
    time = T0 + HOUR * np.arange(n, dtype=np.int64)
    return Recording("r.csv", (column,), time, np.ones((1, n)), n, 0, {"pm": 0}, {}, {})
