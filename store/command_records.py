"""What the operations store holds of commands: who told which device what, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any


class CommandState(StrEnum):
    """Where a command stands in its life."""

    REQUESTED = "requested"  # noted, not confirmed by the broker yet
    SENT = "sent"  # the broker has it
    ACKNOWLEDGED = "acknowledged"  # the device did it
    REFUSED = "refused"  # the device would not, and said why
    TIMED_OUT = "timed_out"  # no answer in time; a late one is noted and changes nothing of this


OPEN_COMMANDS = (CommandState.REQUESTED, CommandState.SENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRecord:
    """One command to one device. Times [ns].

    id         what the device repeats in its answer
    batch      the request that it came with: one for all devices of a group
    value      what is wanted, in the command's unit; None where it takes none
    expires    no answer until then: timed out
    sent       when the broker confirmed it
    answered   when the answer came, in time or late
    applied    what the device says it applied
    error      why it did not, or what became of the command instead
    """

    id: str
    batch: str
    device: str
    kind: str
    command: str
    value: float | None
    requested: int
    requested_by: str
    why: str = ""
    expires: int
    state: CommandState = CommandState.REQUESTED
    sent: int | None = None
    answered: int | None = None
    applied: float | None = None
    error: str = ""

    def but(self, **changes: Any) -> CommandRecord:
        """The same with other values."""
        return replace(self, **changes)

    @property
    def late(self) -> bool:
        """The answer came after the time-out."""
        return self.state == CommandState.TIMED_OUT and self.answered is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandFilter:
    """Which commands are meant: those that fit every field; empty, and `devices` None: any.

    start <= requested < end [ns].
    """

    devices: Sequence[str] | None = None
    kinds: Sequence[str] = ()
    commands: Sequence[str] = ()
    states: Sequence[CommandState] = ()
    batch: str = ""
    start: int | None = None
    end: int | None = None
