"""ASGI middleware behind the guard: finds out who asks, before any route is looked for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access.principal import LOCAL, Principal

Identify = Callable[[HTTPConnection], Awaitable[Principal]]


async def everybody_is_local(connection: HTTPConnection) -> Principal:
    """Without authentication: whoever reaches a platform that listens on loopback only."""
    return LOCAL


class Gate:
    """Puts the principal into the scope, where `principal_of` finds it."""

    def __init__(self, app: ASGIApp, identify: Identify) -> None:
        self.app = app
        self.identify = identify

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            connection = HTTPConnection(scope)
            client = connection.client.host if connection.client else ""
            scope["principal"] = (await self.identify(connection)).at(client)
        await self.app(scope, receive, send)
