"""`urban ingest --setup`: the InfluxDB of the settings made ready, and said what was done."""

from __future__ import annotations

import logging
from pathlib import Path

import typer

from store.influx_http import Patience
from store.influx_setup import set_up_influx
from telemetry.errors import StartError
from telemetry.settings import Settings

# Somebody waits at the terminal: no half a minute for a server that is not there.
_PATIENCE_S = 5.0


def set_up(settings: Settings, tokens: Path | None) -> None:
    """Do what is missing, a line for each thing. Raises UrbanError in words."""
    if not settings.telemetry.startswith("influx"):
        raise StartError(
            "URBAN_TELEMETRY",
            "must name an InfluxDB for --setup: DuckDB needs none, its file is made at the first start",
            settings.telemetry or str(settings.telemetry_path),
        )
    # What is tried again is no news here; what fails in the end is said in one line.
    logging.basicConfig(level=logging.ERROR)
    shown = settings.telemetry.rpartition("@")[2]
    done = 0
    for line in set_up_influx(
        settings.telemetry, settings.retention, tokens, Patience(total_s=_PATIENCE_S)
    ):
        typer.echo(f"made: {line}" if " keeps " not in line else f"now: {line}")
        done += 1
    typer.echo(f"{shown} is ready" + ("." if done else "; nothing had to be changed."))
    if tokens is not None:
        typer.echo(f"Set URBAN_TELEMETRY_FILE={tokens / 'telemetry.address'}")
