"""`urban devices command`: tell devices of a running platform what to do, and show what became of it."""

from __future__ import annotations

import getpass
import time
from typing import Annotated, Any

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from commands.http_api import HttpApi, Json, JsonOption, UrlOption, platform_url
from commands.quarantine_view import console, print_json
from telemetry.clock import SECOND, parse_duration
from telemetry.errors import QueryError
from telemetry.settings import load_settings

OPEN = ("requested", "sent")
_LOOK_S = 0.3
_SLACK_S = 10.0  # beyond the time-out: the platform notes it within a tick
_SHOWN = 50

Several = list[str] | None


def command(
    name: Annotated[str, typer.Argument(metavar="COMMAND", help="dimming, interval or restart.")],
    value: Annotated[float | None, typer.Argument(metavar="[VALUE]", show_default=False)] = None,
    device: Annotated[Several, typer.Option("--device", help="A device; may repeat.")] = None,
    kind: Annotated[Several, typer.Option("--kind", help="All of a kind; may repeat.")] = None,
    area: Annotated[Several, typer.Option("--area", help="All in an area; may repeat.")] = None,
    tag: Annotated[str, typer.Option("--tag", help="All with this word.")] = "",
    parent: Annotated[str, typer.Option("--parent", help="All on this feeder.")] = "",
    timeout: Annotated[str, typer.Option("--timeout", help="For an answer: 30s, 5m.")] = "30s",
    why: Annotated[str, typer.Option("--why", help="Noted with it.")] = "",
    by: Annotated[str, typer.Option("--by", help="Who; by default whoever is logged in.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say who would be commanded.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the answers.")] = True,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Tell devices what to do: those that fit every option. Exit code 1 where one refused or did not answer.

    Example: urban devices command dimming 40 --kind lamp --area 26740 --dry-run
    """
    wait_s = parse_duration(timeout, "--timeout") / SECOND + _SLACK_S
    body = {
        "by": by or getpass.getuser(), "command": name, "value": value, "device": device,
        "kind": kind, "area": area, "tag": tag or None, "parent": parent or None,
        "timeout": timeout, "why": why, "dry_run": dry_run,
    }  # fmt: skip
    if not any((device, kind, area, tag, parent)):
        need = "must say who is meant"
        raise QueryError(
            "urban devices command", need, remedy="by --device, --kind, --area, --tag or --parent"
        )
    with HttpApi(platform_url(url, load_settings())) as api:
        asked = api.post("/commands", {k: v for k, v in body.items() if v is not None})
        commands: list[Json] = asked["commands"]
        if wait and commands:
            commands = _results(api, asked["batch"], len(commands), wait_s)
    if as_json:
        print_json(asked | {"commands": commands})
    else:
        _show(asked, commands, dry_run)
    if any(c["state"] in ("refused", "timed_out") for c in commands):
        raise typer.Exit(1)


def _results(api: HttpApi, batch: str, count: int, wait_s: float) -> list[Json]:
    """The commands of a request, when all are settled or the time is over. Ctrl-C leaves them on their way."""
    end = time.monotonic() + wait_s
    with _progress() as progress:
        task = progress.add_task("", total=None)
        while True:
            found = list(api.pages("/commands", {"batch": batch}))
            waiting = sum(c["state"] in OPEN for c in found)
            progress.update(task, description=f"{count - waiting} of {count} have answered")
            if not waiting or time.monotonic() > end:
                return found
            time.sleep(_LOOK_S)


def _show(asked: Json, commands: list[Json], dry_run: bool) -> None:
    out = console()
    for left in asked["left_out"][:_SHOWN]:
        out.print(Text(f"left out: {left['device']}: {left['why']}"))
    if len(asked["left_out"]) > _SHOWN:
        out.print(f"left out: {len(asked['left_out']) - _SHOWN} more")
    if dry_run:
        out.print(Text(f"would be commanded: {len(asked['devices'])}"))
        out.print(Text(", ".join(asked["devices"])))
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("device", "state", "applied", "words"):
        table.add_column(column, overflow="fold")
    for c in sorted(commands, key=_order):
        table.add_row(c["device"], c["state"], _number(c), Text(c["error"]))
    out.print(table)


def _order(command: Json) -> tuple[bool, str]:
    return command["state"] == "acknowledged", command["device"]


def _number(command: Json) -> str:
    applied: Any = command["applied"]
    return "" if applied is None else f"{applied:g} {command['unit']}"


def _progress() -> Progress:
    out = console()
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    return Progress(*columns, console=out, transient=True, disable=not out.is_terminal)
