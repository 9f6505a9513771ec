"""`urban users keys`: keys of programs, shown once, of which only a digest is kept."""

from __future__ import annotations

from typing import Annotated

import typer

from api.access.keys import make_key
from commands.grants import AreasOption, DomainsOption, RoleOption, grant_of, grant_text
from commands.http_api import KEY_FILE
from commands.quarantine_view import console, print_json
from commands.user_store import opened
from store.access_records import ApiKey
from store.secret_file import write_secret
from telemetry.clock import DAY, format_time, parse_duration
from telemetry.errors import QueryError

keys = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Keys of programs: Authorization: Bearer urb_….…\n\n"
    "Example: urban users keys add scada --role viewer --valid 365d",
)  # fmt: skip


@keys.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="What the key is for; its acts are signed with it.")],
    role: RoleOption,
    domain: DomainsOption = [],  # noqa: B006
    area: AreasOption = [],  # noqa: B006
    valid: Annotated[
        str, typer.Option("--valid", help="How long it is good: 90d, 365d; never: for ever.")
    ] = "365d",
    save: Annotated[
        bool,
        typer.Option("--save", help="Keep it in the data folder, for this machine's own commands."),
    ] = False,
) -> None:
    """Make a key. It is shown this once.

    Example: urban users keys add prometheus --role viewer --valid 90d
    """
    with opened() as desk:
        grant = grant_of(role, domain, area, desk)
        if not 1 <= len(name) <= 80 or not name.isprintable():
            raise QueryError("NAME", "must be 1 to 80 printable characters", name)
        expires = None if valid == "never" else desk.now + _span(valid)
        kept, text = make_key(name, grant, desk.who, desk.now, expires)
        desk.store.put_api_key(kept)
        desk.note("key.add", kept.prefix, None, grant)
        until = "for ever" if expires is None else f"until {format_time(expires)}"
        typer.echo(f"{name}: {grant_text(grant)}, {until}")
        if save:
            write_secret(desk.settings.data_dir / KEY_FILE, text)
            typer.echo(f"kept in {desk.settings.data_dir / KEY_FILE}")
        else:
            typer.echo(text)


@keys.command("list")
def list_keys(
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for other programs.")] = False,
) -> None:
    """Show every key: what for, until when, when it was used last.

    Example: urban users keys list
    """
    with opened() as desk:
        found, now = desk.store.api_keys(), desk.now
    if as_json:
        print_json([_row(key, now) for key in found])
        return
    out = console()
    for key in found:
        row = _row(key, now)
        used = row["used"] or "never"
        out.print(
            f"{key.prefix}  {key.name:<20} {grant_text(key.grant):<40} {row['state']:<8} "
            f"until {row['expires'] or 'for ever'}  used {used}",
            soft_wrap=True,
        )
    if not found:
        out.print("No key yet: urban users keys add NAME --role viewer")


@keys.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(help="The part between urb_ and the dot.")],
) -> None:
    """End a key, within seconds and for good.

    Example: urban users keys revoke k3f9a2c1
    """
    with opened() as desk:
        key = desk.store.api_key(prefix.removeprefix("urb_").partition(".")[0])
        if key is None:
            raise QueryError("PREFIX", "must be that of a key: see `urban users keys list`", prefix)
        if key.revoked is None:
            desk.store.put_api_key(key.but(revoked=desk.now))
            desk.note("key.revoke", key.prefix, key.grant)
        typer.echo(f"{key.prefix} ({key.name}): revoked")


def _span(text: str) -> int:
    span = parse_duration(text, "--valid")
    if not 0 < span <= 3_650 * DAY:
        raise QueryError("--valid", "must be 3650d at most, or never", text)
    return span


def _row(key: ApiKey, now: int) -> dict[str, object]:
    over = key.expires is not None and now >= key.expires
    state = "revoked" if key.revoked is not None else "expired" if over else "good"
    times = {
        n: None if (t := getattr(key, n)) is None else format_time(t) for n in ("expires", "used")
    }
    grant = key.grant
    return {
        "prefix": key.prefix, "name": key.name, "role": grant.role, "domains": grant.domains,
        "areas": grant.areas, "state": state, **times,
    }  # fmt: skip
