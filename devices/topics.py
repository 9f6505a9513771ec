"""MQTT topics ↔ what they mean.

city/{kind}/{device}/telemetry       readings
city/{kind}/{device}/status          retained: online | offline (the will message)
city/{kind}/{device}/cmd/{command}   to the device
city/{kind}/{device}/ack/{command}   its answer
city/gateway/{gateway}/telemetry     a pack of readings of many devices; `gateway` is no kind
application/{id}/device/{eui}/event/up   an uplink of ChirpStack v4, which has topics of its own
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from devices.device import DEVICE_ID
from telemetry.errors import QueryError

# Telemetry and status in one subscription: a broker may keep a queue for each, and a backlog of two queues
# would bring a day's statuses before the first of its readings.
FEED = "city/+/+/+"
TELEMETRY = "city/+/+/telemetry"  # gateways' packs too
STATUS = "city/+/+/status"
UPLINK = "application/+/device/+/event/up"
ACKS = "city/+/+/ack/+"
GATEWAY = "gateway"

# A part of what FEED and UPLINK take.
_LEVEL = r"(\+|[^/+#]+)"
_FILTER = re.compile(
    rf"city/{_LEVEL}/{_LEVEL}/(\+|telemetry|status)|application/{_LEVEL}/device/{_LEVEL}/event/up"
)
# ChirpStack writes the EUI-64 of a device as 16 hexadecimal digits, in lower case.
_UPLINK = re.compile(r"application/[^/+#]+/device/([0-9a-f]{16})/event/up")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart. `channel` is telemetry, status, cmd or ack."""

    kind: str
    device: str
    channel: str
    command: str = ""


def parse_topic(topic: str) -> Topic | None:
    """The meaning of a topic, or None where it is none of ours. The kind may be unknown, or GATEWAY."""
    parts = topic.split("/")
    if len(parts) < 4 or parts[0] != "city" or not DEVICE_ID.fullmatch(parts[2]):
        return None
    if len(parts) == 4 and parts[3] in ("telemetry", "status"):
        return Topic(parts[1], parts[2], parts[3])
    if len(parts) == 5 and parts[3] in ("cmd", "ack") and parts[4]:
        return Topic(parts[1], parts[2], parts[3], parts[4])
    return None


def parse_uplink(topic: str) -> str | None:
    """The device EUI of a ChirpStack uplink's topic, or None where it is no such topic."""
    match = _UPLINK.fullmatch(topic)
    return match[1] if match else None


def topic_filters(text: str, place: str) -> tuple[str, ...]:
    """MQTT filters with commas between them, each a part of what FEED and UPLINK take.

    Raises QueryError for others: `city/#` would bring commands too, which hold no readings.
    """
    filters = tuple(part.strip() for part in text.split(",") if part.strip())
    wrong = [f for f in filters if not _FILTER.fullmatch(f)]
    if wrong or not filters:
        raise QueryError(
            place,
            "must be filters like city/{kind}/{device}/telemetry or "
            "application/{id}/device/{eui}/event/up, with + for a level that may be any",
            wrong[0] if wrong else text,
            f"write it like {place} 'city/air/+/+,city/gateway/+/telemetry'",
        )
    return filters


def telemetry_topic(kind: str, device: str) -> str:
    """Where a device publishes its readings."""
    return f"city/{kind}/{device}/telemetry"


def gateway_topic(gateway: str) -> str:
    """Where a gateway publishes its packs."""
    return telemetry_topic(GATEWAY, gateway)


def status_topic(kind: str, device: str) -> str:
    """Where a device's retained status lives."""
    return f"city/{kind}/{device}/status"


def command_topic(kind: str, device: str, command: str) -> str:
    """Where a device is told what to do."""
    return f"city/{kind}/{device}/cmd/{command}"


def ack_topic(kind: str, device: str, command: str) -> str:
    """Where it answers."""
    return f"city/{kind}/{device}/ack/{command}"
