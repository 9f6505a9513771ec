"""Our session with the broker: connected, subscribed, acknowledging by hand; it comes back by itself.

MQTT 5 where the broker speaks it (it then keeps to our receive maximum), 3.1.1 where it refuses that. The
session is persistent under a fixed client id; the topics are subscribed again on every connect.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from devices.intake import Message
from ingest.bulk_client import BulkClient
from ingest.takeover import TakeOvers
from telemetry import metrics
from telemetry.address import BrokerAddress
from telemetry.clock import Clock

_LOG = logging.getLogger(__name__)
# Silent for one keep-alive, asked, and silent for another: a half-open connection is noticed in 12 s.
KEEPALIVE_S = 6
# How long the broker keeps our session while we are away (MQTT 5; 3.1.1 leaves it to the broker). [s]
_SESSION_EXPIRY_S = 14 * 86_400
_MAX_RECEIVE = 65_535


class Session:
    """One persistent MQTT session. `on_messages` is called from paho's thread, with messages as they came.

    in_flight: messages that may be unacknowledged at a time.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        topics: Sequence[str],
        in_flight: int,
        clock: Clock,
        on_messages: Callable[[list[Message]], None],
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._topics = topics
        self._in_flight = in_flight
        self._clock = clock
        self._deliver = on_messages
        self._subscribed = threading.Event()
        self._answered = threading.Event()
        self._stopping = threading.Event()
        self._generation = 0
        self._changing = (
            threading.Lock()
        )  # a receipt must not slip from one connection into the next
        self._trouble = "not connected yet"
        self._takeovers = TakeOvers(client_id)
        self._client = self._new_client(MQTTProtocolVersion.MQTTv5)

    @property
    def trouble(self) -> str:
        """What is wrong, in words; "" when well. A loop of take-overs is told while it is connected too."""
        return self._takeovers.words(self._clock.now()) or self._trouble

    @property
    def version(self) -> str:
        """The protocol that is spoken: "5" or "3.1.1"."""
        return "5" if self._client.protocol == MQTTProtocolVersion.MQTTv5 else "3.1.1"

    def start(self) -> None:
        """Connect, and go on connecting whenever the connection is lost."""
        self._connect()

    def wait_until_subscribed(self, timeout_s: float) -> bool:
        """True once the broker has confirmed the subscriptions."""
        return self._subscribed.wait(timeout_s)

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Tell the broker that these are durable, in order of arrival.

        Those of an earlier connection are left out: their numbers name other messages by now, and the
        broker sends them again.
        """
        with self._changing:
            now = self._generation
            self._client.acknowledge([m.mid for m in messages if m.qos and m.generation == now])
        metrics.ACKNOWLEDGED.inc(len(messages))

    def stop(self, timeout_s: float = 5.0) -> None:
        """Leave. The broker keeps the session and what was not acknowledged.

        Mosquitto forgets what it has not read when a client closes, and would send again what was
        acknowledged last: so a question is put behind the acknowledgements, and its answer awaited.
        """
        self._stopping.set()
        if self._subscribed.is_set():
            self._client.unsubscribe("urban/nothing")
            self._answered.wait(timeout_s)
        self._client.disconnect()
        self._client.loop_stop()

    def _new_client(self, version: MQTTProtocolVersion) -> BulkClient:
        client = BulkClient(self._client_id, version, self._deliver, self._stamp)
        if self._address.user is not None:
            client.username_pw_set(self._address.user, self._address.password)
        context = self._address.tls_context()
        if context is not None:
            client.tls_set_context(context)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_unsubscribe = lambda *_: self._answered.set()
        return client

    def _stamp(self) -> tuple[int, int]:
        return self._clock.now(), self._generation

    def _connect(self) -> None:
        options: dict[str, Any] = {}
        if self._client.protocol == MQTTProtocolVersion.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = _SESSION_EXPIRY_S
            properties.ReceiveMaximum = min(self._in_flight, _MAX_RECEIVE)
            options = {"clean_start": False, "properties": properties}
        self._jitter()
        host, port = self._address.host, self._address.port
        self._client.connect_async(host, port, keepalive=KEEPALIVE_S, **options)
        self._client.loop_start()

    def _jitter(self) -> None:
        """Many clients of one broker must not all come back in the same second."""
        self._client.reconnect_delay_set(1, random.randint(5, 15))

    def _on_connect(self, client: paho.Client, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if client is not self._client:
            return
        if code == "Unsupported protocol version" and self.version == "5":
            # paho can't change its protocol, nor be stopped from its own thread.
            threading.Thread(target=self._speak_older, name="mqtt 3.1.1", daemon=True).start()
        elif code.is_failure:
            self._trouble = f"the broker at {self._address} refuses us: {code}"
            _LOG.error("%s", self._trouble)
        else:
            # Subscribe on every connect: a broker may have lost the session it says it has.
            client.subscribe([(topic, 1) for topic in self._topics])

    def _speak_older(self) -> None:
        old, self._client = self._client, self._new_client(MQTTProtocolVersion.MQTTv311)
        old.disconnect()
        old.loop_stop()
        if not self._stopping.is_set():
            self._connect()

    def _on_subscribe(self, client: Any, _u: Any, _m: Any, codes: list[Any], _p: Any) -> None:
        if any(code.is_failure for code in codes):
            self._trouble = f"the broker at {self._address} refuses the subscription"
            _LOG.error("%s", self._trouble)
            return
        self._trouble = ""
        self._takeovers.subscribed(self._clock.now())
        metrics.CONNECTED.set(1)
        _LOG.info("subscribed at %s with MQTT %s", self._address, self.version)
        self._subscribed.set()

    def _on_disconnect(self, client: Any, _u: Any, _f: Any, code: Any, _p: Any) -> None:
        if client is not self._client:
            return
        # Receipts of the old connection would name other messages on the new one.
        with self._changing:
            self._generation += 1
        self._subscribed.clear()
        metrics.CONNECTED.set(0)
        self._jitter()
        if not self._stopping.is_set():
            self._takeovers.lost(str(code), self._clock.now())
            self._trouble = f"no connection to the broker at {self._address} ({code})"
            _LOG.warning("%s", self.trouble)
