"""GET /telemetry: readings of a range, one by one or in windows."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Query, Response

from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.encode import encode_readings, listing, respond
from api.openapi import WINDOWED, answers
from api.parameters import Ctx, Cursor, Selection, SeriesFilter, code_of
from api.period import Period, PeriodFilter
from api.problems import invalid
from api.windows import encode_grid, grid, step_for
from telemetry.clock import DAY, SECOND, format_time, parse_duration
from telemetry.errors import QueryError

router = APIRouter(tags=["telemetry"])

Aggregate = Literal["mean", "min", "max", "sum", "count", "last"]


@router.get(
    "/telemetry", summary="Readings of a range, raw or windowed", responses=answers(WINDOWED)
)
def get_telemetry(
    context: Ctx,
    selection: SeriesFilter,
    period: PeriodFilter,
    every: Annotated[
        str | None, Query(description="Length of a window: 30s, 5m, 1h, 1d", examples=["5m"])
    ] = None,
    agg: Annotated[
        Aggregate | None, Query(description="What `value` of a window is; default: mean")
    ] = None,
    points: Annotated[
        int | None,
        Query(ge=1, le=10_000, description="At most so many windows a series; picks `every`"),
    ] = None,
    limit: Annotated[int | None, Query(ge=1, le=10_000, description="Raw only")] = None,
    cursor: Cursor = None,
) -> Response:
    """[start, end) in UTC; the last 24 hours where nothing is said. A naive time is refused.

    Raw without `every` and `points`: ordered by time, in pages. Windowed: every series that is known
    has a row for every window; a gap has value null and count 0. The mean of a direction is a vector
    mean. Windows start at multiples of `every` since 1970 (UTC).
    """
    if every is None and points is None:
        if agg is not None:
            raise invalid("agg", "agg: needs `every` or `points`")
        return _raw(context, selection, period, limit or 1_000, cursor)
    for name, given in (("limit", limit), ("cursor", cursor)):
        if given is not None:
            raise invalid(name, f"{name}: is for raw readings; windows come in one answer")
    if every is not None and points is not None:
        raise invalid("points", "points: picks `every` itself; give one of the two")
    return _windowed(
        context, selection, period, _step(context, selection, period, every, points), agg
    )


def _step(
    context: Context, selection: Selection, period: Period, every: str | None, points: int | None
) -> int:
    if every is None:
        assert points is not None
        return step_for(context, selection.series, period.start, period.end, points)
    step = parse_duration(every, "every")
    if step > 366 * DAY:
        raise QueryError("every", "must be 366d at most", every)
    return step


def _windowed(
    context: Context, selection: Selection, period: Period, every: int, agg: str | None
) -> Response:
    aggregate = agg or "mean"
    found = grid(context, selection.series, period.start, period.end, every, aggregate)
    return respond(
        {
            "items": encode_grid(context, found, aggregate),
            "next": None,
            "start": format_time(period.start),
            "end": format_time(period.end),
            "every": f"{every // SECOND}s",
            "agg": aggregate,
        }
    )


def _raw(
    context: Context, selection: Selection, period: Period, limit: int, cursor: str | None
) -> Response:
    start, end, after = period.start, period.end, None
    place = read_cursor("telemetry", cursor, tuple[int, int, int, str, str])
    if place is not None:  # start, end, time, device, quantity
        # The first page fixed the range: "the last 24 hours" must not move between pages.
        start, end = place[0], place[1]
        after = (place[2], code_of(context, place[3]), _quantity(context, place[4]))
    found = context.telemetry.raw(selection.series, start, end, limit + 1, after)
    page = found.take(slice(0, limit))
    following = None
    if len(found) > limit:
        device = context.catalogue.devices[int(page.device[-1])].id
        quantity = context.kinds.quantities[int(np.int64(page.quantity[-1]))]
        following = make_cursor("telemetry", [start, end, int(page.time[-1]), device, quantity])
    return listing(encode_readings(context, page), following)


def _quantity(context: Context, name: str) -> int:
    code = context.kinds.quantity_code.get(name)
    if code is None:
        raise QueryError("cursor", "names a quantity that is not known here", name)
    return code
