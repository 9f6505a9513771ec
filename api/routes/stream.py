"""GET /stream: readings and alerts as they happen, as server-sent events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from fastapi import APIRouter, Header, Query, Request, Response

from api.access.principal import Role
from api.access.rules import allow
from api.commands import encode_command
from api.context import Context
from api.encode import encode_alert, encode_readings
from api.openapi import STREAM, answers
from api.parameters import (
    Areas,
    Box,
    Ctx,
    Devices,
    KindNames,
    Quantities,
    Selection,
    select_series,
)
from api.sse import Encode, EventStream, Place
from control.desk import CommandsChanged
from store.records import Alert
from telemetry.live import Event
from telemetry.readings import Readings

router = APIRouter(tags=["live"], dependencies=[allow(Role.VIEWER)])


@router.get("/stream", summary="Live readings and alerts", responses=answers(STREAM))
async def get_stream(
    request: Request,
    context: Ctx,
    device: Devices = None,
    kind: KindNames = None,
    area: Areas = None,
    bbox: Box = None,
    quantity: Quantities = None,
    types: Annotated[
        list[Literal["readings", "alerts", "commands"]] | None,
        Query(description="What to send; may repeat. Default: readings and alerts"),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="Id of the last event that was seen: go on behind it")
    ] = None,
) -> Response:
    """`event: readings` and `event: commands` carry {"items": […]}, `event: alert` one alert. Comments keep
    the line open.

    After a break, send `Last-Event-ID` (browsers do): what is still kept is sent first; what is not is
    told by `event: lost`. A client that reads too slowly is cut. Devices that join later are heard of
    too, where the filters let them through.
    """
    run = request.app.state.run
    wanted = Filter(context, device, kind, area, bbox, quantity)
    wanted.selection()  # what is wrong is refused before the stream begins
    encode = _encoder(context, wanted, frozenset(types or ("readings", "alerts")))
    return EventStream(context.hub, run, encode, Place.of(last_event_id, run))


@dataclass
class Filter:
    """What one client wants, as it said it; resolved to codes again whenever the catalogue has grown."""

    context: Context
    device: list[str] | None
    kind: list[str] | None
    area: list[str] | None
    bbox: str | None
    quantity: list[str] | None
    _known: int = -1
    _selection: Selection | None = None

    def selection(self) -> Selection:
        """The devices and quantities of now."""
        if self._selection is None or self._known != len(self.context.catalogue):
            self._known = len(self.context.catalogue)
            self._selection = select_series(
                self.context, self.device, self.kind, self.area, self.bbox, self.quantity
            )
        return self._selection


def _encoder(context: Context, wanted: Filter, types: frozenset[str]) -> Encode:
    def encode(event: Event) -> tuple[str, bytes] | None:
        if isinstance(event.payload, Readings) and "readings" in types:
            return _readings(context, event.payload, wanted.selection())
        if isinstance(event.payload, Alert) and "alerts" in types:
            return _alert(context, event.payload, wanted.selection())
        if isinstance(event.payload, CommandsChanged) and "commands" in types:
            return _commands(context, event.payload, wanted.selection())
        return None

    return encode


def _readings(context: Context, readings: Readings, wanted: Selection) -> tuple[str, bytes] | None:
    if wanted.devices is not None:
        readings = readings.take(np.isin(readings.device, wanted.devices))
    if wanted.quantities is not None:
        readings = readings.take(np.isin(readings.quantity, wanted.quantities))
    if len(readings) == 0:
        return None
    return "readings", msgspec.json.encode({"items": encode_readings(context, readings)})


def _alert(context: Context, alert: Alert, wanted: Selection) -> tuple[str, bytes] | None:
    if not context.sight.subject(alert.subject):
        return None
    devices = wanted.devices if wanted.named else None
    if devices is not None and context.catalogue.code(alert.device) not in devices:
        return None
    quantity = context.kinds.quantity_code.get(alert.quantity)
    if wanted.quantities is not None and quantity not in wanted.quantities:
        return None
    return "alert", msgspec.json.encode(encode_alert(context, alert))


def _commands(
    context: Context, changed: CommandsChanged, wanted: Selection
) -> tuple[str, bytes] | None:
    code = context.catalogue.code
    items = [
        encode_command(context, c)
        for c in changed.commands
        if wanted.devices is None or code(c.device) in wanted.devices
    ]
    return ("commands", msgspec.json.encode({"items": items})) if items else None
