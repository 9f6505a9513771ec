"""ASGI middleware behind the guard: finds out who asks, and sees that no act goes unnoted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.principal import LOCAL, Principal, Role
from api.access.rules import act_of, unauthenticated
from api.access.trail import Done, Trail
from api.problems import Problem, of_urban_error
from telemetry.errors import UrbanError

Identify = Callable[[HTTPConnection], Awaitable[Principal]]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


async def everybody_is_local(connection: HTTPConnection) -> Principal:
    """Without authentication: whoever reaches a platform that listens on loopback only."""
    return LOCAL


class Gate:
    """Puts principal and trail into the scope, where `principal_of` and `trail_of` find them.

    An act that succeeded and noted nothing itself is noted here, with the request, before it is answered.
    """

    def __init__(self, app: ASGIApp, identify: Identify, write: Callable[[Done], None]) -> None:
        self.app = app
        self.identify = identify
        self.write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            principal = await self._who(connection)
        except Problem as problem:
            await _refuse(problem, scope, receive, send)
            return
        except UrbanError as error:
            await _refuse(of_urban_error(error), scope, receive, send)
            return
        trail = Trail(principal, self.write)
        scope["principal"], scope["trail"] = principal, trail
        await self.app(scope, receive, _noting(scope, trail, send))

    async def _who(self, connection: HTTPConnection) -> Principal:
        client = connection.client.host if connection.client else ""
        principal = (await self.identify(connection)).at(client)
        if principal.session and _crosses(connection):
            raise Problem(403, "Foreign origin", "Origin: must be this server, got none")
        # The page's socket: its pages are built for who is logged in, and for nobody else.
        if connection.scope["path"].startswith("/_nicegui_ws") and principal.role < Role.VIEWER:
            raise unauthenticated()
        return principal


def _crosses(connection: HTTPConnection) -> bool:
    """A write with a cookie that no page of ours can be shown to have sent. (A wrong Origin: api.security.)"""
    if connection.scope["type"] != "http" or connection.scope["method"] in SAFE:
        return False
    headers = connection.headers
    return "origin" not in headers and headers.get("sec-fetch-site") != "same-origin"


async def _refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": problem.detail[:120]})
    else:
        await problem.response()(scope, receive, send)


def _noting(scope: Scope, trail: Trail, send: Send) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] < 400 and not trail.noted:
            act = act_of(scope)
            if act:
                # Where the log can't be written this raises, and the act is answered as a fault.
                await asyncio.to_thread(trail.note, act, scope["path"], None, _asked(scope))
        await send(message)

    return sender


def _asked(scope: Scope) -> dict[str, str]:
    query = scope.get("query_string", b"").decode("latin-1")
    return {"method": scope["method"], "query": query}
