"""GET /indices: the newest official indices, what they rest on, and the texts they follow; or why there is none."""

from __future__ import annotations

import numpy as np
from fastapi import APIRouter, Response

from analytics.indices.info import IndexInfo
from analytics.indices.registry import all_indices, index_of
from api.access.principal import Role
from api.access.rules import allow
from api.context import Context
from api.encode import encode_readings, listing
from api.openapi import answers, list_of
from api.parameters import Ctx, Selection, SeriesFilter
from api.schemas import Index, Reading, Text
from devices import legal
from devices.device import Device
from devices.kind import Kind, Quantity
from store.telemetry import Series
from telemetry.clock import SECOND, parse_time, to_datetime
from telemetry.errors import DeclarationError

router = APIRouter(tags=["telemetry"], dependencies=[allow(Role.VIEWER)])

Newest = dict[tuple[str, str], Reading]


@router.get("/indices", summary="The newest official indices", responses=answers(list_of(Index)))
def get_indices(context: Ctx, selection: SeriesFilter) -> Response:
    """Every index that a kind declares: its value where its data rule is met, else in `why` why not.

    Where there is one: `main` is what it rests on, `category` and `colour` are those of the text, and
    `edition` is the one in force at `time`.
    """
    readings = encode_readings(context, context.telemetry.latest(_with_mains(context, selection)))
    newest = {(r.device, r.quantity): r for r in readings}
    wanted = _wanted(context, selection)
    found = []
    for device in _devices(context, selection):
        kind = context.kinds[device.kind]
        for name in kind.indices:
            quantity, info = kind.quantity(name), index_of(kind.name, name)
            known = (device.id, name) in newest or info is not None
            if quantity is not None and known and (wanted is None or name in wanted):
                found.append(_index(context, device, kind, quantity, info, newest))
    return listing(found)


def _devices(context: Context, selection: Selection) -> list[Device]:
    every = context.catalogue.devices
    return every[:] if selection.devices is None else [every[c] for c in selection.devices]


def _wanted(context: Context, selection: Selection) -> set[str] | None:
    if selection.quantities is None:
        return None
    return {context.kinds.quantities[code] for code in selection.quantities}


def _with_mains(context: Context, selection: Selection) -> Series:
    """The series of the indices that are meant, and of what they rest on."""
    wanted, code = _wanted(context, selection), context.kinds.quantity_code
    names = {q for kind in context.kinds for q in kind.indices if wanted is None or q in wanted}
    names |= {i.main for i in all_indices() if i.main and i.quantity in names}
    codes = sorted(code[q] for q in names if q in code)
    return Series(selection.devices, np.array(codes, dtype=np.int16))


def _index(
    context: Context,
    device: Device,
    kind: Kind,
    quantity: Quantity,
    info: IndexInfo | None,
    newest: Newest,
) -> Index:
    reading = newest.get((device.id, quantity.name))
    value = None if reading is None else reading.value
    band = None if info is None or value is None else info.category(value)
    edition, confidence = _edition(context, kind, quantity.name, info, reading)
    return Index(
        device=device.id,
        kind=kind.name,
        quantity=quantity.name,
        value=value,
        unit=quantity.unit,
        flag=9 if reading is None else reading.flag,
        time=None if reading is None else reading.time,
        title=Text(quantity.vi, quantity.en),
        edition=edition,
        confidence=confidence,
        main=_main(info, reading, device.id, newest),
        category=None if band is None else Text(band.vi, band.en),
        colour=None if band is None else band.colour,
        why=_why(context, info, reading),
    )


def _main(info: IndexInfo | None, reading: Reading | None, device: str, newest: Newest) -> str:
    """What the index rests on: only where it was told for the same time."""
    if info is None or reading is None or reading.value is None:
        return ""
    main = newest.get((device, info.main))
    if main is None or main.value is None or main.time != reading.time:
        return ""
    place = int(main.value)
    return info.components[place] if 0 <= place < len(info.components) else ""


def _why(context: Context, info: IndexInfo | None, reading: Reading | None) -> Text | None:
    """Why there is no index for now; None where there is one."""
    if info is None:
        return None
    if reading is not None and reading.value is not None:
        age = context.clock.now() - parse_time(reading.time)
        if age <= info.max_age_s * SECOND:
            return None
    return Text(*info.why_not)


def _edition(
    context: Context, kind: Kind, name: str, info: IndexInfo | None, reading: Reading | None
) -> tuple[str, str]:
    """(edition, confidence) at the time of the reading."""
    if info is None:
        return next((r.edition for r in kind.rules if r.quantity == name), ""), ""
    if info.subject and reading is not None:
        day = to_datetime(parse_time(reading.time), context.city.zone).date()
        try:
            table = legal.in_force(info.subject, day)
        except DeclarationError:  # no edition was in force then
            return "", ""
        return table.name, table.confidence
    return info.edition, str(info.confidence)
