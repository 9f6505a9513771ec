"""`urban simulate`: a simulated city's history and live readings, published to a broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from commands.mqtt import BrokerOption, broker_address
from devices.city import load_city
from devices.registry import load_kinds
from simulators.messages import Messages
from simulators.placement import absent_kinds, simulated_devices
from simulators.run import run
from simulators.sessions import SESSIONS
from telemetry.address import BrokerAddress
from telemetry.clock import Clock, SystemClock, format_time, parse_duration, parse_time
from telemetry.errors import QueryError, TimeError

NOTES = Console(stderr=True, highlight=False, soft_wrap=True)


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
            help="First publish the history from then on: 24h, 90m, or an RFC 3339 time.",
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
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="Progress as JSON lines on stdout.")
    ] = False,
) -> None:
    """Publish a simulated city: every kind of device, its weather, tide, traffic and faults.

    Example: urban simulate --city hcmc --devices 300 --since 24h --broker mqtt://127.0.0.1:1883
    """
    clock = SystemClock()
    start, end = _span(since, until, clock.now())
    address = broker_address(broker)
    place, kinds = load_city(city), load_kinds()
    fleet = simulated_devices(place, kinds, devices, seed)
    if missing := absent_kinds(place, fleet):
        NOTES.print(
            f"{devices} devices are too few for every kind; there is no {', '.join(missing)}"
        )
    messages = Messages(place, kinds, fleet, seed)
    tell = _JsonLines() if progress_json else _Bar(address)
    with tell:
        asyncio.run(_until_told(messages, address, clock, start, end, sessions, tell))


def _span(since: str, until: str, now: int) -> tuple[int, int | None]:
    """(start, end [ns]) of the options. Raises QueryError or TimeError in words."""
    start = now if not since else _moment(since, now)
    if start > now:
        raise QueryError("--since", "must not lie in the future", since)
    if not until:
        return start, None
    end = parse_time(until, "--until")
    if end <= start:
        raise QueryError("--until", f"must lie after the start, {format_time(start)}", until)
    return start, end


def _moment(text: str, now: int) -> int:
    if text[:4].isdigit() and "-" in text:
        return parse_time(text, "--since")
    try:
        return now - parse_duration(text, "--since")
    except TimeError:
        raise QueryError(
            "--since", "must be a duration like 24h or an RFC 3339 time", text
        ) from None


async def _until_told(
    messages: Messages,
    address: BrokerAddress,
    clock: Clock,
    start: int,
    end: int | None,
    sessions: int,
    tell: _JsonLines | _Bar,
) -> None:
    """Run until the end, or until SIGINT or SIGTERM: both are a clean end."""
    work = asyncio.create_task(
        run(
            messages, address, clock, start, end,
            sessions=sessions, progress=tell.progress, on_live=tell.live,
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
