"""One principal of each role and part of the city of tests/api/world.py, and the app as they meet it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import FastAPI
from starlette.requests import HTTPConnection

from api.access.gate import Identify
from api.access.principal import ANONYMOUS, Principal, Role
from api.app import create_app
from api.context import Context
from tests.api.client import Client

OWN, FOREIGN = "26740", "26824"  # areas: Bến Thành, Thủ Đức


def person(
    role: Role, *, domains: set[str] | None = None, areas: set[str] | None = None
) -> Principal:
    """Somebody logged in as this role, for the whole city or a part of it."""
    if role is Role.ANONYMOUS:
        return ANONYMOUS
    return Principal(
        name=f"lan-{role.word}",
        role=role,
        sort="person",
        domains=None if domains is None else frozenset(domains),
        areas=None if areas is None else frozenset(areas),
    )


def always(principal: Principal) -> Identify:
    async def identify(connection: HTTPConnection) -> Principal:
        return principal

    return identify


def app_for(context: Context, principal: Principal) -> FastAPI:
    return create_app(context, console=False, identify=always(principal))


@contextmanager
def client_for(context: Context, principal: Principal) -> Iterator[Client]:
    """The API as this principal meets it."""
    with Client(app_for(context, principal)) as made:
        yield made
