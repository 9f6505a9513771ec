"""`urban bench …`: figures as JSON lines, each beside a reference measured in the same run."""

from __future__ import annotations

import importlib
import sys
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Measure, and print JSON lines.\n\nExample: urban bench ingest --runs 5",
)

_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
Rest = Annotated[list[str] | None, typer.Argument(hidden=True)]


def _run(name: str, rest: list[str] | None) -> None:
    """Hand the words over: each benchmark explains its own options with --help."""
    sys.argv = [f"urban bench {name}", *(rest or [])]
    importlib.import_module(f"benchmarks.{name}").main()


@app.command(context_settings=_PASS_ON)
def ingest(rest: Rest = None) -> None:
    """Durable ingest against a bare receiver, on each broker that is there."""
    _run("ingest", rest)


@app.command(context_settings=_PASS_ON)
def analytics(rest: Rest = None) -> None:
    """The engine against a bare pass over the same arrays."""
    _run("analytics", rest)


@app.command(context_settings=_PASS_ON)
def alerts(rest: Rest = None) -> None:
    """From publish to the alert on the live stream, against a bare receiver; and the restart after SIGKILL."""
    _run("alerts", rest)


@app.command(context_settings=_PASS_ON)
def api(rest: Rest = None) -> None:
    """Latest, windows, Parquet, live clients, small requests and memory of the API, on each store."""
    _run("api", rest)


@app.command(context_settings=_PASS_ON)
def simulation(rest: Rest = None) -> None:
    """The simulated city beside real recordings: statistics in their bounds, and the figures of the docs."""
    _run("simulation", rest)


@app.command(context_settings=_PASS_ON)
def detection(rest: Rest = None) -> None:
    """What is found of the truth of scenarios, how soon, and what is found in vain; against a baseline."""
    _run("detection", rest)
