"""Commands to simulated devices: heard, done once, answered. Upstream: the platform. Downstream: `orders`.

    city/{kind}/{device}/cmd/{command}  →  what the device changes, city/{kind}/{device}/ack/{command},
                                           and, where a lamp was told its level, a reading of it at once

One connection for the whole city. A device that is dead or has no supply says nothing, as in the field;
what it can't do it refuses in words. docs/commands.md is the contract.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import OrderedDict
from collections.abc import AsyncIterator
from typing import Any

import aiomqtt
import msgspec

from devices.kind import Kind
from devices.mqtt_client import mqtt_client
from devices.topics import Topic, ack_topic, parse_topic
from simulators.messages import Message, Messages
from telemetry.address import BrokerAddress
from telemetry.clock import SECOND, Clock, format_time, parse_time
from telemetry.errors import QueryError, TimeError

_LOG = logging.getLogger(__name__)
COMMANDS = "city/+/+/cmd/+"
REMEMBERED = 20_000  # answers, by device and id
ANSWERING = 100  # at one time
RETRY_FROM_S, RETRY_TO_S = 0.2, 10.0
SILENT_FOR = SECOND  # the list of silent devices is asked for once in this time


@contextlib.asynccontextmanager
async def obeying(messages: Messages, address: BrokerAddress, clock: Clock) -> AsyncIterator[None]:
    """While it lasts, the city's devices do what they are told."""
    task = asyncio.create_task(CommandEar(messages, address, clock).run(), name="commands")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task], timeout=1.0)


class CommandEar:
    """Hears the commands to a city's devices, and answers for them."""

    def __init__(self, messages: Messages, address: BrokerAddress, clock: Clock) -> None:
        self._messages, self._address, self._clock = messages, address, clock
        self._kind_of = {d.id: d.kind for d in messages.devices if d.id not in messages.gateways.of}
        self._answered: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._silent: tuple[int, set[str]] = (0, set())
        self._free = asyncio.Semaphore(ANSWERING)
        self.listening = asyncio.Event()

    async def run(self) -> None:
        """Listen; again whenever the connection is lost. Ends by being cancelled."""
        wait_s = RETRY_FROM_S
        while True:
            try:
                async with mqtt_client(self._address, in_flight=ANSWERING) as client:
                    await client.subscribe(COMMANDS, qos=1)
                    self.listening.set()
                    wait_s = RETRY_FROM_S
                    await self._listen(client)
            except* aiomqtt.MqttError:
                pass
            self.listening.clear()
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, RETRY_TO_S)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async with asyncio.TaskGroup() as group:
            async for message in client.messages:
                topic = parse_topic(str(message.topic))
                if topic is None or self._kind_of.get(topic.device) != topic.kind:
                    continue  # another city's, or behind a gateway
                payload = message.payload if isinstance(message.payload, bytes) else b""
                answer = self.answer(topic, payload)
                if answer is not None:
                    await self._free.acquire()
                    group.create_task(self._say(client, topic, *answer))

    async def _say(
        self, client: aiomqtt.Client, topic: Topic, answer: bytes, report: Message | None
    ) -> None:
        try:
            to = ack_topic(topic.kind, topic.device, topic.command)
            await client.publish(to, answer, qos=1)
            if report is not None:
                await asyncio.sleep(max(0.0, (report.time - self._clock.now()) / SECOND))
                await client.publish(report.topic, report.payload, qos=1)
        finally:
            self._free.release()

    def answer(self, topic: Topic, payload: bytes) -> tuple[bytes, Message | None] | None:
        """(acknowledgement, a reading that goes with it) of a command; None where the device says nothing."""
        now = self._clock.now()
        if self._is_silent(topic.device, now) or self._messages.orders.booting(topic.device, now):
            return None
        try:
            body: Any = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            body = None
        command_id = body.get("id") if isinstance(body, dict) else None
        if not isinstance(command_id, str) or not 1 <= len(command_id) <= 64:
            _LOG.warning("city/%s/%s/cmd/%s: no command with an id", *_parts(topic))
            return None
        if (topic.device, command_id) in self._answered:
            return self._answered[topic.device, command_id], None
        fields: dict[str, Any] = {"id": command_id, "ok": True}
        try:
            fields["value"] = self._do(topic, body, now)
        except (QueryError, TimeError) as error:
            fields |= {"ok": False, "error": str(error)[:200]}
        fields["time"] = format_time(now)
        told = msgspec.json.encode(fields)
        self._answered[topic.device, command_id] = told
        while len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        dimmed = fields["ok"] and topic.command == "dimming"
        return told, self._messages.at_once(topic.device, now) if dimmed else None

    def _do(self, topic: Topic, body: dict[str, Any], now: int) -> float | None:
        """Do it, and return the value that was applied. Raises QueryError or TimeError in words."""
        kind: Kind = self._messages.kinds[topic.kind]
        command = kind.command(topic.command)
        if command is None:
            known = ", ".join(c.name for c in kind.commands)
            raise QueryError("command", f"must be one of {known}", topic.command)
        expires = body.get("expires")
        if isinstance(expires, str) and parse_time(expires, "expires") <= now:
            raise QueryError("expires", "has passed; nothing was done", expires)
        value = body.get("value")
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            raise QueryError("value", "must be a number", value)
        applied = command.checked(value)
        orders = self._messages.orders
        if topic.command == "dimming" and applied is not None:
            orders.dim(topic.device, applied / 100.0, now)
        elif topic.command == "interval" and applied is not None:
            orders.pace(topic.device, applied, now)
        elif topic.command == "restart":
            orders.restart(topic.device, now)
        else:
            raise QueryError("command", "is not known to this device's firmware", topic.command)
        return applied

    def _is_silent(self, device: str, now: int) -> bool:
        asked, silent = self._silent
        if not asked <= now < asked + SILENT_FOR:
            silent = self._messages.silent_at(now)
            self._silent = (now, silent)
        return device in silent


def _parts(topic: Topic) -> tuple[str, str, str]:
    return topic.kind, topic.device, topic.command
