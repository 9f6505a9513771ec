"""/req/request-data/filter, built-in-filter-operations: comparison, logic, arithmetic, order of operators, paths."""

from __future__ import annotations

from typing import Any

import pytest

from api.sta import answer as answer_module
from api.sta.evaluate import Evaluator
from api.sta.narrow import narrowed
from api.sta.parser import parse
from api.sta.source import Source
from telemetry.clock import HOUR, parse_time
from tests.api.client import Client
from tests.api.world import NOW, World
from tests.sta.conftest import Ask, answer, follow, ids


class Bare:
    """A subject with the properties x (7), s ('ab') and nothing (null)."""

    def value(self, name: str) -> Any:
        return {"x": 7, "s": "ab", "nothing": None}[name]

    def lead(self, name: str) -> None:
        return None


def holds(text: str) -> bool:
    return Evaluator(NOW, "$filter").fits(parse(text, "$filter"), Bare())


# OData 4.0 part 2, 5.1.1: operators, what binds tighter, null.
@pytest.mark.parametrize(
    "text",
    [
        "x eq 7", "7 eq x", "x ne 8", "x gt 6", "x ge 7", "x lt 8", "x le 7", "not (x eq 8)", "not x eq 8",
        "x eq 8 or x eq 7", "x eq 7 and s eq 'ab'", "x eq 7 or x eq 1 and x eq 2", "not x eq 8 and s eq 'ab'",
        "x add 1 eq 8", "x sub 1 eq 6", "x mul 2 eq 14", "x div 2 eq 3.5", "x mod 4 eq 3", "-x mod 4 eq -3",
        "1 add 2 mul 3 eq 7", "(1 add 2) mul 3 eq 9", "10 sub 3 sub 2 eq 5", "-x eq -7", "-(x add 1) eq -8",
        "nothing eq null", "x ne null", "not (nothing gt 1)", "not (nothing lt 1)", "nothing add 1 eq null",
        "x div 0 eq null", "s eq 'ab'", "'it''s' eq 'it''s'", "s gt 'aa'", "true", "not false", "true ne false",
        "not (x eq 'ab')", "not (x eq true)", "x eq 7e0", "now() eq now()",
        "2026-11-22T03:00:00Z eq 2026-11-22T10:00:00+07:00", "now() sub duration'PT1H' lt now()",
        "2026-11-22T03:00:00Z add duration'P1DT1S' eq 2026-11-23T03:00:01Z",
    ],
)  # fmt: skip
def test_operators(text: str) -> None:
    assert holds(text), text
    assert not holds(f"not ({text})")


def test_on_things_and_along_links(ask: Ask) -> None:
    assert ids(ask("Things", filter="name eq 'Bến Thành'")) == ["aq-1"]
    assert ids(ask("Things", filter="id eq 'aq-1' or @iot.id eq 'lamp-1'")) == ["aq-1", "lamp-1"]
    assert ids(ask("Things", filter="properties/kind eq 'level'")) == ["gauge-1"]
    assert ids(ask("Things", filter="properties/limits/bd1 gt 1.3")) == ["gauge-1"]
    assert ids(ask("Things", filter="properties/nothing eq 1")) == []
    # Through a link to many: where it holds for one of them.
    assert ids(ask("Things", filter="Datastreams/ObservedProperty/id eq 'wind_direction'")) == [
        "wx-1"
    ]
    assert ids(
        ask("Datastreams", filter="Thing/id eq 'tree-1' and unitOfMeasurement/name eq 'deg'")
    ) == ["tree-1.tilt"]
    assert ids(ask("Locations", filter="Things/properties/area eq '26977'")) == [
        "wx-1.0",
        "noise-1.0",
    ]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("phenomenonTime ge 2026-11-22T02:00:00Z", 60), ("phenomenonTime gt 2026-11-22T02:00:00Z", 59),
        ("phenomenonTime lt 2026-11-21T03:10:00Z and result lt 800", 10),
        ("phenomenonTime le 2026-11-21T03:10:00Z and result lt 800", 11),
        ("2026-11-22T02:00:00Z le resultTime", 60), ("phenomenonTime eq 2026-11-22T02:00:00Z", 1),
        ("phenomenonTime ge now() sub duration'PT10M'", 10), ("result gt 800", 1), ("resultQuality/code eq 4", 1),
        ("not (phenomenonTime lt 2026-11-22T02:00:00Z)", 60), ("minute(phenomenonTime) eq 0 and result lt 800", 23),
        ("phenomenonTime ge 2026-11-22T02:00:00Z or result gt 800", 61), ("Datastream/id eq 'aq-2.pm25'", 0),
        ("phenomenonTime ge 2026-11-22T02:00:00Z/2026-11-22T02:30:00Z", 60),
    ],
)  # fmt: skip
def test_observations_are_found_however_it_is_said(ask: Ask, text: str, count: int) -> None:
    found = ask("Datastreams('aq-1.pm25')/Observations", filter=text, count="true", top="1000")
    assert (found["@iot.count"], len(found["value"])) == (count, count)


