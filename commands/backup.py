"""`urban doctor backup` and `urban doctor restore`: the stores into one folder, and back."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from commands.copying import back_up
from commands.copying import restore as put_back
from commands.doctor_findings import size
from commands.http_api import HttpApi, Json, UrlOption, platform_url
from store.copy_files import Manifest, Tell, read_manifest
from telemetry.clock import SystemClock
from telemetry.errors import QueryError, StartError, StoreBusy
from telemetry.settings import Settings, load_settings

_ASK_EVERY_S = 0.3
_OUT = Console(stderr=True, highlight=False)


def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    url: UrlOption = "",
) -> None:
    """Copy both stores, what waits for them, and how far analytics had come, into a folder.

    It may be taken while the platform runs: a DuckDB file, which one process holds, is then copied by the
    platform itself, asked over HTTP; InfluxDB, PostgreSQL and SQLite are copied beside it. The copy is whole
    in either case: what is not in it came after it was begun. It holds neither settings, certificates nor what
    waits in a broker. Keep it as safe as the city's data: people's names may stand in it.

    Example: urban doctor backup /backup/2026-11-28
    """
    settings = load_settings()
    with _progress() as tell:
        try:
            manifest = back_up(settings, folder, SystemClock(), tell)
        except StoreBusy:
            manifest = _by_platform(platform_url(url, settings), settings, folder, tell)
    _say("Backed up into", folder, manifest)


def restore(
    folder: Annotated[Path, typer.Argument(help="What `urban doctor backup` made.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove what is in the stores now.")
    ] = False,
) -> None:
    """Put a backup into the stores of the settings. No platform may run on them.

    Checksums are looked at first. Stores that hold something are refused, unless --replace is said. A copy of
    SQLite may go into PostgreSQL and back; one of DuckDB goes into DuckDB, one of InfluxDB into any InfluxDB. A
    copy of an older version is brought up to date. What is interrupted leaves a mark, on which no platform
    starts: run it again with --replace.

    Example: URBAN_DATA_DIR=/srv/urban urban doctor restore /backup/2026-11-28
    """
    settings = load_settings()
    with _progress() as tell:
        manifest = put_back(settings, folder, replace, tell)
    _say("Restored from", folder, manifest)


def _by_platform(url: str, settings: Settings, folder: Path, tell: Tell) -> Manifest:
    """Have the platform that holds the file make the copy in its data folder, and move it from there."""
    if folder.exists():
        raise StartError(str(folder), "must not be there yet: no backup is overwritten")
    with HttpApi(url) as api:
        copy = api.post("/backups", {"by": "urban doctor"})
        while copy["state"] == "running":
            tell(copy["part"], copy["share"])
            time.sleep(_ASK_EVERY_S)
            copy = api.get(f"/backups/{copy['name']}")
    if copy["state"] == "failed":
        raise StartError(url, f"the platform could not back up: {copy['detail']}")
    return _moved(copy, settings, folder)


def _moved(copy: Json, settings: Settings, folder: Path) -> Manifest:
    made = settings.data_dir / "backups" / copy["name"]
    if not made.is_dir():
        raise QueryError(
            str(folder), f"the backup {copy['name']} lies in backups/ of the platform's data folder, "
            "which is not there on this machine",
        )  # fmt: skip
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(made, folder)
    return read_manifest(folder)


@contextmanager
def _progress() -> Iterator[Tell]:
    """A bar; a line for each part where there is no terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
    )
    with Progress(
        *columns, TimeElapsedColumn(), console=_OUT, transient=True, disable=not _OUT.is_terminal
    ) as bar:
        task = bar.add_task("", total=1.0)
        said = ""

        def tell(part: str, share: float) -> None:
            nonlocal said
            bar.update(task, description=part, completed=share)
            if part != said and not _OUT.is_terminal:
                _OUT.print(f"{part}…")
            said = part

        yield tell


def _say(what: str, folder: Path, manifest: Manifest) -> None:
    total = sum(f.bytes for f in manifest.files)
    typer.echo(f"{what} {folder}: {size(total)} in {len(manifest.files)} files, of {manifest.made}")
    for part in ("telemetry", "operations"):
        rows = sum(f.rows for f in manifest.files if f.path.startswith(f"{part}/"))
        typer.echo(f"  {part:<10} {rows} rows")
