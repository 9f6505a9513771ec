"""GET /me: who one is here, and what one may."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.access.principal import Role
from api.access.rules import allow
from api.access_schemas import Me
from api.encode import respond
from api.openapi import answers
from api.parameters import Ctx

router = APIRouter(tags=["platform"], dependencies=[allow(Role.ANONYMOUS)])


@router.get("/me", summary="Who one is", responses=answers(Me))
def get_me(context: Ctx) -> Response:
    """Name, role, and the part of the city that is seen; null means all of it. `sort` is local where nobody
    has to log in, else person, key or anonymous."""
    who = context.trail.principal
    return respond(
        Me(
            name=who.name,
            sort=who.sort,
            role=who.role.word,
            domains=None if who.domains is None else sorted(who.domains),
            areas=None if who.areas is None else sorted(who.areas),
        )
    )
