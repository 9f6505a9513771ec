"""GET /accounting: what became of everything that was received, per hour, device or kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from api.access.principal import Role
from api.access.rules import allow
from api.account import group, line
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.encode import respond
from api.openapi import answers
from api.parameters import Ctx, Cursor, Places
from api.period import PeriodFilter
from api.schemas import Accounting, AccountLine
from store.telemetry import AccountRow
from telemetry.clock import HOUR, format_time

router = APIRouter(tags=["accounting"], dependencies=[allow(Role.OPERATOR)])


@router.get(
    "/accounting", summary="The account of what was received", responses=answers(Accounting)
)
def get_accounting(
    context: Ctx,
    places: Places,
    period: PeriodFilter,
    by: Annotated[
        Literal["hour", "device", "kind"], Query(description="What each line is about")
    ] = "hour",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1_000,
    cursor: Cursor = None,
) -> Response:
    """received = stored + duplicate + quarantined, always; `balanced` says whether it holds.

    By the hour of receipt; `start` and `end` are widened to whole hours. `late` (stored after a newer
    reading of the series) and `gap` (messages that `seq` says never arrived) are told beside it.
    """
    start, end = period.start // HOUR * HOUR, -(-period.end // HOUR) * HOUR
    rows = context.telemetry.account(start, end, places.devices)
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row.outcome] += row.count
    groups = group(rows, _key(context, by))
    after = read_cursor("accounting", cursor, tuple[int | str])
    keys = [key for key in groups if after is None or _is_behind(key, after[0])]
    page = keys[:limit]
    body = Accounting(
        start=format_time(start),
        end=format_time(end),
        totals=line(totals),
        items=[_line(by, key, groups[key]) for key in page],
        next=make_cursor("accounting", [page[-1]]) if len(keys) > len(page) else None,
    )
    return respond(body)


def _key(context: Context, by: str) -> Callable[[AccountRow], int | str]:
    def kind(row: AccountRow) -> str:
        device = context.catalogue.get(row.device)
        return device.kind if device else ""

    keys: dict[str, Callable[[AccountRow], int | str]] = {
        "hour": lambda row: row.hour,
        "device": lambda row: row.device,
        "kind": kind,
    }
    return keys[by]


def _is_behind(key: int | str, after: int | str) -> bool:
    if isinstance(key, int):
        return isinstance(after, int) and key > after
    return isinstance(after, str) and key > after


def _line(by: str, key: int | str, counts: Counter[str]) -> AccountLine:
    found = line(counts)
    if by == "hour":
        found.hour = format_time(int(key))
    elif by == "device":
        found.device = str(key)
    else:
        found.kind = str(key)
    return found
