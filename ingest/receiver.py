"""The broker's messages, acknowledged only after they are durable. Two threads: paho's, and ours.

paho-mqtt and not aiomqtt: aiomqtt acknowledges before a message is processed (docs/decisions).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from devices.intake import Message
from devices.topics import STATUS, TELEMETRY
from ingest.sink import Sink
from telemetry import metrics
from telemetry.address import BrokerAddress
from telemetry.clock import Clock

_LOG = logging.getLogger(__name__)
KEEPALIVE_S = 10
# Waiting this long for company makes one write of many messages, and stays far under a person's notice.
LINGER_S = 0.03


class Receiver:
    """Takes messages from a broker through a persistent session and feeds them to a sink.

    batch: messages in one write at most; twice as many may be unacknowledged.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        sink: Sink,
        clock: Clock,
        batch: int = 5_000,
        topics: Sequence[str] = (TELEMETRY, STATUS),
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._batch = batch
        self._topics = topics
        self._address = address
        self._inbox: deque[Message] = deque()
        self._filled = threading.Event()
        self._room = threading.Event()
        self._stopping = threading.Event()
        self._subscribed = threading.Event()
        self._answered = threading.Event()
        self._generation = 0
        self._trouble = "not connected yet"
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
        """Finish the batch at hand, close the sink and leave. The broker keeps what was not acknowledged."""
        self._stopping.set()
        self._filled.set()
        self._room.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._sink.close()
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

    def trouble(self) -> str:
        """What is wrong, in words; "" when well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "the ingest thread has ended; see the log"
        return self._trouble or self._sink.trouble

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
            self._trouble = f"the broker at {self._address} refuses us: {code}"
            _LOG.error("%s", self._trouble)
            return
        # Subscribe on every connect: a broker may have lost the session it says it has.
        client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, _c: Any, _u: Any, _m: Any, codes: list[Any], _p: Any) -> None:
        if any(code.is_failure for code in codes):
            self._trouble = f"the broker at {self._address} refuses the subscription"
            _LOG.error("%s", self._trouble)
            return
        self._trouble = ""
        metrics.CONNECTED.set(1)
        self._subscribed.set()

    def _on_disconnect(self, _c: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        # Receipts of the old connection would name other messages on the new one.
        self._generation += 1
        self._subscribed.clear()
        metrics.CONNECTED.set(0)
        if not self._stopping.is_set():
            self._trouble = f"no connection to the broker at {self._address} ({code})"
            _LOG.warning("%s", self._trouble)

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
        """One batch of what arrives, one of what waits on disk: neither starves the other."""
        drained = False
        while not self._stopping.is_set():
            messages = self._next_batch(0.0 if drained else self._patience())
            if messages and self._keep(messages):
                self._acknowledge(messages)
            drained = self._sink.drain()

    def _patience(self) -> float | None:
        """How long to wait for messages: for ever, or until it is time to look after the disk. [s]"""
        return 0.1 if self._sink.waits() else None

    def _next_batch(self, patience_s: float | None) -> list[Message]:
        if not self._filled.wait(patience_s):
            return []
        if len(self._inbox) < self._batch:
            self._stopping.wait(LINGER_S)
        self._filled.clear()
        messages = [self._inbox.popleft() for _ in range(min(self._batch, len(self._inbox)))]
        if self._inbox:
            self._filled.set()
        self._room.set()
        metrics.WAITING.set(len(self._inbox) + len(messages))
        return messages

    def _keep(self, messages: list[Message]) -> bool:
        """Try until the batch is durable; False where we are stopped before: it comes again."""
        delay_s = 0.1
        while not self._try(messages):
            if self._stopping.wait(delay_s):
                return False
            delay_s = min(2 * delay_s, 5.0)
        return True

    def _try(self, messages: list[Message]) -> bool:
        try:
            kept = self._sink.keep(messages)
        except Exception as error:  # a fault of ours must not end the thread, nor lose the batch
            _LOG.exception("a batch could not be kept")
            self._trouble = f"{type(error).__name__} in ingest; see the log"
            return False
        return kept

    def _acknowledge(self, messages: list[Message]) -> None:
        for message in messages:
            if message.qos and message.generation == self._generation:
                self._client.ack(message.mid, message.qos)
        metrics.ACKNOWLEDGED.inc(len(messages))
        metrics.WAITING.set(len(self._inbox))
