"""`urban notify …`: check the file that says who hears of which alert, and send a message to try it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from analytics.notify.delivery import AppriseDelivery
from analytics.notify.plan import Plan, Route
from commands.notifying import read_plan
from devices.city import load_city
from devices.registry import load_kinds
from telemetry.errors import QueryError, SettingsError
from telemetry.settings import load_settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Who hears of which alert: check the file, and try its channels.\n\n"
    "Example: urban notify check notify.toml",
)

FileArgument = Annotated[
    Path | None, typer.Argument(metavar="FILE", help="By default the one that URBAN_NOTIFY names.")
]
_OUT = Console(highlight=False)
_TRIAL = {
    "vi": (
        "Tin thử của trung tâm điều hành",
        "Kênh này nhận được cảnh báo. Không có việc gì cần làm.",
    ),
    "en": (
        "A trial message of the operations centre",
        "This channel works. There is nothing to do.",
    ),
}


@app.command("check")
def check(file: FileArgument = None) -> None:
    """Say whether the file is right, and who hears what.

    Example: URBAN_NOTIFY=notify.toml urban notify check
    """
    path, plan = _plan(file)
    AppriseDelivery(str(path), plan.channels)
    table = Table("channels", "why", "severity", "of what", "when", box=None)
    for route in plan.routes:
        table.add_row(*_row(route))
    _OUT.print(f"{path}: {len(plan.channels)} channels, {len(plan.routes)} routes", soft_wrap=True)
    _OUT.print(table)


@app.command("test")
def test(
    channel: Annotated[
        list[str] | None, typer.Option("--channel", help="Only this one; may repeat.")
    ] = None,
    file: FileArgument = None,
) -> None:
    """Send a trial message to the channels, and say which took it; ends with 1 where one did not.

    Example: urban notify test --channel duty
    """
    path, plan = _plan(file)
    for name in channel or ():
        if name not in plan.channels:
            raise QueryError("--channel", f"must be one of {', '.join(plan.channels)}", name)
    deliver = AppriseDelivery(str(path), plan.channels)
    failed = 0
    for name in channel or plan.channels:
        title, body = _TRIAL[plan.channels[name].language or plan.language]
        took = deliver(name, title, body)
        failed += not took
        _OUT.print(f"{name}: {'took it' if took else 'did NOT take it; the reason stands above'}")
    raise typer.Exit(1 if failed else 0)


def _plan(file: Path | None) -> tuple[Path, Plan]:
    settings = load_settings()
    path = file or (Path(settings.notify) if settings.notify else None)
    if path is None:
        raise SettingsError("URBAN_NOTIFY", "names no file", remedy="set it, or name the file")
    return path, read_plan(path, load_kinds(), load_city(settings.city))


def _row(route: Route) -> tuple[str, ...]:
    what = (*route.domains, *route.kinds, *route.areas, *route.rules)
    hours = f"{route.start or '00:00'}–{route.end or '24:00'}" if route.start or route.end else ""
    return (
        ", ".join(route.channels),
        ", ".join(route.news) or "all",
        f"{route.severity} and worse",
        ", ".join(what) or "all",
        " ".join((*route.days, hours)).strip() or "always",
    )
