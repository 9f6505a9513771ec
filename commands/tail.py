"""`urban tail`: watch what passes through the broker, one line a message."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Annotated

import aiomqtt
import typer
from rich.console import Console
from rich.text import Text

from commands.mqtt import BrokerOption, broker_address
from devices.mqtt_client import mqtt_client, unreachable
from telemetry.address import BrokerAddress
from telemetry.clock import Clock, SystemClock, format_time
from telemetry.errors import QueryError

MILLISECOND = 1_000_000


def tail(
    topic_filter: Annotated[
        str, typer.Argument(metavar="FILTER", help="A topic filter; + and # are wildcards.")
    ] = "city/#",
    broker: BrokerOption = "",
    count: Annotated[
        int, typer.Option("--count", "-n", min=0, help="End after so many; 0: until Ctrl-C.")
    ] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a line, for other programs.")
    ] = False,
) -> None:
    """Show messages as they pass: time of receipt, topic, payload.

    Example: urban tail 'city/air/+/telemetry' --count 5
    """
    address = broker_address(broker)
    show = _json_line if as_json else _text_line()
    try:
        asyncio.run(_tail(address, checked_filter(topic_filter), count, show, SystemClock()))
    except (KeyboardInterrupt, BrokenPipeError):
        # Ctrl-C is how one leaves, and `| head` closes the pipe: neither is an error.
        sys.stderr.flush()


def checked_filter(text: str) -> str:
    """A topic filter as MQTT 3.1.1, 4.7.1 allows it. Raises QueryError."""
    levels = text.split("/")
    if not text or "\0" in text:
        raise QueryError("FILTER", "must be a topic filter", text)
    if any(("+" in level or "#" in level) and len(level) > 1 for level in levels):
        raise QueryError("FILTER", "a wildcard must stand alone between slashes", text)
    if "#" in levels[:-1]:
        raise QueryError("FILTER", "# may only stand at the end", text)
    return text


async def _tail(
    address: BrokerAddress,
    topic_filter: str,
    count: int,
    show: Callable[[int, aiomqtt.Message], None],
    clock: Clock,
) -> None:
    seen = 0
    try:
        async with mqtt_client(address) as client:
            await client.subscribe(topic_filter, qos=1)
            async for message in client.messages:
                show(clock.now(), message)
                seen += 1
                if seen == count:
                    return
    except aiomqtt.MqttError as error:
        raise unreachable(address, error) from None


def _text_line() -> Callable[[int, aiomqtt.Message], None]:
    console = Console(highlight=False, soft_wrap=True)

    def show(now: int, message: aiomqtt.Message) -> None:
        line = Text.assemble(
            (format_time(now - now % MILLISECOND), "dim"),
            " ",
            (str(message.topic), "cyan"),
            (" (retained)" if message.retain else "", "yellow"),
            " ",
            _shown(_bytes(message)),
        )
        console.print(line)

    return show


def _json_line(now: int, message: aiomqtt.Message) -> None:
    body = _bytes(message)
    row: dict[str, object] = {
        "time": format_time(now - now % MILLISECOND),
        "topic": str(message.topic),
        "retained": bool(message.retain),
    }
    try:
        row["payload"] = body.decode()
    except UnicodeDecodeError:
        row["payload_hex"] = body.hex()
    print(json.dumps(row, ensure_ascii=False), flush=True)


def _shown(body: bytes) -> str:
    """One line of text; what is no printable text is shown as hexadecimal."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return f"0x{body.hex()}"
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)


def _bytes(message: aiomqtt.Message) -> bytes:
    payload = message.payload
    return payload if isinstance(payload, bytes) else str(payload or "").encode()
