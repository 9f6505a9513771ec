"""`urban`: the command line. Each command is a file in commands/; errors are one line and exit code 2."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from telemetry.errors import UrbanError

# Command → what it does, and what its help shows. A command's module is imported when it is called, so
# that `urban publish` does not wait for the page's libraries.
COMMANDS: dict[str, str] = {
    "up": "Run the whole platform on this machine until Ctrl-C.",
    "ingest": "Run the ingestor alone, against a broker and a store; or --setup InfluxDB.",
    "simulate": "Publish a simulated city's readings.",
    "backfill": "Publish the past of the simulated city, through the whole ingest path, once.",
    "replay": "Publish a real recording from a CSV file.",
    "publish": "Publish one message and wait for its confirmation.",
    "tail": "Show messages as they pass the broker.",
    "quarantine": "Look at what could not be stored; send it again, or discard it.",
    "rules": "What raises alerts: list it, try rules of your own, add them.",
    "notify": "Check who hears of which alert, and try the channels.",
    "dashboards": "Build, check and push the boards for Grafana.",
    "users": "Accounts of people, and keys of programs.",
    "audit": "Who did what: verify the audit log, show it, print its head.",
    "devices": "Register, change and command devices; certificates, passwords, broker's files.",
    "stack": "Make what docker-compose.yml needs: certificates, rights, secrets.",
    "doctor": "Say whether all is well, and what to do where it is not; back up and restore.",
    "bench": "Measure, and print JSON lines.",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; exits with 0, with 2 and one line on wrong use, with 130 on Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words and words[0] in COMMANDS:
            command = typer.main.get_command(_app(words[0]))
            command(words[1:], prog_name=f"urban {words[0]}")
        else:
            _overview()(words, prog_name="urban")
    except UrbanError as error:
        print(f"urban: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _app(name: str) -> typer.Typer:
    """The command of this name: commands/{name}.py holds a function of that name, or a Typer `app`."""
    module = importlib.import_module(f"commands.{name}")
    app = getattr(module, "app", None)
    if isinstance(app, typer.Typer):
        return app
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    function: Callable[..., Any] = getattr(module, name)
    app.command(name)(function)
    return app


def _overview() -> Callable[..., Any]:
    """What `urban --help` shows."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        help="Urban sensing: from the device to the person who must act.\n\n"
        "Example: urban up        (then `urban COMMAND --help` for the others)",
    )
    for name, summary in COMMANDS.items():
        app.command(name, help=summary)(_nothing)
    return typer.main.get_command(app)


def _nothing() -> None:
    """Stands for a command in the overview; never called."""


if __name__ == "__main__":
    main()
