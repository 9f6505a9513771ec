"""`urban devices add|edit|retire|reinstate|history|credentials|import|export`: the register of a running platform."""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from commands.http_api import HttpApi, Json, JsonOption, UrlOption, platform_url
from commands.quarantine_view import console, print_json
from devices.device import DEVICE_ID
from telemetry.errors import QueryError
from telemetry.settings import load_settings

_SHOWN = 50

Id = Annotated[str, typer.Argument(metavar="ID", help="The device's id.")]
By = Annotated[str, typer.Option("--by", help="Who; by default whoever is logged in.")]
Name = Annotated[str | None, typer.Option("--name", help="As people call it.")]
Lat = Annotated[float | None, typer.Option("--lat", help="Latitude [deg].")]
Lon = Annotated[float | None, typer.Option("--lon", help="Longitude [deg].")]
Area = Annotated[str | None, typer.Option("--area", help="Code of its ward or commune.")]
Parent = Annotated[str | None, typer.Option("--parent", help="Its feeder or gateway.")]
Tags = Annotated[list[str] | None, typer.Option("--tag", help="A word to group it by; may repeat.")]
Limits = Annotated[
    list[str] | None, typer.Option("--limit", help="A level of its own, bd1=1.4; may repeat.")
]


def add(
    device: Id,
    kind: Annotated[str, typer.Option("--kind", help="air, lamp, level, …")],
    name: Name = None,
    lat: Lat = None,
    lon: Lon = None,
    area: Area = None,
    parent: Parent = None,
    tag: Tags = None,
    limit: Limits = None,
    by: By = "",
    url: UrlOption = "",
) -> None:
    """Register a device.

    Example: urban devices add lamp-0301 --kind lamp --lat 10.7741 --lon 106.7038 --parent feeder-002 --limit rated_power=100
    """
    said = _said(name, lat, lon, area, parent, tag, limit)
    with _api(url) as api:
        api.post("/devices", {"by": _by(by), "id": device, "kind": kind} | said)
    console().print(f"{device}: registered")


def edit(
    device: Id,
    name: Name = None,
    lat: Lat = None,
    lon: Lon = None,
    area: Area = None,
    parent: Parent = None,
    tag: Tags = None,
    limit: Limits = None,
    why: Annotated[str, typer.Option("--why", help="Noted with it.")] = "",
    by: By = "",
    url: UrlOption = "",
) -> None:
    """Change what is said of a device; what is not given stays. --tag and --limit replace all of theirs.

    Example: urban devices edit aq-0007 --name 'Cầu Sài Gòn' --lat 10.7990 --lon 106.7280 --why 'dời trạm'
    """
    said = _said(name, lat, lon, area, parent, tag, limit)
    if not said:
        raise QueryError(
            "urban devices edit", "must be told what to change", remedy="--name, --lat …"
        )
    with _api(url) as api:
        api.patch(f"/devices/{_checked(device)}", {"by": _by(by), "why": why} | said)
    console().print(f"{device}: changed")


def retire(
    device: Id,
    why: Annotated[str, typer.Option("--why", help="The reason.")],
    by: By = "",
    url: UrlOption = "",
) -> None:
    """Take a device down for good: its data stay, what it still sends goes to quarantine.

    Example: urban devices retire lamp-0301 --why 'tháo dỡ cột'
    """
    with _api(url) as api:
        api.post(f"/devices/{_checked(device)}/retire", {"by": _by(by), "why": why})
    console().print(f"{device}: retired")


def reinstate(device: Id, by: By = "", url: UrlOption = "") -> None:
    """Put a retired device up again.

    Example: urban devices reinstate lamp-0301
    """
    with _api(url) as api:
        api.post(f"/devices/{_checked(device)}/reinstate", {"by": _by(by)})
    console().print(f"{device}: registered again")


