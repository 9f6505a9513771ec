"""Commands to devices in the SQL store. What a device answered is never overwritten by what came before it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)  # fmt: skip

from store.command_records import OPEN_COMMANDS, CommandFilter, CommandRecord, CommandState
from store.schema import COMMANDS
from store.sql_base import SqlBase, fields_of

_C = COMMANDS.c
_MANY = 500  # ids in one question


class SqlCommands(SqlBase):
    """The part of `OperationsStore` that keeps commands."""

    def add_commands(self, commands: Iterable[CommandRecord]) -> None:
        """See OperationsStore.add_commands."""
        rows = [{f: getattr(c, f) for f in CommandRecord.__dataclass_fields__} for c in commands]
        if rows:
            with self._writing() as db:
                db.execute(COMMANDS.insert(), rows)

    def settle_commands(
        self, commands: Iterable[CommandRecord], expected: Sequence[CommandState]
    ) -> list[str]:
        """See OperationsStore.settle_commands."""
        statement = (
            update(COMMANDS)
            .where(_C.id == bindparam("which"), _C.state.in_([str(s) for s in expected]))
            .values({n: bindparam(n) for n in ("state", "sent", "answered", "applied", "error")})
        )
        taken: list[str] = []
        with self._writing() as db:
            for c in commands:
                row: dict[str, Any] = {"which": c.id, "state": str(c.state), "sent": c.sent}
                row |= {"answered": c.answered, "applied": c.applied, "error": c.error}
                if db.execute(statement, row).rowcount:
                    taken.append(c.id)
        return taken

    def commands(
        self,
        which: CommandFilter = CommandFilter(),
        *,
        limit: int = 100,
        after: tuple[int, str] | None = None,
    ) -> list[CommandRecord]:
        """See OperationsStore.commands."""
        query = _wanted(which)
        if after is not None:
            time, name = after
            query = query.where(or_(_C.requested < time, and_(_C.requested == time, _C.id < name)))
        return self._command_records(query.order_by(_C.requested.desc(), _C.id.desc()).limit(limit))

    def commands_by_id(self, ids: Iterable[str]) -> dict[str, CommandRecord]:
        """See OperationsStore.commands_by_id."""
        wanted, found = list(ids), list[CommandRecord]()
        for at in range(0, len(wanted), _MANY):
            found += self._command_records(
                select(COMMANDS).where(_C.id.in_(wanted[at : at + _MANY]))
            )
        return {c.id: c for c in found}

    def open_commands(self) -> list[CommandRecord]:
        """See OperationsStore.open_commands."""
        query = select(COMMANDS).where(_C.state.in_([str(s) for s in OPEN_COMMANDS]))
        return self._command_records(query.order_by(_C.requested, _C.id))

    def last_commands(
        self, device: str
    ) -> tuple[dict[str, CommandRecord], dict[str, CommandRecord]]:
        """See OperationsStore.last_commands."""
        accepted = _C.state != str(CommandState.REFUSED)
        wanted = self._last_of_each(device, _C.requested, accepted)
        told = self._last_of_each(device, _C.answered, accepted, _C.applied.is_not(None))
        return wanted, told

    def purge_commands(self, older_than: int) -> int:
        """See OperationsStore.purge_commands."""
        settled = ~_C.state.in_([str(s) for s in OPEN_COMMANDS])
        with self._writing() as db:
            return db.execute(delete(COMMANDS).where(_C.requested < older_than, settled)).rowcount

    def _last_of_each(
        self, device: str, time: Column[Any], *fits: ColumnElement[bool]
    ) -> dict[str, CommandRecord]:
        """Command → the newest one of a device, by this time, of those that fit."""
        theirs = (_C.device == device, *fits)
        last = select(_C.command.label("name"), func.max(time).label("newest"))
        found = last.where(*theirs).group_by(_C.command).subquery()
        same = and_(_C.command == found.c.name, time == found.c.newest)
        query = select(COMMANDS).join(found, same).where(*theirs).order_by(_C.id)
        return {c.command: c for c in self._command_records(query)}

    def _command_records(self, query: Select[Any]) -> list[CommandRecord]:
        return [
            CommandRecord(**fields_of(r, CommandRecord) | {"state": CommandState(r.state)})
            for r in self._rows(query)
        ]


def _wanted(which: CommandFilter) -> Select[Any]:
    query = select(COMMANDS)
    lists = (
        (_C.device, which.devices), (_C.kind, which.kinds or None),
        (_C.command, which.commands or None),
        (_C.state, [str(s) for s in which.states] or None),
    )  # fmt: skip
    for column, allowed in lists:
        if allowed is not None:
            query = query.where(column.in_(allowed))
    if which.batch:
        query = query.where(_C.batch == which.batch)
    if which.start is not None:
        query = query.where(_C.requested >= which.start)
    if which.end is not None:
        query = query.where(_C.requested < which.end)
    return query
