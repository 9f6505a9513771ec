"""Commands through a real broker to a device and back: done, refused, silent, late, killed in between."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from control.desk import CommandDesk
from control.loop import CommandLoop
from store.command_records import CommandState
from telemetry.clock import SECOND
from tests.brokers import Broker, wait_until
from tests.control.conftest import NOW, Bench
from tests.control.devices import ObedientDevice

Make = Callable[..., ObedientDevice]
Start = Callable[[CommandDesk], CommandLoop]
ACKNOWLEDGED, REFUSED = CommandState.ACKNOWLEDGED, CommandState.REFUSED
SENT, TIMED_OUT = CommandState.SENT, CommandState.TIMED_OUT


def dim(bench: Bench, desk: CommandDesk, value: float, *lamps: str, seconds: int = 30) -> list[str]:
    plan = desk.plan("dimming", value, bench.codes(*lamps))
    made = desk.request(plan, "dimming", value, by="Lan", timeout=seconds * SECOND)
    return [c.id for c in made]


def test_a_lamp_is_dimmed_and_says_so(bench: Bench, device: Make, loops: Start) -> None:
    lamp, desk = device("lamp-1"), bench.desk()
    loop = loops(desk)
    (name,) = dim(bench, desk, 40, "lamp-1")
    wait_until(lambda: bench.states() == [ACKNOWLEDGED])
    assert lamp.heard == [
        {"id": name, "value": 40, "time": "2026-11-22T12:00:00Z", "expires": "2026-11-22T12:00:30Z"}
    ]
    done = bench.only()
    assert (done.applied, done.answered, done.error) == (40.0, NOW, "")
    seen = [c.state for c in bench.told]
    assert seen[0] == CommandState.REQUESTED and seen[-1] == ACKNOWLEDGED and len(seen) <= 3
    assert loop.trouble() == ""


def test_a_group_is_told_each_its_own_and_each_answers(
    bench: Bench, device: Make, loops: Start
) -> None:
    for n in (1, 2, 3):
        device(f"lamp-{n}", reply=lambda c: {"id": c["id"], "ok": True, "value": 50})
    device("lamp-4", reply=lambda c: {"id": c["id"], "ok": False, "error": "đèn hỏng"})
    desk = bench.desk()
    loops(desk)
    dim(bench, desk, 45, "lamp-1", "lamp-2", "lamp-3", "lamp-4")
    wait_until(lambda: set(bench.states()) == {ACKNOWLEDGED, REFUSED})
    wait_until(lambda: bench.operations.open_commands() == [])
    result = {c.device: (c.state, c.applied, c.error) for c in bench.operations.commands()}
    assert result["lamp-4"] == (REFUSED, None, "đèn hỏng")
    # What it applied is what it says, not what was wanted.
    assert [result[f"lamp-{n}"] for n in (1, 2, 3)] == 3 * [(ACKNOWLEDGED, 50.0, "")]
    assert len({c.batch for c in bench.operations.commands()}) == 1


def test_silence_times_out_and_a_late_answer_is_noted(
    bench: Bench, device: Make, loops: Start
) -> None:
    lamp, desk = device("lamp-1", reply=lambda c: None), bench.desk()
    loops(desk)
    (name,) = dim(bench, desk, 40, "lamp-1")
    wait_until(lambda: lamp.heard and bench.states() == [SENT])
    bench.clock.advance(29 * SECOND)
    desk.settle()
    assert bench.states() == [SENT]
    bench.clock.advance(SECOND)
    wait_until(lambda: bench.states() == [TIMED_OUT])
    assert bench.only().error == "no answer within 30 s"
    lamp.answer("dimming", json.dumps({"id": name, "ok": True, "value": 40}).encode())
    wait_until(lambda: bench.only().late)
    late = bench.only()
    assert (late.state, late.applied) == (TIMED_OUT, 40.0)
    assert late.error == "no answer within 30 s; answered late: did it"


def test_answers_that_are_none_change_nothing(bench: Bench, device: Make, loops: Start) -> None:
    lamp, other = device("lamp-1", reply=lambda c: b"\xff{"), device("lamp-2")
    desk = bench.desk()
    loops(desk)
    (name,) = dim(bench, desk, 40, "lamp-1")
    wait_until(lambda: lamp.heard)
    whole = json.dumps({"id": name, "ok": True, "value": 1}).encode()
    wrong = [b"", b"null", b'{"id": "x"}', b'{"id": 1, "ok": true}', b"[" * 3_000, b"x" * 5_000]
    for payload in (*wrong, b'{"id": "absent", "ok": true}', whole[:-1]):
        lamp.answer("dimming", payload)
    other.answer("dimming", whole)  # another device's command
    lamp.answer("interval", whole)  # another command
    lamp.answer("dimming", whole, topic="city/waste/lamp-1/ack/dimming")
    lamp.answer("dimming", json.dumps({"id": name, "ok": True, "value": 40}).encode())
    wait_until(lambda: bench.states() == [ACKNOWLEDGED])
    assert bench.only().applied == 40.0


def test_what_a_device_answers_while_we_are_away_is_not_lost(
    bench: Bench, device: Make, loops: Start
) -> None:
    lamp, desk = device("lamp-1", reply=lambda c: None), bench.desk()
    loop = loops(desk)
    (name,) = dim(bench, desk, 40, "lamp-1")
    wait_until(lambda: bench.states() == [SENT] and lamp.heard)
    loop.stop()
    lamp.answer("dimming", json.dumps({"id": name, "ok": True, "value": 40}).encode())
    bench.clock.advance(40 * SECOND)  # the time-out passes meanwhile: nobody was there to hear it
    loops(bench.desk())
    wait_until(lambda: bench.states() == [ACKNOWLEDGED])
    assert len(lamp.heard) == 1, "what was sent is not sent again"


def test_what_was_requested_before_a_kill_is_sent_after_it(
    bench: Bench, device: Make, loops: Start
) -> None:
    lamp = device("lamp-1")
    dim(bench, bench.desk(), 40, "lamp-1")  # a desk without a loop: as if killed before the publish
    assert bench.states() == [CommandState.REQUESTED]
    loops(bench.desk())
    wait_until(lambda: bench.states() == [ACKNOWLEDGED])
    assert len(lamp.heard) == 1


def test_a_broker_that_was_away_gets_it_when_it_is_back(
    bench: Bench, broker: Broker, device: Make, loops: Start
) -> None:
    desk = bench.desk()
    loop = loops(desk)
    broker.stop()
    wait_until(lambda: "can't be reached" in loop.trouble())
    dim(bench, desk, 40, "lamp-1", seconds=600)
    dim(bench, desk, 60, "lamp-2", seconds=5)
    bench.clock.advance(10 * SECOND)
    wait_until(lambda: TIMED_OUT in bench.states())
    broker.start()
    device("lamp-1"), device("lamp-2")
    wait_until(lambda: sorted(bench.states()) == [ACKNOWLEDGED, TIMED_OUT], 40)
    unsent = next(c for c in bench.operations.commands() if c.state == TIMED_OUT)
    assert (unsent.device, unsent.sent) == ("lamp-2", None)
    assert "the broker did not take it" in unsent.error


@pytest.mark.parametrize("many", [400])
def test_many_at_once_all_come_through(
    bench: Bench, broker: Broker, loops: Start, many: int, device: Make
) -> None:
    lamp, desk = device("lamp-1"), bench.desk()
    loops(desk)
    for n in range(many):
        dim(bench, desk, n % 101, "lamp-1")
    wait_until(lambda: bench.operations.open_commands() == [], 60)
    assert {c.state for c in bench.operations.commands(limit=many)} == {ACKNOWLEDGED}
    assert [c["value"] for c in lamp.heard] == [n % 101 for n in range(many)], "in order"
