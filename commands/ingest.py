"""`urban ingest`: the ingestor alone, until Ctrl-C; with --setup, its InfluxDB is made ready instead."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from commands.ingest_part import IngestPart, filters_of
from commands.running import ended_by_signal, log_to, until_ended
from commands.stores import Stores, prepare_folder
from telemetry.address import BrokerAddress, broker_address
from telemetry.clock import SystemClock
from telemetry.errors import QueryError, StartError
from telemetry.readings import Readings
from telemetry.settings import Settings, load_settings

_SUBSCRIBE_S = 15.0


def ingest(
    topics: Annotated[
        str,
        typer.Option(
            metavar="FILTERS",
            help="Only these topics, commas between them; by default those of URBAN_TOPICS.",
            show_default=False,
        ),
    ] = "",
    setup: Annotated[
        bool, typer.Option("--setup", help="Make database, buckets and retention, and end.")
    ] = False,
    tokens: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="With --setup on 2.x: where tokens are written.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Take messages from URBAN_BROKER into the stores: no analytics, no API, no page.

    Health and metrics are on URBAN_INGEST_PORT. Two ingestors share a broker by topic: each with its own
    URBAN_CLIENT_ID, URBAN_DATA_DIR, URBAN_INGEST_PORT and database.

    --setup needs an administrator's password or token in URBAN_TELEMETRY, and may be repeated: it changes
    what does not fit URBAN_RETENTION_…_DAYS any more. With --tokens it makes organisation, buckets and a token
    each to write, to read, and for Grafana, in files that only you may read.

    Example: URBAN_BROKER=mqtt://10.0.0.5 URBAN_TELEMETRY=influx1://user:password@10.0.0.6:8086/air
    URBAN_CLIENT_ID=ingest-air urban ingest --topics 'city/air/+/+,city/weather/+/+'

    Example: URBAN_TELEMETRY=influx://ADMIN_TOKEN@10.0.0.6:8086/city/telemetry urban ingest --setup --tokens secrets
    """  # fmt: skip
    settings = load_settings()
    if setup:
        from commands.ingest_setup import set_up

        set_up(settings, tokens)
        return
    if tokens is not None:
        raise QueryError("--tokens", "goes with --setup")
    filters = filters_of(settings, topics)
    address = _broker(settings)
    prepare_folder(settings.data_dir)
    log_to(settings.data_dir / "ingest.log")
    asyncio.run(_run(settings, address, filters))


def _broker(settings: Settings) -> BrokerAddress:
    if not settings.broker:
        raise StartError(
            "URBAN_BROKER",
            "must name a broker: urban ingest starts none",
            remedy="set URBAN_BROKER=mqtt://host:1883, or run urban up, which has its own",
        )
    return broker_address(settings.broker)


async def _run(settings: Settings, address: BrokerAddress, topics: Sequence[str]) -> None:
    # They take a while to import: after the settings have been found right.
    from api.health_app import create_health_app
    from commands.web import WebServer

    ended = ended_by_signal()
    # It asks nobody who they are: it stays on this machine, whatever URBAN_BIND says.
    web = WebServer(settings.broker_bind, settings.ingest_port, "URBAN_INGEST_PORT")
    web.listen()
    stores = Stores(settings)
    # Nobody here analyses, so the log is kept for who does: nothing of it may go.
    part = IngestPart(settings, SystemClock(), stores, address, _nobody_waits, lambda: 0, topics)
    running = False
    try:
        part.start()
        if not await asyncio.to_thread(part.receiver.wait_until_subscribed, _SUBSCRIBE_S):
            raise StartError("URBAN_BROKER", part.receiver.trouble(), str(address))
        await web.start(create_health_app({"ingest": part.receiver.trouble}, settings.broker_bind))
        running = True
        _say_where(settings, address, topics, web.url)
        telling = asyncio.create_task(_tell_trouble(part))
        await until_ended(ended, web.ended())
        telling.cancel()
    finally:
        if running:
            typer.echo("Ending…")
        await web.stop()
        await asyncio.to_thread(part.stop)
        stores.close()
        if running:
            typer.echo("Ended. The broker keeps what comes meanwhile.")


def _nobody_waits(readings: Readings) -> None:
    """Nobody in this process wants to hear of new readings."""


def _say_where(settings: Settings, address: BrokerAddress, topics: Sequence[str], url: str) -> None:
    typer.echo(f"Ingesting from {address} as {settings.client_id}: {', '.join(topics)}")
    store = settings.telemetry.rpartition("@")[2] if settings.telemetry else settings.telemetry_path
    typer.echo(f"  into     {store}")
    typer.echo(f"  health   {url}/readyz, metrics {url}/metrics")
    typer.echo(f"  spool and log in {settings.data_dir}. Ctrl-C ends it.")


async def _tell_trouble(part: IngestPart) -> None:
    """Say on the terminal when something goes wrong, and when it is well again."""
    said = ""
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            trouble = part.receiver.trouble()
            if trouble != said:
                typer.echo(trouble or "All is well again.")
                said = trouble
            await asyncio.sleep(1)
