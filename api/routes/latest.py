"""GET /latest: the newest reading of every series, and what of it has changed."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response

from api.access.principal import Role
from api.access.rules import allow
from api.answers import json_page, link_to_next, stream
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.formats import Sort
from api.formats.choose import EXTENSION, JSON, Wanted
from api.openapi import LATEST, answers
from api.parameters import Ctx, Cursor, SeriesFilter, code_of
from api.period import select_time
from api.tables import table_of
from store.telemetry import Series
from telemetry.arrays import Mask
from telemetry.errors import QueryError
from telemetry.readings import Readings

router = APIRouter(tags=["telemetry"], dependencies=[allow(Role.VIEWER)])

_REVISION = re.compile(r"([0-9a-f]{8})\.(\d{1,18})")


@router.get(f"/latest{EXTENSION}", include_in_schema=False)
@router.get(
    "/latest", summary="The newest reading of every series", responses=answers(LATEST, 304, 406)
)
def get_latest(
    context: Ctx,
    request: Request,
    selection: SeriesFilter,
    wanted: Wanted,
    since: Annotated[
        str | None,
        Query(
            description="Only what changed after an answer: its `revision`; or only what was measured "
            "at a time or later, RFC 3339",
            examples=["2026-11-22T03:00:00Z"],
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1_000_000)] = 100_000,
    cursor: Cursor = None,
    if_none_match: Annotated[
        str | None, Header(description="ETag of an earlier answer: 304 where nothing has changed")
    ] = None,
) -> Response:
    """By event time: a late message never makes it go back. Ordered by device and quantity.

    Poll with `If-None-Match`, or with `since` = `revision` of the answer before: nothing that changed in
    between is missed, corrected flags included. A revision of an earlier run gives everything.
    """
    run: str = request.app.state.run
    found, revision = _found(context, selection.series, since, run)
    after = read_cursor("latest", cursor, tuple[str, str])
    if after is not None:
        found = found.take(_behind(context, found, *after))
    page = found.take(slice(0, limit))
    following = _next(context, found, page)
    tag = _tag(page, f"{run} {wanted.name} {following}")
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept"}
    if following is not None and wanted is not JSON:
        headers["Link"] = link_to_next(request, following)
    if if_none_match is not None and matches(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    table = table_of(page)
    if wanted is JSON:
        return json_page(context, table, following, {"revision": f"{run}.{revision}"}, headers)
    return stream(context, iter([table]), wanted, Sort(newest=True), headers)


def _found(context: Context, series: Series, since: str | None, run: str) -> tuple[Readings, int]:
    match = None if since is None else _REVISION.fullmatch(since)
    if match is not None:
        return context.telemetry.changed(series, int(match[2]) if match[1] == run else 0)
    found, revision = context.telemetry.changed(series)
    time = select_time("since", since)
    return (found if time is None else found.take(found.time >= time)), revision


def _tag(page: Readings, more: str) -> str:
    digest = hashlib.blake2b(more.encode(), digest_size=12)
    for column in (page.device, page.quantity, page.time, page.value, page.flag):
        digest.update(np.ascontiguousarray(column).tobytes())
    return f'W/"{digest.hexdigest()}"'


def matches(header: str, tag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    bare = tag.removeprefix("W/")
    return any(t.strip().removeprefix("W/") in (bare, "*") for t in header.split(","))


def _behind(context: Context, found: Readings, device: str, quantity: str) -> Mask:
    code = context.kinds.quantity_code.get(quantity)
    if code is None:
        raise QueryError("cursor", "names a quantity that is not known here", quantity)
    at = code_of(context, device)
    behind: Mask = (found.device > at) | ((found.device == at) & (found.quantity > code))
    return behind


def _next(context: Context, found: Readings, page: Readings) -> str | None:
    if len(found) == len(page):
        return None
    device = context.catalogue.devices[int(page.device[-1])].id
    quantity = context.kinds.quantities[int(np.int64(page.quantity[-1]))]
    return make_cursor("latest", [device, quantity])
