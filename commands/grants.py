"""Roles and parts of the city, as options of commands and in words."""

from __future__ import annotations

from typing import Annotated

import typer

from api.access.principal import ROLES, Role
from commands.user_store import Desk
from store.access_records import Grant
from telemetry.errors import QueryError

RoleOption = Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")]
DomainsOption = Annotated[
    list[str],
    typer.Option("--domain", help="Only kinds of this domain; may repeat.", show_default=False),
]
AreasOption = Annotated[
    list[str],
    typer.Option(
        "--area",
        help="Only devices in this ward or commune, by code; may repeat.",
        show_default=False,
    ),
]


def grant_of(role: str, domains: list[str], areas: list[str], desk: Desk) -> Grant:
    """What is given. Raises QueryError for a role, a domain or an area that there is not."""
    Role.of(role)
    if role == "administrator" and (domains or areas):
        raise QueryError("--role", "an administrator is for the whole city: no --domain, no --area")
    known_domains = sorted({k.domain for k in desk.kinds})
    for name in domains:
        if name not in known_domains:
            need = f"must be one of {', '.join(known_domains)}"
            raise QueryError("--domain", need, name)
    if areas:
        known = desk.city.area
        for code in areas:
            if code not in known:
                raise QueryError("--area", f"must be a code of {desk.city.name}.toml", code)
    return Grant(role=role, domains=tuple(domains) or None, areas=tuple(areas) or None)


def grant_text(grant: Grant) -> str:
    """In words: operator of flood, in 26740."""
    domains = "" if grant.domains is None else f" of {', '.join(grant.domains)}"
    areas = "" if grant.areas is None else f", in {', '.join(grant.areas)}"
    return f"{grant.role}{domains}{areas}"
