"""`urban dashboards …`: build Grafana's boards from the code, and check that the files are what the code says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devices.registry import load_kinds
from grafana.build import FOLDER, Drift, compare
from grafana.build import build as build_files

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Grafana's boards: build the files, check them, push them to a server.\n\n"
    "Example: urban dashboards check",
)
FolderOption = Annotated[
    Path, typer.Option("--folder", help="Where the files are; by default beside the code.")
]
_OUT = Console(highlight=False)


@app.command("build")
def build(folder: FolderOption = FOLDER) -> None:
    """Write the boards' JSON and the maps; what no board stands for is removed.

    Example: urban dashboards build
    """
    drift = build_files(load_kinds(), folder)
    _say(drift, "written", "written anew", "removed")
    if not drift:
        _OUT.print("Nothing to do: the files are what the code says.")


@app.command("check")
def check(folder: FolderOption = FOLDER) -> None:
    """Say which files are not what the code says; ends with 1 where one is not.

    Example: urban dashboards check
    """
    drift = compare(load_kinds(), folder)
    _say(drift, "missing", "differs from the code", "stands for no board")
    if drift:
        _OUT.print("→ run: urban dashboards build")
        raise typer.Exit(1)
    _OUT.print("The files are what the code says.")


def _say(drift: Drift, missing: str, changed: str, extra: str) -> None:
    for paths, words in ((drift.missing, missing), (drift.changed, changed), (drift.extra, extra)):
        for path in paths:
            _OUT.print(f"{path}: {words}", soft_wrap=True)
