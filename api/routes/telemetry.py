"""GET /telemetry: readings of a range, one by one or in windows."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access.principal import Role
from api.access.rules import allow
from api.formats.choose import EXTENSION, Wanted
from api.openapi import WINDOWED, answers
from api.parameters import Ctx, Cursor
from api.readout import Asking, Limit, page_of

router = APIRouter(tags=["telemetry"], dependencies=[allow(Role.VIEWER)])


@router.get(f"/telemetry{EXTENSION}", include_in_schema=False)
@router.get(
    "/telemetry",
    summary="Readings of a range, raw or windowed",
    responses=answers(WINDOWED, 406),
)
def get_telemetry(
    context: Ctx,
    request: Request,
    asking: Asking,
    wanted: Wanted,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response:
    """[start, end) in UTC; the last 24 hours where nothing is said. A naive time is refused.

    Raw without `every` and `points`: ordered by time, in pages of JSON; any other format comes whole, and
    in pages with a `Link` header where a `limit` is given. Windowed: every series that is known has a row
    for every window; a gap has value null and count 0. Windows start at multiples of `every` since 1970
    (UTC). `complete` says whether more follows, `source` what windows were made from: readings (`raw`) or
    roll-ups of an hour (`rollup_1h`) or a minute (`rollup_1m`).
    """
    return page_of(context, request, asking, wanted, limit, cursor)
