"""100,000 malformed messages of every form: nothing falls over, nothing vanishes, the account is exact."""

from __future__ import annotations

import json
import math
import random
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import cbor2
import numpy as np
import pytest

from devices.device import Device
from devices.intake import MAX_PLACES, Intake, Message
from ingest.decode import Decoder
from store.telemetry import Series
from telemetry.clock import SECOND
from telemetry.reasons import Reason
from tests.ingest.conftest import NOW, Bench, build, holds

SEED = 20_261_122
COUNT, BATCH = 100_000, 5_000
EUI = "0101010101010101"
Sent = tuple[str, bytes]

PACK = [
    {"bn": "aq-1/", "bt": 1_795_316_000, "bu": "ug/m3", "n": "pm25", "v": 31.2},
    {"n": "pm10", "v": 55},
    {"n": "temperature", "u": "Cel", "v": 33.1, "t": -60},
]
CBOR_PACK = [
    {-2: "aq-1/", -3: 1_795_316_000, -4: "ug/m3", 0: "pm25", 2: 31.2},
    {0: "pm10", 2: 55},
    {0: "temperature", 1: "Cel", 2: 33.1, 6: -60},
]
UPLINK = {
    "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
    "time": "2026-11-22T02:59:00.775023242+00:00",
    "deviceInfo": {"devEui": EUI, "deviceName": "aq-3", "tags": {"kind": "air"}},
    "fCnt": 41,
    "object": {"pm25": 31.2, "pm10": 55.0},
}
GOOD: list[Sent] = [
    (
        "city/air/aq-1/telemetry",
        b'{"time": "2026-11-22T02:59:00Z", "seq": 41, "pm25": 31.2, "pm10": 55}',
    ),
    ("city/air/aq-2/telemetry", b'{"time": 1795316340.25, "pm25": null, "no2": 12.5}'),
    ("city/air/aq-1/status", b'{"status": "offline", "time": "2026-11-22T02:59:00Z"}'),
    ("city/air/aq-1/telemetry", json.dumps(PACK).encode()),
    ("city/air/aq-1/telemetry", cbor2.dumps(CBOR_PACK)),
    (
        "city/gateway/gw-1/telemetry",
        json.dumps([*PACK, {"bn": "", "n": "lamp/lamp-1/energy", "u": "Wh", "s": 1250.5}]).encode(),
    ),
    ("city/gateway/gw-1/telemetry", cbor2.dumps([*CBOR_PACK, {-2: "aq-2/", 0: "pm25", 2: 1}])),
    (f"application/6b1f/device/{EUI}/event/up", json.dumps(UPLINK).encode()),
]
# What has broken parsers before, in the places where it can stand.
TOKENS: list[bytes] = [
    b"1e999", b"-1e308", b"9" * 320, b"9" * 5_000, b"NaN", b"Infinity", b"null", b"true", b'""', b"{}", b"[]",
    b"[" * 300, b'{"a":' * 300, b'"\\ud800"', b'"\\u0000"', b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80",
    b'"pm25": 1, "pm25": 2, ', b'"time": "2026-02-30T00:00:00Z", ', b'"__proto__": 1, ', b'"bver": 11, ',
    b"\xf9\x7e\x00", b"\xf9\x7c\x00", b"\xfb" + struct.pack(">d", 1e308), b"\xc2\x49" + b"\xff" * 9, b"\xd8\x1c",
    b"\xc4\x82\x1b" + b"\xff" * 8 + b"\x01", b"\x9b" + b"\xff" * 8, b"\x9f", b"\xbf", b"\xff", b"\xf7", b"\x81" * 300,
    "Trạm số 7".encode(), "\u202e\u0000".encode(), b"%s%n", b"'; drop table quarantine; --",
]  # fmt: skip
TOPIC_TOKENS = [
    "",
    "/",
    "+",
    "#",
    "ü",
    "city",
    "gateway",
    "telemetry",
    "air/",
    "A",
    "..",
    " ",
    "\u202e",
    "x" * 300,
]


