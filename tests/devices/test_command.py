"""Commands as declared and as bytes: impossible ones fail at the start, answers that are none are refused."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.command import Answer, Command, decode_answer, encode_command
from devices.registry import Kinds, load_kinds
from devices.topics import ack_topic, command_topic, parse_topic
from telemetry.clock import parse_time
from telemetry.errors import DeclarationError, QueryError

LAMP = load_kinds()["lamp"]
GOOD = Command(name="level", vi="v", en="e", unit="%", low=0, high=100, step=5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "Bad name"}, "lower case"),
        ({"unit": "parsec"}, "UCUM code.*'parsec'"),
        ({"low": 100.0}, "low < high"),
        ({"step": 0.0}, "step > 0"),
        ({"quantity": "power"}, "one of its kind in %"),
        ({"quantity": "absent"}, "one of its kind"),
        ({"name": "restart"}, "declared twice"),
    ],
)
def test_an_impossible_command_fails_in_words(change: dict[str, object], words: str) -> None:
    bare = replace(LAMP, quantities=LAMP.quantities[:-2], rules=LAMP.rules[:-2])
    made = replace(bare, commands=(replace(GOOD, **change),))  # type: ignore[arg-type]
    with pytest.raises(DeclarationError, match=words):
        Kinds([made])


@pytest.mark.parametrize("value", [0.0, 5.0, 100.0])
def test_values_at_the_bounds_and_on_a_step(value: float) -> None:
    assert GOOD.checked(value) == value


@pytest.mark.parametrize("value", [-5.0, 105.0, 2.5, float("inf")])
def test_values_beyond_them(value: float) -> None:
    with pytest.raises(QueryError):
        GOOD.checked(value)


def test_on_the_wire() -> None:
    at = parse_time("2026-11-22T03:00:00Z")
    assert json.loads(encode_command("a1", 40.0, at, at + 30_000_000_000)) == {
        "id": "a1", "value": 40, "time": "2026-11-22T03:00:00Z", "expires": "2026-11-22T03:00:30Z"
    }  # fmt: skip
    assert json.loads(encode_command("a1", None, at, at))["value"] is None
    answer = b'{"id": "a1", "ok": false, "value": null, "error": "x\\u0007y", "time": "2026-11-22T10:00:00+07:00"}'
    assert decode_answer(answer) == Answer("a1", False, None, "xy", at)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_comes_is_an_answer_or_refused_in_words(payload: bytes) -> None:
    try:
        assert decode_answer(payload).id
    except QueryError as error:
        assert error.place == "acknowledgement"


@given(
    st.text(min_size=1, max_size=64), st.booleans(), st.none() | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
def test_answers_come_through_whole(name: str, ok: bool, value: float | None) -> None:
    sent = json.dumps({"id": name, "ok": ok, "value": value, "more": [1]}).encode()
    assert decode_answer(sent) == Answer(name, ok, value)


def test_topics_are_taken_apart_as_they_are_made() -> None:
    for topic, channel in ((command_topic, "cmd"), (ack_topic, "ack")):
        parsed = parse_topic(topic("lamp", "lamp-1", "dimming"))
        assert parsed is not None
        assert (parsed.kind, parsed.device, parsed.channel, parsed.command) == (
            "lamp", "lamp-1", channel, "dimming",
        )  # fmt: skip
