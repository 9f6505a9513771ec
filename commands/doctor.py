"""`urban doctor`: is all well, and if not: what, since when, and what to do; backup and restore."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from commands.backup import backup, restore
from commands.doctor_facts import Facts, ask_platform, read_files
from commands.doctor_findings import Finding, Level, examine
from commands.http_api import HttpApi, JsonOption, UrlOption, platform_url
from commands.quarantine_view import console, print_json, printable
from telemetry.clock import HOUR, Clock, SystemClock
from telemetry.errors import StartError
from telemetry.settings import Settings, load_settings

_MARKS = {
    Level.WELL: ("✓", "green"),
    Level.NOTE: ("·", "yellow"),
    Level.ATTENTION: ("✗", "bold red"),
}


app = typer.Typer(add_completion=False, rich_markup_mode=None)
app.command("backup")(backup)
app.command("restore")(restore)


@app.callback(invoke_without_command=True)
def doctor(
    context: typer.Context,
    url: UrlOption = "",
    hours: Annotated[int, typer.Option(min=1, max=168, help="How far back to look. [h]")] = 24,
    as_json: JsonOption = False,
) -> None:
    """Say whether all is well: parts, account, quarantine, gaps, lateness, spool, analytics, disk.

    Asks the running platform; where none runs, looks at its files without changing them. Ends with 0 when
    all is well, 1 when something needs attention.

    backup and restore copy the stores into a folder, and back.

    Example: urban doctor --hours 48
    """
    if context.invoked_subcommand is not None:
        return
    facts = look(url, load_settings(), hours, SystemClock())
    findings = examine(facts)
    well = all(f.level != Level.ATTENTION for f in findings)
    if as_json:
        print_json(
            {"well": well, "source": facts.source, "findings": [asdict(f) for f in findings]}
        )
    else:
        _show(facts, findings, well)
    raise typer.Exit(0 if well else 1)


def look(url: str, settings: Settings, hours: int, clock: Clock) -> Facts:
    """The platform's facts, or its files' where none answers and none was named.

    Raises StartError where the platform that was named does not answer.
    """
    end = clock.now()
    start = end - hours * HOUR
    try:
        with HttpApi(platform_url(url, settings)) as api:
            return ask_platform(api, settings, start, hours)
    except StartError:
        if url:
            raise
        return read_files(settings, start, end, hours)


def _show(facts: Facts, findings: list[Finding], well: bool) -> None:
    out = console()
    out.print(Text(f"Looking at {facts.source}"), soft_wrap=True)
    for finding in findings:
        mark, style = _MARKS[finding.level]
        out.print(
            Text.assemble((mark, style), f" {finding.part}: {printable(finding.text)}"),
            soft_wrap=True,
        )
        for line in finding.more:
            out.print(Text(f"    {printable(line)}", "dim"), soft_wrap=True)
        if finding.do:
            out.print(Text(f"    → {finding.do}"), soft_wrap=True)
    count = sum(f.level == Level.ATTENTION for f in findings)
    out.print(
        "All is well."
        if well
        else f"{count} need attention."
        if count > 1
        else "1 needs attention."
    )
