"""MQTT packets in a buffer (MQTT 3.1.1 and 5, section 2.1): whole runs of PUBLISH become messages at once.

What is plain, a PUBLISH at QoS 0 or 1 without properties, is read here; everything else is only cut out,
for the MQTT client to read.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from devices.intake import Message
from telemetry.errors import UrbanError

_PLAIN = 0xF4  # of the first byte: the packet's type, and the bit that says QoS 2
_PUBLISH = 0x30
_PUBACK = 0x4002  # a PUBACK of two bytes: success, in both versions of MQTT
_SHORTEST = 3  # bytes after a PUBLISH's fixed header: the topic's length, and one letter


class BrokenPacket(UrbanError):
    """The stream can't be cut into packets: whoever sent it doesn't speak MQTT."""


def read_publishes(
    buffer: bytes, at: int, v5: bool, received: int, generation: int, out: list[Message]
) -> int:
    """Plain PUBLISH packets from `at` on → `out`. Returns where the first other or unfinished one stands.

    received   of the first message [ns]; each next one gets a nanosecond more, since the time of receipt
               stands in for a time of measurement, and two readings must not share one
    """
    end = len(buffer)
    last = end - 1
    while at < last:
        head = buffer[at]
        if head & _PLAIN != _PUBLISH:
            break
        length, start = buffer[at + 1], at + 2
        if length > 127:
            long = _long_length(buffer, at + 1)
            if long is None:
                break
            length, start = long
        stop = start + length
        if stop > end or length < _SHORTEST:
            break
        topic_end = start + 2 + (buffer[start] << 8 | buffer[start + 1])
        qos = head >> 1 & 1
        body = topic_end + 2 * qos + v5
        if body > stop or topic_end == start + 2 or (v5 and buffer[body - 1]):
            break
        mid = buffer[topic_end] << 8 | buffer[topic_end + 1] if qos else 0
        try:
            topic = buffer[start + 2 : topic_end].decode()
        except UnicodeDecodeError:
            topic = repr(buffer[start + 2 : topic_end])
        out.append(Message(topic, buffer[body:stop], received, mid, qos, generation))
        received += 1
        at = stop
    return at


def packet_at(buffer: bytes, at: int) -> tuple[int, int] | None:
    """(start, stop) of the body of the packet at `at`; None where its length is not all there.

    `stop` may lie behind the buffer's end. Raises BrokenPacket where the length takes five bytes.
    """
    if at >= len(buffer):
        return None
    found = _long_length(buffer, at + 1)
    return None if found is None else (found[1], found[1] + found[0])


def pubacks(mids: Sequence[int]) -> bytes:
    """The receipts for these messages, one packet after the other."""
    packets = np.empty((len(mids), 2), dtype=">u2")
    packets[:, 0] = _PUBACK
    packets[:, 1] = mids
    return packets.tobytes()


def _long_length(buffer: bytes, at: int) -> tuple[int, int] | None:
    """(length, where the body starts) from a length of one to four bytes; None where it is cut off."""
    length = 0
    for i in range(4):
        if at + i >= len(buffer):
            return None
        byte = buffer[at + i]
        length |= (byte & 127) << 7 * i
        if byte < 128:
            return length, at + i + 1
    raise BrokenPacket("MQTT packet", "must give its length in at most four bytes")
