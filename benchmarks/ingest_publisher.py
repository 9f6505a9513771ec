"""A publisher that costs little, so that it isn't what is measured: QoS 1 over MQTT 3.1.1, many packets a write.

paho publishes some 15,000 messages a second with a whole core; half the top rate of ingest is more.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterable
from itertools import islice

Messages = Iterable[tuple[str, bytes]]
_ACCEPTED = b"\x20\x02\x00\x00"
_PUBACK_BYTES = 4
_AT_ONCE = 500
# Below the 65,535 packet numbers, so that none is in use twice.
_WINDOW = 20_000
_STALLED_S = 60.0


class Publisher:
    """One connection; counts what the broker has confirmed. Raises ConnectionError where it is refused."""

    def __init__(self, port: int, client_id: str = "bench-publisher") -> None:
        self._sent, self._bytes = 0, 0
        self._confirmed = threading.Condition()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(connect_packet(client_id))
        answer = self._socket.recv(len(_ACCEPTED), socket.MSG_WAITALL)
        if answer != _ACCEPTED:
            raise ConnectionError(f"the broker refuses the publisher: {answer.hex()}")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def send(self, messages: Messages) -> int:
        """Publish; returns how many have been sent in all."""
        left = iter(messages)
        while some := list(islice(left, _AT_ONCE)):
            self._wait(self._sent + len(some) - _WINDOW, _STALLED_S)
            packets = []
            for topic, payload in some:
                packets.append(publish_packet(topic, payload, self._sent % 65_535 + 1))
                self._sent += 1
            self._socket.sendall(b"".join(packets))
        return self._sent

    def finish(self, patience_s: float) -> None:
        """Wait for the last confirmation, and leave. Raises TimeoutError where it does not come."""
        self._wait(self._sent, patience_s)
        self._socket.sendall(b"\xe0\x00")
        self._reader.join()
        self._socket.close()

    def _wait(self, wanted: int, patience_s: float) -> None:
        with self._confirmed:
            if not self._confirmed.wait_for(lambda: self._number() >= wanted, patience_s):
                raise TimeoutError(f"{self._number()} of {self._sent} messages were confirmed")

    def _number(self) -> int:
        return self._bytes // _PUBACK_BYTES

    def _read(self) -> None:
        """Nothing but receipts comes back: their bytes count them."""
        while data := self._socket.recv(65_536):
            with self._confirmed:
                self._bytes += len(data)
                self._confirmed.notify()


def connect_packet(client_id: str) -> bytes:
    """A CONNECT of a clean session without keep-alive (MQTT 3.1.1, section 3.1)."""
    name = client_id.encode()
    head = b"\x10" + bytes([12 + len(name)]) + b"\x00\x04MQTT\x04\x02\x00\x00"
    return head + len(name).to_bytes(2, "big") + name


def publish_packet(topic: str, payload: bytes, mid: int) -> bytes:
    """A PUBLISH at QoS 1 (MQTT 3.1.1, section 3.3)."""
    name = topic.encode()
    length = 4 + len(name) + len(payload)
    size = bytearray()
    while length > 127:
        size.append(length & 127 | 128)
        length >>= 7
    size.append(length)
    return b"".join(
        (b"\x32", size, len(name).to_bytes(2, "big"), name, mid.to_bytes(2, "big"), payload)
    )
