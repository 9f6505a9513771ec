"""GET /latest: the newest reading of every series."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Response

from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.encode import encode_readings, listing
from api.openapi import answers, list_of
from api.parameters import Ctx, Cursor, SeriesFilter, code_of
from api.schemas import Reading
from telemetry.arrays import Mask
from telemetry.errors import QueryError
from telemetry.readings import Readings

router = APIRouter(tags=["telemetry"])


@router.get(
    "/latest", summary="The newest reading of every series", responses=answers(list_of(Reading))
)
def get_latest(
    context: Ctx,
    selection: SeriesFilter,
    limit: Annotated[int, Query(ge=1, le=100_000)] = 10_000,
    cursor: Cursor = None,
) -> Response:
    """By event time: a late message never makes it go back. Ordered by device and quantity."""
    found = context.telemetry.latest(selection.series)
    after = read_cursor("latest", cursor, tuple[str, str])
    if after is not None:
        found = found.take(_behind(context, found, *after))
    page = found.take(slice(0, limit))
    return listing(encode_readings(context, page), _next(context, found, page))


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
