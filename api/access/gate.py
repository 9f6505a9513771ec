"""ASGI middleware behind the guard: finds out who asks, and sees that no act goes unnoted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access.access import Access
from api.access.identity import Identity
from api.access.principal import ANONYMOUS, LOCAL, Principal, Role
from api.access.rules import act_of, unauthenticated
from api.access.trail import Done, Trail
from api.problems import Problem, of_urban_error
from telemetry.errors import UrbanError

Identify = Callable[[HTTPConnection], Awaitable[Principal]]
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
CHECK_S = 5.0  # how often a stream is asked whether its reader may still read
# The page's and the documentation's own files, of which many are asked for at once; and whether we live.
_FREE = ("/_nicegui/", "/docs/static/", "/healthz")


async def everybody_is_local(connection: HTTPConnection) -> Principal:
    """Without authentication: whoever reaches a platform that listens on loopback only."""
    return LOCAL


class Gate:
    """Puts principal and trail into the scope, where `principal_of` and `trail_of` find them.

    An act that succeeded and noted nothing itself is noted here, with the request, before it is answered.
    """

    def __init__(
        self,
        app: ASGIApp,
        identify: Identify,
        write: Callable[[Done], None],
        access: Access | None = None,
    ) -> None:
        self.app = app
        self.identify = identify
        self.write = write
        self.access = access

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
        if self.access is not None and principal.sort in ("person", "key"):
            receive = _while_alive(self.access.identity, principal, scope["type"], receive)
        await self.app(scope, receive, _noting(scope, trail, send))

    async def _who(self, connection: HTTPConnection) -> Principal:
        client = connection.client.host if connection.client else ""
        principal = await self._admitted(connection, client)
        if principal.session and _crosses(connection):
            raise Problem(403, "Foreign origin", "Origin: must be this server, got none")
        # The page's socket: its pages are built for who is logged in, and for nobody else.
        if connection.scope["path"].startswith("/_nicegui_ws") and principal.role < Role.VIEWER:
            raise unauthenticated()
        return principal

    async def _admitted(self, connection: HTTPConnection, client: str) -> Principal:
        nobody = ANONYMOUS.at(client)
        try:
            principal = (await self.identify(connection)).at(client)
        except Problem:
            if self.access is not None:
                self.access.limits.admit(nobody)  # guessing keys is asking, too
            raise
        if self.access is not None and not connection.scope["path"].startswith(_FREE):
            self.access.limits.admit(principal)
        return principal


def _while_alive(identity: Identity, principal: Principal, kind: str, receive: Receive) -> Receive:
    """What outlives its request (a stream, the page's socket) ends when the session or the key does."""

    async def receiver() -> Message:
        asking = asyncio.ensure_future(receive())
        try:
            while True:
                done, _ = await asyncio.wait({asking}, timeout=CHECK_S)
                if done:
                    return asking.result()
                if not await asyncio.to_thread(identity.alive, principal):
                    return {"type": f"{kind}.disconnect", "code": 1008, "reason": "logged out"}
        finally:
            asking.cancel()

    return receiver


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
