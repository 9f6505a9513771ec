"""Commands → figures for the board of a device: who told it what, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from grafana.measurements import COMMAND
from store.command_records import CommandFilter, CommandRecord
from store.line_protocol import FieldValue, encode_point
from store.operations import OperationsStore
from telemetry.clock import DAY

BACK = DAY  # how long a command is looked at for news: it has its answer, or timed out, long before
MOST = 5_000  # commands in a round, the newest


@dataclass(slots=True)
class CommandFigures:
    """What is new of commands, round by round; a command that is told again replaces its point.

    told   id → what was written of it, of the last round's commands
    """

    _told: dict[str, CommandRecord] = field(default_factory=dict)

    def new(self, operations: OperationsStore, now: int) -> list[CommandRecord]:
        """Commands of the last day that are not written as they are now. Raises StoreError."""
        found = operations.commands(CommandFilter(start=now - BACK), limit=MOST)
        return [c for c in found if self._told.get(c.id) != c]

    def wrote(self, commands: Sequence[CommandRecord], now: int) -> None:
        """They are written."""
        self._told |= {c.id: c for c in commands}
        self._told = {i: c for i, c in self._told.items() if c.requested >= now - BACK}


def command_lines(commands: Sequence[CommandRecord]) -> Iterator[str]:
    """A point for each command, at the time when it was asked for."""
    for c in commands:
        fields: dict[str, FieldValue] = {
            "state": str(c.state),
            "by": c.requested_by or "-",
            "error": c.error or "-",
        }
        values = {"value": c.value, "applied": c.applied}
        fields |= {name: float(v) for name, v in values.items() if v is not None}
        if c.answered is not None:
            fields["answered_s"] = (c.answered - c.requested) / 1e9
        tags = {"device": c.device, "kind": c.kind, "command": c.command}
        yield encode_point(COMMAND, tags, fields, c.requested)
