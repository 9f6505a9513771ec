"""`urban stack`: what docker-compose.yml needs before its first start: certificates, rights, secrets, folders."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from commands import broker_files as files
from commands.authority import SERVER, Authority, write_whole
from devices.city import load_city
from devices.registry import load_kinds
from store.secret_file import read_secret, write_secret
from telemetry.clock import SystemClock
from telemetry.errors import QueryError, StartError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="What docker-compose.yml needs: certificates, rights, secrets and folders.\n\n"
    "Example: urban stack init --host mqtt.example.vn",
)

FOLDER = Path("stack")
# Inside of the containers; what stands in the mosquitto.conf that is written here.
_CONFIG, _DATA = Path("/mosquitto/config"), Path("/mosquitto/data")
# What the broker's container is given of the authority's folder: never its key.
_OF_BROKER = ("ca.crt", "ca.crl", "server.crt", "server.key", "acl", "passwords")
_CLIENTS = (files.INGESTOR, files.COMMANDS, files.SIMULATOR)
_DATA_OF = ("mosquitto", "influxdb", "postgres", "grafana", "platform", "platform-b")
# Made by `urban ingest --setup` inside; there from the start, because what is mounted must be there.
_OF_INFLUXDB = (
    "admin.token", "telemetry.address", "writer.token", "reader.token", "grafana.token",
)  # fmt: skip
_RANDOM = ("postgres_password", "grafana_admin_password", "grafana_webhook_token")
_DATABASES = {"operations": "urban", "operations-b": "urban_b"}
_DAYS = 825

Folder = Annotated[
    Path, typer.Option(metavar="FOLDER", help="Where secrets, certificates and data go.")
]


@app.callback()
def stack() -> None:
    """Keep `init` a command of its own."""


@app.command("init")
def init(
    host: Annotated[
        list[str] | None,
        typer.Option(
            "--host",
            help="Name or address by which devices and people reach this machine; may repeat.",
        ),
    ] = None,
    city: Annotated[str, typer.Option(help="A city of cities/.")] = "hcmc",
    profile: Annotated[str, typer.Option(help="city, demo or scale.")] = "city",
    folder: Folder = FOLDER,
    environment: Annotated[
        Path, typer.Option("--env-file", metavar="FILE", help="What docker compose reads.")
    ] = Path(".env"),
) -> None:
    """Make what is missing; what is there stays, and the broker's copies are brought up to date.

    Run it again after a certificate was revoked or a gateway was named, and then:
    docker compose kill -s HUP mosquitto. Secrets are files that only you may read, and the containers run as you.
    The authority's key stays on this machine, and is given to no container.

    Example: urban stack init --host mqtt.example.vn --city hanoi && docker compose up -d
    """
    if profile not in ("city", "demo", "scale"):
        raise QueryError("--profile", "must be city, demo or scale", profile)
    named = load_city(city)
    for line in make(folder, host or [], named.vi, simulator=profile == "demo"):
        typer.echo(f"made: {line}")
    _write_environment(environment, folder, city, profile, host or [])
    typer.echo(f"{folder} is ready for: docker compose up -d")


def make(folder: Path, hosts: list[str], city: str, *, simulator: bool) -> Iterator[str]:
    """Do what is missing; a line for each thing. Raises StartError in words."""
    yield from _certificates(folder / "certificates", hosts, city)
    yield from _broker(folder, simulator)
    yield from _secrets(folder / "secrets")
    for name in _DATA_OF:
        try:
            (folder / "data" / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(str(folder), f"can't be written ({error.strerror})") from None


def _certificates(folder: Path, hosts: list[str], city: str) -> Iterator[str]:
    authority = Authority(folder, SystemClock())
    if authority.create(city):
        yield f"the city's authority in {folder}; keep ca.key where only you can read it"
    valid = {one.name for one in authority.issued() if one.state == "valid"}
    # As the containers call it, and as devices do.
    wanted = list(dict.fromkeys(["mosquitto", "localhost", *hosts]))
    here = authority.hosts(SERVER) if SERVER in valid else []
    if not set(wanted) <= set(here):
        names = list(dict.fromkeys([*here, *wanted]))
        authority.issue(SERVER, _DAYS, names)
        yield f"the broker's certificate for {', '.join(names)}"
    for name in _CLIENTS:
        if name not in valid:
            authority.issue(name, _DAYS)
            yield f"the certificate of {name}"


def _broker(folder: Path, simulator: bool) -> Iterator[str]:
    """The folder that the broker's container sees: its configuration, and copies of what it may see."""
    source, place = folder / "certificates", folder / "mosquitto"
    known = files.gateways_of(source / "acl")
    rights = files.rights(load_kinds().code, known, simulator=simulator)
    write_whole(source / "acl", rights.encode(), 0o600)
    files.write_passwords(source / "passwords", files.read_passwords(source / "passwords"))
    texts = {"mosquitto.conf": files.configuration(_CONFIG, _DATA, {}).encode()}
    texts |= {name: (source / name).read_bytes() for name in _OF_BROKER}
    for name, text in texts.items():
        path = place / name
        if not path.exists() or path.read_bytes() != text:
            write_whole(path, text, 0o600)
            yield str(path)


def _secrets(folder: Path) -> Iterator[str]:
    for name in _RANDOM:
        if not read_secret(folder / name):
            write_secret(folder / name, secrets.token_urlsafe(32))
            yield str(folder / name)
    for name, database in _DATABASES.items():
        if not read_secret(folder / f"{name}.password"):
            password = secrets.token_urlsafe(32)
            write_secret(folder / f"{name}.password", password)
            url = f"postgresql://{database}:{quote(password, safe='')}@postgres:5432/{database}"
            write_secret(folder / f"{name}.address", url)
            yield str(folder / f"{name}.address")
    for part in ("influxdb", "influxdb-b"):
        for name in _OF_INFLUXDB:
            if not (folder / part / name).exists():
                write_secret(folder / part / name, "")


def _write_environment(path: Path, folder: Path, city: str, profile: str, hosts: list[str]) -> None:
    """What docker-compose.yml asks for; lines that somebody added stay, and so do names of before."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    before = dict(line.partition("=")[::2] for line in lines).get("STACK_HOSTS", "platform")
    wanted = {
        "COMPOSE_PROFILES": profile,
        "STACK_FOLDER": f"./{folder}" if not folder.is_absolute() else str(folder),
        "STACK_UID": str(os.getuid()),
        "STACK_GID": str(os.getgid()),
        "STACK_CITY": city,
        "STACK_HOSTS": ",".join(dict.fromkeys([*before.split(","), *hosts])),
    }
    kept = [line for line in lines if line.partition("=")[0] not in wanted]
    text = "\n".join([*kept, *(f"{key}={value}" for key, value in wanted.items())]) + "\n"
    write_whole(path, text.encode(), 0o600)
