"""/req/request-data/built-in-query-functions (18-088, table 24): each with a value that is known."""

from __future__ import annotations

import pytest

from api.sta.functions import ARGUMENTS
from tests.sta.conftest import Ask, ids
from tests.sta.test_filter import holds

T = "2026-11-22T03:04:05.500Z"
P = "geography'POINT (30 10)'"
SQUARE = "geography'POLYGON ((0 0, 40 0, 40 40, 0 40, 0 0))'"
# OData 4.0 part 2, 5.1.1.4…; the spatial ones after OGC Simple Features (06-103r4, 6.1.15).
TRUE = [
    "substringof('b', s)", "contains(s, 'a')", "endswith(s, 'b')", "startswith(s, 'a')", "length(s) eq 2",
    "indexof(s, 'b') eq 1", "indexof(s, 'z') eq -1", "substring(s, 1) eq 'b'", "substring('hello', 1, 3) eq 'ell'",
    "tolower('ĐẤT') eq 'đất'", "toupper(s) eq 'AB'", "trim('  a ') eq 'a'", "concat(concat(s, ', '), 'c') eq 'ab, c'",
    f"year({T}) eq 2026", f"month({T}) eq 11", f"day({T}) eq 22", f"hour({T}) eq 3", f"minute({T}) eq 4",
    f"second({T}) eq 5", f"fractionalseconds({T}) eq 0.5", f"date({T}) eq '2026-11-22'", f"time({T}) eq '03:04:05'",
    f"totaloffsetminutes({T}) eq 0", "now() gt 2026-11-22T02:00:00Z", f"mindatetime() lt {T}", f"maxdatetime() gt {T}",
    "round(32.5) eq 33", "round(-32.5) eq -33", "round(32.4) eq 32", "floor(32.9) eq 32", "floor(-0.5) eq -1",
    "ceiling(32.1) eq 33", "ceiling(-0.5) eq 0",
    f"geo.distance({P}, geography'POINT (33 14)') eq 5", "geo.length(geography'LINESTRING (0 0, 3 4)') eq 5",
    f"geo.intersects({P}, {SQUARE})", f"st_equals({P}, geometry'POINT (30 10)')", f"st_disjoint({P}, geography'POINT (0 1)')",
    f"st_touches(geography'POINT (0 10)', {SQUARE})", f"st_within({P}, {SQUARE})",
    "st_overlaps(geography'LINESTRING (0 0, 2 0)', geography'LINESTRING (1 0, 3 0)')",
    "st_crosses(geography'LINESTRING (0 0, 2 2)', geography'LINESTRING (0 2, 2 0)')", f"st_intersects({SQUARE}, {P})",
    f"st_contains({SQUARE}, {P})", f"st_relate({P}, {SQUARE}, 'T********')",
]  # fmt: skip


@pytest.mark.parametrize("text", TRUE)
def test_each_function(text: str) -> None:
    assert holds(text), text


def test_none_was_forgotten() -> None:
    assert {name for name in ARGUMENTS if not any(f"{name}(" in text for text in TRUE)} == set()


@pytest.mark.parametrize(
    "text", ["length(x) eq null", "year('a') eq null", "round(s) eq null", "st_within(s, s) eq null",
             "substring(s, -1) eq null", "concat(s, x) eq null", "round(nothing) eq null", "st_relate(x, x, x) eq null",
             f"st_relate({P}, {SQUARE}, 'nonsense') eq null"],
)  # fmt: skip
def test_a_value_that_it_is_not_for_is_null(text: str) -> None:
    assert holds(text), text


def test_on_places_of_the_city(ask: Ask) -> None:
    box = "geography'POLYGON ((106.69 10.76, 106.71 10.76, 106.71 10.775, 106.69 10.775, 106.69 10.76))'"
    assert ids(ask("Locations", filter=f"st_within(location, {box})")) == ["aq-1.0"]
    assert ids(ask("Things", filter=f"st_within(Locations/location, {box})")) == ["aq-1"]
    near = "geo.distance(Locations/location, geography'POINT (106.652, 10.818)') lt 0.01"
    assert ids(ask("Things", filter=near)) == ["wx-1"]
    assert ids(ask("Datastreams", filter=f"st_within(observedArea, {box}) and startswith(ObservedProperty/name, 'PM')")) == [
        "aq-1.pm10", "aq-1.pm25",
    ]  # fmt: skip
