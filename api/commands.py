"""Commands for the API: from a request to the devices that are meant, and from records to answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from api.command_schemas import (
    CommandInfo,
    CommandsRequested,
    KindCommand,
    LeftOut,
    Shadow,
    ShadowDesired,
    ShadowFacet,
    ShadowReported,
)
from api.context import Context
from control.desk import CommandDesk, Plan
from control.shadow import Facet, Reported
from devices.command import Command
from store.command_records import CommandRecord
from telemetry.clock import SECOND, format_time
from telemetry.errors import StoreError


def desk_of(context: Context) -> CommandDesk:
    """The desk that sends. Raises StoreError where none is in this process."""
    if context.commands is None:
        raise StoreError("commands", "can't be sent from this process", remedy="ask the platform's")
    return context.commands


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command as somebody asks for it. `by` as it was given; timeout [ns]."""

    command: str
    value: float | None
    by: str
    why: str = ""
    timeout: int = 30 * SECOND


def send(context: Context, plan: Plan, order: Order) -> list[CommandRecord]:
    """Have it done, signed by who asks and noted in the audit log. Raises UrbanError."""
    by = context.trail.principal.signed(order.by)
    made = desk_of(context).request(
        plan, order.command, order.value, by=by, why=order.why, timeout=order.timeout
    )
    done = {"by": by, "value": order.value, "why": order.why, "devices": [c.device for c in made]}
    context.trail.note(f"command.{order.command}", made[0].batch, None, done)
    return made


def encode_command(context: Context, record: CommandRecord) -> CommandInfo:
    """One command."""
    return CommandInfo(
        id=record.id, batch=record.batch, device=record.device, kind=record.kind,
        command=record.command, value=record.value, unit=_unit(context, record),
        state=str(record.state), requested=format_time(record.requested),
        requested_by=record.requested_by, why=record.why, expires=format_time(record.expires),
        sent=_maybe(record.sent), answered=_maybe(record.answered), applied=record.applied,
        late=record.late, error=record.error,
    )  # fmt: skip


def encode_plan(
    context: Context,
    plan: Plan,
    command: str,
    value: float | None,
    made: Iterable[CommandRecord] | None,
) -> CommandsRequested:
    """What was asked for; `made` None: a dry run."""
    commands = [encode_command(context, c) for c in made or ()]
    return CommandsRequested(
        dry_run=made is None,
        batch=commands[0].batch if commands else None,
        command=command,
        value=value,
        devices=[d.id for d in plan.commanded],
        left_out=[LeftOut(d.id, d.kind, why) for d, why in plan.left_out],
        commands=commands,
    )


def encode_shadow(device: str, facets: Iterable[Facet]) -> Shadow:
    """A device's shadow."""
    return Shadow(device, [_facet(f) for f in facets])


def encode_kind_command(command: Command) -> KindCommand:
    """What a kind can be told."""
    some = bool(command.unit)
    return KindCommand(
        name=command.name, vi=command.vi, en=command.en, unit=command.unit,
        low=command.low if some else None, high=command.high if some else None,
        step=command.step if some else None, quantity=command.quantity,
    )  # fmt: skip


def _facet(facet: Facet) -> ShadowFacet:
    return ShadowFacet(
        name=facet.command.name, unit=facet.command.unit, desired=_desired(facet.desired),
        reported=_reported(facet.reported), in_step=facet.in_step,
    )  # fmt: skip


def _desired(wanted: CommandRecord | None) -> ShadowDesired | None:
    if wanted is None:
        return None
    time, state = format_time(wanted.requested), str(wanted.state)
    return ShadowDesired(wanted.value, time, wanted.requested_by, state, wanted.id)


def _reported(said: Reported | None) -> ShadowReported | None:
    return None if said is None else ShadowReported(said.value, format_time(said.time), said.source)


def _unit(context: Context, record: CommandRecord) -> str:
    if record.kind not in context.kinds:
        return ""
    declared = context.kinds[record.kind].command(record.command)
    return declared.unit if declared else ""


def _maybe(time: int | None) -> str | None:
    return None if time is None else format_time(time)
