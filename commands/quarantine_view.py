"""What `urban quarantine` shows: tables and sentences for people, JSON for programs."""

from __future__ import annotations

import json
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from commands.http_api import Json
from commands.runbook import heading, remedy

_ITEM = ("id", "state", "received", "seen", "topic", "device", "kind", "reason", "path", "detail")
_START = 60  # characters of a payload in a list
_WIDTH = 200  # columns where the output is no terminal


def console() -> Console:
    """Where to print; a file or a pipe gets whole lines."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)


def print_json(found: object) -> None:
    """One JSON document."""
    print(json.dumps(found, ensure_ascii=False, indent=2))


def printable(text: str) -> str:
    """What a device sent, safe for a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show_list(items: list[Json], total: int, as_json: bool) -> None:
    """A line an item."""
    if as_json:
        print_json({"items": items, "total": total})
        return
    out = console()
    if not items:
        out.print("Nothing in quarantine fits.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("id", "received", "device", "reason", "path", "seen", "state", "payload"):
        fixed = name in ("id", "received", "reason", "state")
        table.add_column(
            name, no_wrap=fixed, overflow="fold", justify="right" if name == "seen" else "left"
        )
    for item in items:
        table.add_row(*(Text(cell) for cell in _cells(item)))
    out.print(table)
    if total > len(items):
        out.print(f"{len(items)} of {total}; --limit shows more.")


def _cells(item: Json) -> list[str]:
    sender = item["device"] or item["topic"]
    payload = printable(
        item["payload"] if item["encoding"] == "utf-8" else f"base64 {item['payload']}"
    )
    start = payload if len(payload) <= _START else payload[: _START - 1] + "…"
    received = item["received"].partition(".")[0].rstrip("Z") + "Z"
    cells = (
        item["id"],
        received,
        sender,
        item["reason"],
        item["path"],
        item["seen"],
        item["state"],
        start,
    )
    return [printable(str(cell)) for cell in cells]


def show_item(item: Json, as_json: bool) -> None:
    """Every field, the runbook's remedy, and the payload."""
    if as_json:
        print_json(item)
        return
    out = console()
    table = Table(box=None, pad_edge=False, show_header=False)
    for name in _ITEM:
        table.add_row(Text(name, "bold"), Text(printable(str(item[name]))))
    if item["acted"]:
        table.add_row(Text("last act", "bold"), Text(printable(_act(item))))
    table.add_row(
        Text("mend", "bold"), Text(f"{remedy(item['reason'])} ({heading(item['reason'])})")
    )
    out.print(table)
    form = "text" if item["encoding"] == "utf-8" else "base64"
    out.print(Text(f"\npayload ({item['bytes']} bytes, {form})", "bold"))
    out.print(Text(printable(item["payload"])), soft_wrap=True)


def _act(item: Json) -> str:
    return f"{item['acted']} by {item['acted_by']}: {item['note']}"


def show_counts(counts: Json, as_json: bool) -> None:
    """A line a reason, most first."""
    if as_json:
        print_json(counts)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("reason", no_wrap=True)
    table.add_column("items", justify="right")
    table.add_column("what to do")
    for reason, n in sorted(counts["reasons"].items(), key=lambda pair: (-pair[1], pair[0])):
        table.add_row(Text(reason), str(n), Text(remedy(reason) or heading(reason)))
    table.add_row(Text("all", "bold"), Text(str(counts["total"]), "bold"), "")
    console().print(table)


def show_resent(told: Json, as_json: bool) -> bool:
    """What became of one message. True where some of it was refused again."""
    if as_json:
        print_json(told)
    else:
        item = told["item"]
        end = "; it waits on" if item["state"] == "waiting" else ""
        console().print(
            Text(f"resent {item['id']}: {printable(item['note'])}{end}"), soft_wrap=True
        )
    return bool(told["quarantined"])


def show_many_resent(told: Json, as_json: bool) -> bool:
    """What became of many. True where some was refused again, or they could not all be sent."""
    if as_json:
        print_json(told)
    else:
        out = console()
        again = sum(told["quarantined"].values())
        out.print(
            f"resent {told['messages']} messages ({told['items']} of {told['matched']} items): "
            f"{told['stored']} stored, {told['duplicate']} already there, {again} in quarantine again; "
            f"{told['waiting']} wait",
            soft_wrap=True,
        )
        for reason, n in told["quarantined"].items():
            out.print(
                Text(f"  {n} × {reason}: {remedy(reason) or heading(reason)}"), soft_wrap=True
            )
        if told["stopped"]:
            out.print(Text(f"stopped: {told['stopped']}"), soft_wrap=True)
    return bool(told["quarantined"] or told["stopped"])


def show_discarded(item: Json, as_json: bool) -> None:
    """Who discarded an item, or what had become of it before."""
    if as_json:
        print_json(item)
    else:
        text = f"{item['state']} {item['id']}: {_act(item)}"
        console().print(Text(printable(text)), soft_wrap=True)


def show_many_discarded(told: Json, as_json: bool) -> None:
    """How many were discarded."""
    if as_json:
        print_json(told)
    else:
        items, matched, left = told["items"], told["matched"], told["waiting"]
        console().print(f"discarded {items} of {matched} items; {left} wait")
