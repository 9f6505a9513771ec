"""`urban backfill`: the past of a simulated city through the real ingest path, once."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from commands.backfill_platform import with_own_platform
from commands.mqtt import BrokerOption, broker_address
from commands.simulated_city import NOTES, ScenarioOption, simulated_city
from commands.stores import prepare_folder
from simulators.backfill import Backfill, OnProgress
from simulators.position import Position
from simulators.run import wait_for_broker
from telemetry.address import BrokerAddress
from telemetry.clock import DAY, MINUTE, SystemClock, format_time
from telemetry.settings import Settings, load_settings

FILE = "backfill.json"
BAR = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())  # fmt: skip


def backfill(
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days back from now.")] = 30,
    broker: BrokerOption = "",
    scenario: ScenarioOption = "",
    again: Annotated[
        bool, typer.Option("--again", help="Also what is confirmed already; it changes nothing.")
    ] = False,
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="Progress as JSON lines on stdout.")
    ] = False,
) -> None:
    """Publish the past of the simulated city of the settings (URBAN_CITY, URBAN_DEVICES, URBAN_SEED).

    It goes to the platform that runs; where none does, to one that is started for it. An interrupted run
    goes on where it stopped, and a second one changes nothing: what is confirmed is noted in the data folder.

    Example: URBAN_DEVICES=1000 urban backfill --days 30
    """
    settings = load_settings()
    prepare_folder(settings.data_dir)
    address = broker_address(broker)
    if not broker and not settings.broker and not _listens(address):
        words = ["--days", str(days), "--scenario", scenario or settings.scenario]
        with_own_platform(settings, [*words, "--again"] if again else words)
        return
    _publish(settings, address, days, scenario or settings.scenario, again, progress_json)


def _publish(
    settings: Settings,
    address: BrokerAddress,
    days: int,
    scenario: str,
    again: bool,
    progress_json: bool,
) -> None:
    messages, note = simulated_city(settings.city, settings.devices, settings.seed, scenario)
    if note:
        NOTES.print(note)
    asyncio.run(wait_for_broker(address))
    end = SystemClock().now() // MINUTE * MINUTE
    start = end - days * DAY
    path = settings.data_dir / FILE
    # What another broker confirmed is not in this one.
    of = f"{_broker_of(settings, address)} {settings.city} {settings.devices} {settings.seed} {scenario}"
    position = Position(path, of)
    if again:
        position.done = []
    count = sum(messages.count(*m) for m in position.missing(start, end))
    NOTES.print(
        f"{format_time(start)} … {format_time(end)}: about {count:,} messages of "
        f"{len(messages.devices):,} devices to {address}"
    )
    with _progress(progress_json) as show:
        work = Backfill(messages, address, position, show)
        done = _until_done(work, start, end)
    NOTES.print(f"{work.confirmed:,} messages confirmed by the broker")
    if not done:
        NOTES.print("interrupted; the same command goes on where it stopped")
        raise typer.Exit(130)


def _until_done(work: Backfill, start: int, end: int) -> bool:
    """Run it; SIGINT and SIGTERM end it within a moment."""
    told: list[bool | BaseException] = []

    def run() -> None:
        try:
            told.append(work.run(start, end))
        except BaseException as error:
            told.append(error)

    thread = threading.Thread(target=run, name="backfill")
    before = {s: signal.signal(s, lambda *_: work.stop()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        thread.start()
        while thread.is_alive():
            thread.join(0.2)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if isinstance(told[0], BaseException):
        raise told[0]
    return told[0]


@contextmanager
def _progress(as_json: bool) -> Iterator[OnProgress]:
    if as_json:
        yield lambda done, total: print(json.dumps({"done": done, "total": total}), flush=True)
        return
    with Progress(*BAR, console=NOTES, disable=not NOTES.is_terminal) as bar:
        task = bar.add_task("backfill", total=None)
        said = -1

        def show(done: int, total: int) -> None:
            nonlocal said
            bar.update(task, completed=done, total=total)
            tenth = 10 * done // max(total, 1)
            if not NOTES.is_terminal and tenth > said:
                NOTES.print(f"backfill: {10 * tenth} %")
                said = tenth

        yield show


def _broker_of(settings: Settings, address: BrokerAddress) -> str:
    """What names the broker in the file: the embedded one keeps its data, whatever port it has this time."""
    if settings.broker or address.host not in (settings.bind, "localhost"):
        return str(address)
    return "embedded"


def _listens(address: BrokerAddress) -> bool:
    """Whether somebody listens there: a platform that runs."""
    try:
        with socket.create_connection((address.host, address.port), timeout=2):
            return True
    except OSError:
        return False
