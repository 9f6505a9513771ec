"""What answers of devices mean for the commands that they name. Nothing of a store or a broker in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from devices.command import Answer
from devices.topics import Topic
from store.command_records import OPEN_COMMANDS, CommandRecord, CommandState


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer, and the topic it came on: the broker lets a device write its own only."""

    topic: Topic
    answer: Answer


@dataclass(frozen=True, slots=True)
class Settled:
    """answered: open ones that are settled; late: timed out ones with their answer; ignored: why → answers."""

    answered: list[CommandRecord] = field(default_factory=list)
    late: list[CommandRecord] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def settled(heard: Sequence[Heard], known: Mapping[str, CommandRecord], now: int) -> Settled:
    """The commands as they are after these answers; of two to one command the first counts."""
    result = Settled()
    done: set[str] = set()
    for one in heard:
        command = known.get(one.answer.id)
        if command is None or not _is_of(one.topic, command):
            # An id that was never given, or another device's: nobody answers for others.
            result.ignored["unknown"] += 1
        elif command.id in done or command.answered is not None:
            result.ignored["repeated"] += 1
        else:
            done.add(command.id)
            which = result.answered if command.state in OPEN_COMMANDS else result.late
            which.append(_with(command, one.answer, now))
    return result


def _is_of(topic: Topic, command: CommandRecord) -> bool:
    said = (topic.kind, topic.device, topic.command)
    return said == (command.kind, command.device, command.command)


def _with(command: CommandRecord, answer: Answer, now: int) -> CommandRecord:
    applied = answer.value
    if answer.ok and applied is None:
        applied = command.value  # done as told
    if command.state not in OPEN_COMMANDS:
        words = "did it" if answer.ok else f"refused: {answer.error or 'it did not say why'}"
        return command.but(
            answered=now, applied=applied, error=f"{command.error}; answered late: {words}"
        )
    if answer.ok:
        return command.but(state=CommandState.ACKNOWLEDGED, answered=now, applied=applied)
    error = answer.error or "the device did not say why"
    return command.but(state=CommandState.REFUSED, answered=now, applied=applied, error=error)
