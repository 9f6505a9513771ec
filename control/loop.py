"""The command loop: what the desk wants sent → MQTT, what devices answer → the desk.

A session of its own beside the ingestor's, kept by the broker while we are away: what a device answers
meanwhile is not lost. What was published and not confirmed is published again, under the same id.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
from collections.abc import Coroutine
from typing import Any

import aiomqtt

from control.desk import CommandDesk
from control.settle import Heard
from devices.command import decode_answer, encode_command
from devices.mqtt_client import mqtt_client
from devices.topics import ACKS, command_topic, parse_topic
from store.command_records import CommandRecord
from telemetry import metrics
from telemetry.address import BrokerAddress
from telemetry.errors import QueryError, StoreError

_LOG = logging.getLogger(__name__)
TICK_S = 0.2
_AT_ONCE = 100  # publishes that wait for their confirmation
_MAX_HEARD = 10_000  # answers that wait for the store
_LONGEST_PAUSE_S = 30.0


class CommandLoop:
    """A thread with an event loop. `start` and `stop` are the only life cycle."""

    def __init__(self, address: BrokerAddress, client_id: str, desk: CommandDesk) -> None:
        self._address = address
        self._client_id = client_id
        self._desk = desk
        self._heard: list[Heard] = []
        self._trouble = ""
        self._store_trouble = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked = asyncio.Event()
        self._news = asyncio.Event()
        self._ending = asyncio.Event()
        self._subscribed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)
        desk.woken = self._wake

    def start(self) -> None:
        """Connect, and go on connecting whenever the connection is lost."""
        self._thread.start()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """True once the broker has confirmed that answers come to us."""
        return self._subscribed.wait(timeout_s)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Leave; what is open is picked up at the next start."""
        if self._loop is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has ended by itself meanwhile
                self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join(timeout_s)

    def trouble(self) -> str:
        """What is wrong, in words; "" when well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "has ended; see the log"
        return self._trouble or self._store_trouble

    def _wake(self) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._asked.set)

    def _run(self) -> None:
        asyncio.run(self._main())

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        tasks = [
            asyncio.create_task(self._for_ever(self._settle), name="commands: settle"),
            asyncio.create_task(self._for_ever(self._talk), name="commands: talk"),
        ]
        await self._ending.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(StoreError):
            await asyncio.to_thread(self._desk.settle, self._heard)

    async def _for_ever(self, step: Any) -> None:
        """One step after the other; a fault of ours must not end commands for good."""
        while True:
            try:
                await step()
            except Exception:
                _LOG.exception("commands: a step failed")
                await asyncio.sleep(1.0)

    async def _settle(self) -> None:
        """Once a tick, or as soon as a device answers."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), TICK_S)
        self._news.clear()
        heard, self._heard = self._heard, []
        try:
            await asyncio.to_thread(self._desk.settle, heard)
            self._store_trouble = ""
        except StoreError as error:
            self._heard = [*heard, *self._heard]
            if not self._store_trouble:
                _LOG.warning("commands wait for the store: %s", error)
            self._store_trouble = str(error)
            await asyncio.sleep(1.0)

    async def _talk(self) -> None:
        """One connection after the other."""
        pause_s = 0.5
        while True:
            try:
                async with self._client() as client:
                    await client.subscribe(ACKS, qos=1)
                    self._subscribed.set()
                    self._trouble, pause_s = "", 0.5
                    await _together(self._hear(client), self._send(client))
            except aiomqtt.MqttError as error:
                if not self._trouble:
                    _LOG.warning("commands: lost the broker: %s", error)
                self._trouble = f"the broker can't be reached ({error})"
            await asyncio.sleep(pause_s * (0.5 + random.random()))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _client(self) -> aiomqtt.Client:
        return mqtt_client(
            self._address, identifier=self._client_id, in_flight=_AT_ONCE, keep_session=True
        )

    async def _hear(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            topic = parse_topic(str(message.topic))
            if topic is None or len(self._heard) >= _MAX_HEARD:
                metrics.COMMANDS.labels("unread").inc()
                continue
            try:
                answer = decode_answer(bytes(message.payload))
            except QueryError as error:
                metrics.COMMANDS.labels("unread").inc()
                _LOG.warning("%s: %s", message.topic, error)
                continue
            self._heard.append(Heard(topic, answer))
            self._news.set()

    async def _send(self, client: aiomqtt.Client) -> None:
        while True:
            commands = self._desk.waiting(_AT_ONCE)
            if not commands:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._asked.wait(), 1.0)
                self._asked.clear()
                continue
            done = await asyncio.gather(
                *(_publish(client, c) for c in commands), return_exceptions=True
            )
            self._desk.sent(
                c.id
                for c, r in zip(commands, done, strict=True)
                if not isinstance(r, BaseException)
            )
            self._news.set()
            for result in done:
                if isinstance(result, BaseException):
                    raise result


async def _publish(client: aiomqtt.Client, command: CommandRecord) -> None:
    """Confirmed by the broker on return; not retained: who comes later is not surprised by it."""
    topic = command_topic(command.kind, command.device, command.command)
    payload = encode_command(command.id, command.value, command.requested, command.expires)
    await client.publish(topic, payload, qos=1)


async def _together(*parts: Coroutine[Any, Any, None]) -> None:
    """Run until the first of them ends; raises what it raised."""
    tasks = [asyncio.create_task(p) for p in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
