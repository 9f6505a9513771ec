"""`urban audit`: verify the audit log, show it, and print its head to keep elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import typer

from commands.quarantine_view import printable
from store.access_records import AuditRecord
from store.audit_anchor import NAME, Anchor, parse_head
from store.audit_chain import verify
from store.sql_store import SqlOperations
from telemetry.clock import format_time
from telemetry.settings import Settings, load_settings

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Who did what: verify the log, show it, print its head.\n\nExample: urban audit verify",
)  # fmt: skip
_PAGE = 1_000


@app.command("verify")
def verify_log(
    head: Annotated[
        list[str],
        typer.Option("--head", help="NUMBER:HASH noted earlier; may repeat.", metavar="HEAD"),
    ] = [],  # noqa: B006
) -> None:
    """Walk the whole log and say whether anything was changed, removed or reordered, and where.

    Compares with the head in the data folder (audit.head), and with heads that were noted elsewhere: copies
    of `urban audit head`, or of the lines `audit head` in urban.log. Ends with 0 where the log is whole, 1
    where it is not. Changes nothing.

    Example: urban audit verify --head 4711:9f0c…
    """
    settings = load_settings()
    heads = [parse_head(text, "--head") for text in head]
    noted = _anchor(settings).read()
    store = _open(settings)
    try:
        found = verify(_records(store), [*heads, *([noted] if noted else [])])
    finally:
        store.close()
    for line in found.findings:
        typer.echo(f"✗ {line}")
    if found.findings:
        typer.echo("The log is not whole. Keep the database as it is, and a copy of it.")
        raise typer.Exit(1)
    if found.head is None:
        typer.echo("The log is empty: nothing was done yet.")
        return
    told = "" if noted else f" No {NAME} in {settings.data_dir} to compare its end with."
    typer.echo(f"✓ {found.records} records, each as it was written.{told}")
    typer.echo(f"head {found.head.number}:{found.head.hash}")


@app.command("head")
def print_head() -> None:
    """Print NUMBER:HASH of the last record: kept elsewhere, it proves later that nothing before it changed.

    Example: urban audit head | ssh archive 'cat >> city-audit-heads'
    """
    store = _open(load_settings())
    try:
        found = store.audit(limit=1)
    finally:
        store.close()
    if found:
        typer.echo(f"{found[0].number}:{found[0].hash}")


@app.command("list")
def list_records(
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="So many at most.")] = 20,
) -> None:
    """Show the newest records.

    Example: urban audit list -n 100
    """
    store = _open(load_settings())
    try:
        for record in store.audit(limit=count):
            entry = record.entry
            words = (entry.who, entry.act, entry.about, entry.after)
            typer.echo(
                f"{record.number:>7} {format_time(entry.time)} "
                + " ".join(printable(w)[:200] for w in words if w)
            )
    finally:
        store.close()


def _open(settings: Settings) -> SqlOperations:
    return SqlOperations(settings.operations_url, read_only=True)


def _anchor(settings: Settings) -> Anchor:
    return Anchor(settings.data_dir / NAME)


def _records(store: SqlOperations) -> Iterator[AuditRecord]:
    number = -(2**62)  # also what somebody numbered below the first
    while page := store.audit_from(number, _PAGE):
        yield from page
        number = page[-1].number + 1
