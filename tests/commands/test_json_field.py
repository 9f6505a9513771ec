"""--set PATH=VALUE: what it changes, what it leaves, what it refuses."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.json_field import set_fields
from telemetry.errors import QueryError

BODY = b'{"pm25": "n/a", "object": {"t": 1}, "a.b": 0, "list": [[1, 2], {"v": null}]}'


@pytest.mark.parametrize(
    ("assignment", "place", "value"),
    [
        ("pm25=31.2", ["pm25"], 31.2),
        ("$.pm25=31.2", ["pm25"], 31.2),
        ("pm25=null", ["pm25"], None),
        ('pm25="31.2"', ["pm25"], "31.2"),
        ("pm25=a=b", ["pm25"], "a=b"),
        ("time=2026-11-22T03:00:00Z", ["time"], "2026-11-22T03:00:00Z"),
        ("pm25=", ["pm25"], ""),
        ("nhiệt độ=31", ["nhiệt độ"], 31),
        ("$.object.t=2", ["object", "t"], 2),
        ("$.object.new={}", ["object", "new"], {}),
        ('$["a.b"]=5', ["a.b"], 5),
        ("$.list[0][1]=9", ["list", 0, 1], 9),
        ("list[1].v=true", ["list", 1, "v"], True),
    ],
)
def test_one_field_changes_and_nothing_else(
    assignment: str, place: list[str | int], value: object
) -> None:
    wanted = json.loads(BODY)
    inner = wanted
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    assert json.loads(set_fields(BODY, [assignment])) == wanted


def test_several_fields_one_after_the_other() -> None:
    assert json.loads(set_fields(b"{}", ["a={}", "a.b=[0]", "a.b[0]=3"])) == {"a": {"b": [3]}}


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("pm25", "must be PATH=VALUE"),
        ("=3", "must be PATH=VALUE"),
        ("$=3", "must be PATH=VALUE"),
        ("a..b=3", "must be PATH=VALUE"),
        ("list[-1]=3", "must be PATH=VALUE"),
        ("list[x]=3", "must be PATH=VALUE"),
        ("pm25.x=3", "there is no $.pm25.x in it"),
        ("list[2]=3", "there is no $.list[2] in it"),
        ("[0]=3", "there is no $[0] in it"),
        ("gone.x=3", "there is no $.gone in it"),
        ("pm25=\x00", "must be printable"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(assignment: str, expected: str) -> None:
    with pytest.raises(QueryError) as caught:
        set_fields(BODY, [assignment])
    assert caught.value.place == "--set"
    assert expected in str(caught.value)


@given(st.binary(max_size=20), st.text(max_size=12))
def test_any_payload_and_any_text_change_a_field_or_are_refused(payload: bytes, text: str) -> None:
    try:
        json.loads(set_fields(payload, [text]))
    except QueryError as error:
        assert error.place == "--set"
