"""What the ingest benchmarks publish: single messages of four values, and gateways' packs of 100 records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import count

from devices.device import Device
from devices.topics import gateway_topic, telemetry_topic

DEVICES = 1_000  # of each kind
VALUES = 4  # in a single message
PACK = 100  # records in a gateway's pack
KINDS = ("air", "weather")
_NAMES = ("pm25", "pm10", "no2", "o3")
_AIR = b'{"time": %d, "seq": %d, "pm25": %d.2, "pm10": 55.0, "no2": 12.5, "o3": %d}'
_WEATHER = b'{"time": %d, "seq": %d, "temperature": %d.2, "humidity": 55.0, "pressure": 1010.5, "wind_speed": %d}'


def devices(each: int = DEVICES) -> list[Device]:
    """All devices that the messages are of, so many of each kind."""
    return [Device(id=f"{k}-{i:04d}", kind=k) for k in KINDS for i in range(each)]


def singles(
    messages: int, kinds: tuple[str, ...] = ("air",), each: int = DEVICES
) -> Iterator[tuple[str, bytes]]:
    """One message a device and second, since yesterday; the kinds take turns, `each` devices of a kind."""
    start = int(time.time()) - 86_400
    for i in range(messages):
        turn, kind = i // len(kinds), kinds[i % len(kinds)]
        second = turn // each
        body = _AIR if kind == "air" else _WEATHER
        payload = body % (start + second, second, turn % 40, turn % 20)
        yield telemetry_topic(kind, f"{kind}-{turn % each:04d}"), payload


def packs(number: int) -> Iterator[tuple[str, bytes]]:
    """SenML (RFC 8428) of 25 devices with four quantities each, with base time and units."""
    start, devices_each = int(time.time()) - 86_400, PACK // len(_NAMES)
    gateways = DEVICES // devices_each
    for i in range(number):
        gateway, second = i % gateways, i // gateways
        first = gateway * devices_each
        records = [
            f'{{"n":"air-{first + d:04d}/{name}","u":"ug/m3","v":{20 + (d + q) % 30}.5}}'
            for d in range(devices_each)
            for q, name in enumerate(_NAMES)
        ]
        records[0] = f'{{"bt":{start + second},' + records[0][1:]
        yield gateway_topic(f"gw-{gateway:02d}"), f"[{','.join(records)}]".encode()


def live() -> Iterator[tuple[str, bytes]]:
    """Endless messages whose time is the moment of publishing, to the microsecond."""
    for i in count():
        payload = b'{"time": %.6f, "pm25": 31.2, "pm10": 55.0, "no2": 12.5, "o3": 40}' % time.time()
        yield telemetry_topic("air", f"air-{i % DEVICES:04d}"), payload


def live_time(payload: bytes) -> float:
    """When a message of `live` was published. [s]"""
    return float(payload[9:26])
