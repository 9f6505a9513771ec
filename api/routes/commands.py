"""POST and GET /commands, GET /devices/{id}/shadow: what devices are told, and what became of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import Field, StringConstraints

from api.access.principal import Role
from api.access.rules import allow
from api.bodies import Act, Maybe
from api.command_schemas import CommandInfo, CommandsRequested, Shadow
from api.commands import Order, desk_of, encode_command, encode_plan, encode_shadow, send
from api.context import Context
from api.cursor import make_cursor, read_cursor
from api.encode import listing, respond
from api.openapi import answers, list_of
from api.parameters import Areas, Ctx, Cursor, Devices, KindNames, code_of, select_places
from api.period import End, Start, select_time
from api.problems import invalid, not_found
from control.shadow import shadow
from devices.command import COMMAND_NAME
from store.command_records import CommandFilter, CommandState
from telemetry.clock import DAY, parse_duration
from telemetry.errors import QueryError

router = APIRouter(tags=["devices"], dependencies=[allow(Role.VIEWER)])

_DIM: dict[str, Any] = {
    "by": "Trực ca Lan", "command": "dimming", "value": 40, "kind": ["lamp"], "area": ["26740"],
    "dry_run": True,
}  # fmt: skip
Word = Annotated[str, StringConstraints(min_length=1, max_length=64, strict=True)]
Words = Annotated[list[Word], Field(min_length=1, max_length=1_000)]


class CommandBody(Act):
    """What to tell whom. Devices by name, or a group: what fits every field that is given.

    tag: a word that devices are grouped by; parent: the feeder or gateway they hang on; dry_run: only say
    who would be commanded; timeout: how long an answer is waited for (30s, 5m), a day at most.
    """

    command: Annotated[str, StringConstraints(pattern=f"^{COMMAND_NAME.pattern}$")]
    value: Annotated[float | None, Field(allow_inf_nan=False)] = None
    device: Words | None = None
    kind: Words | None = None
    area: Words | None = None
    tag: Word | None = None
    parent: Word | None = None
    bbox: Annotated[str | None, Field(max_length=200)] = None
    dry_run: bool = False
    timeout: Annotated[str, Field(max_length=10)] = "30s"
    why: Maybe = ""


@router.post(
    "/commands",
    summary="Tell devices what to do",
    responses=answers(CommandsRequested, 404, 411, 415),
    dependencies=[allow(Role.OPERATOR, act="command.send")],
)
def post_commands(context: Ctx, body: Annotated[CommandBody, Body(examples=[_DIM])]) -> Response:
    """A command to each device that is meant, noted and then published; the answer doesn't wait for theirs:
    see GET /commands?batch=…, or `event: commands` of the stream. Devices that don't know the command, are
    not registered or hang on a gateway are left out, with the reason. With `dry_run` nothing is sent."""
    timeout = parse_duration(body.timeout, "timeout")
    if timeout > DAY:
        raise QueryError("timeout", "must be a day at most", body.timeout)
    _refuse_unknown(context, body.command)
    desk = desk_of(context)
    plan = desk.plan(body.command, body.value, meant(context, body))
    if body.dry_run:
        context.trail.nothing()
        return respond(encode_plan(context, plan, body.command, body.value, None))
    order = Order(command=body.command, value=body.value, by=body.by, why=body.why, timeout=timeout)
    made = send(context, plan, order)
    return respond(encode_plan(context, plan, body.command, body.value, made))


@router.get("/commands", summary="Commands", responses=answers(list_of(CommandInfo), 404))
def get_commands(
    context: Ctx,
    device: Devices = None,
    kind: KindNames = None,
    area: Areas = None,
    state: Annotated[
        list[Literal["requested", "sent", "acknowledged", "refused", "timed_out"]] | None,
        Query(description="May repeat"),
    ] = None,
    batch: Annotated[str | None, Query(description="Of one request", max_length=64)] = None,
    start: Start = None,
    end: End = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """Commands, newest first, with what became of them."""
    which = CommandFilter(
        devices=select_places(context, device, kind, area).device_ids(context),
        states=[CommandState(s) for s in state or ()],
        batch=batch or "",
        start=select_time("start", start),
        end=select_time("end", end),
    )
    after = read_cursor("commands", cursor, tuple[int, str])
    found = context.operations.commands(which, limit=limit + 1, after=after)
    page = found[:limit]
    more = len(found) > limit
    following = make_cursor("commands", [page[-1].requested, page[-1].id]) if more else None
    return listing([encode_command(context, c) for c in page], following)


@router.get("/commands/{command_id}", summary="One command", responses=answers(CommandInfo, 404))
def get_command(
    context: Ctx, command_id: Annotated[str, Path(description="Command's id", max_length=64)]
) -> Response:
    """What became of a command."""
    found = context.operations.commands_by_id([command_id]).get(command_id)
    if found is None:
        raise not_found(f"command_id: there is no command {command_id!r}", "command_id")
    return respond(encode_command(context, found))


@router.get(
    "/devices/{device_id}/shadow",
    summary="Desired and reported state of a device",
    responses=answers(Shadow, 404),
)
def get_shadow(
    context: Ctx, device_id: Annotated[str, Path(description="Device id", examples=["aq-0007"])]
) -> Response:
    """Of each command that sets something: what was asked for last, what the device said last (by answer
    or by telemetry), and whether they agree."""
    code = code_of(context, device_id)
    facets = shadow(context.catalogue, context.operations, context.telemetry, code)
    return respond(encode_shadow(device_id, facets))


def meant(context: Context, body: CommandBody) -> list[int]:
    """Codes of the devices that a request names."""
    if not any((body.device, body.kind, body.area, body.tag, body.parent, body.bbox)):
        words = "device: name who is meant, by device, kind, area, tag, parent or bbox"
        raise invalid("device", words)
    codes = select_places(context, body.device, body.kind, body.area, body.bbox).devices
    if codes is None:
        codes = np.arange(len(context.catalogue), dtype=np.int32)
    devices = context.catalogue.devices
    return [
        code
        for code in codes.tolist()
        if (body.tag is None or body.tag in devices[code].tags)
        and (body.parent is None or body.parent == devices[code].parent)
        and (body.device is not None or devices[code].registered)
    ]


def _refuse_unknown(context: Context, command: str) -> None:
    known = dict.fromkeys(c.name for kind in context.kinds for c in kind.commands)
    if command not in known:
        raise QueryError("command", "is not known here", command, f"one of {', '.join(known)}")