def flip(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def cut(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    return data[:start] + data[start + chance.randint(1, len(data)) :]


def repeat(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data))
    end = start + chance.randint(1, 20)
    return data[:start] + data[start:end] * chance.choice([2, 3, 50]) + data[start:]


def insert(chance: random.Random, data: bytes) -> bytes:
    start = chance.randrange(len(data) + 1)
    return data[:start] + chance.choice(TOKENS) + data[start + chance.choice([0, 1, 4]) :]


def value(chance: random.Random, data: bytes) -> bytes:
    """Something else where a value or a key stands: whole JSON that says nonsense."""
    places = [i for i, byte in enumerate(data) if byte in b':,"']
    if not places:
        return insert(chance, data)
    start = chance.choice(places) + 1
    return data[:start] + chance.choice(TOKENS) + data[start:]


def splice(chance: random.Random, data: bytes) -> bytes:
    other = chance.choice(GOOD)[1]
    return data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other)) :]


# What a sender may mean, and nobody can read: whole values in the place of others.
NASTY: list[Any] = [
    None, True, "", "n/a", "1", "Trạm", "\u0000", [], [1], {}, {"v": 1}, 0, -1, 1e308, -1e308, 2**63, -(2**64),
    10**400, 1_795_316_400_000, 1_795_400_000, 5, "2026-11-22T02:59:00", "2026-02-30T00:00:00Z", "Cel", "kWh",
]  # fmt: skip
NAMES = [
    "time",
    "seq",
    "pm25",
    "n",
    "v",
    "t",
    "u",
    "s",
    "bn",
    "bt",
    "bv",
    "bver",
    "vs",
    "x_",
    "object",
    "tags",
    "é",
]


def structure(chance: random.Random, data: bytes) -> bytes:
    """A value, a key or a record exchanged, left out or added; still JSON or CBOR."""
    binary = 0x80 <= data[0] < 0xC0
    try:
        body = cbor2.loads(data) if binary else json.loads(data)
    except (cbor2.CBORError, ValueError):
        return flip(chance, data)
    table = body
    while isinstance(table, list | dict) and table:
        keys = list(range(len(table)) if isinstance(table, list) else table)
        key = chance.choice(keys)
        if isinstance(table[key], list | dict) and chance.random() < 0.8:
            table = table[key]
            continue
        nasty = chance.choice(NASTY)
        if isinstance(table, dict) and chance.random() < 0.5:
            name = chance.randint(-7, 9) if binary else chance.choice(NAMES)
            table[name] = table.pop(key) if chance.random() < 0.5 else nasty
        else:
            table[key] = chance.choice([math.nan, math.inf]) if binary and nasty is None else nasty
        break
    return cbor2.dumps(body) if binary else json.dumps(body).encode()


MUTATIONS: list[Callable[[random.Random, bytes], bytes]] = [
    flip,
    cut,
    repeat,
    insert,
    value,
    splice,
]


def mutated(chance: random.Random) -> Sent:
    """One good message, broken once or twice; a tenth of them in the topic too."""
    topic, payload = chance.choice(GOOD)
    for _ in range(chance.choice([1, 1, 2])):
        payload = chance.choice(MUTATIONS)(chance, payload or b"{}")
    if chance.random() < 0.1:
        start = chance.randrange(len(topic))
        topic = (
            topic[:start] + chance.choice(TOPIC_TOKENS) + topic[start + chance.choice([0, 1, 5]) :]
        )
    return topic, payload


