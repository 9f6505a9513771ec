"""GET /quarantine, /quarantine/counts and /quarantine/{id}: what could not be stored, why, and its bytes."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.encode import listing, respond
from api.openapi import answers, list_of
from api.parameters import MAX_NAMES, Ctx, Cursor
from api.period import select_time
from api.problems import not_found, too_much
from api.quarantine_schemas import QuarantineCounts, QuarantineInfo
from store.records import QuarantineFilter, QuarantineItem, QuarantineState
from telemetry.clock import format_time
from telemetry.errors import QueryError
from telemetry.reasons import Reason

router = APIRouter(tags=["accounting"], dependencies=[allow(Role.OPERATOR)])

PREVIEW = 1_000  # bytes of a payload in lists
RUNBOOK = "docs/runbook.md"

StateName = Literal["waiting", "resent", "discarded"]
States = Annotated[
    list[StateName] | None, Query(description="May repeat; only waiting ones by default")
]
ItemId = Annotated[str, Path(description="Item's id")]


def select_items(
    context: Ctx,
    reason: Annotated[list[Reason] | None, Query(description="May repeat")] = None,
    device: Annotated[
        list[str] | None,
        Query(description="Device id as the message named it, known or not; may repeat"),
    ] = None,
    kind: Annotated[list[str] | None, Query(description="Kind of device; may repeat")] = None,
    start: Annotated[str | None, Query(description="Received at or after; RFC 3339")] = None,
    end: Annotated[str | None, Query(description="Received before; RFC 3339")] = None,
) -> QuarantineFilter:
    """The waiting items that the filters name."""
    if device is not None and len(device) > MAX_NAMES:
        raise too_much(f"device: at most {MAX_NAMES} in one question, got {len(device)}", "device")
    for name in kind or ():
        if name not in context.kinds:
            known = ", ".join(context.kinds.code)
            raise QueryError("kind", "is not known here", name, f"one of {known}")
    return QuarantineFilter(
        reasons=[str(r) for r in reason or ()],
        devices=device,
        kinds=kind or (),
        start=select_time("start", start),
        end=select_time("end", end),
    )


Which = Annotated[QuarantineFilter, Depends(select_items)]


@router.get(
    "/quarantine", summary="What could not be stored", responses=answers(list_of(QuarantineInfo))
)
def get_quarantine(
    context: Ctx,
    which: Which,
    state: States = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """Messages and records kept with their bytes, the reason and the place; newest first."""
    found = context.operations.quarantine(
        in_states(which, state),
        limit=limit + 1,
        after=read_cursor("quarantine", cursor, tuple[int, str]),
        preview=PREVIEW + 1,
    )
    page = found[:limit]
    more = len(found) > limit
    following = make_cursor("quarantine", [page[-1].received, page[-1].id]) if more else None
    return listing([encode_item(item, PREVIEW) for item in page], following)


@router.get(
    "/quarantine/counts", summary="Items for each reason", responses=answers(QuarantineCounts)
)
def get_counts(context: Ctx, which: Which, state: States = None) -> Response:
    """How many items lie in quarantine; the same filters as the list."""
    reasons = context.operations.quarantine_counts(in_states(which, state))
    return respond(QuarantineCounts(sum(reasons.values()), reasons))


@router.get(
    "/quarantine/{item_id}",
    summary="One item, with all its bytes",
    responses=answers(QuarantineInfo, 404),
)
def get_item(context: Ctx, item_id: ItemId) -> Response:
    """The whole payload: text where it is UTF-8, else base64."""
    return respond(encode_item(find_item(context, item_id)))


def find_item(context: Context, item_id: str) -> QuarantineItem:
    """The item of this id; a 404 problem where there is none."""
    item = context.operations.quarantine_item(item_id)
    if item is None:
        raise not_found(f"item_id: there is no item {item_id[:80]!r}", "item_id")
    return item


def in_states(which: QuarantineFilter, names: list[StateName] | None) -> QuarantineFilter:
    """The same filter for items in these states, where any are named."""
    return replace(which, states=[QuarantineState(n) for n in names]) if names else which


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
        state=str(item.state),
        acted=None if item.acted is None else format_time(item.acted),
        acted_by=item.acted_by,
        note=item.note,
        runbook=f"{RUNBOOK}#{item.reason}",
        bytes=len(item.payload) if item.size is None else item.size,
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
