"""POST /quarantine/{id}/resend and …/discard, and both in bulk: what people decide about what was kept."""

from __future__ import annotations

import base64
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.bodies import Act, Why, text
from api.encode import respond
from api.openapi import answers
from api.parameters import Ctx
from api.problems import invalid
from api.quarantine import discard, discard_many, resend, resend_many
from api.quarantine_schemas import (
    QuarantineInfo,
    QuarantineManyDiscarded,
    QuarantineManyResent,
    QuarantineResent,
)
from api.routes.quarantine import PREVIEW, ItemId, Which, encode_item, find_item

router = APIRouter(tags=["accounting"], dependencies=[allow(Role.ENGINEER)])


Limit = Annotated[int, Query(ge=1, le=1_000, description="Items at most, untried and oldest first")]


class ResendBody(Act):
    """Who sends it again; `payload` and `topic` where they are corrected. `encoding` says how payload is
    written here."""

    payload: str | None = None
    encoding: Literal["utf-8", "base64"] = "utf-8"
    topic: Annotated[str, text(1_000)] | None = None


class DiscardBody(Act):
    """Who discards it, and why."""

    why: Why


class ResendManyBody(Act):
    """Who sends them again, as they came."""


@router.post(
    "/quarantine/resend",
    summary="Send many messages through ingest again",
    responses=answers(QuarantineManyResent, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="quarantine.resend")],
)
def post_resend_many(
    context: Ctx,
    which: Which,
    body: Annotated[ResendManyBody, Body(examples=[{"by": "Nguyễn Văn An"}])],
    limit: Limit = 100,
) -> Response:
    """Waiting items that the filters name, as they came: after a device was registered or a setting
    changed. Those that nobody tried yet come first, so asking again gets through all of them."""
    return respond(resend_many(context, which, body.by, limit))


@router.post(
    "/quarantine/discard",
    summary="Discard many items",
    responses=answers(QuarantineManyDiscarded, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="quarantine.discard")],
)
def post_discard_many(
    context: Ctx,
    which: Which,
    body: Annotated[DiscardBody, Body(examples=[{"by": "Nguyễn Văn An", "why": "thử nghiệm"}])],
    limit: Limit = 100,
) -> Response:
    """Waiting items that the filters name, oldest first. They stay until their age or the size of
    quarantine removes them."""
    return respond(discard_many(context, which, body.by, body.why, limit))


@router.post(
    "/quarantine/{item_id}/resend",
    summary="Send one message through ingest again",
    responses=answers(QuarantineResent, 404, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="quarantine.resend")],
)
def post_resend(
    context: Ctx,
    item_id: ItemId,
    body: Annotated[
        ResendBody, Body(examples=[{"by": "Nguyễn Văn An", "payload": '{"pm25": 31.2}'}])
    ],
) -> Response:
    """The item's whole message, as it came or corrected, the same way as every message: decoded, checked,
    recognised where it is there already, accounted for and written. What names no time was measured when
    the message first came. Doing it twice stores nothing twice."""
    item = find_item(context, item_id)
    outcome, _ = resend(context, item, body.by, _bytes(body), body.topic or "")
    told = encode_item(find_item(context, item_id), PREVIEW)
    return respond(QuarantineResent(told, outcome.stored, outcome.duplicate, outcome.quarantined))


@router.post(
    "/quarantine/{item_id}/discard",
    summary="Discard one item",
    responses=answers(QuarantineInfo, 404, 411, 415),
    dependencies=[allow(Role.ENGINEER, act="quarantine.discard")],
)
def post_discard(
    context: Ctx,
    item_id: ItemId,
    body: Annotated[DiscardBody, Body(examples=[{"by": "Nguyễn Văn An", "why": "thử nghiệm"}])],
) -> Response:
    """Note that it is of no use. One that is not waiting stays as it is: the answer tells who decided."""
    discard(context, [find_item(context, item_id)], body.by, body.why)
    return respond(encode_item(find_item(context, item_id), PREVIEW))


def _bytes(body: ResendBody) -> bytes | None:
    if body.payload is None:
        return None
    try:
        if body.encoding == "base64":
            return base64.b64decode(body.payload, validate=True)
        return body.payload.encode()
    except ValueError as error:  # no base64; or half of a surrogate pair, which JSON lets through
        raise invalid("payload", f"payload: must be {body.encoding}: {error}") from None
