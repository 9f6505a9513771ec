"""Which devices speak through a gateway, and what it makes of what they say: a SenML pack a minute.

Battery-driven sensors reach a gateway of their square of the map; it collects for a minute and sends one
pack for all of them (RFC 8428; names are device/quantity). A gateway is no device: it has no status.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from devices.device import Device
from devices.kind import Quantity
from devices.topics import gateway_topic
from simulators.chance import key, uniform
from simulators.fleet import MS, Fleet
from telemetry.arrays import Times
from telemetry.clock import MINUTE, SECOND

THROUGH_GATEWAYS = ("waste", "tree")
SQUARE_DEG = 0.08  # some nine kilometres: what a gateway on a roof reaches
PACK_EVERY = MINUTE
MOST_IN_PACK = 100  # devices: some 20 KB

_encode = msgspec.json.Encoder().encode


class Gateways:
    """`of[device]` is the gateway that a device speaks through; devices that speak by themselves are absent.

    `position[gateway]`: where it stands, which is at the first device of its square (lat, lon).
    """

    def __init__(self, devices: Iterable[Device], seed: int) -> None:
        self.of: dict[str, str] = {}
        self.behind: dict[str, list[str]] = {}
        self.position: dict[str, tuple[float, float]] = {}
        self._seed = seed
        for device in devices:
            if device.kind in THROUGH_GATEWAYS:
                gateway = _gateway_at(device.lat or 0.0, device.lon or 0.0)
                self.position.setdefault(gateway, (device.lat or 0.0, device.lon or 0.0))
                self.of[device.id] = gateway
                self.behind.setdefault(gateway, []).append(device.id)

    def phase(self, gateway: str) -> int:
        """When in the minute it sends. [ns]"""
        return int(float(uniform(key(self._seed, gateway, "pack"))) * (PACK_EVERY // MS)) * MS

    def sends(self, fleet: Fleet) -> Times:
        """When in the minute the gateway of each device of a fleet sends. [ns]"""
        phase = {g: self.phase(g) for g in self.behind}
        return np.array([phase[self.of[d.id]] for d in fleet.devices], dtype=np.int64)


def collected(heard: Times, phase: Times) -> Times:
    """When a gateway sends what it heard at these times. [ns]"""
    return np.asarray(((heard - phase) // PACK_EVERY + 1) * PACK_EVERY + phase)


def record(
    device: str, time: int, quantities: Sequence[Quantity], values: Sequence[float | None]
) -> bytes:
    """What one device said at one time, as records of a pack, without the brackets."""
    whole, rest = divmod(time, SECOND)
    base: dict[str, object] = {"bn": f"{device}/", "bt": whole if rest == 0 else time / SECOND}
    records: list[dict[str, object]] = [
        {"n": q.name, "u": q.unit, "v": value}
        for q, value in zip(quantities, values, strict=True)
        if value is not None
    ]
    if not records:
        return b""
    return b",".join(_encode(r) for r in ({**base, **records[0]}, *records[1:]))


def packs(gateway: str, records: Sequence[bytes]) -> list[tuple[str, bytes]]:
    """(topic, payload) of what a gateway sends at once."""
    found = [r for r in records if r]
    parts = [found[i : i + MOST_IN_PACK] for i in range(0, len(found), MOST_IN_PACK)]
    return [(gateway_topic(gateway), b"[" + b",".join(part) + b"]") for part in parts]


def _gateway_at(lat: float, lon: float) -> str:
    return f"gw-{int((lat + 90) / SQUARE_DEG):04d}-{int((lon + 180) / SQUARE_DEG):04d}"
