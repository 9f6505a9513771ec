"""GET /audit: who did what, when and from where; newest first."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.audit_schemas import AuditInfo
from api.cursor import make_cursor, read_cursor
from api.encode import listing
from api.openapi import answers, list_of
from api.parameters import Ctx, Cursor
from api.period import Start, select_time
from store.access_records import AuditFilter, AuditRecord
from telemetry.clock import format_time

router = APIRouter(tags=["platform"], dependencies=[allow(Role.ADMINISTRATOR, whole=True)])


@router.get("/audit", summary="Who did what", responses=answers(list_of(AuditInfo)))
def get_audit(
    context: Ctx,
    who: Annotated[
        list[str] | None,
        Query(description="Whose acts; may repeat", examples=[["person:lan", "key:k3f9a2c1"]]),
    ] = None,
    act: Annotated[
        list[str] | None, Query(description="What; may repeat", examples=[["alert.acknowledge"]])
    ] = None,
    about: Annotated[list[str] | None, Query(description="To what; may repeat")] = None,
    start: Start = None,
    end: Annotated[str | None, Query(description="Before; RFC 3339")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """The append-only log of what was changed and exported, by whom, from where, with what it was before
    and after. Each record's hash covers the one before it: `urban audit verify` walks the chain."""
    which = AuditFilter(
        who=who or (), acts=act or (), about=about or (),
        start=select_time("start", start), end=select_time("end", end),
    )  # fmt: skip
    place = read_cursor("audit", cursor, tuple[int])
    found = context.operations.audit(which, limit=limit + 1, before=place[0] if place else None)
    page = found[:limit]
    following = make_cursor("audit", [page[-1].number]) if len(found) > limit else None
    return listing([_info(record) for record in page], following)


def _info(record: AuditRecord) -> AuditInfo:
    entry = record.entry
    return AuditInfo(
        number=record.number, time=format_time(entry.time), who=entry.who, role=entry.role,
        source=entry.source, act=entry.act, about=entry.about, before=_value(entry.before),
        after=_value(entry.after), previous=record.previous, hash=record.hash,
    )  # fmt: skip


def _value(text: str) -> Any:
    """JSON as it was noted; what is none any more (somebody changed it) as text."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text)
    except msgspec.MsgspecError:
        return text
