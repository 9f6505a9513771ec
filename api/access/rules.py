"""Each route's rule: who may use it. A route without one is refused, and a test names it.

    @router.get("/latest", dependencies=[allow(Role.VIEWER)])
    @router.post("/alerts/{alert_id}/ack", dependencies=[allow(Role.OPERATOR, act="alert.acknowledge")])
    router = APIRouter(dependencies=[allow(Role.VIEWER)])   # for all of its routes

Where router and route both have a rule, both must let one through. What of the city is seen is no matter
of the rule: `Ctx` gives every route the stores as the principal may see them (api/access/seen.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts
from starlette.requests import HTTPConnection
from starlette.types import Scope

from api.access.principal import Principal, Role
from api.access.trail import Trail
from api.problems import Problem


@dataclass(frozen=True)
class Rule:
    """Who may use a route.

    role   the least that one must be
    whole  only who sees the whole city: what the route is about has no domain and no area
    act    what is done, for the audit log: "alert.acknowledge", "telemetry.export"; "" where nothing
           is changed or exported
    """

    role: Role
    whole: bool = False
    act: str = ""

    async def __call__(self, connection: HTTPConnection) -> None:
        """FastAPI's dependency. Raises Problem: 401 where logging in may help, else 403."""
        self.check(principal_of(connection))

    def check(self, principal: Principal) -> None:
        """Raises Problem where this one may not."""
        if principal.role >= self.role and (principal.whole or not self.whole):
            return
        if principal.sort == "anonymous":
            raise unauthenticated()
        if principal.role is Role.ANONYMOUS:
            raise Problem(403, "Not allowed", "choose a password of your own first, at /login")
        if principal.role < self.role:
            raise Problem(
                403, "Not allowed",
                f"this needs the role {self.role.word}, {principal.name or 'you'} has {principal.role.word}",
                needs=self.role.word,
            )  # fmt: skip
        raise Problem(
            403, "Not allowed", "this is about the whole city; your account is for a part of it"
        )


def allow(role: Role, *, whole: bool = False, act: str = "") -> Any:
    """The rule of a route or of a router, for its `dependencies`."""
    return Depends(Rule(role, whole, act))


def principal_of(connection: HTTPConnection) -> Principal:
    """Who asks, as the gate found out."""
    found = connection.scope.get("principal", None)
    assert isinstance(found, Principal), "no gate stands before this app"
    return found


def trail_of(connection: HTTPConnection) -> Trail:
    """Where this request's acts are noted."""
    found = connection.scope.get("trail", None)
    assert isinstance(found, Trail), "no gate stands before this app"
    return found


def unauthenticated(detail: str = "") -> Problem:
    """401: say who you are."""
    return Problem(
        401, "Not authenticated",
        detail or "log in at /login, or send a key: Authorization: Bearer <key>; see docs/security.md",
    ).with_headers({"WWW-Authenticate": 'Bearer realm="urban"'})  # fmt: skip


def rules_of(dependant: Dependant) -> list[Rule]:
    """Every rule of a route."""
    return [d.call for d in dependant.dependencies if isinstance(d.call, Rule)]


async def only_with_rule(connection: HTTPConnection) -> None:
    """Refuse a route that nobody gave a rule: what was forgotten is closed, not open."""
    dependant = getattr(connection.scope.get("route"), "dependant", None)
    if dependant is None or not rules_of(dependant):
        raise Problem(403, "Not allowed", "this address has no rule that would let anybody in")


def act_of(scope: Scope) -> str:
    """The act of the route that answers in this scope; "" where there is none."""
    dependant = getattr(scope.get("route"), "dependant", None)
    found = [] if dependant is None else rules_of(dependant)
    return next((r.act for r in reversed(found) if r.act), "")


@dataclass(frozen=True, slots=True)
class RuledRoute:
    """A route as the matrix sees it. `rules` empty: it was forgotten."""

    path: str
    methods: tuple[str, ...]
    rules: tuple[Rule, ...]

    @property
    def role(self) -> Role:
        """The least role that it lets in."""
        return max((r.role for r in self.rules), default=Role.ADMINISTRATOR)

    @property
    def whole(self) -> bool:
        """Whether it is only for who sees the whole city."""
        return any(r.whole for r in self.rules)

    @property
    def act(self) -> str:
        """What is done there, for the audit log."""
        return next((r.act for r in reversed(self.rules) if r.act), "")


def ruled_routes(app: FastAPI) -> Iterator[RuledRoute]:
    """Every route of the app that FastAPI answers, WebSockets too (method WEBSOCKET)."""
    for context in iter_route_contexts(app.routes):
        dependant = getattr(context, "dependant", None)
        if dependant is None or context.path is None:
            continue
        methods = tuple(sorted(context.methods or ())) or ("WEBSOCKET",)
        yield RuledRoute(context.path, methods, tuple(rules_of(dependant)))
