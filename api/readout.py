"""What `telemetry` and `export` share: readings or windows of a range, as a page of JSON or streamed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from fastapi import Depends, Query, Request, Response

from api.aggregates import PATTERN, aggregate_of
from api.answers import HEADERS, json_page, link_to_next, stream
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.formats import Format, Sort
from api.formats.choose import JSON, NGSI_LD
from api.parameters import Ctx, Selection, SeriesFilter, code_of
from api.period import Period, PeriodFilter
from api.problems import invalid
from api.scan import scan
from api.sources import RAW
from api.tables import Table, table_of
from api.windows import Asked, pages, step_for
from store.telemetry import Series
from telemetry.clock import DAY, SECOND, format_time, parse_duration
from telemetry.errors import QueryError

_WINDOWS = "telemetry-windows"


@dataclass(frozen=True, slots=True)
class Question:
    """Which readings or windows are wanted. asked: None for readings as they were."""

    selection: Selection
    period: Period
    asked: Asked | None

    @property
    def sort(self) -> Sort:
        """What the rows are."""
        return Sort(windows=self.asked is not None)


async def question(
    context: Ctx,
    selection: SeriesFilter,
    period: PeriodFilter,
    every: Annotated[
        str | None, Query(description="Length of a window: 30s, 5m, 1h, 1d", examples=["5m"])
    ] = None,
    agg: Annotated[
        str | None,
        Query(
            description="What `value` of a window is: mean, min, max, sum, count, last or a percentile "
            "like p95; default: mean. The mean of a direction is that of its vectors, of a level in "
            "decibels that of its energy",
            pattern=f"^{PATTERN}$",
            examples=["mean"],
        ),
    ] = None,
    points: Annotated[
        int | None,
        Query(ge=1, le=10_000, description="At most so many windows a series; picks `every`"),
    ] = None,
) -> Question:
    """The readings or windows that are asked for."""
    if every is None and points is None:
        if agg is not None:
            raise invalid("agg", "agg: needs `every` or `points`")
        return Question(selection, period, None)
    if every is not None and points is not None:
        raise invalid("points", "points: picks `every` itself; give one of the two")
    start, end = period.start, period.end
    step = (
        _step(every) if every is not None else step_for(context, selection.series, start, end, points or 1)
    )  # fmt: skip
    return Question(selection, period, Asked(start, end, step, aggregate_of(agg or "mean")))


Asking = Annotated[Question, Depends(question)]
Limit = Annotated[int | None, Query(ge=1, le=10_000, description="Rows of a page; raw only")]


def page_of(
    context: Context,
    request: Request,
    asking: Question,
    wanted: Format,
    limit: int | None,
    cursor: str | None,
) -> Response:
    """JSON comes in pages; every other format whole, unless a `limit` makes it a page."""
    if asking.asked is not None:
        if limit is not None:
            raise invalid(
                "limit", "limit: is for raw readings; windows come in pages of whole series"
            )
        if wanted is JSON:
            return _window_page(context, asking.asked, asking.selection.series, cursor)
        if cursor is not None:
            raise invalid("cursor", f"cursor: {wanted.name} comes whole")
        return _exported(context, request, asking, wanted)
    if wanted is not JSON and limit is None and cursor is None:
        return _exported(context, request, asking, wanted)
    return _raw_page(context, request, asking, wanted, limit or 1_000, cursor)


def _exported(context: Context, request: Request, asking: Question, wanted: Format) -> Response:
    note_export(context, request)
    return stream_of(context, asking, wanted)


def note_export(context: Context, request: Request) -> None:
    """What leaves as a file stands in the audit log, with what was asked."""
    context.trail.note("telemetry.export", request.url.path, after={"query": request.url.query})


def stream_of(
    context: Context, asking: Question, wanted: Format, headers: dict[str, str] | None = None
) -> Response:
    """All of it, in constant memory."""
    if wanted is NGSI_LD and asking.asked is not None:
        raise invalid("format", "format: the Smart Data Models hold readings, not windows")
    return stream(
        context, _tables(context, asking), wanted, asking.sort, {**HEADERS, **(headers or {})}
    )


def _tables(context: Context, asking: Question) -> Iterator[Table]:
    series, period = asking.selection.series, asking.period
    if asking.asked is None:
        return map(table_of, scan(context.telemetry, series, period.start, period.end))
    return (page.table for page in pages(context, series, asking.asked))


def _step(every: str) -> int:
    step = parse_duration(every, "every")
    if step > 366 * DAY:
        raise QueryError("every", "must be 366d at most", every)
    return step


def _window_page(context: Context, asked: Asked, series: Series, cursor: str | None) -> Response:
    after = None
    place = read_cursor(_WINDOWS, cursor, tuple[int, int, int, str, str])
    if place is not None:  # start, end, every, device, quantity
        start, end, every, device, quantity = place
        asked = Asked(start, end, every, asked.aggregate)
        after = (code_of(context, device), _quantity(context, quantity))
    page = next(pages(context, series, asked, after))
    following = None
    if not page.last:
        frame = [asked.start, asked.end, asked.every]
        following = make_cursor(_WINDOWS, [*frame, *_last_series(context, page.table)])
    more = {
        "start": format_time(asked.start),
        "end": format_time(asked.end),
        "every": f"{asked.every // SECOND}s",
        "agg": asked.aggregate.name,
        "source": page.sources,
    }
    return json_page(context, page.table, following, more)


def _raw_page(
    context: Context,
    request: Request,
    asking: Question,
    wanted: Format,
    limit: int,
    cursor: str | None,
) -> Response:
    start, end, after = asking.period.start, asking.period.end, None
    place = read_cursor("telemetry", cursor, tuple[int, int, int, str, str])
    if place is not None:  # start, end, time, device, quantity
        # The first page fixed the range: "the last 24 hours" must not move between pages.
        start, end = place[0], place[1]
        after = (place[2], code_of(context, place[3]), _quantity(context, place[4]))
    found = context.telemetry.raw(asking.selection.series, start, end, limit + 1, after)
    page = table_of(found.take(slice(0, limit)))
    following = None
    if len(found) > limit:
        last = [start, end, int(page.time[-1]), *_last_series(context, page)]
        following = make_cursor("telemetry", last)
    if wanted is JSON:
        more = {"start": format_time(start), "end": format_time(end), "source": [RAW]}
        return json_page(context, page, following, more)
    headers = {**HEADERS, **({"Link": link_to_next(request, following)} if following else {})}
    return stream(context, iter([page]), wanted, asking.sort, headers)


def _last_series(context: Context, table: Table) -> tuple[str, str]:
    device = context.catalogue.devices[int(table.device[-1])].id
    return device, context.kinds.quantities[int(np.int64(table.quantity[-1]))]


def _quantity(context: Context, name: str) -> int:
    code = context.kinds.quantity_code.get(name)
    if code is None:
        raise QueryError("cursor", "names a quantity that is not known here", name)
    return code