def test_observations_by_what_their_datastream_is(ask: Ask) -> None:
    assert len(ask("Observations", filter="Datastream/Thing/id eq 'wx-1'")["value"]) == 3
    one = ask(
        "Observations",
        filter="Datastream/id eq 'wx-1.temperature' or Datastream/id eq 'tree-1.tilt'",
    )
    assert sorted(e["result"] for e in one["value"]) == [2.0, 31.25]
    assert ask("Observations", filter="Datastream/id eq 'absent.x'", count="true") == {
        "@iot.count": 0,
        "value": [],
    }
    level = ask(
        "Observations",
        filter="Datastream/Thing/Locations/name eq 'Phú An' and result gt 1.65",
        top="9",
    )
    assert {e["@iot.id"].rpartition(".")[0] for e in level["value"]} == {"gauge-1.level"}


def narrow(world: World, text: str) -> Any:
    source, evaluator = Source(world.context, ""), Evaluator(NOW, "$filter")
    return narrowed(source.everything(), parse(text, "$filter"), source, evaluator)


def test_time_and_datastream_go_down_to_the_store(shared_world: World) -> None:
    """Never a scan of everything: what is said of time and Datastream is no longer looked at row by row."""
    found = narrow(
        shared_world,
        "phenomenonTime ge 2026-11-22T01:00:00Z and phenomenonTime lt now() and Datastream/Thing/properties/kind eq 'air' "
        "and Datastream/ObservedProperty/id eq 'pm25'",
    )
    assert found.rest is None
    assert (found.span.start, found.span.end) == (parse_time("2026-11-22T01:00:00Z"), NOW)
    assert [shared_world.catalogue.devices[c].id for c in found.span.series.devices] == [
        "aq-1",
        "aq-2",
        "my-sensor",
    ]
    assert found.span.series.quantities.tolist() == [shared_world.kinds.quantity_code["pm25"]]
    assert (
        narrow(shared_world, "result gt 5 and resultTime lt 2026-11-22T01:00:00Z").rest is not None
    )
    empty = narrow(
        shared_world,
        "phenomenonTime gt 2026-11-22T01:00:00Z and phenomenonTime lt 2026-11-21T01:00:00Z",
    )
    assert empty.span.start >= empty.span.end


def test_a_filter_that_finds_little_in_much_goes_on_by_next_links(
    client: Client, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.sta.observations.SCAN", 500)
    monkeypatch.setattr("api.sta.observations._CHUNK", 100)
    body = ask(
        "Datastreams('aq-1.pm25')/Observations",
        filter="result gt 800 or phenomenonTime ge 2026-11-22T02:58:00Z",
    )
    found = ids(body)
    pages = 1
    while "@iot.nextLink" in body:
        body = follow(client, body)
        found += ids(body)
        pages += 1
    assert len(found) == 3 and 2 < pages < 9
    refused = answer(
        client, "Datastreams('aq-1.pm25')/Observations", filter="result gt 800", count="true"
    )
    assert refused.status_code == 400 and "narrow it by phenomenonTime" in refused.json()["detail"]


def test_what_would_look_at_too_much_is_refused(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_module, "LOOKED_AT", 3)
    assert answer(client, "Things", filter="name eq 'x'").status_code == 413
    into = answer(client, "Datastreams", filter="Observations/result gt 5")
    assert into.status_code == 400 and "ask Observations" in into.json()["detail"]
    assert HOUR > 0
