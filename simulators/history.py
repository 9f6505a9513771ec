"""History → the broker, as fast as it confirms: one connection, a bounded number in flight, in order.

paho in a worker thread, not aiomqtt: a publish costs half as much there (≈ 65 µs against ≈ 130 µs), and
the history of a day is two hundred thousand of them.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from uuid import uuid4

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from simulators.messages import Message
from telemetry.address import BrokerAddress
from telemetry.clock import Clock

IN_FLIGHT = 500
KEEP_ALIVE_S = 60
POLL_S = 0.05
RETRY_FROM_S, RETRY_TO_S = 0.1, 5.0
CONNECT_S = 5.0


class Pace:
    """The past, `speed` times as fast as it was, from `start` [ns] on."""

    def __init__(self, clock: Clock, start: int, speed: float) -> None:
        self._clock, self._start, self._speed = clock, start, speed
        self._began = clock.now()

    def too_early(self, time: int) -> bool:
        """Whether a message of this time must wait."""
        return (self._clock.now() - self._began) * self._speed < time - self._start


class _Lost(Exception):
    """The connection is gone; what was not confirmed is sent again on the next."""


class HistoryPublisher:
    """Publishes messages at QoS 1; each counts once the broker has confirmed it.

    Losing the broker is no end: it connects again and goes on with the first message that was not
    confirmed. What had arrived in spite of that arrives twice, and ingest drops the second.
    """

    def __init__(
        self, address: BrokerAddress, in_flight: int = IN_FLIGHT, pace: Pace | None = None
    ) -> None:
        self._pace = pace
        self.confirmed = 0
        self._address = address
        self._in_flight = in_flight
        self._stop = threading.Event()
        self._client_id = f"city-history-{uuid4().hex[:12]}"
        self._waiting: dict[int, Message] = {}
        self._client: paho.Client | None = None

    def publish(self, chunks: Iterable[list[Message]]) -> None:
        """Blocks until the last message is confirmed, or `stop` was called. Call it once."""
        try:
            for chunk in chunks:
                for message in chunk:
                    if self._stop.is_set():
                        return
                    self._deliver(message)
            self._confirm_all()
        finally:
            self._close()

    def stop(self) -> None:
        """From another thread: give up at once."""
        self._stop.set()

    def _deliver(self, message: Message) -> None:
        while not self._stop.is_set():
            try:
                client = self._connected()
                while not self._stop.is_set() and (self._full() or self._too_early(message)):
                    self._turn(client)
                self._send(client, message)
                return
            except _Lost:
                # It may be among what waits already: `_send` keeps it before it tries.
                if any(m is message for m in self._waiting.values()):
                    return

    def _full(self) -> bool:
        return len(self._waiting) >= self._in_flight

    def _too_early(self, message: Message) -> bool:
        return self._pace is not None and self._pace.too_early(message.time)

    def _confirm_all(self) -> None:
        while self._waiting and not self._stop.is_set():
            try:
                self._turn(self._connected())
            except _Lost:
                continue

    def _send(self, client: paho.Client, message: Message) -> None:
        info = client.publish(message.topic, message.payload, qos=1, retain=message.retain)
        self._waiting[info.mid] = message
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lose()

    def _turn(self, client: paho.Client) -> None:
        """Read and write what there is; wait a little where there is nothing."""
        if client.loop(POLL_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lose()

    def _lose(self) -> None:
        self._close()
        raise _Lost

    def _connected(self) -> paho.Client:
        """The client; a new one where there is none, after it sent again what was not confirmed."""
        if self._client is not None:
            return self._client
        wait_s = RETRY_FROM_S
        while not self._stop.is_set():
            client = self._try_to_connect()
            if client is not None:
                self._client = client
                again, self._waiting = list(self._waiting.values()), {}
                self._send_again(client, again)
                return client
            self._stop.wait(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(2 * wait_s, RETRY_TO_S)
        raise _Lost

    def _send_again(self, client: paho.Client, messages: list[Message]) -> None:
        for n, message in enumerate(messages):
            try:
                self._send(client, message)
            except _Lost:
                # Negative keys are no message ids: these wait for the next connection.
                self._waiting |= {-i - 1: m for i, m in enumerate(messages[n + 1 :])}
                raise

    def _try_to_connect(self) -> paho.Client | None:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id, protocol=paho.MQTTv311
        )
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        context = self._address.tls_context()
        if context is not None:
            client.tls_set_context(context)
        # No bound of paho's own: it would walk all that is in flight at every confirmation.
        client.max_inflight_messages_set(0)
        client.max_queued_messages_set(0)
        client.connect_timeout = CONNECT_S
        client.on_publish = self._on_publish
        try:
            client.connect(self._address.host, self._address.port, KEEP_ALIVE_S)
        except OSError:
            return None
        turns = int(CONNECT_S / POLL_S)
        while not client.is_connected() and turns and not self._stop.is_set():
            if client.loop(POLL_S) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return None
            turns -= 1
        return client if client.is_connected() else None

    def _on_publish(
        self, _client: object, _data: object, mid: int, _rc: object, _p: object
    ) -> None:
        if self._waiting.pop(mid, None) is not None:
            self.confirmed += 1

    def _close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop(POLL_S)
