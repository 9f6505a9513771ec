"""`urban users`: accounts of people. Straight in the operations store, whether the platform runs or not."""

from __future__ import annotations

from typing import Annotated

import typer

from api.access.passwords import check_password, hashed, make_password
from commands.grants import AreasOption, DomainsOption, RoleOption, grant_of, grant_text
from commands.quarantine_view import console, print_json
from commands.user_keys import keys
from commands.user_store import opened
from store.access_records import Account
from telemetry.clock import format_time
from telemetry.errors import QueryError

app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True,
    help="Accounts of people, and keys of programs; roles: viewer, operator, engineer, administrator.\n\n"
    "Example: urban users add lan --role operator --domain flood",
)  # fmt: skip
app.add_typer(keys, name="keys")

Name = Annotated[str, typer.Argument(help="The name that one logs in with.")]
Stdin = Annotated[
    bool, typer.Option("--stdin", help="Read the password from standard input, one line.")
]


@app.command("add")
def add(
    name: Name,
    role: RoleOption,
    domain: DomainsOption = [],  # noqa: B006
    area: AreasOption = [],  # noqa: B006
    stdin: Stdin = False,
) -> None:
    """Add an account. Its one-time password is shown this once, and must be changed at the first log-in.

    Example: urban users add lan --role operator --domain flood --area 26740
    """
    with opened() as desk:
        grant = grant_of(role, domain, area, desk)
        desk.refuse_bad_name(name)
        if desk.store.account(name) is not None:
            raise QueryError("NAME", "is an account already", name)
        password = _password(name, stdin)
        account = Account(
            name=name, grant=grant, password=hashed(password), must_change=not stdin,
            created=desk.now, created_by=desk.who,
        )  # fmt: skip
        desk.store.put_account(account)
        desk.note("account.add", name, None, grant)
        typer.echo(f"{name}: {grant_text(grant)}")
        if not stdin:
            typer.echo(f"one-time password: {password}")


@app.command("list")
def list_accounts(
    as_json: Annotated[bool, typer.Option("--json", help="JSON, for other programs.")] = False,
) -> None:
    """Show every account: role, part of the city, last log-in.

    Example: urban users list
    """
    with opened() as desk:
        rows = [
            {
                "name": a.name,
                "role": a.grant.role,
                "for": grant_text(a.grant),
                "created": format_time(a.created),
                "last_login": None if a.last_login is None else format_time(a.last_login),
                "must_change": a.must_change,
            }
            for a in desk.store.accounts()
        ]
    if as_json:
        print_json(rows)
        return
    out = console()
    for row in rows:
        last = row["last_login"] or "never"
        note = "  (has a one-time password)" if row["must_change"] else ""
        out.print(f"{row['name']:<20} {row['for']:<40} last log-in {last}{note}", soft_wrap=True)
    if not rows:
        out.print("No account yet: the first start with URBAN_AUTH=on makes one.")


@app.command("role")
def change_role(
    name: Name,
    role: RoleOption,
    domain: DomainsOption = [],  # noqa: B006
    area: AreasOption = [],  # noqa: B006
) -> None:
    """Give an account another role, and another part of the city; in force within seconds.

    Example: urban users role lan --role engineer
    """
    with opened() as desk:
        account = desk.account(name)
        grant = grant_of(role, domain, area, desk)
        if account.grant.role == "administrator" and role != "administrator":
            desk.refuse_last_administrator(name)
        desk.store.put_account(account.but(grant=grant))
        desk.note("account.role", name, account.grant, grant)
        typer.echo(f"{name}: {grant_text(grant)}")


@app.command("password")
def reset_password(name: Name, stdin: Stdin = False) -> None:
    """Give an account a new one-time password, and log it out everywhere.

    Example: urban users password lan
    """
    with opened() as desk:
        desk.account(name)
        password = _password(name, stdin)
        desk.store.set_password(name, hashed(password), must_change=not stdin)
        desk.store.end_sessions(account=name)
        desk.note("account.password", name)
        typer.echo(f"{name}: a new password" if stdin else f"one-time password: {password}")


@app.command("remove")
def remove(name: Name) -> None:
    """Remove an account and log it out everywhere. What it did stays in the audit log.

    Example: urban users remove lan
    """
    with opened() as desk:
        account = desk.account(name)
        if account.grant.role == "administrator":
            desk.refuse_last_administrator(name)
        desk.store.remove_account(name)
        desk.note("account.remove", name, account.grant)
        typer.echo(f"{name}: removed")


def _password(name: str, stdin: bool) -> str:
    if not stdin:
        return make_password()
    given = typer.get_text_stream("stdin").readline().rstrip("\n")
    return check_password(given, name)
