"""The functions of a $filter (18-088, table 24): text, dates, numbers, places. Each on plain values.

Times are in UTC; geo.distance and geo.length are in degrees, the unit of EPSG:4326. A function of a value
that it is not for is null, and so is one of null.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import shapely
from shapely import Geometry
from shapely.errors import ShapelyError

from api.sta.expression import Moment
from telemetry.clock import SECOND, to_datetime

_FIRST, _LAST = -9_214_560_000 * SECOND, 9_214_646_399 * SECOND


def _text(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *a: function(*a) if all(isinstance(x, str) for x in a[:1]) else None


def _texts(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *a: function(*a) if all(isinstance(x, str) for x in a) else None


def _number(function: Callable[[float], float]) -> Callable[..., Any]:
    def on(value: object) -> Any:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            return None
        return function(value)

    return on


def _date(function: Callable[[Any], Any]) -> Callable[..., Any]:
    def on(value: object) -> Any:
        return function(to_datetime(value.start)) if isinstance(value, Moment) else None

    return on


def _shapes(function: Callable[..., Any]) -> Callable[..., Any]:
    def on(*values: object) -> Any:
        # All are shapes but a third one, the pattern of st_relate.
        if not all(isinstance(v, Geometry) for v in values[:2]) or not all(
            isinstance(v, str) for v in values[2:]
        ):
            return None
        try:
            found = function(*values)
        except (ShapelyError, ValueError):
            return None
        return found if isinstance(found, float) else bool(found)

    return on


def _substring(text: str, start: object, length: object = None) -> str | None:
    if not isinstance(start, int) or start < 0 or not isinstance(length, int | None):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


def _concat(left: str, right: str) -> str | None:
    return left + right if len(left) + len(right) <= 100_000 else None


def _round(value: float) -> float:
    return math.floor(value + 0.5) if value >= 0 else math.ceil(value - 0.5)


def _fraction(value: object) -> Any:
    return value.start % SECOND / SECOND if isinstance(value, Moment) else None


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d}"


def _spans(function: Callable[[Moment, Moment], bool]) -> Callable[..., Any]:
    def on(left: object, right: object) -> Any:
        if isinstance(left, Moment) and isinstance(right, Moment):
            return function(left, right)
        return None

    return on


FUNCTIONS: dict[str, Callable[..., Any]] = {
    # Text. substringof(what, where), as the standard has it; contains the other way round.
    "substringof": _texts(lambda part, text: part in text),
    "contains": _texts(lambda text, part: part in text),
    "endswith": _texts(str.endswith),
    "startswith": _texts(str.startswith),
    "length": _text(len),
    "indexof": _texts(str.find),
    "substring": _text(_substring),
    "tolower": _text(str.lower),
    "toupper": _text(str.upper),
    "trim": _text(str.strip),
    "concat": _texts(_concat),
    # Dates.
    "year": _date(lambda t: t.year),
    "month": _date(lambda t: t.month),
    "day": _date(lambda t: t.day),
    "hour": _date(lambda t: t.hour),
    "minute": _date(lambda t: t.minute),
    "second": _date(lambda t: t.second),
    "fractionalseconds": _fraction,
    "date": _date(_day),
    "time": _date(lambda t: f"{t:%H:%M:%S}"),
    "totaloffsetminutes": _date(lambda t: 0),
    "mindatetime": lambda: Moment(_FIRST, _FIRST),
    "maxdatetime": lambda: Moment(_LAST, _LAST),
    # Numbers.
    "round": _number(_round),
    "floor": _number(math.floor),
    "ceiling": _number(math.ceil),
    # Places.
    "geo.distance": _shapes(lambda a, b: float(shapely.distance(a, b))),
    "geo.length": _shapes(lambda a: float(shapely.length(a))),
    "geo.intersects": _shapes(shapely.intersects),
    "st_equals": _shapes(shapely.equals),
    "st_disjoint": _shapes(shapely.disjoint),
    "st_touches": _shapes(shapely.touches),
    "st_within": _shapes(shapely.within),
    "st_overlaps": _shapes(shapely.overlaps),
    "st_crosses": _shapes(shapely.crosses),
    "st_intersects": _shapes(shapely.intersects),
    "st_contains": _shapes(shapely.contains),
    "st_relate": _shapes(lambda a, b, pattern: shapely.relate_pattern(a, b, pattern)),
}  # fmt: skip

# Function → how many arguments it takes, at least and at most. `now` is answered by whoever knows the time.
ARGUMENTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys(FUNCTIONS, (2, 2)),
    **dict.fromkeys(
        ("length", "tolower", "toupper", "trim", "year", "month", "day", "hour", "minute", "second",
         "fractionalseconds", "date", "time", "totaloffsetminutes", "round", "floor", "ceiling", "geo.length"),
        (1, 1),
    ),
    "substring": (2, 3),
    "st_relate": (3, 3),
    "mindatetime": (0, 0),
    "maxdatetime": (0, 0),
    "now": (0, 0),
}  # fmt: skip
