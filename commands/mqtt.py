"""What the MQTT commands share: which broker is meant."""

from __future__ import annotations

from typing import Annotated

import typer

from telemetry.address import BrokerAddress
from telemetry.address import broker_address as parse_broker
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
    host = settings.broker_bind
    host = f"[{host}]" if ":" in host else host
    return parse_broker(f"mqtt://{host}:{settings.mqtt_port or 1883}", "URBAN_MQTT_PORT")
