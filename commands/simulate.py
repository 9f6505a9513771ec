"""`urban simulate`: a simulated city's history and live readings, published to a broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from commands.mqtt import BrokerOption, broker_address
from commands.simulated_city import (
    NOTES,
    ScenarioOption,
    season_of,
    show_scenarios,
    simulated_city,
    span,
)
from simulators.messages import Messages
from simulators.run import run
from simulators.sessions import SESSIONS
from simulators.truth import check_truth_path, truth_of, write_truth
from telemetry.address import BrokerAddress
from telemetry.clock import Clock, SystemClock
from telemetry.errors import QueryError


def simulate(
    city: Annotated[
        str, typer.Option(help="A city of cities/, or a path to a .toml file.")
    ] = "hcmc",
    devices: Annotated[int, typer.Option(min=1, max=100_000, help="How many devices.")] = 300,
    seed: Annotated[
        int, typer.Option(min=0, max=2**31 - 1, help="The same seed gives the same bytes.")
    ] = 1,
    broker: BrokerOption = "",
    since: Annotated[
        str,
        typer.Option(
            help="First publish the past from then on: 24h, 90m, an RFC 3339 time, or the scenario's season.",
            show_default="now",
        ),
    ] = "",
    until: Annotated[
        str, typer.Option(help="Stop at this RFC 3339 time.", show_default="until Ctrl-C")
    ] = "",
    sessions: Annotated[
        int,
        typer.Option(min=0, max=10_000, help="Devices with an MQTT session of their own, live."),
    ] = SESSIONS,
    scenario: ScenarioOption = "",
    truth: Annotated[
        Path | None,
        typer.Option(help="Write what was laid in to this .csv or .parquet.", show_default=False),
    ] = None,
    speed: Annotated[
        float,
        typer.Option(min=0, max=1e6, help="The past so many times as fast as it was; 0: at once."),
    ] = 0.0,
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="Progress as JSON lines on stdout.")
    ] = False,
) -> None:
    """Publish a simulated city: every kind of device, its weather, tide, traffic and faults.

    Example: urban simulate --city hcmc --devices 300 --since 24h --broker mqtt://127.0.0.1:1883

    Example: urban simulate --scenario king-tide --since season --speed 3600 --truth truth.csv
    """
    if scenario == "list":
        show_scenarios()
        return
    if speed and not since:
        raise QueryError("--speed", "needs a past to publish", speed, "set --since, like 24h")
    clock = SystemClock()
    start, end = span(since, until, clock.now(), season_of(scenario, city))
    address = broker_address(broker)
    if truth is not None:
        check_truth_path(truth)
    messages, note = simulated_city(city, devices, seed, scenario)
    if note:
        NOTES.print(note)
    tell = _JsonLines() if progress_json else _Bar(address)
    with tell, _truth(truth, messages, clock, start, end):
        asyncio.run(_until_told(messages, address, clock, start, end, sessions, speed, tell))


@contextlib.contextmanager
def _truth(
    path: Path | None, messages: Messages, clock: Clock, start: int, end: int | None
) -> Iterator[None]:
    """The truth is written before the first message, and once more at the end, when it is known how long it was."""
    if path is None:
        yield
        return
    write_truth(path, truth_of(messages, start, clock.now() if end is None else end))
    try:
        yield
    finally:
        if end is None:
            write_truth(path, truth_of(messages, start, clock.now()))


async def _until_told(
    messages: Messages,
    address: BrokerAddress,
    clock: Clock,
    start: int,
    end: int | None,
    sessions: int,
    speed: float,
    tell: _JsonLines | _Bar,
) -> None:
    """Run until the end, or until SIGINT or SIGTERM: both are a clean end."""
    work = asyncio.create_task(
        run(
            messages, address, clock, start, end,
            sessions=sessions, progress=tell.progress, on_live=tell.live, speed=speed,
        ),
        name="city",
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await work


class _JsonLines(contextlib.nullcontext[None]):
    """{"done": n, "total": m} while the history runs, {"live": true} when it is complete."""

    def progress(self, done: int, total: int) -> None:
        self._say({"done": done, "total": total})

    def live(self) -> None:
        self._say({"live": True})

    def _say(self, words: dict[str, int | bool]) -> None:
        print(json.dumps(words), flush=True)


class _Bar(contextlib.ExitStack):
    """The same for people, on stderr."""

    def __init__(self, address: BrokerAddress) -> None:
        super().__init__()
        self._address = address
        self._bar: Bar | None = None

    def progress(self, done: int, total: int) -> None:
        if self._bar is None:
            columns = (
                TextColumn("history"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
            )
            self._bar = self.enter_context(Bar(*columns, console=NOTES))
            self._bar.add_task("history")
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)

    def live(self) -> None:
        if self._bar is not None:
            self._bar.stop()
        NOTES.print(f"live to {self._address}; Ctrl-C ends it")
