"""What the MQTT commands share: which broker is meant, and one line with exit code 2 for wrong use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from telemetry.address import BrokerAddress
from telemetry.address import broker_address as parse_broker
from telemetry.errors import UrbanError
from telemetry.settings import load_settings

BrokerOption = Annotated[
    str,
    typer.Option(
        "--broker",
        metavar="URL",
        help="mqtt://user:password@host:port; by default the broker of the settings.",
        show_default=False,
    ),
]


def broker_address(option: str) -> BrokerAddress:
    """The broker of `--broker`, else of URBAN_BROKER, else the embedded one's listener."""
    if option:
        return parse_broker(option, "--broker")
    settings = load_settings()
    if settings.broker:
        return parse_broker(settings.broker)
    host = f"[{settings.bind}]" if ":" in settings.bind else settings.bind
    return parse_broker(f"mqtt://{host}:{settings.mqtt_port or 1883}", "URBAN_MQTT_PORT")


@contextmanager
def one_line_on_error(command: str) -> Iterator[None]:
    """An UrbanError becomes one line on stderr and exit code 2."""
    try:
        yield
    except UrbanError as error:
        typer.echo(f"urban {command}: {error}", err=True)
        raise typer.Exit(2) from None
