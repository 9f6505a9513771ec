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
from simulators.replay import (
    Progress,
    Replayer,
    copy_of,
    count_messages,
    messages,
    shifts_to_now,
    together,
)
from telemetry.address import BrokerAddress
from telemetry.clock import SystemClock, format_time, parse_time
from telemetry.errors import QueryError

SHOWN_IN_DRY_RUN = 3
BAR = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())


def replay(
    csv: Annotated[
        list[Path] | None,
        typer.Argument(metavar="CSV…", help="The recordings.", show_default=False),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="A mapping: a name of --list, or a .toml file. One for all, or one for each CSV.",
            show_default=False,
        ),
    ] = None,
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
    copies: Annotated[
        int, typer.Option(min=1, max=1_000, help="Each recording as so many devices: x, x-2, x-3 …")
    ] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, check and count; send nothing.")
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Show the mappings there are.")] = False,
) -> None:
    """Replay recordings over MQTT, each message confirmed by the broker; several run on one clock.

    Example: urban replay air_quality_valencia.csv --map valencia_air --speed 0

    Example: urban replay speed_6005.csv occupancy_6005.csv --map nab_traffic --shift-to-now --speed 60
    """
    if list_:
        _show_mappings()
        return
    if not csv or not map_:
        raise QueryError("CSV and --map", "are both needed", remedy="or use --list")
    if len(map_) not in (1, len(csv)):
        raise QueryError(
            "--map", f"must be given once, or for each of the {len(csv)} CSV", len(map_)
        )
    if not isfinite(speed):
        raise QueryError("--speed", "must be 0 or a finite factor", speed)
    begin = parse_time(start, "--start") if start else None
    over = parse_time(end, "--end") if end else None
    if begin is not None and over is not None and over <= begin:
        raise QueryError("--end", f"must lie after --start, {start}", end)
    kinds = load_kinds()
    maps = [load_mapping(find_mapping(name), kinds) for name in map_]
    found = [
        read_recording(path, maps[i if len(maps) > 1 else 0], begin, over)
        for i, path in enumerate(csv)
    ]
    # What is left out of a recording is said once, whatever number of devices it becomes.
    all_ = [copy_of(r, n) for r in found for n in range(1, copies + 1)]
    _refuse_same(all_)
    shifts = shifts_to_now(all_, SystemClock().now(), speed) if to_now else [0] * len(all_)
    if dry_run:
        stream = together([messages(r, s) for r, s in zip(all_, shifts, strict=True)])
        for message in islice(stream, SHOWN_IN_DRY_RUN):
            typer.echo(f"{message.topic} {message.payload.decode()}")
        _summarise(found, *_counts(all_), "would be sent")
    else:
        _run(found, all_, shifts, broker_address(broker), speed)


def _refuse_same(recordings: list[Recording]) -> None:
    """Two recordings of one series would each drop the other's readings as duplicates."""
    owner: dict[tuple[str, str], str] = {}
    for recording in recordings:
        for column in recording.columns:
            first = owner.setdefault((column.device, column.quantity), recording.name)
            if first != recording.name:
                need = f"{column.quantity} of {column.device} comes from {first} too"
                raise QueryError(recording.name, need, remedy="replay one after the other")


def _counts(recordings: list[Recording]) -> tuple[int, int]:
    counted = [count_messages(r) for r in recordings]
    return sum(m for m, _ in counted), sum(v for _, v in counted)


def _run(
    found: list[Recording],
    all_: list[Recording],
    shifts: list[int],
    address: BrokerAddress,
    speed: float,
) -> None:
    total, _ = _counts(all_)
    title = ", ".join(r.name for r in found)
    interrupted = False
    with Bar(*BAR, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total)

        def show(progress: Progress) -> None:
            lost = "" if progress.connected else f" (waiting for {address})"
            bar.update(task, completed=progress.messages, description=title + lost)

        replayer = Replayer(address, speed=speed, on_change=show)
        done = replayer.progress
        stream = together([messages(r, s) for r, s in zip(all_, shifts, strict=True)])
        try:
            asyncio.run(replayer.run(stream))
        except KeyboardInterrupt:
            interrupted = True
    _summarise(found, done.messages, done.values, f"sent, confirmed by {address}")
    if done.again:
        typer.echo(f"  {done.again:,} messages sent once more after the connection was lost")
    if interrupted:
        typer.echo(f"  interrupted: {total - done.messages:,} messages not confirmed")
        raise typer.Exit(130)


def _summarise(recordings: list[Recording], sent: int, values: int, what: str) -> None:
    for recording in recordings:
        typer.echo(f"{recording.name}: {recording.read:,} rows, {len(recording):,} of them taken")
    typer.echo(f"  {sent:,} messages with {values:,} values {what}")
    for recording in recordings:
        _tell(recording)


def _tell(recording: Recording) -> None:
    """When it was recorded, and what was left out."""
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
        if mapping.source:
            typer.echo(f"  from {mapping.source}; {mapping.licence}")
        for value in mapping.values:
            only = "" if value.file == "*" else f"{value.file}: "
            target = f"{value.kind}/{value.device} {value.quantity} [{value.unit}]"
            typer.echo(f"  {only}{value.column} → {target}")
