"""The range that is asked for: `start` and `end`, RFC 3339 with their offset; the last 24 hours by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from fastapi import Depends, Query

from api.parameters import Ctx
from api.problems import invalid
from telemetry.clock import DAY, parse_time
from telemetry.errors import QueryError

# Times that both stores and every client can hold.
_EARLIEST = parse_time("1970-01-01T00:00:00Z")
_LATEST = parse_time("2200-01-01T00:00:00Z")


@dataclass(frozen=True, slots=True)
class Period:
    """start <= time < end. [ns, UTC]"""

    start: int
    end: int


Start: TypeAlias = Annotated[
    str | None,
    Query(
        description="RFC 3339 with its offset; included. Default: 24 hours before `end`",
        examples=["2026-11-22T00:00:00Z"],
    ),
]
End: TypeAlias = Annotated[
    str | None,
    Query(
        description="RFC 3339 with its offset; not included. Default: now",
        examples=["2026-11-22T12:00:00+07:00"],
    ),
]


async def period(context: Ctx, start: Start = None, end: End = None) -> Period:
    """The range that is asked for; the last 24 hours where nothing is said."""
    last = _time("end", end) if end is not None else context.clock.now()
    first = _time("start", start) if start is not None else max(_EARLIEST, last - DAY)
    if first >= last:
        raise invalid("start", f"start: must be before end, got {start!r} and {end or 'now'!r}")
    return Period(first, last)


PeriodFilter = Annotated[Period, Depends(period)]


def select_time(name: str, text: str | None) -> int | None:
    """RFC 3339 → ns; None for what is not given. Raises TimeError, QueryError."""
    return None if text is None else _time(name, text)


def _time(name: str, text: str) -> int:
    # "+07:00" arrives as " 07:00" where a client forgot to escape the plus sign.
    moment = parse_time(text.replace(" 0", "+0", 1) if text[-6:-5] == " " else text, name)
    if not _EARLIEST <= moment <= _LATEST:
        raise QueryError(name, "must lie between 1970 and 2200", text)
    return moment
