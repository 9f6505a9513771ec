"""`urban quarantine …`: look at what could not be stored, send it again or discard it, on a running platform."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated

import typer

from commands import quarantine_view as view
from commands.http_api import HttpApi, Json, JsonOption, Query, UrlOption, platform_url
from commands.quarantine_client import (
    correction,
    count_items,
    discard_many,
    payload_of,
    resend_many,
)
from telemetry.errors import QueryError
from telemetry.settings import load_settings

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What could not be stored: look at it, correct it and send it again, or discard it.\n\n"
    "Example: urban quarantine list --reason not_a_number",
)

STATES = ("waiting", "resent", "discarded")

Id = Annotated[str, typer.Argument(metavar="ID", help="The item's id.")]
SomeId = Annotated[str, typer.Argument(metavar="ID", help="The item's id; else a filter.")]
Reasons = Annotated[list[str] | None, typer.Option("--reason", help="Only of this; may repeat.")]
Devices = Annotated[list[str] | None, typer.Option("--device", help="Only of this; may repeat.")]
Kinds = Annotated[list[str] | None, typer.Option("--kind", help="Only of this; may repeat.")]
State = Annotated[str, typer.Option("--state", help="waiting, resent, discarded or all.")]
Start = Annotated[str | None, typer.Option("--start", help="Received at or after; RFC 3339.")]
End = Annotated[str | None, typer.Option("--end", help="Received before; RFC 3339.")]
By = Annotated[str, typer.Option("--by", help="Who does it; by default whoever is logged in.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it to all that the filter names.")]
Most = Annotated[int, typer.Option("--limit", min=1, help="Items at most.")]


@app.command("list")
def list_items(
    reason: Reasons = None,
    device: Devices = None,
    kind: Kinds = None,
    state: State = "waiting",
    start: Start = None,
    end: End = None,
    limit: Most = 50,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Items, newest first.

    Example: urban quarantine list --device aq-0007 --state all --json
    """
    query = _filter(reason, device, kind, start, end) | {"state": _states(state)}
    with _api(url) as api:
        items = list(api.pages("/quarantine", query, limit))
        total = len(items) if len(items) < limit else count_items(api, query)
    view.show_list(items, total, as_json)


@app.command()
def show(
    item: Id,
    raw: Annotated[
        bool, typer.Option("--raw", help="The payload's bytes and nothing else.")
    ] = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """One item with its bytes, and what the runbook says to do.

    Example: urban quarantine show 5f0c… --raw > message.json
    """
    with _api(url) as api:
        found = api.get(f"/quarantine/{_safe(item)}")
    if raw:
        sys.stdout.buffer.write(payload_of(found))
        sys.stdout.buffer.flush()
    else:
        view.show_item(found, as_json)


@app.command()
def count(
    reason: Reasons = None,
    device: Devices = None,
    kind: Kinds = None,
    state: State = "waiting",
    start: Start = None,
    end: End = None,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """How many items there are of each reason.

    Example: urban quarantine count --start 2026-11-22T00:00:00+07:00
    """
    query = _filter(reason, device, kind, start, end) | {"state": _states(state)}
    with _api(url) as api:
        view.show_counts(api.get("/quarantine/counts", query), as_json)


@app.command()
def resend(
    item: SomeId = "",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Correct a field; may repeat."),
    ] = None,
    payload: Annotated[
        str | None, typer.Option("--payload", help="Send this instead; - reads stdin.")
    ] = None,
    topic: Annotated[str | None, typer.Option("--topic", help="Send it to this topic.")] = None,
    by: By = "",
    reason: Reasons = None,
    device: Devices = None,
    kind: Kinds = None,
    start: Start = None,
    end: End = None,
    limit: Most = 1_000,
    yes: Yes = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Send an item's message through ingest again, as it came or corrected; or all that a filter names.

    Ends with 1 where some of it was refused again, or ingest could not take it.

    Example: urban quarantine resend 5f0c… --set pm25=31.2

    Example: urban quarantine resend --reason unregistered --yes
    """
    query = _filter(reason, device, kind, start, end)
    corrected = bool(assignments) or payload is not None or topic is not None
    _one_or_many(item, query, corrected)
    if assignments and payload is not None:
        raise QueryError("--set", "corrects the message that came, so --payload can't be given too")
    with _api(url) as api:
        if item:
            body = correction(api, _safe(item), assignments or [], payload) | _named("topic", topic)
            told = api.post(f"/quarantine/{_safe(item)}/resend", {"by": _who(by)} | body)
            refused = view.show_resent(told, as_json)
        else:
            _confirm(api, query, "resend", yes, limit)
            told = resend_many(api, query, _who(by), limit)
            refused = view.show_many_resent(told, as_json)
    raise typer.Exit(1 if refused else 0)


@app.command()
def discard(
    item: SomeId = "",
    why: Annotated[str, typer.Option("--why", help="Why it is of no use; kept with it.")] = "",
    by: By = "",
    reason: Reasons = None,
    device: Devices = None,
    kind: Kinds = None,
    start: Start = None,
    end: End = None,
    limit: Most = 1_000,
    yes: Yes = False,
    url: UrlOption = "",
    as_json: JsonOption = False,
) -> None:
    """Note that an item is of no use, or all that a filter names. They stay until they are too old.

    Example: urban quarantine discard --device demo-1 --why "a test" --yes
    """
    query = _filter(reason, device, kind, start, end)
    _one_or_many(item, query, False)
    if not why.strip():
        raise QueryError("--why", "must be given: it is kept with the item")
    body = {"by": _who(by), "why": why}
    with _api(url) as api:
        if item:
            view.show_discarded(api.post(f"/quarantine/{_safe(item)}/discard", body), as_json)
        else:
            _confirm(api, query, "discard", yes, limit)
            view.show_many_discarded(discard_many(api, query, body, limit), as_json)


def _api(url: str) -> HttpApi:
    return HttpApi(platform_url(url, load_settings()))


def _filter(
    reason: list[str] | None,
    device: list[str] | None,
    kind: list[str] | None,
    start: str | None,
    end: str | None,
) -> dict[str, object]:
    given = {"reason": reason, "device": device, "kind": kind, "start": start, "end": end}
    return {name: value for name, value in given.items() if value}


def _states(state: str) -> list[str]:
    if state != "all" and state not in STATES:
        raise QueryError("--state", f"must be {', '.join(STATES)} or all", state)
    return list(STATES) if state == "all" else [state]


def _one_or_many(item: str, query: Query, corrected: bool) -> None:
    if item and query:
        raise QueryError("ID", "and a filter can't be given both", item)
    if corrected and not item:
        raise QueryError("ID", "must be given: a correction is of one message")


def _safe(item: str) -> str:
    if not item.isascii() or not item.replace("-", "").isalnum():
        raise QueryError("ID", "must be an id as `urban quarantine list` shows it", item)
    return item


def _who(by: str) -> str:
    if by.strip():
        return by
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise QueryError("--by", "must be given: nobody is logged in by a name") from None


def _named(name: str, value: str | None) -> Json:
    return {} if value is None else {name: value}


def _confirm(api: HttpApi, query: Query, verb: str, yes: bool, limit: int) -> None:
    """Nothing is done to many in passing: --yes, or a yes at the terminal."""
    if yes:
        return
    total = min(count_items(api, query), limit)
    if not sys.stdin.isatty():
        raise QueryError("--yes", f"must be given to {verb} {total} items")
    typer.confirm(f"{verb} {total} items?", abort=True)
