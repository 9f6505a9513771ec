"""What every operations store promises of commands (store/operations.py)."""

from __future__ import annotations

import pytest

from store.command_records import OPEN_COMMANDS, CommandFilter, CommandRecord, CommandState
from store.operations import OperationsStore
from telemetry.clock import SECOND
from telemetry.errors import StoreError


def command(number: int, **changes: object) -> CommandRecord:
    made = CommandRecord(
        id=f"c{number}",
        batch="b1",
        device="lamp-1",
        kind="lamp",
        command="dimming",
        value=40.0,
        requested=number * SECOND,
        requested_by="Lan",
        why="đêm hội",
        expires=(number + 30) * SECOND,
    )
    return made.but(**changes)


def ids(found: list[CommandRecord]) -> list[str]:
    return [c.id for c in found]


def test_commands_come_back_whole_newest_first_in_pages(operations: OperationsStore) -> None:
    made = [command(n, device=f"lamp-{n % 2}", value=None if n == 3 else 40.0) for n in range(1, 6)]
    operations.add_commands(made)
    assert operations.commands() == made[::-1]
    first = operations.commands(limit=2)
    rest = operations.commands(limit=9, after=(first[-1].requested, first[-1].id))
    assert ids(first + rest) == ["c5", "c4", "c3", "c2", "c1"]
    assert operations.commands_by_id(["c2", "c4", "absent"]) == {"c2": made[1], "c4": made[3]}


def test_filters_take_what_fits_every_field(operations: OperationsStore) -> None:
    operations.add_commands([
        command(1), command(2, device="bin-1", kind="waste", command="restart", value=None),
        command(3, batch="b2", state=CommandState.SENT),
    ])  # fmt: skip
    wanted = {
        "c1 c3": CommandFilter(devices=["lamp-1"]),
        "": CommandFilter(devices=[]),
        "c2": CommandFilter(kinds=["waste"], commands=["restart"]),
        "c3": CommandFilter(batch="b2"),
        "c1 c2": CommandFilter(states=[CommandState.REQUESTED]),
        "c2 c3": CommandFilter(start=2 * SECOND, end=4 * SECOND),
    }
    for expected, which in wanted.items():
        assert sorted(ids(operations.commands(which))) == expected.split()


def test_the_same_id_twice_is_refused_and_nothing_of_its_request_is_kept(
    operations: OperationsStore,
) -> None:
    operations.add_commands([command(1)])
    with pytest.raises(StoreError):
        operations.add_commands([command(2), command(1)])
    assert ids(operations.commands()) == ["c1"]


def test_what_came_first_stands(operations: OperationsStore) -> None:
    operations.add_commands([command(1), command(2)])
    answered = command(1, state=CommandState.ACKNOWLEDGED, answered=9 * SECOND, applied=35.0)
    assert operations.settle_commands([answered], OPEN_COMMANDS) == ["c1"]
    sent = [command(n, state=CommandState.SENT, sent=10 * SECOND) for n in (1, 2)]
    assert operations.settle_commands(sent, [CommandState.REQUESTED]) == ["c2"]
    late = [command(n, state=CommandState.TIMED_OUT, error="no answer") for n in (1, 2)]
    assert operations.settle_commands(late, OPEN_COMMANDS) == ["c2"]
    assert operations.commands_by_id(["c1"])["c1"] == answered
    assert operations.open_commands() == []


def test_open_ones_are_found_after_a_restart_oldest_first(operations: OperationsStore) -> None:
    operations.add_commands([
        command(3), command(1, state=CommandState.SENT, sent=SECOND), command(2, state=CommandState.REFUSED),
    ])  # fmt: skip
    assert ids(operations.open_commands()) == ["c1", "c3"]


def test_the_last_of_each_command_wanted_and_applied(operations: OperationsStore) -> None:
    done, sent = CommandState.ACKNOWLEDGED, CommandState.SENT
    operations.add_commands([
        command(1, state=done, answered=5 * SECOND, applied=80.0),
        command(2, state=done, answered=4 * SECOND, applied=60.0),
        command(3, state=sent, value=20.0),
        command(4, state=CommandState.REFUSED, answered=9 * SECOND, value=0.0, applied=20.0),
        command(5, command="interval", value=60.0, state=CommandState.TIMED_OUT),
        command(6, device="lamp-2"),
    ])  # fmt: skip
    wanted, told = operations.last_commands("lamp-1")
    assert {name: c.id for name, c in wanted.items()} == {"dimming": "c3", "interval": "c5"}
    assert {name: c.id for name, c in told.items()} == {"dimming": "c1"}
    assert operations.last_commands("lamp-9") == ({}, {})


def test_old_ones_go_and_open_ones_stay(operations: OperationsStore) -> None:
    operations.add_commands([
        command(1, state=CommandState.TIMED_OUT), command(2), command(3, state=CommandState.REFUSED),
    ])  # fmt: skip
    assert operations.purge_commands(3 * SECOND) == 1
    assert ids(operations.commands()) == ["c3", "c2"]
