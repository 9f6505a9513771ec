"""Which simulated city is meant: what `simulate` and `backfill` share."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from devices.city import load_city
from devices.registry import load_kinds
from simulators.messages import Messages
from simulators.placement import absent_kinds, simulated_devices
from simulators.scenario import find_scenario, known_scenarios, load_scenario
from telemetry.clock import format_time, parse_duration, parse_time
from telemetry.errors import QueryError, TimeError

NOTES = Console(stderr=True, highlight=False, soft_wrap=True)
SEASON = "season"

ScenarioOption = Annotated[
    str,
    typer.Option(
        "--scenario",
        help="What happens there: a name of `--scenario list`, or a .toml file.",
        show_default="an ordinary city",
    ),
]


def simulated_city(city: str, devices: int, seed: int, scenario: str) -> tuple[Messages, str]:
    """The messages of a city, and a word on what is missing in it. Raises UrbanError in words."""
    place, kinds = load_city(city), load_kinds()
    found = simulated_devices(place, kinds, devices, seed)
    script = load_scenario(find_scenario(scenario)) if scenario else None
    missing = absent_kinds(place, found)
    note = f"{devices} devices are too few for every kind; there is no {', '.join(missing)}"
    return Messages(place, kinds, found, seed, script), note if missing else ""


def span(
    since: str, until: str, now: int, season: tuple[int, int] | None = None
) -> tuple[int, int | None]:
    """(start, end [ns]) of the options; `season` is what "season" means. Raises QueryError or TimeError."""
    if since == SEASON:
        if season is None:
            raise QueryError("--since", "season is that of a scenario; name it with --scenario")
        start, last = season
    else:
        start, last = (now if not since else _moment(since, now)), None
    if start > now:
        raise QueryError("--since", "must not lie in the future", since)
    if not until:
        return start, last
    end = parse_time(until, "--until")
    if end <= start:
        raise QueryError("--until", f"must lie after the start, {format_time(start)}", until)
    return start, end


def season_of(scenario: str, city: str) -> tuple[int, int] | None:
    """[start, end) of the first cycle of a scenario in the city's local time; None without one. [ns]"""
    if not scenario:
        return None
    found, _ = load_scenario(find_scenario(scenario))
    return found.first_cycle(load_city(city).zone)


def show_scenarios() -> None:
    """The scenarios that come with the platform, a line each."""
    for path in known_scenarios():
        found, _ = load_scenario(path)
        days = f"{found.days} day{'s' if found.days > 1 else ''}"
        typer.echo(f"{path.stem:20} {days:7} {found.text}")


def _moment(text: str, now: int) -> int:
    if text[:4].isdigit() and "-" in text:
        return parse_time(text, "--since")
    try:
        return now - parse_duration(text, "--since")
    except TimeError:
        raise QueryError(
            "--since", "must be a duration like 24h or an RFC 3339 time", text
        ) from None


__all__ = ["NOTES", "ScenarioOption", "season_of", "show_scenarios", "simulated_city", "span"]
