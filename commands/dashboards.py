"""`urban dashboards …`: Grafana's boards from the code: build the files, check them, push them to a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from devices.registry import load_kinds
from grafana.boards import all_boards
from grafana.build import FOLDER, Drift, compare
from grafana.build import build as build_files
from grafana.tongue import LANGUAGES, Tongue

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


@app.command("push")
def push(
    url: Annotated[str, typer.Option("--url", help="Where Grafana answers: http://127.0.0.1:3000")],
    token: Annotated[
        str,
        typer.Option(
            "--token",
            envvar="GRAFANA_TOKEN",
            help="Of a service account with the role Admin; better in the environment than here.",
            show_envvar=True,
        ),
    ],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Also where somebody changed a board meanwhile.")
    ] = False,
) -> None:
    """Put folders, boards, playlist, team and the wall's account into a running Grafana; safe to repeat.

    Example: GRAFANA_TOKEN=$(cat token) urban dashboards push --url http://127.0.0.1:3000
    """
    # Its client takes a while to import: only who pushes waits.
    from grafana.push import Pusher

    kinds = load_kinds()
    boards = {language: all_boards(kinds, Tongue(language)) for language in LANGUAGES}
    count = 0
    for line in Pusher(url, token).push(boards, overwrite):
        _OUT.print(line, soft_wrap=True, markup=False)
        count += 1
    if not count:
        _OUT.print("Nothing to do: Grafana has it all.")


def _say(drift: Drift, missing: str, changed: str, extra: str) -> None:
    for paths, words in ((drift.missing, missing), (drift.changed, changed), (drift.extra, extra)):
        for path in paths:
            _OUT.print(f"{path}: {words}", soft_wrap=True)
