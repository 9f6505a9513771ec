"""Who is commanded and who is not, what a store that is away does to commands, and bounds."""

from __future__ import annotations

import numpy as np
import pytest

from control import desk as desk_module
from control.settle import Heard
from devices.command import Answer
from devices.topics import Topic
from store.command_records import CommandState
from telemetry.clock import DAY, SECOND
from telemetry.errors import QueryError, StoreError
from tests.control.conftest import NOW, Bench


def left_out(bench: Bench, command: str, value: float | None, *ids: str) -> dict[str, str]:
    return {d.id: why for d, why in bench.desk().plan(command, value, bench.codes(*ids)).left_out}


def test_a_plan_says_who_and_who_not(bench: Bench) -> None:
    gateway = bench.catalogue.gateways.code("gw-1")
    (lamp,) = bench.codes("lamp-2")
    bench.catalogue.gateways.learn(np.array([lamp], dtype=np.int32), np.array([gateway]))
    plan = bench.desk().plan(
        "dimming", 40, bench.codes("lamp-1", "lamp-2", "bin-1", "stranger", "lamp-3")
    )
    assert [d.id for d in plan.commanded] == ["lamp-1", "lamp-3"]
    assert {d.id: why for d, why in plan.left_out} == {
        "lamp-2": "came through gateway gw-1, and does not hear commands itself",
        "bin-1": "waste knows no command dimming",
        "stranger": "is not registered",
    }


@pytest.mark.parametrize(
    ("value", "words"),
    [(-1.0, "must lie within 0…100 %"), (100.5, "must lie within"), (40.5, "multiple of 1"),
     (float("nan"), "must lie within"), (None, "needs a value of 0…100 %")],
)  # fmt: skip
def test_a_value_that_no_lamp_takes(bench: Bench, value: float | None, words: str) -> None:
    assert words in left_out(bench, "dimming", value, "lamp-1")["lamp-1"]
    desk = bench.desk()
    with pytest.raises(QueryError, match="would reach no device: lamp-1: value"):
        desk.request(desk.plan("dimming", value, bench.codes("lamp-1")), "dimming", value, by="L")
    assert bench.operations.commands() == []


def test_every_kind_restarts_and_takes_an_interval_within_its_own_bounds(bench: Bench) -> None:
    for kind in bench.catalogue.kinds:
        interval, restart = kind.command("interval"), kind.command("restart")
        assert interval is not None and restart is not None
        assert interval.low * 10 >= kind.interval_s > 0
        assert interval.checked(kind.interval_s) == kind.interval_s
        # A device told the longest interval is not offline for it.
        assert interval.high < kind.timeout_s
        assert restart.checked(None) is None
        with pytest.raises(QueryError, match="takes no value"):
            restart.checked(1.0)


def test_nobody_and_too_many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = bench.desk()
    with pytest.raises(QueryError, match="nobody was meant"):
        desk.request(desk.plan("restart", None, []), "restart", None, by="Lan")
    two = desk.plan("restart", None, bench.codes("lamp-1", "lamp-2"))
    monkeypatch.setattr(desk_module, "MAX_DEVICES", 1)
    with pytest.raises(QueryError, match="1 devices at once"):
        desk.request(two, "restart", None, by="Lan")
    monkeypatch.setattr(desk_module, "MAX_DEVICES", 2)
    monkeypatch.setattr(desk_module, "MAX_OPEN", 3)
    desk.request(two, "restart", None, by="Lan")
    with pytest.raises(StoreError, match="2 wait for an answer"):
        desk.request(two, "restart", None, by="Lan")
    assert len(bench.operations.commands()) == 2


def heard(name: str, ok: bool = True, value: float | None = None) -> Heard:
    return Heard(Topic("lamp", "lamp-1", "ack", "dimming"), Answer(name, ok, value))


def one(bench: Bench) -> tuple[desk_module.CommandDesk, str]:
    desk = bench.desk()
    plan = desk.plan("dimming", 40, bench.codes("lamp-1"))
    return desk, desk.request(plan, "dimming", 40, by="Lan")[0].id


def test_an_answer_that_overtakes_the_brokers_confirmation_counts(bench: Bench) -> None:
    desk, name = one(bench)
    desk.settle([heard(name)])
    desk.sent([name])
    desk.settle()
    assert bench.only().state == CommandState.ACKNOWLEDGED
    assert bench.only().applied == 40.0, "done, without saying how much: as told"


def test_of_two_answers_the_first_counts(bench: Bench) -> None:
    desk, name = one(bench)
    desk.settle([heard(name, False), heard(name, True)])
    desk.settle([heard(name, True)])
    assert (bench.only().state, bench.only().error) == ("refused", "the device did not say why")


def test_a_store_that_is_away_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, name = one(bench)
    desk.sent([name])

    def away(*_: object) -> list[str]:
        raise StoreError("operations", "is away")

    with monkeypatch.context() as broken:
        broken.setattr(bench.operations, "settle_commands", away)
        with pytest.raises(StoreError):
            desk.settle([heard(name)])
        assert desk.waiting(10) == [], "what the broker has is not published again"
    desk.settle([heard(name)])
    assert bench.only().state == CommandState.ACKNOWLEDGED


def test_old_commands_go_after_a_year_and_more(bench: Bench) -> None:
    desk, name = one(bench)
    desk.settle([heard(name)])
    bench.clock.advance(400 * DAY)
    desk.settle()
    assert len(bench.operations.commands()) == 1
    bench.clock.advance(DAY + SECOND)
    desk.settle()
    assert bench.operations.commands() == []
    assert bench.clock.now() > NOW
