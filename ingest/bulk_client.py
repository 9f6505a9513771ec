"""paho-mqtt, made to take all that the socket holds at once, and to acknowledge a batch in one write.

paho asks the socket three times and waits once for each packet, and gives up the interpreter lock each
time: two thirds of ingest's CPU time. Connecting, sessions, keep-alive, TLS and all packets but PUBLISH
stay its own. docs/decisions/0024-bulk-mqtt.md says on which of its insides this leans; they are pinned.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket

from devices.intake import Message
from ingest.wire import BrokenPacket, packet_at, pubacks, read_publishes

_AT_ONCE = 256 * 1024  # bytes asked of the socket


class BulkClient(paho.Client):
    """A client whose messages come in lists, in order of arrival, from paho's thread.

    deliver  takes the messages
    stamp    tells the time of receipt [ns] and the number of the connection, for the next list
    """

    def __init__(
        self,
        client_id: str,
        version: MQTTProtocolVersion,
        deliver: Callable[[list[Message]], None],
        stamp: Callable[[], tuple[int, int]],
    ) -> None:
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=None if version == MQTTProtocolVersion.MQTTv5 else False,
            protocol=version,
            manual_ack=True,
        )
        self._deliver = deliver
        self._stamp = stamp
        self._v5 = version == MQTTProtocolVersion.MQTTv5
        self._parts: list[bytes] = []  # of a packet that is not whole yet
        self._needed = 0  # bytes, with those in `_parts`, before it is worth looking again
        self.on_message = self._on_odd_message

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Send the receipts of these messages in one piece."""
        if mids:
            self._packet_queue(MessageType.PUBACK, pubacks(mids), mids[-1], 1)

    def reconnect(self) -> MQTTErrorCode:
        """See paho. What is left of the old connection's bytes means nothing on the new one."""
        self._parts, self._needed = [], 0
        return super().reconnect()

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """See paho; called by its loop when the socket has something. Takes all that is there."""
        try:
            data = self._sock_recv(_AT_ONCE)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError:
            data = b""
        if not data:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        with self._msgtime_mutex:
            self._last_bytes_received = time.monotonic()
        self._parts.append(data)
        self._needed -= len(data)
        if self._needed > 0:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        buffer, self._parts = b"".join(self._parts), []
        try:
            code = self._take(buffer)
        except (BrokenPacket, MalformedPacket):
            code = MQTTErrorCode.MQTT_ERR_PROTOCOL
        return self._loop_rc_handle(code) if code > 0 else MQTTErrorCode.MQTT_ERR_SUCCESS

    def _take(self, buffer: bytes) -> MQTTErrorCode:
        """Read all whole packets; what is left over waits for more. Raises where it is not MQTT."""
        at, sock = 0, self._sock
        while True:
            at = self._take_publishes(buffer, at)
            place = packet_at(buffer, at)
            if place is None or place[1] > len(buffer):
                self._parts = [buffer[at:]]
                self._needed = place[1] - len(buffer) if place else 1
                return MQTTErrorCode.MQTT_ERR_SUCCESS
            code = self._hand_over(buffer[at], buffer[place[0] : place[1]])
            if code > 0 or self._sock is not sock:
                return code
            at = place[1]

    def _take_publishes(self, buffer: bytes, at: int) -> int:
        messages: list[Message] = []
        at = read_publishes(buffer, at, self._v5, *self._stamp(), messages)
        if messages:
            self._deliver(messages)
        return at

    def _hand_over(self, command: int, body: bytes) -> MQTTErrorCode:
        """Let paho read a packet, as if it had taken it from the socket itself."""
        self._in_packet["command"] = command
        self._in_packet["remaining_length"] = len(body)
        self._in_packet["packet"] = bytearray(body)
        return self._packet_handle()

    def _on_odd_message(self, _c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        """A message that paho has read: one with properties."""
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = repr(message._topic)
        received, generation = self._stamp()
        payload = bytes(message.payload)
        self._deliver([Message(topic, payload, received, message.mid, message.qos, generation)])
