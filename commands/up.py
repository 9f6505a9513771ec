"""`urban up`: the whole platform on one machine until Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from commands.city_process import CityProcess
from commands.platform import Platform
from commands.running import ended_by_signal, log_to, until_ended
from commands.stores import prepare_folder
from simulators.scenario import find_scenario, load_scenario
from telemetry.clock import HOUR, MINUTE, SystemClock
from telemetry.errors import StartError
from telemetry.settings import Settings, load_settings

_OUT = Console(highlight=False)
_DOORS = {
    "off": "No log-in is asked: only this machine reaches it (URBAN_AUTH=on closes the doors).",
    "on": "People log in at /login, programs send keys: `urban users --help`.",
}


def up() -> None:
    """Run the whole platform on this machine until Ctrl-C.

    Embedded broker, simulated city, ingest, analytics, API and page in one go; settings are URBAN_…
    variables (see the README).

    Example: URBAN_HTTP_PORT=8080 URBAN_DEVICES=1000 urban up
    """
    settings = load_settings()
    if settings.scenario:  # a mistake is told before anything is started
        load_scenario(find_scenario(settings.scenario, "URBAN_SCENARIO"))
    prepare_folder(settings.data_dir)
    log_to(settings.data_dir / "urban.log")
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    # The page's parts take a second to import: after the settings have been found right.
    from api.app import create_app
    from commands.access import open_doors
    from commands.web import WebServer

    ended = ended_by_signal()
    web = WebServer(settings.bind, settings.http_port, proxies=settings.proxies)
    web.listen()
    platform = Platform(settings, SystemClock())
    city: CityProcess | None = None
    running = False
    try:
        platform.start()
        if not await asyncio.to_thread(platform.receiver.wait_until_subscribed, 15.0):
            raise StartError("URBAN_BROKER", platform.receiver.trouble(), str(platform.address))
        city = _city(settings, platform)
        context = platform.context()
        checks = dict(context.checks)
        if city is not None:
            checks["simulated city"] = city.trouble
        context.checks = checks
        access = open_doors(settings, platform.operations, platform.clock, web.url, _say)
        await web.start(create_app(context, access=access))
        running = True
        _say_where(platform, web.url)
        if city is not None:
            city.start()
            await _show_history(platform, ended)
        await until_ended(ended, web.ended())
    finally:
        if running:
            _OUT.print("\nEnding…")
        if city is not None:
            await asyncio.to_thread(city.stop)
        await web.stop()
        await asyncio.to_thread(platform.stop)
        if running:
            _OUT.print(f"Ended. What was measured is kept in {settings.data_dir}.", soft_wrap=True)


def _city(settings: Settings, platform: Platform) -> CityProcess | None:
    """The simulated city, from where it stopped, or from the start of the history to fill in."""
    if settings.devices == 0:
        return None
    now = platform.clock.now()
    oldest = now - settings.history_hours * HOUR
    newest = platform.newest_simulated()
    # Two minutes again: what was in flight when the last run ended. Repeats are recognised.
    since = oldest if newest is None else max(oldest, newest - 2 * MINUTE)
    platform.progress = (0, 1)

    def note(progress: tuple[int, int] | None) -> None:
        platform.progress = progress

    broker = settings.simulator_broker or settings.broker or str(platform.address)
    return CityProcess(settings, broker, since, note)


def _say(words: str) -> None:
    _OUT.print(words, soft_wrap=True)  # a password in two lines is typed wrongly


def _say_where(platform: Platform, url: str) -> None:
    settings = platform.settings
    count = sum(d.registered for d in platform.catalogue.devices)
    _OUT.print(f"\n[bold]{platform.city.vi}[/bold]: {count} devices")
    _OUT.print(f"  page       {url}/")
    _OUT.print(f"  API        {url}/docs")
    _OUT.print(f"  MQTT       {platform.address}")
    _OUT.print(
        f"[dim]Data in {settings.data_dir}, log in {settings.data_dir / 'urban.log'}. "
        f"{_DOORS[settings.auth]} Ctrl-C ends it.[/dim]\n",
        soft_wrap=True,
    )


async def _show_history(platform: Platform, ended: asyncio.Event) -> None:
    """The progress of the history, until it is filled in and analysed."""
    with _bar() as bar:
        task = bar.add_task("Filling in history", total=None)
        said = -1
        while not ended.is_set() and not _settled(platform):
            if platform.progress is not None:
                done, total = platform.progress
                bar.update(task, completed=done, total=total)
                said = _say_tenth(bar, said, done, total)
            else:
                bar.update(task, description="Catching up with analysis", total=None)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), 0.2)
    if not ended.is_set():
        _OUT.print("History is filled in; the city is live.")


def _settled(platform: Platform) -> bool:
    live = platform.progress is None
    return live and platform.ingest.idle() and platform.worker.caught_up()


def _say_tenth(bar: Progress, said: int, done: int, total: int) -> int:
    """Where there is no terminal to draw a bar in, a line for every tenth."""
    tenth = 10 * done // max(total, 1)
    if not _OUT.is_terminal and tenth > said:
        _OUT.print(f"Filling in history: {10 * tenth} %")
    return max(tenth, said)


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=_OUT, transient=True, disable=not _OUT.is_terminal) as bar:
        yield bar
