"""GET /devices/{id}/quality: why readings of a device are flagged."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.cursor import make_cursor, read_cursor
from api.encode import listing
from api.openapi import answers, list_of
from api.parameters import Ctx, Cursor, code_of
from api.period import PeriodFilter
from api.quality_schemas import QualityInfo
from telemetry.clock import HOUR, format_time

router = APIRouter(tags=["devices"], dependencies=[allow(Role.VIEWER)])


@router.get(
    "/devices/{device_id}/quality",
    summary="Why readings of a device are flagged",
    responses=answers(list_of(QualityInfo), 404),
)
def get_quality(
    context: Ctx,
    period: PeriodFilter,
    device_id: Annotated[str, Path(description="Device id", examples=["aq-0007"])],
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    cursor: Cursor = None,
) -> Response:
    """Which tests readings failed, by hour of event time: told when the hour has ended.

    range, rate, flat, spike, climatology, pair, attenuated, neighbour, drift or meter. What an hour shows
    of attenuated, neighbour, drift and meter stands for the readings of the hours after it.
    """
    code_of(context, device_id)
    after = read_cursor("quality", cursor, tuple[int, str, str])
    start = period.start // HOUR * HOUR
    found = context.operations.quality(device_id, start, period.end, limit + 1, after)
    items = [
        QualityInfo(format_time(f.hour), f.quantity, f.test, f.count, f.worst)
        for f in found[:limit]
    ]
    last = found[limit - 1] if len(found) > limit else None
    following = make_cursor("quality", [last.hour, last.quantity, last.test]) if last else None
    return listing(items, following)