@dataclass
class Watch:
    """Sees what the decoder makes of each message: how many were told of, and how many say nothing."""

    told: int = 0
    silent: int = 0
    reasons: set[str] = field(default_factory=set)

    def over(self, decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
        real = decoder.decode

        def decode(messages: list[Message]) -> Intake:
            intake = real(messages)
            _, message, _ = intake.columns()
            seen = np.zeros(len(messages), dtype=bool)
            seen[message] = True
            seen[[r.message for r in intake.rejects]] = True
            self.told += int(seen.sum())
            # A status taken back and a pack of base fields say nothing, and so hold no record.
            self.silent += int((~seen).sum())
            for i in np.flatnonzero(~seen):
                assert says_nothing(messages[i]), messages[i]
            self.reasons |= {str(r.reason) for r in intake.rejects}
            assert all(r.path.startswith("$") and r.detail for r in intake.rejects)
            return intake

        monkeypatch.setattr(decoder, "decode", decode)


def says_nothing(message: Message) -> bool:
    if message.topic.endswith("/status") and not message.payload:
        return True
    try:
        body = json.loads(message.payload)
    except ValueError:
        body = cbor2.loads(message.payload)
    labels = [key for record in body for key in record]
    return bool(labels) and all(k < 0 if isinstance(k, int) else k.startswith("b") for k in labels)


@pytest.fixture
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    made = build(
        tmp_path_factory.mktemp("mutations"),
        [Device(id="aq-1", kind="air"), Device(id="aq-2", kind="air")],
    )
    yield made
    made.telemetry.close()
    made.operations.close()


def test_a_hundred_thousand_malformed_messages(
    ours: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, watch = random.Random(SEED), Watch()
    watch.over(ours.pipeline._decoder, monkeypatch)
    kept: set[str] = set()
    for start in range(0, COUNT, BATCH):
        # Each message at a receipt of its own: what stands without a time is not its neighbour's repeat.
        messages = [Message(*mutated(chance), NOW + start + i) for i in range(BATCH)]
        for prepared in ours.pipeline.prepare(messages):
            ours.pipeline.write(prepared)
            kept |= {item.id for item in prepared.quarantine}
    account = ours.account()
    assert account["messages"] == COUNT == watch.told + watch.silent
    assert watch.silent < COUNT // 200
    assert holds(account)
    assert Reason.INTERNAL_ERROR not in watch.reasons
    assert "quarantined:internal_error" not in account
    assert sum(ours.operations.quarantine_counts().values()) == len(kept)
    rows = ours.telemetry.raw(Series(), 0, 2**62, 10**6)
    assert len(rows) == account["stored"]
    # A missing value is NaN and flagged as such; anything else is a finite number.
    assert np.isfinite(rows.value[rows.flag != 9]).all()
    # The mutator reaches what it is meant to reach.
    assert account["stored"] > 1_000
    assert set(Reason) - {
        Reason.TOO_LARGE, Reason.KIND_MISMATCH, Reason.TOO_MANY_DEVICES, Reason.INTERNAL_ERROR, Reason.STORE_REFUSED,
        Reason.RATE_LIMITED, Reason.RETIRED,
    } <= {Reason(name.removeprefix("quarantined:")) for name in account if ":" in name} | {Reason.BAD_SEQ}  # fmt: skip


def deep(level: int) -> list[bytes]:
    return [
        b"[" * level, b"[" * level + b"]" * level, b'{"pm25":' * level, b'{"pm25":' * level + b"1" + b"}" * level,
        b"\x81" * level, b"\x81" * level + b"\x01", b"\xa1\x00" * level, b"\x9f" * level, b"\xc1" * level,
    ]  # fmt: skip


def repeated() -> list[bytes]:
    many = 100_000
    return [
        b"[" + b",".join([b"{}"] * many) + b"]",
        b"[" + b",".join([b"1"] * many) + b"]",
        b"[" + b",".join([b'{"n":"aq-1/pm25","v":1}'] * many) + b"]",
        b"[" + b",".join([b'{"n":"zz/pm25","v":1}'] * many) + b"]",
        b"{" + b",".join(b'"a%d":1' % i for i in range(many)) + b"}",
        b"{" + b",".join([b'"pm25":1'] * many) + b"}",
        b'{"' + b"a" * many + b'":1}',
        b'{"pm25":"' + b"a" * many + b'"}',
        b'{"pm25":' + b"1" * many + b"}",
        b'{"pm25":[' + b"1," * many + b"1]}",
        b"\x9a" + struct.pack(">I", many) + b"\xa0" * many,
        b"\x9a" + struct.pack(">I", many) + b"\xa1\x02\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00" * many,
        b"\x81\xba" + struct.pack(">I", many) + b"".join(b"\x1a" + struct.pack(">I", i) + b"\x00" for i in range(many)),
        b"\x81\xa1\x02\xc2\x5a" + struct.pack(">I", many) + b"\xff" * many,
    ]  # fmt: skip


@pytest.mark.parametrize(
    "topic", ["city/air/aq-1/telemetry", "city/gateway/gw-1/telemetry", f"application/1/device/{EUI}/event/up"]
)  # fmt: skip
def test_depth_and_repetition_cost_little_and_are_kept_as_few_places(
    ours: Bench, topic: str
) -> None:
    ours.pipeline._decoder.max_payload = 2**22
    payloads = [*deep(100_000), *deep(500), *repeated()]
    for number, payload in enumerate(payloads):
        start, before = time.process_time(), sum(ours.operations.quarantine_counts().values())
        ours.send((topic, payload), received=NOW + number * SECOND)
        assert time.process_time() - start < 10
        # A message's bytes are kept once for each place told.
        assert sum(ours.operations.quarantine_counts().values()) - before <= MAX_PLACES + 1
    account = ours.account()
    assert account["messages"] == len(payloads)
    assert holds(account)
    assert "quarantined:internal_error" not in account
