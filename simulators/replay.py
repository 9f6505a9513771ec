"""A recording → SenML messages → the broker, each confirmed, a bounded number in flight.

One message a row and device, in the order of the file. Missing values are not sent: gaps stay gaps.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from typing import NamedTuple

import aiomqtt
import msgspec
import numpy as np

from devices.mqtt_client import mqtt_client, unreachable
from devices.topics import telemetry_topic
from simulators.recording import Recording
from telemetry.address import BrokerAddress
from telemetry.clock import SECOND

# Enough to hide the broker's answer; the client walks all that are in flight at every confirmation.
IN_FLIGHT = 100
RECONNECT_FROM_S, RECONNECT_TO_S = 0.2, 10.0


class Message(NamedTuple):
    """One publish: `time` is the readings' own, `values` how many it carries."""

    time: int
    topic: str
    payload: bytes
    values: int


def messages(recording: Recording, shift: int = 0) -> Iterator[Message]:
    """The recording as messages, every time moved by `shift` ns. A row without values gives none.

    Payload: SenML (RFC 8428); `bt` is epoch seconds, the names are the quantity's only, because the
    topic names the device, and `u` is the recording's own unit.
    """
    devices = _columns_by_device(recording)
    encode = msgspec.json.Encoder().encode
    values: list[list[float]] = recording.values.tolist()
    for row, time in enumerate((recording.time + shift).tolist()):
        for topic, columns in devices:
            pack: list[dict[str, object]] = [
                {"n": name, "u": unit, "v": value}
                for column, name, unit in columns
                if (value := values[column][row]) == value  # NaN differs from itself
            ]
            if pack:
                pack[0] = {"bt": _seconds(time), **pack[0]}
                yield Message(time, topic, encode(pack), len(pack))


def count_messages(recording: Recording) -> tuple[int, int]:
    """(messages, values) that `messages` will give."""
    present = ~np.isnan(recording.values)
    total = 0
    for _, columns in _columns_by_device(recording):
        total += int(present[[c for c, _, _ in columns]].any(axis=0).sum())
    return total, int(present.sum())


def shifts_to_now(recordings: Sequence[Recording], now: int, speed: float) -> list[int]:
    """The shift [ns] of each that makes all their newest readings fall on the instant of their publishing.

    So no reading is ahead of the clock at any speed; at `speed` 1 each is as old as it was when it was
    recorded, and at 0 the recordings end now.
    """
    spans = [(int(r.time.min()), int(r.time.max())) if len(r) else (now, now) for r in recordings]
    longest = max((last - first for first, last in spans), default=0)
    lasts = int(longest / max(speed, 1.0)) if speed else 0
    return [now + lasts - last for _, last in spans]


def together(streams: Sequence[Iterator[Message]]) -> Iterator[Message]:
    """Several recordings on one clock; each keeps the order of its file."""
    return merge(*streams, key=_time) if len(streams) > 1 else iter(streams[0] if streams else ())


def copy_of(recording: Recording, number: int) -> Recording:
    """The same recording of other devices: number 2 is `aq-1-2` for `aq-1`; number 1 is the recording itself."""
    if number == 1:
        return recording
    columns = tuple(
        msgspec.structs.replace(c, device=f"{c.device}-{number}") for c in recording.columns
    )
    return replace(recording, columns=columns)


def _time(message: Message) -> int:
    return message.time


