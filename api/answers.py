"""Rows as an HTTP answer: a page of JSON that says whether it is complete, or a stream of any format and size."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import msgspec
from fastapi import Request, Response
from starlette.responses import StreamingResponse

from api.context import Context
from api.formats import Format, Sort
from api.rows import json_text
from api.tables import Table

HEADERS = {"Cache-Control": "no-store", "Vary": "Accept"}


def json_page(
    context: Context,
    table: Table,
    following: str | None,
    more: Mapping[str, object],
    headers: Mapping[str, str] = HEADERS,
) -> Response:
    """{"items": […], "next": …, "complete": …} and what else the answer says of itself."""
    rest = msgspec.json.encode({"next": following, "complete": following is None, **more})
    rows = json_text(context, table).encode()
    body = b'{"items":[' + rows + b"]," + rest[1:]
    return Response(body, media_type="application/json", headers=dict(headers))


def stream(
    context: Context,
    tables: Iterator[Table],
    wanted: Format,
    sort: Sort,
    headers: Mapping[str, str] = HEADERS,
) -> Response:
    """All tables in a format, piece by piece. What is wrong with the first piece is still a problem.

    A fault further on cuts the line: no format then has its end, and HTTP says that it broke off.
    """
    first = next(tables, None)
    whole = itertools.chain([] if first is None else [first], tables)
    return StreamingResponse(
        wanted.write(context, whole, sort), media_type=wanted.media_type, headers=dict(headers)
    )


def link_to_next(request: Request, cursor: str) -> str:
    """A Link header (RFC 8288) to the next page: what has no place for a cursor has it there."""
    url = request.url.include_query_params(cursor=cursor)
    return f'<{url.path}?{url.query}>; rel="next"'
