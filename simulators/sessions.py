"""Live messages → the broker, as the devices would: a session each, with a birth and a last will.

Up to a limit of sessions; beyond it devices share connections, and topics and status stay per device.
A clean end says nothing for a device: when the simulator stops, the devices have not.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from types import TracebackType

import aiomqtt

from devices.device import Device
from devices.mqtt_client import mqtt_client
from devices.topics import GATEWAY, status_topic, telemetry_topic
from simulators.messages import Message, status_message
from telemetry.address import BrokerAddress
from telemetry.clock import Clock

SESSIONS = 500
SHARED = 20  # connections for the devices beyond the limit
PENDING = 5_000  # messages that may wait for their confirmation, in all
CONNECTING = 25  # sessions that may open at one time
RETRY_FROM_S, RETRY_TO_S = 0.2, 10.0
FAREWELL_S = 0.4
OFFLINE = b'{"status":"offline"}'


class Sessions:
    """The sessions of all devices; an async context manager is their life. `send` is in order per device.

    `devices`: those that speak by themselves, and gateways, which are of kind GATEWAY (`Messages.senders`).
    `silent` tells the devices that say nothing at a time: they are not born again.
    """

    def __init__(
        self,
        address: BrokerAddress,
        devices: Sequence[Device],
        clock: Clock,
        silent: Callable[[int], set[str]],
        limit: int = SESSIONS,
    ) -> None:
        self.confirmed = 0
        self.connected = 0
        self._address = address
        self._clock = clock
        self._silent = silent
        self._pending = 0
        self._room = asyncio.Event()
        self._room.set()
        self._connecting = asyncio.Semaphore(CONNECTING)
        self._of_topic: dict[str, _Session] = {}
        self._sessions = [_Session(self, carried) for carried in _carried(devices, limit)]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Sessions:
        self._tasks = [
            asyncio.create_task(s.run(), name=f"session {s.devices[0].id}") for s in self._sessions
        ]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        # A broker that does not answer keeps nobody waiting; what is left is cancelled once more.
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=FAREWELL_S)

    async def send(self, message: Message) -> None:
        """Hand a message to its device's session; waits where too many are not confirmed yet."""
        while self._pending >= PENDING:
            self._room.clear()
            await self._room.wait()
        self._pending += 1
        self._of_topic[message.topic].queue.put_nowait(message)

    async def drain(self) -> None:
        """Until every message is confirmed."""
        while self._pending:
            self._room.clear()
            await self._room.wait()

    def failed(self) -> BaseException | None:
        """What ended a session that should go on, else None."""
        for task in self._tasks:
            if task.done() and not task.cancelled() and task.exception() is not None:
                return task.exception()
        return None

    def _done(self) -> None:
        self.confirmed += 1
        self._pending -= 1
        self._room.set()

    def _births(self, devices: Sequence[Device]) -> list[Message]:
        now = self._clock.now()
        silent = self._silent(now)
        return [
            status_message(d.kind, d.id, "online", now)
            for d in devices
            if d.kind != GATEWAY and d.id not in silent
        ]


class _Session:
    """One connection: of one device, or of several that share it."""

    def __init__(self, of: Sessions, devices: Sequence[Device]) -> None:
        self.devices = devices
        self.queue: asyncio.Queue[Message] = asyncio.Queue()
        self._of = of
        self._head: Message | None = None
        for device in devices:
            of._of_topic[telemetry_topic(device.kind, device.id)] = self
            of._of_topic[status_topic(device.kind, device.id)] = self

    async def run(self) -> None:
        """Connect, be born, publish; again whenever the connection is lost. Ends by being cancelled."""
        wait_s = RETRY_FROM_S
        while True:
            confirmed = self._of.confirmed
            try:
                await self._until_lost()
            except* aiomqtt.MqttError:
                pass
            if self._of.confirmed > confirmed:
                wait_s = RETRY_FROM_S
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, RETRY_TO_S)

    async def _until_lost(self) -> None:
        client = self._client()
        async with self._of._connecting:
            await _open(client)
        self._of.connected += 1
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_watch(client), name="watch")
                group.create_task(self._publish(client), name="publish")
        finally:
            self._of.connected -= 1
            await client.__aexit__(None, None, None)

    async def _publish(self, client: aiomqtt.Client) -> None:
        for birth in self._of._births(self.devices):
            await client.publish(birth.topic, birth.payload, qos=1, retain=True)
        while True:
            if self._head is None:
                self._head = await self.queue.get()
            message = self._head
            await client.publish(message.topic, message.payload, qos=1, retain=message.retain)
            self._head = None
            self._of._done()

    def _client(self) -> aiomqtt.Client:
        if len(self.devices) > 1:
            return mqtt_client(self._of._address)
        device = self.devices[0]
        if device.kind == GATEWAY:  # it is no device, so it has no status
            return mqtt_client(self._of._address, identifier=device.id)
        will = aiomqtt.Will(status_topic(device.kind, device.id), OFFLINE, qos=1, retain=True)
        return mqtt_client(self._of._address, identifier=device.id, will=will)


def _carried(devices: Sequence[Device], limit: int) -> list[Sequence[Device]]:
    """The devices of each connection: one each up to the limit, the rest on a few that are shared."""
    own: list[Sequence[Device]] = [[d] for d in devices[:limit]]
    rest = devices[limit:]
    return own + [rest[n::SHARED] for n in range(min(SHARED, len(rest)))]


async def _open(client: aiomqtt.Client) -> None:
    """Connect; where it is cancelled meanwhile, part in peace: a broken connection sets off its will."""
    opening = asyncio.create_task(client.__aenter__(), name="connect")
    try:
        await asyncio.shield(opening)
    except asyncio.CancelledError:
        with contextlib.suppress(aiomqtt.MqttError):
            await opening
            await client.__aexit__(None, None, None)
        raise


async def _watch(client: aiomqtt.Client) -> None:
    """Nothing is subscribed; the stream ends with MqttError as soon as the connection does."""
    async for _ in client.messages:
        pass