def _columns_by_device(
    recording: Recording,
) -> list[tuple[str, list[tuple[int, str, str]]]]:
    """(topic, [(column, quantity, unit)]) in the order in which the mapping names the devices."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    for i, column in enumerate(recording.columns):
        topic = telemetry_topic(column.kind, column.device)
        found.setdefault(topic, []).append((i, column.quantity, column.unit))
    return list(found.items())


def _seconds(ns: int) -> int | float:
    whole, rest = divmod(ns, SECOND)
    return whole if rest == 0 else ns / SECOND


@dataclass(slots=True)
class Progress:
    """What has become of a replay so far. `again`: messages sent once more after a lost connection."""

    messages: int = 0
    values: int = 0
    again: int = 0
    connected: bool = False


class Replayer:
    """Publishes messages at QoS 1, in order; `progress` tells how far it is.

    Losing the broker is no end: it connects again and goes on with the first message that was not
    confirmed. What had arrived in spite of that arrives twice, and ingest drops the second.
    """

    def __init__(
        self,
        address: BrokerAddress,
        *,
        speed: float = 0,
        in_flight: int = IN_FLIGHT,
        on_change: Callable[[Progress], None] = lambda _: None,
    ) -> None:
        self.progress = Progress()
        self._address = address
        self._speed = speed
        self._in_flight = in_flight
        self._on_change = on_change
        self._unconfirmed: dict[int, Message] = {}
        self._again: deque[tuple[int, Message]] = deque()
        self._began: tuple[float, int] | None = None
        self._ever_connected = False

    async def run(self, source: Iterable[Message]) -> None:
        """Publish all of `source`; returns when the last is confirmed.

        Raises StartError where the broker can't be reached in the first place.
        """
        numbered = enumerate(source)
        wait_s = RECONNECT_FROM_S
        while (lost := await self._until_lost(numbered)) is not None:
            if not self._ever_connected:
                raise unreachable(self._address, lost)
            if self.progress.connected:
                wait_s = RECONNECT_FROM_S
            self.progress.connected = False
            self._on_change(self.progress)
            self._again = deque(self._unconfirmed.items())
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, RECONNECT_TO_S)

    async def _until_lost(self, numbered: Iterator[tuple[int, Message]]) -> BaseException | None:
        """Publish until the source is exhausted (None) or the connection is lost (why)."""
        lost: BaseException | None = None
        try:
            await self._session(numbered)
        except* aiomqtt.MqttError as group:
            lost = _first(group)
        return lost

    async def _session(self, numbered: Iterator[tuple[int, Message]]) -> None:
        async with mqtt_client(self._address, in_flight=self._in_flight) as client:
            self.progress.connected = self._ever_connected = True
            self._on_change(self.progress)
            async with asyncio.TaskGroup() as group:
                watch = group.create_task(_watch(client), name="replay-watch")
                await self._publish_all(client, numbered)
                watch.cancel()

    async def _publish_all(
        self, client: aiomqtt.Client, numbered: Iterator[tuple[int, Message]]
    ) -> None:
        slots = asyncio.Semaphore(self._in_flight)
        async with asyncio.TaskGroup() as group:
            while (item := self._next(numbered)) is not None:
                number, message = item
                await self._until_due(message.time)
                await slots.acquire()
                group.create_task(
                    self._publish(client, number, message, slots), name="replay-publish"
                )

    def _next(self, numbered: Iterator[tuple[int, Message]]) -> tuple[int, Message] | None:
        if self._again:
            self.progress.again += 1
            return self._again.popleft()
        item = next(numbered, None)
        if item is not None:
            self._unconfirmed[item[0]] = item[1]
        return item

    async def _until_due(self, time: int) -> None:
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = (now, time)
        if self._speed:
            began, first = self._began
            await asyncio.sleep(max(0.0, began + (time - first) / SECOND / self._speed - now))

    async def _publish(
        self, client: aiomqtt.Client, number: int, message: Message, slots: asyncio.Semaphore
    ) -> None:
        await client.publish(message.topic, message.payload, qos=1)
        del self._unconfirmed[number]
        self.progress.messages += 1
        self.progress.values += message.values
        self._on_change(self.progress)
        slots.release()


async def _watch(client: aiomqtt.Client) -> None:
    """Nothing is subscribed; the stream ends with MqttError as soon as the connection does."""
    async for _ in client.messages:
        pass


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner
