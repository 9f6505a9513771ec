"""Our way to read and acknowledge, against paho's own: the same bytes, however cut, mean the same messages."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from devices.intake import Message
from ingest.bulk_client import BulkClient
from ingest.wire import pubacks, read_publishes

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
START = 1_000
Found = list[tuple[str, bytes, int, int]]


class Line:
    """A socket that gives these pieces, one at a time, and keeps what is sent."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = [p for p in pieces if p]
        self.sent = b""
        self.closed = False
        self.ended = False  # closed while it was read, and not by a client's own end

    def recv(self, size: int) -> bytes:
        if not self.pieces:
            raise BlockingIOError
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def send(self, data: bytes) -> int:
        self.sent += data
        return len(data)

    def fileno(self) -> int:
        return 0

    def close(self) -> None:
        self.closed = True


def through(client: paho.Client, pieces: Sequence[bytes]) -> Line:
    """Let a client read all of it."""
    line = Line(pieces)
    client._sock = line  # type: ignore[assignment]
    while line.pieces and not line.closed:
        client.loop_read()
    line.ended = line.closed
    return line


def ours(pieces: Sequence[bytes], protocol: MQTTProtocolVersion) -> tuple[list[Message], Line]:
    found: list[Message] = []
    client = BulkClient("ours", protocol, found.extend, lambda: (START, 7))
    return found, through(client, pieces)


def theirs(pieces: Sequence[bytes], protocol: MQTTProtocolVersion) -> tuple[Found, Line]:
    found: Found = []

    def on_message(_c: Any, _u: Any, message: paho.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            topic = repr(message._topic)
        found.append((topic, bytes(message.payload), message.mid, message.qos))

    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id="theirs", protocol=protocol, manual_ack=True
    )
    client.on_message = on_message
    return found, through(client, pieces)


def packet(head: int, body: bytes) -> bytes:
    length, size = len(body), b""
    while True:
        size += bytes([length % 128 | (128 if length > 127 else 0)])
        length //= 128
        if not length:
            return bytes([head]) + size + body


def publish(
    topic: bytes, payload: bytes, qos: int = 1, mid: int = 1, extra: bytes = b"", head: int = 0
) -> bytes:
    number = mid.to_bytes(2, "big") if qos else b""
    body = len(topic).to_bytes(2, "big") + topic + number + extra + payload
    return packet(0x30 | qos << 1 | head, body)


def keys(messages: Sequence[Message]) -> Found:
    return [(m.topic, m.payload, m.mid, m.qos) for m in messages]


TOPICS = st.sampled_from([b"city/air/aq-1/telemetry", "city/cây/1".encode(), b"x", b"\xff\xfe"])
# No properties; one user property; a message expiry.
PROPERTIES = st.sampled_from(
    [b"\x00", b"\x00", b"\x07\x26\x00\x01a\x00\x01b", b"\x05\x02\0\0\0\x09"]
)
SIZES = st.sampled_from([0, 1, 90, 100, 127, 128, 200, 16_350, 16_384, 70_000])


@st.composite
def streams(draw: st.DrawFn, protocol: MQTTProtocolVersion) -> bytes:
    def message(draw: st.DrawFn) -> bytes:
        extra = draw(PROPERTIES) if protocol == V5 else b""
        return publish(
            draw(TOPICS), bytes([draw(st.integers(0, 255))]) * draw(SIZES), draw(st.sampled_from([0, 1, 1, 2])),
            draw(st.integers(1, 65_535)), extra, draw(st.sampled_from([0, 1, 8])),
        )  # fmt: skip

    others = st.sampled_from([b"\xd0\x00", b"\xc0\x00"])  # PINGRESP, PINGREQ
    parts = st.lists(st.one_of(st.composite(message)(), others), max_size=12)
    return b"".join(draw(parts))


@st.composite
def cut(draw: st.DrawFn, stream: bytes) -> list[bytes]:
    places = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    return [stream[a:b] for a, b in zip([0, *places], [*places, len(stream)], strict=True)]


@pytest.mark.parametrize("protocol", [V311, V5])
@settings(deadline=None)
@given(data=st.data())
def test_any_stream_cut_anyhow_gives_what_paho_gives(
    data: st.DataObject, protocol: MQTTProtocolVersion
) -> None:
    stream = data.draw(streams(protocol))
    pieces = data.draw(cut(stream))
    found, line = ours(pieces, protocol)
    expected, their_line = theirs([stream], protocol)
    assert keys(found) == expected
    assert line.sent == their_line.sent
    assert all(m.generation == 7 for m in found)


