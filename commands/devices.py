"""`urban devices …`: their register, commands, certificates and passwords, and the files of their broker."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from commands import broker_files as files
from commands import device_register as register
from commands.authority import SERVER, Authority, write_whole
from commands.device_commands import command
from devices.device import DEVICE_ID
from devices.registry import load_kinds
from telemetry.clock import SystemClock, to_datetime
from telemetry.errors import QueryError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Register, change and command devices; their certificates, passwords and their broker's files.\n\n"
    "Example: urban devices add lamp-0301 --kind lamp",
)
certificates = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The city's certificate authority, and what it issues.\n\n"
    "Example: urban devices certificates issue air-001 air-002",
)
passwords = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Passwords for devices without certificates.\n\n"
    "Example: urban devices passwords set lamp-001",
)
app.add_typer(certificates, name="certificates")
app.add_typer(passwords, name="passwords")
app.command("command")(command)
app.command("import")(register.import_)
for _function in (
    register.add, register.edit, register.retire, register.reinstate, register.history,
    register.credentials, register.export,
):  # fmt: skip
    app.command()(_function)

Folder = Annotated[Path, typer.Option(metavar="FOLDER", help="Where keys and certificates are.")]
Days = Annotated[int, typer.Option(min=1, max=3650, help="How long it holds [d].")]
Names = Annotated[list[str], typer.Argument(metavar="ID…")]
FOLDER = Path("certificates")
_OUT = Console(highlight=False, soft_wrap=True)
_RELOAD = "SIGHUP lets mosquitto refuse them; who is connected stays until a restart."


@certificates.command("init")
def init(folder: Folder = FOLDER, city: Annotated[str, typer.Option()] = "City") -> None:
    """Make the authority, unless it is there. Keep ca.key where only you can read it.

    Example: urban devices certificates init --city 'Hà Nội'
    """
    made = Authority(folder, SystemClock()).create(city)
    _OUT.print(f"{folder}: the authority is {'made' if made else 'there already'}")


@certificates.command("server")
def server(
    host: Annotated[list[str], typer.Option("--host", help="Name or address; may repeat.")],
    folder: Folder = FOLDER,
    days: Days = 825,
) -> None:
    """Make the broker's certificate for the names and addresses that devices reach it by.

    Example: urban devices certificates server --host mqtt.example.vn --host 10.0.0.5
    """
    authority = Authority(folder, SystemClock())
    if SERVER in _valid(authority) and set(authority.hosts(SERVER)) == set(host):
        _OUT.print(f"{folder / 'server.crt'} is there already")
        return
    authority.issue(SERVER, days, host)
    _OUT.print(f"made: {folder / 'server.crt'} and server.key for {', '.join(host)}")


@certificates.command("issue")
def issue(names: Names, folder: Folder = FOLDER, days: Days = 825) -> None:
    """Make a certificate for each device that has no valid one. urban-ingest, urban-commands, urban-simulator and chirpstack are the platform's own.

    Example: urban devices certificates issue air-001 air-002 urban-ingest
    """
    for name in names:
        _check(name, services=True)
    authority = Authority(folder, SystemClock())
    there = _valid(authority)
    missing = [n for n in dict.fromkeys(names) if n not in there]
    _issue(authority, missing, days)
    _OUT.print(f"{folder}: made {len(missing)}, there already {len(set(names)) - len(missing)}")


@certificates.command("list")
def list_(folder: Folder = FOLDER) -> None:
    """Show every certificate that was issued, whether it is valid, and until when.

    Example: urban devices certificates list
    """
    table = Table("name", "state", "until (UTC)", "serial", box=None)
    for one in Authority(folder, SystemClock()).issued():
        table.add_row(one.name, one.state, f"{one.until:%Y-%m-%d}", f"{one.serial:x}")
    _OUT.print(table)


@certificates.command("revoke")
def revoke(names: Names, folder: Folder = FOLDER) -> None:
    """Revoke every certificate of these names.

    Example: urban devices certificates revoke air-001
    """
    authority = Authority(folder, SystemClock())
    issued = authority.issued()
    known = {one.name for one in issued}
    for name in names:
        if name not in known:
            raise QueryError("ID", "must be one that was issued", name)
    done = authority.revoke([one.serial for one in issued if one.name in names])
    _OUT.print(f"revoked {done} certificates. {_RELOAD}" if done else "all were revoked already")


@certificates.command("renew")
def renew(
    names: Annotated[list[str] | None, typer.Argument(metavar="ID…")] = None,
    within: Annotated[
        int, typer.Option(min=0, max=3650, help="All that end within so many days.")
    ] = 0,
    folder: Folder = FOLDER,
    days: Days = 825,
) -> None:
    """Make new keys and certificates; the old ones hold until they end, so that devices can change over.

    Example: urban devices certificates renew --within 60
    """
    clock = SystemClock()
    authority = Authority(folder, clock)
    last = {one.name: one for one in authority.issued()}
    for name in names or ():
        if name not in last:
            raise QueryError("ID", "must be one that was issued", name)
    now = to_datetime(clock.now())
    due = [
        name
        for name, one in last.items()
        if within and one.state != "revoked" and (one.until - now).days < within
    ]
    chosen = list(dict.fromkeys([*(names or ()), *due]))
    if not chosen and not within:
        raise QueryError("ID", "must name devices", remedy="or say --within 60")
    _issue(authority, chosen, days)
    _OUT.print(f"renewed {len(chosen)}" + (f": {', '.join(chosen[:10])}" if chosen else ""))


@passwords.command("set")
def set_(names: Names, folder: Folder = FOLDER) -> None:
    """Give each a new password, and show it this once; only its hash is kept.

    Example: urban devices passwords set lamp-001
    """
    for name in names:
        _check(name, services=True)
    for name, password in files.set_passwords(folder / "passwords", names).items():
        typer.echo(f"{name} {password}")
    typer.echo("Shown this once. SIGHUP lets mosquitto read them.", err=True)


@passwords.command("remove")
def remove(names: Names, folder: Folder = FOLDER) -> None:
    """Take passwords away.

    Example: urban devices passwords remove lamp-001
    """
    lines = files.read_passwords(folder / "passwords")
    for name in names:
        if name not in lines:
            raise QueryError("ID", "must be one that has a password", name)
    files.write_passwords(folder / "passwords", {n: v for n, v in lines.items() if n not in names})
    _OUT.print(f"removed {len(set(names))}. SIGHUP lets mosquitto read it.")


@app.command("broker")
def broker(
    folder: Folder = FOLDER,
    data: Annotated[Path, typer.Option(help="Where mosquitto keeps messages.")] = Path(
        "/var/lib/mosquitto"
    ),
    gateway: Annotated[
        list[str] | None, typer.Option("--gateway", help="One that may send packs; may repeat.")
    ] = None,
    simulator: Annotated[
        bool, typer.Option("--simulator", help="urban-simulator may speak for every device.")
    ] = False,
    bind: Annotated[str, typer.Option(help="Address of 8883 and 9001; empty: all.")] = "",
    user: Annotated[str, typer.Option(help="Whom mosquitto runs as.")] = "",
) -> None:
    """Write mosquitto.conf, acl and passwords beside the certificates. Gateways stay once they are named.

    Example: urban devices broker --gateway gw-001
    """
    for name in gateway or ():
        _check(name)
    place = folder.resolve()
    known = [*files.gateways_of(place / "acl"), *(gateway or ())]
    rights = files.rights(load_kinds().code, known, simulator=simulator)
    write_whole(place / "acl", rights.encode(), 0o600)
    files.write_passwords(place / "passwords", files.read_passwords(place / "passwords"))
    text = files.configuration(place, data.resolve(), {}, bind, user)
    write_whole(place / "mosquitto.conf", text.encode(), 0o600)
    _OUT.print(f"made: {place / 'mosquitto.conf'}, acl, passwords; gateways: {len(set(known))}")


def _check(name: str, services: bool = False) -> None:
    if services and name in files.SERVICES:
        return
    if not DEVICE_ID.fullmatch(name):
        raise QueryError("ID", "must look like [a-z0-9][a-z0-9-]{1,63}", name)
    if name in files.RESERVED:
        raise QueryError("ID", "is the platform's own and can't be a device's", name)


def _valid(authority: Authority) -> set[str]:
    return {one.name for one in authority.issued() if one.state == "valid"}


def _issue(authority: Authority, names: Iterable[str], days: int) -> None:
    every = list(names)
    quiet = len(every) < 100 or not _OUT.is_terminal
    for name in track(every, "Issuing", console=_OUT, transient=True, disable=quiet):
        # The broker's certificate keeps the hosts that it is for.
        authority.issue(name, days, authority.hosts(name) if name == SERVER else ())