def history(device: Id, url: UrlOption = "", as_json: JsonOption = False) -> None:
    """Who changed what of a device, and when; newest first.

    Example: urban devices history aq-0007
    """
    with _api(url) as api:
        found = list(api.pages(f"/devices/{_checked(device)}/history", {}))
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("time", "what", "by", "why", "before", "after"):
        table.add_column(column, overflow="fold")
    for event in found:
        texts = [json.dumps(event[f], ensure_ascii=False) for f in ("before", "after")]
        cells = [event["time"], event["what"], event["by"], event["why"], *texts]
        table.add_row(*(Text(cell) for cell in cells))
    console().print(table if found else "Nobody has changed it.")


def credentials(
    device: Id,
    remove: Annotated[bool, typer.Option("--remove", help="Take the password away.")] = False,
    by: By = "",
    url: UrlOption = "",
) -> None:
    """Issue a device's password at the city's broker, or rotate it; shown this once. Needs URBAN_BROKER_FILES there.

    Example: urban devices credentials lamp-0301
    """
    path = f"/devices/{_checked(device)}/credentials"
    with _api(url) as api:
        if remove:
            gone = api.delete(path, {"by": _by(by)})
            console().print(f"{device}: {'removed' if gone['removed'] else 'had none'}")
            return
        made = api.post(path, {"by": _by(by)})
    typer.echo(f"{made['username']} {made['password']}")
    typer.echo(f"Shown this once. {made['note']}.", err=True)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV; - reads stdin.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    by: By = "",
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Register and change devices by CSV (see docs/devices.md). Exit code 1 where a line was refused.

    Example: urban devices import devices.csv --dry-run
    """
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise QueryError(
            "FILE", f"must be one that can be read ({error.strerror})", str(file)
        ) from None
    query = {"by": _by(by), "dry_run": str(dry_run).lower()}
    with _api(url) as api:
        report = api.send_csv("/register", text, query)
    if as_json:
        print_json(report)
    else:
        _show_report(report)
    if report["refused"]:
        raise typer.Exit(1)


def export(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="By default stdout.", show_default=False)
    ] = None,
    kind: Annotated[list[str] | None, typer.Option("--kind", help="May repeat.")] = None,
    area: Annotated[list[str] | None, typer.Option("--area", help="May repeat.")] = None,
    url: UrlOption = "",
) -> None:
    """Write the devices as CSV, which an import takes back.

    Example: urban devices export devices.csv --kind lamp
    """
    with _api(url) as api:
        text = api.text("/register", {"kind": kind, "area": area})
    if file is None:
        sys.stdout.write(text)
        return
    try:
        # With a mark of order, by which Excel knows UTF-8.
        file.write_text(text, encoding="utf-8-sig")
    except OSError as error:
        raise QueryError("FILE", f"can't be written ({error.strerror})", str(file)) from None
    console().print(f"{file}: {text.count(chr(10)) - 1} devices")


def _show_report(report: Json) -> None:
    out = console()
    refused = [line for line in report["lines"] if line["outcome"] == "refused"]
    for line in refused[:_SHOWN]:
        out.print(Text(f"line {line['line']}: {line['device']}: {line['error']}"))
    if len(refused) > _SHOWN:
        out.print(f"{len(refused) - _SHOWN} more were refused: see --json")
    counts = ("registered", "edited", "unchanged", "refused")
    told = ", ".join(f"{report[name]} {name}" for name in counts)
    out.print(f"{'would be: ' if report['dry_run'] else ''}{told}")


def _said(
    name: str | None, lat: float | None, lon: float | None, area: str | None, parent: str | None,
    tags: list[str] | None, limits: list[str] | None,
) -> dict[str, Any]:  # fmt: skip
    given = {
        "name": name, "lat": lat, "lon": lon, "area": area, "parent": parent, "tags": tags or None,
        "limits": dict(map(_limit, limits)) if limits else None,
    }  # fmt: skip
    return {field: value for field, value in given.items() if value is not None}


def _limit(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise QueryError("--limit", "must look like bd1=1.4", text) from None


def _checked(device: str) -> str:
    if not DEVICE_ID.fullmatch(device):
        raise QueryError("ID", "must look like [a-z0-9][a-z0-9-]{1,63}", device)
    return device


def _by(by: str) -> str:
    return by or getpass.getuser()


def _api(url: str) -> HttpApi:
    return HttpApi(platform_url(url, load_settings()))
