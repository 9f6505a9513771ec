"""GET /quarantine, /quarantine/counts and /quarantine/{id}: what could not be stored, why, and its bytes."""

from __future__ import annotations

import base64
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.cursor import make_cursor, read_cursor
from api.encode import listing, respond
from api.openapi import answers, list_of
from api.parameters import Ctx, Cursor
from api.problems import not_found
from api.schemas import QuarantineCounts, QuarantineInfo
from store.records import QuarantineItem
from telemetry.clock import format_time
from telemetry.reasons import Reason

router = APIRouter(tags=["accounting"])

PREVIEW = 1_000  # bytes of a payload in lists


@router.get(
    "/quarantine", summary="What could not be stored", responses=answers(list_of(QuarantineInfo))
)
def get_quarantine(
    context: Ctx,
    reason: Annotated[list[Reason] | None, Query(description="May repeat")] = None,
    device: Annotated[
        list[str] | None,
        Query(description="Device id as the message named it, known or not; may repeat"),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """Messages and records kept with their bytes, the reason and the place; newest first."""
    found = context.operations.quarantine(
        reasons=[str(r) for r in reason or ()],
        devices=device,
        limit=limit + 1,
        after=read_cursor("quarantine", cursor, tuple[int, str]),
    )
    page = found[:limit]
    more = len(found) > limit
    following = make_cursor("quarantine", [page[-1].received, page[-1].id]) if more else None
    return listing([encode_item(item, PREVIEW) for item in page], following)


@router.get(
    "/quarantine/counts", summary="Items for each reason", responses=answers(QuarantineCounts)
)
def get_counts(context: Ctx) -> Response:
    """How many items lie in quarantine."""
    reasons = context.operations.quarantine_counts()
    return respond(QuarantineCounts(sum(reasons.values()), reasons))


@router.get(
    "/quarantine/{item_id}",
    summary="One item, with all its bytes",
    responses=answers(QuarantineInfo, 404),
)
def get_item(context: Ctx, item_id: Annotated[str, Path(description="Item's id")]) -> Response:
    """The whole payload: text where it is UTF-8, else base64."""
    item = context.operations.quarantine_item(item_id)
    if item is None:
        raise not_found(f"item_id: there is no item {item_id[:80]!r}", "item_id")
    return respond(encode_item(item))


def encode_item(item: QuarantineItem, preview: int | None = None) -> QuarantineInfo:
    """An item; its payload cut to `preview` bytes, or whole."""
    encoding, payload = _shown(item.payload if preview is None else _cut(item.payload, preview))
    return QuarantineInfo(
        id=item.id,
        received=format_time(item.received),
        topic=item.topic,
        device=item.device,
        kind=item.kind,
        reason=item.reason,
        path=item.path,
        detail=item.detail,
        seen=item.seen,
        bytes=len(item.payload),
        encoding=encoding,
        payload=payload,
    )


def _cut(payload: bytes, length: int) -> bytes:
    """At most `length` bytes, and no character of UTF-8 cut in two."""
    if len(payload) <= length:
        return payload
    while length and payload[length] & 0xC0 == 0x80:
        length -= 1
    return payload[:length]


def _shown(payload: bytes) -> tuple[str, str]:
    try:
        return "utf-8", payload.decode("utf-8")
    except UnicodeDecodeError:
        return "base64", base64.b64encode(payload).decode()
