"""The broker's messages, acknowledged only after they are durable. Two threads: paho's and the pipeline's.

paho-mqtt and not aiomqtt: aiomqtt acknowledges before a message is processed (docs/decisions).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from devices.intake import Message
from devices.topics import STATUS, TELEMETRY
from ingest.pipeline import Pipeline, Prepared
from telemetry import metrics
from telemetry.address import BrokerAddress
from telemetry.clock import Clock
from telemetry.errors import StoreError
from telemetry.readings import Readings

_LOG = logging.getLogger(__name__)
KEEPALIVE_S = 10
# Waiting this long for company makes one write of many messages, and stays far under a person's notice.
LINGER_S = 0.03


class Receiver:
    """Takes messages from a broker through a persistent session and feeds them to a pipeline.

    batch      messages in one write at most; twice as many may be unacknowledged
    on_stored  called with the new readings after they are durable and acknowledged
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        pipeline: Pipeline,
        clock: Clock,
        batch: int = 5_000,
        on_stored: Callable[[Readings], None] = lambda readings: None,
        topics: Sequence[str] = (TELEMETRY, STATUS),
    ) -> None:
        self._pipeline = pipeline
        self._clock = clock
        self._batch = batch
        self._on_stored = on_stored
        self._topics = topics
        self._address = address
        self._inbox: deque[Message] = deque()
        self._filled = threading.Event()
        self._room = threading.Event()
        self._stopping = threading.Event()
        self._subscribed = threading.Event()
        self._answered = threading.Event()
        self._generation = 0
        self.trouble = "not connected yet"
        self._client = self._new_client(address, client_id)
        self._thread = threading.Thread(target=self._run, name="ingest", daemon=True)

    def start(self) -> None:
        """Connect, and go on connecting whenever the connection is lost."""
        self._client.connect_async(self._address.host, self._address.port, keepalive=KEEPALIVE_S)
        self._client.loop_start()
        self._thread.start()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """True once the broker has confirmed the subscriptions."""
        return self._subscribed.wait(timeout_s)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Finish the batch at hand and leave. The broker keeps what was not acknowledged."""
        self._stopping.set()
        self._filled.set()
        self._room.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        self._send_receipts()
        self._client.disconnect()
        self._client.loop_stop()

    def _send_receipts(self, timeout_s: float = 2.0) -> None:
        """Wait until the broker has read every acknowledgement: what they name need not come again.

        Mosquitto forgets what it has not read when a client closes, so a question is put behind them,
        and its answer awaited.
        """
        if self._subscribed.is_set():
            self._client.unsubscribe("urban/nothing")
            self._answered.wait(timeout_s)

    def waiting(self) -> int:
        """Messages taken from the broker and not yet processed."""
        return len(self._inbox)

    def _new_client(self, address: BrokerAddress, client_id: str) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.tls:
            client.tls_set()
        client.reconnect_delay_set(min_delay=1, max_delay=15)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = lambda *_: self._answered.set()
        client.on_message = self._on_message
        return client

    def _on_connect(self, client: paho.Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if code.is_failure:
            self.trouble = f"the broker at {self._address} refuses us: {code}"
            _LOG.error("%s", self.trouble)
            return
        # Subscribe on every connect: a broker may have lost the session it says it has.
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, _c: Any, _u: Any, _m: Any, codes: list[Any], _p: Any) -> None:
        if any(code.is_failure for code in codes):
            self.trouble = f"the broker at {self._address} refuses the subscription"
            _LOG.error("%s", self.trouble)
            return
        self.trouble = ""
        metrics.CONNECTED.set(1)
        self._subscribed.set()

    def _on_disconnect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        # Receipts of the old connection would name other messages on the new one.
        self._generation += 1
        self._subscribed.clear()
        metrics.CONNECTED.set(0)
        if not self._stopping.is_set():
            self.trouble = f"no connection to the broker at {self._address} ({code})"
            _LOG.warning("%s", self.trouble)

    def _on_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = repr(message._topic)
        self._inbox.append(
            Message(
                topic,
                bytes(message.payload),
                self._clock.now(),
                message.mid,
                message.qos,
                self._generation,
            )
        )
        if not self._filled.is_set():
            self._filled.set()
        # At QoS 1 the broker stops at its in-flight limit; QoS 0 knows none, so the socket waits instead.
        while len(self._inbox) >= 4 * self._batch and not self._stopping.is_set():
            self._room.clear()
            self._room.wait(0.1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            messages = self._next_batch()
            if messages:
                self._handle(messages)

    def _next_batch(self) -> list[Message]:
        self._filled.wait()
        if len(self._inbox) < self._batch:
            self._stopping.wait(LINGER_S)
        self._filled.clear()
        messages = [self._inbox.popleft() for _ in range(min(self._batch, len(self._inbox)))]
        if self._inbox:
            self._filled.set()
        self._room.set()
        metrics.WAITING.set(len(self._inbox) + len(messages))
        return messages

    def _handle(self, messages: list[Message]) -> None:
        stored = []
        for prepared in self._pipeline.prepare(messages):
            readings = self._write(prepared)
            if readings is None:
                return  # stopped before it was durable: nothing is acknowledged
            stored.append(readings)
        self._acknowledge(messages)
        for readings in stored:
            if len(readings):
                self._on_stored(readings)

    def _write(self, prepared: Prepared) -> Readings | None:
        """Write until the stores take it; None where we are stopped meanwhile."""
        delay_s = 0.1
        while True:
            try:
                readings = self._pipeline.write(prepared)
            except StoreError as error:
                metrics.STORE_FAILURES.inc()
                self.trouble = f"{error} (trying again)"
                _LOG.error("%s", self.trouble)
                if self._stopping.wait(delay_s):
                    return None
                delay_s = min(2 * delay_s, 5.0)
            else:
                self.trouble = "" if self._subscribed.is_set() else self.trouble
                return readings

    def _acknowledge(self, messages: list[Message]) -> None:
        for message in messages:
            if message.qos and message.generation == self._generation:
                self._client.ack(message.mid, message.qos)
        metrics.ACKNOWLEDGED.inc(len(messages))
        metrics.WAITING.set(len(self._inbox))
