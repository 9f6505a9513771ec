"""`urban publish`: one message to the broker, confirmed."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import aiomqtt
import typer

from commands.mqtt import BrokerOption, broker_address
from devices.mqtt_client import mqtt_client, unreachable
from telemetry.address import BrokerAddress
from telemetry.errors import QueryError


def publish(
    topic: Annotated[str, typer.Argument(help="Where to: city/{kind}/{device}/telemetry.")],
    payload: Annotated[str, typer.Argument(help="The message, sent as it is; - reads stdin.")],
    broker: BrokerOption = "",
    qos: Annotated[
        int, typer.Option(min=0, max=2, help="0: not confirmed; 1 and 2: confirmed.")
    ] = 1,
    retain: Annotated[
        bool, typer.Option("--retain", help="The broker keeps it for later subscribers.")
    ] = False,
) -> None:
    """Publish one message and wait for the broker's confirmation.

    Example: urban publish city/air/demo-1/telemetry '{"pm25": 31.2, "pm10": 55}'
    """
    body = sys.stdin.buffer.read() if payload == "-" else payload.encode()
    address = broker_address(broker)
    asyncio.run(_publish(address, checked_topic(topic), body, qos, retain))
    verb = "confirmed" if qos else "sent"
    kept = ", retained" if retain else ""
    typer.echo(f"{verb} {topic} ({len(body)} bytes, QoS {qos}{kept}) by {address}")


def checked_topic(topic: str) -> str:
    """A topic that can be published to (MQTT 3.1.1, 4.7). Raises QueryError."""
    if not topic or len(topic.encode(errors="replace")) > 65_535:
        raise QueryError("TOPIC", "must have 1 to 65535 bytes", topic)
    if "+" in topic or "#" in topic:
        raise QueryError("TOPIC", "must name one topic, without the wildcards + and #", topic)
    if "\0" in topic:
        raise QueryError("TOPIC", "must hold no NUL", topic)
    if topic.startswith("$"):
        raise QueryError("TOPIC", "must not start with $: those are the broker's own", topic)
    return topic


async def _publish(address: BrokerAddress, topic: str, body: bytes, qos: int, retain: bool) -> None:
    try:
        async with mqtt_client(address) as client:
            await client.publish(topic, body, qos=qos, retain=retain)
    except aiomqtt.MqttError as error:
        raise unreachable(address, error) from None