@settings(deadline=None)
@given(data=st.data())
def test_noise_ends_the_connection_or_means_what_it_means_to_paho(data: st.DataObject) -> None:
    good = data.draw(streams(V5))
    noise = bytearray(good)
    for _ in range(data.draw(st.integers(0, 3))):
        if noise:
            place = data.draw(st.integers(0, len(noise) - 1))
            noise[place] = data.draw(st.integers(0, 255))
    outcomes = []
    for read in (ours, theirs):
        try:
            found, line = read(data.draw(cut(bytes(noise))), V5)
        except UnicodeDecodeError:  # paho's own, on what no broker sends
            return
        outcomes.append((keys(found) if read is ours else found, line.ended))  # type: ignore[arg-type]
    assert outcomes[0] == outcomes[1]


def test_a_run_of_messages_is_told_apart_by_its_times_of_receipt() -> None:
    found, _ = ours([publish(b"a", b"1") * 5], V311)
    assert [m.received for m in found] == [START + i for i in range(5)]


def test_a_length_of_five_bytes_ends_the_connection() -> None:
    found, line = ours([publish(b"a", b"1"), b"\x32\xff\xff\xff\xff\x01"], V311)
    assert len(found) == 1
    assert line.ended


def test_the_other_side_leaving_ends_the_connection() -> None:
    line = Line([publish(b"a", b"1")])
    client = BulkClient("ours", V311, lambda messages: None, lambda: (START, 7))
    client._sock = line  # type: ignore[assignment]
    line.recv = lambda size: b""  # type: ignore[method-assign]
    assert client.loop_read() == MQTTErrorCode.MQTT_ERR_CONN_LOST
    assert line.closed


def test_half_a_packet_of_an_old_connection_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Message] = []
    client = BulkClient("ours", V311, found.extend, lambda: (START, 7))
    through(client, [publish(b"a", b"1")[:-1]])
    monkeypatch.setattr(paho.Client, "reconnect", lambda self: MQTTErrorCode.MQTT_ERR_SUCCESS)
    client.reconnect()
    through(client, [publish(b"b", b"2")])
    assert keys(found) == [("b", b"2", 1, 1)]


@pytest.mark.parametrize("protocol", [V311, V5])
@settings(deadline=None)
@given(mids=st.lists(st.integers(1, 65_535), max_size=50))
def test_receipts_in_one_piece_are_the_bytes_that_paho_sends_one_by_one(
    mids: list[int], protocol: MQTTProtocolVersion
) -> None:
    client = BulkClient("ours", protocol, lambda messages: None, lambda: (START, 7))
    sent = through(client, [])
    client.acknowledge(mids)
    one_by_one = paho.Client(
        CallbackAPIVersion.VERSION2, client_id="theirs", protocol=protocol, manual_ack=True
    )
    expected = through(one_by_one, [])
    for mid in mids:
        one_by_one.ack(mid, 1)
    assert sent.sent == expected.sent == pubacks(mids)


def test_a_packet_that_is_not_whole_stays_in_the_buffer() -> None:
    whole = publish(b"a", b"x" * 300)
    for end in range(len(whole)):
        out: list[Message] = []
        assert read_publishes(whole[:end], 0, False, 0, 0, out) == 0
        assert out == []


def test_paho_is_the_one_whose_insides_were_read() -> None:
    """Lift the version only after reading what bulk_client.py leans on (docs/decisions/0024)."""
    assert version("paho-mqtt").startswith("2.2.")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert "paho-mqtt~=2.2.0" in project["project"]["dependencies"]
    inside = ["_sock_recv", "_packet_queue", "_packet_handle", "_loop_rc_handle"]
    assert all(callable(getattr(paho.Client, name)) for name in inside)
    queue = list(inspect.signature(paho.Client._packet_queue).parameters)
    assert queue[:5] == ["self", "command", "packet", "mid", "qos"]
    client = paho.Client(CallbackAPIVersion.VERSION2)
    assert {"command", "remaining_length", "packet"} <= client._in_packet.keys()
    assert hasattr(client, "_msgtime_mutex")
    assert hasattr(client, "_last_bytes_received")


def test_our_names_hide_none_of_paho() -> None:
    plain = paho.Client(CallbackAPIVersion.VERSION2)
    bulk = BulkClient("ours", V311, lambda messages: None, lambda: (START, 7))
    mine = {name for name in vars(BulkClient) if not name.startswith("__")}
    assert mine & set(dir(plain)) == {"loop_read", "reconnect"}
    assert {"_deliver", "_stamp", "_v5", "_parts", "_needed"} == vars(bulk).keys() - vars(
        plain
    ).keys()
