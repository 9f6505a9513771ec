"""The hub's events → what one client of the live stream asked for, whichever wire it uses.

A reading goes out once, as the most special thing that the client asked for: the state of a device, an
official index, or a reading. Clients that ask the same are served from one encoding.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Literal, TypeAlias

import msgspec
import numpy as np
from fastapi import Query

from api.commands import encode_command
from api.context import Context
from api.encode import encode_alert
from api.parameters import (
    Areas,
    Box,
    Ctx,
    Devices,
    KindNames,
    Quantities,
    Selection,
    Tags,
    select_series,
)
from api.rows import json_text
from api.sse import Made
from api.tables import table_of
from control.desk import CommandsChanged
from devices.kind import ONLINE
from store.records import Alert
from telemetry.arrays import Mask
from telemetry.live import Event
from telemetry.readings import Readings

DEFAULT = ("readings", "alerts")
_REMEMBERED = 2_000  # encoded events, for the clients that are a little behind

Types: TypeAlias = Annotated[
    list[Literal["readings", "indices", "status", "alerts", "commands"]] | None,
    Query(description="What to send; may repeat. Default: readings and alerts"),
]


@dataclass
class Wish:
    """What one client wants, as it said it; resolved to codes again whenever the catalogue has grown."""

    context: Context
    filters: tuple[tuple[str, ...] | None, ...]  # device, kind, area, quantity, tag
    bbox: str | None
    types: frozenset[str]
    _known: tuple[int, int] = (-1, -1)
    _selection: Selection | None = None

    @property
    def key(self) -> object:
        """The same for clients that are sent the same: they ask the same, and may see the same."""
        sight = self.context.sight
        return self.filters, self.bbox, self.types, sight.domains, sight.areas

    def selection(self) -> Selection:
        """The devices and quantities of now. Raises QueryError and Problem for what is not known."""
        catalogue = self.context.catalogue
        now = (len(catalogue), catalogue.replacements)
        if self._selection is None or self._known != now:
            self._known = now
            device, kind, area, quantity, tag = (
                None if names is None else list(names) for names in self.filters
            )
            self._selection = select_series(
                self.context, device, kind, area, self.bbox, quantity, tag
            )
        return self._selection


def wish(
    context: Ctx,
    device: Devices = None,
    kind: KindNames = None,
    area: Areas = None,
    bbox: Box = None,
    quantity: Quantities = None,
    tag: Tags = None,
    types: Types = None,
) -> Wish:
    """What is asked for; what is wrong with it is refused before the stream begins."""
    lists = (device, kind, area, quantity, tag)
    filters = tuple(None if names is None else tuple(sorted(names)) for names in lists)
    made = Wish(context, filters, bbox, frozenset(types or DEFAULT))
    made.selection()
    return made


@dataclass
class Encodings:
    """What was encoded lately, by event and wish. Used by one event loop."""

    _made: OrderedDict[tuple[int, object], Made] = field(default_factory=OrderedDict)

    def of(self, event: Event, wanted: Wish) -> Made:
        """The parts of an event that a client gets."""
        place = (event.number, wanted.key)
        found = self._made.get(place)
        if found is None:
            found = self._made[place] = tuple(_encode(event, wanted))
            while len(self._made) > _REMEMBERED:
                self._made.popitem(last=False)
        return found


def _encode(event: Event, wanted: Wish) -> Iterator[tuple[str, bytes]]:
    payload, types = event.payload, wanted.types
    if isinstance(payload, Readings):
        yield from _readings(wanted.context, payload, wanted)
    elif isinstance(payload, Alert) and "alerts" in types:
        yield from _alert(wanted.context, payload, wanted.selection())
    elif isinstance(payload, CommandsChanged) and "commands" in types:
        yield from _commands(wanted.context, payload, wanted.selection())


def _readings(context: Context, readings: Readings, wanted: Wish) -> Iterator[tuple[str, bytes]]:
    if not wanted.types & {"readings", "indices", "status"}:
        return
    selection = wanted.selection()
    if selection.devices is not None:
        readings = readings.take(np.isin(readings.device, selection.devices))
    if selection.quantities is not None:
        readings = readings.take(np.isin(readings.quantity, selection.quantities))
    left: Mask = np.ones(len(readings), dtype=bool)
    for name, special in (("status", _is_status), ("indices", _is_index)):
        if name in wanted.types:
            which = special(context, readings) & left
            left &= ~which
            yield from _rows(context, name, readings.take(which))
    if "readings" in wanted.types:
        yield from _rows(context, "readings", readings.take(left))


def _rows(context: Context, name: str, readings: Readings) -> Iterator[tuple[str, bytes]]:
    if len(readings):
        rows = json_text(context, table_of(readings))
        yield name, b'{"items":[%s]}' % rows.encode()


def _is_status(context: Context, readings: Readings) -> Mask:
    found: Mask = readings.quantity == context.kinds.quantity_code[ONLINE.name]
    return found


def _is_index(context: Context, readings: Readings) -> Mask:
    table = np.zeros(context.kinds.declared.shape, dtype=bool)
    for code, kind in enumerate(context.kinds):
        table[code, [context.kinds.quantity_code[name] for name in kind.indices]] = True
    found: Mask = table[context.catalogue.kind_of[readings.device], readings.quantity]
    return found


def _alert(context: Context, alert: Alert, wanted: Selection) -> Iterator[tuple[str, bytes]]:
    if not context.sight.subject(alert.subject):
        return
    devices = wanted.devices if wanted.named else None
    if devices is not None and context.catalogue.code(alert.device) not in devices:
        return
    quantity = context.kinds.quantity_code.get(alert.quantity)
    if wanted.quantities is None or quantity in wanted.quantities:
        yield "alert", msgspec.json.encode(encode_alert(context, alert))


def _commands(
    context: Context, changed: CommandsChanged, wanted: Selection
) -> Iterator[tuple[str, bytes]]:
    code = context.catalogue.code
    items = [
        encode_command(context, c)
        for c in changed.commands
        if wanted.devices is None or code(c.device) in wanted.devices
    ]
    if items:
        yield "commands", msgspec.json.encode({"items": items})
