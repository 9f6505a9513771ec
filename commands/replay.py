"""`urban replay`: a CSV of a real recording, published as if its devices were here."""

from __future__ import annotations

import asyncio
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from commands.mqtt import BrokerOption, broker_address
from devices.registry import load_kinds
from simulators.mapping import find_mapping, known_mappings, load_mapping
from simulators.recording import Recording, Refusal, read_recording
from simulators.replay import Progress, Replayer, count_messages, messages, shift_to_now
from telemetry.address import BrokerAddress
from telemetry.clock import SystemClock, format_time, parse_time
from telemetry.errors import QueryError

SHOWN_IN_DRY_RUN = 3
BAR = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def replay(
    csv: Annotated[
        Path | None, typer.Argument(metavar="CSV", help="The recording.", show_default=False)
    ] = None,
    map_: Annotated[
        str, typer.Option("--map", help="A mapping: a name of --list, or a .toml file.")
    ] = "",
    broker: BrokerOption = "",
    speed: Annotated[
        float, typer.Option(min=0, help="1: as it happened; 60: an hour a minute; 0: at once.")
    ] = 0.0,
    start: Annotated[
        str, typer.Option(help="Only from this time on, RFC 3339.", show_default=False)
    ] = "",
    end: Annotated[
        str, typer.Option(help="Only before this time, RFC 3339.", show_default=False)
    ] = "",
    to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Move the times so that the recording is now.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, check and count; send nothing.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show the mappings there are.")] = False,
) -> None:
    """Replay a recording over MQTT, each message confirmed by the broker.

    Example: urban replay air_quality_valencia.csv --map valencia_air --speed 0
    """
    if list_:
        _show_mappings()
        return
    if csv is None or not map_:
        raise QueryError("CSV and --map", "are both needed", remedy="or use --list")
    if not isfinite(speed):
        raise QueryError("--speed", "must be 0 or a finite factor", speed)
    recording = read_recording(
        csv,
        load_mapping(find_mapping(map_), load_kinds()),
        parse_time(start, "--start") if start else None,
        parse_time(end, "--end") if end else None,
    )
    shift = shift_to_now(recording, SystemClock().now(), speed) if to_now else 0
    if dry_run:
        for message in islice(messages(recording, shift), SHOWN_IN_DRY_RUN):
            typer.echo(f"{message.topic} {message.payload.decode()}")
        _summarise(recording, *count_messages(recording), "would be sent")
    else:
        _run(recording, shift, broker_address(broker), speed)


def _run(recording: Recording, shift: int, address: BrokerAddress, speed: float) -> None:
    total, _ = count_messages(recording)
    interrupted = False
    with Bar(*BAR, console=Console(stderr=True)) as bar:
        task = bar.add_task(recording.name, total=total)

        def show(progress: Progress) -> None:
            lost = "" if progress.connected else f" (waiting for {address})"
            bar.update(task, completed=progress.messages, description=recording.name + lost)

        replayer = Replayer(address, speed=speed, on_change=show)
        done = replayer.progress
        try:
            asyncio.run(replayer.run(messages(recording, shift)))
        except KeyboardInterrupt:
            interrupted = True
    _summarise(recording, done.messages, done.values, f"sent, confirmed by {address}")
    if done.again:
        typer.echo(f"  {done.again:,} messages sent once more after the connection was lost")
    if interrupted:
        typer.echo(f"  interrupted: {total - done.messages:,} messages not confirmed")
        raise typer.Exit(130)


def _summarise(recording: Recording, sent: int, values: int, what: str) -> None:
    typer.echo(f"{recording.name}: {recording.read:,} rows, {len(recording):,} of them taken")
    typer.echo(f"  {sent:,} messages with {values:,} values {what}")
    if len(recording):
        first, last = int(recording.time.min()), int(recording.time.max())
        typer.echo(f"  recorded from {format_time(first)} to {format_time(last)}")
    if recording.outside:
        typer.echo(f"  {recording.outside:,} rows outside of --start and --end")
    missing = ", ".join(f"{name} {n:,}" for name, n in recording.missing.items() if n)
    if missing:
        typer.echo(f"  missing: {missing}")
    _show_refusals("rows", recording.refused_rows)
    _show_refusals("values", recording.refused_cells)


def _show_refusals(what: str, refused: dict[str, Refusal]) -> None:
    for reason, refusal in refused.items():
        typer.echo(
            f"  {refusal.count:,} {what} refused: {reason} (first in line {refusal.first_line})"
        )


def _show_mappings() -> None:
    kinds = load_kinds()
    for path in known_mappings():
        mapping = load_mapping(path, kinds)
        typer.echo(f"{path.stem}: {mapping.text}")
        for value in mapping.values:
            only = "" if value.file == "*" else f"{value.file}: "
            target = f"{value.kind}/{value.device} {value.quantity} [{value.unit}]"
            typer.echo(f"  {only}{value.column} → {target}")
