"""Commands: who is commanded, what is noted, what became of it. Upstream: the API. Downstream: control/loop.py.

Everything is in the operations store before it is published, and every answer before anybody is told.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from control.settle import Heard, settled
from devices.device import Catalogue, Device
from store.command_records import OPEN_COMMANDS, CommandRecord, CommandState
from store.operations import OperationsStore
from telemetry import metrics
from telemetry.clock import DAY, SECOND, Clock
from telemetry.errors import QueryError, StoreError
from telemetry.live import Hub

MAX_DEVICES = 10_000  # in one request
MAX_OPEN = 50_000  # commands that nobody has answered yet
KEEP = 400 * DAY
_GRACE = (
    5 * SECOND
)  # after a start: answers that the broker has kept come before anything times out


@dataclass(frozen=True, slots=True)
class Plan:
    """Who would be commanded, and who of those that were meant would not, with the reason."""

    commanded: list[Device]
    left_out: list[tuple[Device, str]]


@dataclass(frozen=True, slots=True)
class CommandsChanged:
    """What the live stream is told: commands as they are now."""

    commands: tuple[CommandRecord, ...]


class CommandDesk:
    """Every method may be called from any thread. `woken` is called when there is something to send."""

    def __init__(
        self, catalogue: Catalogue, operations: OperationsStore, hub: Hub, clock: Clock
    ) -> None:
        self._catalogue = catalogue
        self._operations = operations
        self._hub = hub
        self._clock = clock
        self._lock = threading.RLock()
        self._open = {c.id: c for c in operations.open_commands()}
        self._sent: dict[str, int] = {}  # confirmed by the broker, not in the store yet
        self._since = clock.now()
        self._purged = self._since
        self.woken: Callable[[], None] = lambda: None

    def plan(self, command: str, value: float | None, codes: Iterable[int]) -> Plan:
        """Who of these devices takes this command with this value."""
        plan = Plan([], [])
        for code in codes:
            device = self._catalogue.devices[code]
            why = self._objection(device, command, value)
            if why:
                plan.left_out.append((device, why))
            else:
                plan.commanded.append(device)
        return plan

    def request(
        self,
        plan: Plan,
        command: str,
        value: float | None,
        *,
        by: str,
        why: str = "",
        timeout: int = 30 * SECOND,
    ) -> list[CommandRecord]:
        """Note a command for each device of a plan, and have them sent. `timeout` [ns].

        Raises QueryError where nobody would be commanded, or too many; StoreError where it can't be noted.
        """
        self._refuse(plan, command)
        now, batch = self._clock.now(), secrets.token_hex(8)
        made = [
            CommandRecord(
                id=secrets.token_hex(8), batch=batch, device=d.id, kind=d.kind, command=command,
                value=value, requested=now, requested_by=by, why=why, expires=now + timeout,
            )
            for d in plan.commanded
        ]  # fmt: skip
        with self._lock:
            if len(self._open) + len(made) > MAX_OPEN:
                need = f"{len(self._open)} wait for an answer; {MAX_OPEN} at most may"
                raise StoreError(
                    "commands", need, remedy="wait until those are answered or time out"
                )
            self._operations.add_commands(made)
            self._open |= {c.id: c for c in made}
        metrics.COMMANDS.labels("requested").inc(len(made))
        self._hub.publish("commands", CommandsChanged(tuple(made)))
        self.woken()
        return made

    def waiting(self, limit: int) -> list[CommandRecord]:
        """Commands to be published now, oldest first."""
        now = self._clock.now()
        found: list[CommandRecord] = []
        with self._lock:
            for command in self._open.values():
                unsent = command.state == CommandState.REQUESTED and command.id not in self._sent
                if unsent and now < command.expires:
                    found.append(command)
                    if len(found) == limit:
                        break
        return found

    def sent(self, ids: Iterable[str]) -> None:
        """The broker has confirmed these. In the store with the next `settle`."""
        with self._lock:
            self._sent |= dict.fromkeys(ids, self._clock.now())

    def settle(self, heard: Sequence[Heard] = ()) -> None:
        """Write what happened: what was sent, what devices answered, what has timed out.

        Raises StoreError where the store does not take it; the same `heard` may be given again.
        """
        with self._lock:
            self._settle_sent()
            self._settle_heard(heard)
            self._settle_expired()
            self._purge()

    def _settle_sent(self) -> None:
        made = [
            self._open[name].but(state=CommandState.SENT, sent=at)
            for name, at in self._sent.items()
            if name in self._open and self._open[name].state == CommandState.REQUESTED
        ]
        self._write(made, (CommandState.REQUESTED,))
        self._sent.clear()

    def _settle_heard(self, heard: Sequence[Heard]) -> None:
        missing = {h.answer.id for h in heard} - self._open.keys()
        known = self._open | (self._operations.commands_by_id(missing) if missing else {})
        result = settled(heard, known, self._clock.now())
        self._write(result.answered, OPEN_COMMANDS)
        self._write(result.late, (CommandState.TIMED_OUT,))
        for outcome, count in result.ignored.items():
            metrics.COMMANDS.labels(outcome).inc(count)

    def _settle_expired(self) -> None:
        now = self._clock.now()
        if now < self._since + _GRACE:
            return
        over = [
            c.but(state=CommandState.TIMED_OUT, error=_silence(c))
            for c in self._open.values()
            if c.expires <= now
        ]
        self._write(over, OPEN_COMMANDS)

    def _write(self, changed: list[CommandRecord], expected: Sequence[CommandState]) -> None:
        if not changed:
            return
        taken = set(self._operations.settle_commands(changed, expected))
        for command in changed:
            if command.state in OPEN_COMMANDS:
                self._open[command.id] = command
            else:
                self._open.pop(command.id, None)
        told = tuple(c for c in changed if c.id in taken)
        for command in told:
            metrics.COMMANDS.labels("late" if command.late else str(command.state)).inc()
        if told:
            self._hub.publish("commands", CommandsChanged(told))

    def _purge(self) -> None:
        now = self._clock.now()
        if now - self._purged >= DAY:
            self._operations.purge_commands(now - KEEP)
            self._purged = now

    def _objection(self, device: Device, command: str, value: float | None) -> str:
        """Why a device is not commanded; "" where it is."""
        if not device.registered:
            return "is not registered"
        if via := self._catalogue.gateways.name_of(self._catalogue.code(device.id) or 0):
            return f"came through gateway {via}, and does not hear commands itself"
        declared = self._catalogue.kinds[device.kind].command(command)
        if declared is None:
            return f"{device.kind} knows no command {command}"
        try:
            declared.checked(value)
        except QueryError as error:
            return str(error)
        return ""

    def _refuse(self, plan: Plan, command: str) -> None:
        if not plan.commanded:
            words = "; ".join(f"{d.id}: {why}" for d, why in plan.left_out[:3])
            raise QueryError(
                "command", f"{command} would reach no device: {words or 'nobody was meant'}"
            )
        if len(plan.commanded) > MAX_DEVICES:
            need = f"may go to {MAX_DEVICES} devices at once"
            raise QueryError(
                "command", need, len(plan.commanded), "command a part of them at a time"
            )


def _silence(command: CommandRecord) -> str:
    seconds = (command.expires - command.requested) / SECOND
    if command.state == CommandState.REQUESTED:
        return f"the broker did not take it within {seconds:g} s"
    return f"no answer within {seconds:g} s"
