"""MQTT topics ↔ what they mean.

city/{kind}/{device}/telemetry       readings
city/{kind}/{device}/status          retained: online | offline (the will message)
city/{kind}/{device}/cmd/{command}   to the device
city/{kind}/{device}/ack/{command}   its answer
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.device import DEVICE_ID

TELEMETRY = "city/+/+/telemetry"
STATUS = "city/+/+/status"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart. `channel` is telemetry, status, cmd or ack."""

    kind: str
    device: str
    channel: str
    command: str = ""


def parse_topic(topic: str) -> Topic | None:
    """The meaning of a topic, or None where it is none of ours. The kind may be unknown."""
    parts = topic.split("/")
    if len(parts) < 4 or parts[0] != "city" or not DEVICE_ID.fullmatch(parts[2]):
        return None
    if len(parts) == 4 and parts[3] in ("telemetry", "status"):
        return Topic(parts[1], parts[2], parts[3])
    if len(parts) == 5 and parts[3] in ("cmd", "ack") and parts[4]:
        return Topic(parts[1], parts[2], parts[3], parts[4])
    return None


def telemetry_topic(kind: str, device: str) -> str:
    """Where a device publishes its readings."""
    return f"city/{kind}/{device}/telemetry"


def status_topic(kind: str, device: str) -> str:
    """Where a device's retained status lives."""
    return f"city/{kind}/{device}/status"
