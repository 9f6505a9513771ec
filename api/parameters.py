"""Query names that mean the same everywhere: device, kind, area, quantity, bbox, cursor. Times: api/period.py."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any, TypeAlias

import numpy as np
from fastapi import Depends, Query
from fastapi.dependencies.models import Dependant
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from api.access.rules import principal_of, trail_of
from api.access.seen import Eyes
from api.context import Context
from api.problems import Problem, invalid, not_found, too_much
from devices.device import Device
from store.telemetry import Series
from telemetry.arrays import Codes16, Codes32, Mask
from telemetry.errors import QueryError

MAX_NAMES = 1_000  # of one parameter that may repeat
_REPEAT = frozenset(
    {
        "device",
        "kind",
        "area",
        "quantity",
        "tag",
        "types",
        "state",
        "severity",
        "rule",
        "reason",
        "domain",
        "assigned",
        "who",
        "act",
        "about",
    }
)


async def context_of(request: HTTPConnection) -> Context:
    """The context as whoever asks may see it: what lies outside of its domains and areas is not there."""
    eyes = request.app.state.eyes
    assert isinstance(eyes, Eyes)
    return eyes.see(principal_of(request), trail_of(request))


Ctx = Annotated[Context, Depends(context_of)]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which devices and quantities are meant, as codes; None means all, which only who sees all gets.

    named  devices were asked for, and are not only those that are seen
    """

    devices: Codes32 | None
    quantities: Codes16 | None
    named: bool = True

    @property
    def series(self) -> Series:
        """For the telemetry store."""
        return Series(self.devices, self.quantities)

    def device_ids(self, context: Context) -> list[str] | None:
        """For the operations store, which narrows to what is seen by itself."""
        if self.devices is None or not self.named:
            return None
        return [context.catalogue.devices[code].id for code in self.devices]


Devices: TypeAlias = Annotated[
    list[str] | None, Query(description="Device id; may repeat", examples=[["aq-0007"]])
]
KindNames: TypeAlias = Annotated[
    list[str] | None, Query(description="Kind of device; may repeat", examples=[["air"]])
]
Areas: TypeAlias = Annotated[
    list[str] | None, Query(description="Official code of a ward or commune; may repeat")
]
Tags: TypeAlias = Annotated[
    list[str] | None,
    Query(description="Word that devices are grouped by; may repeat: any of them"),
]
Quantities: TypeAlias = Annotated[
    list[str] | None, Query(description="Quantity; may repeat", examples=[["pm25"]])
]
Box: TypeAlias = Annotated[
    str | None,
    Query(
        description="west,south,east,north in degrees (WGS 84)",
        examples=["106.6,10.7,106.8,10.9"],
    ),
]


def select_places(
    context: Ctx,
    device: Devices = None,
    kind: KindNames = None,
    area: Areas = None,
    bbox: Box = None,
    tag: Tags = None,
) -> Selection:
    """The devices that the filters name."""
    codes = _device_codes(context, device, kind, area, bbox, tag)
    return Selection(codes, None, _named(device, kind, area, bbox, tag))


def select_series(
    context: Ctx,
    device: Devices = None,
    kind: KindNames = None,
    area: Areas = None,
    bbox: Box = None,
    quantity: Quantities = None,
    tag: Tags = None,
) -> Selection:
    """The devices and quantities that the filters name."""
    codes = _device_codes(context, device, kind, area, bbox, tag)
    named = _named(device, kind, area, bbox, tag)
    return Selection(codes, _quantity_codes(context, quantity), named)


# FastAPI sends a dependency that is no coroutine to a thread, which costs more than most of them: what is
# quick runs where the request is, and only what looks at every device goes to a thread.


async def places_of_request(
    context: Ctx,
    device: Devices = None,
    kind: KindNames = None,
    area: Areas = None,
    bbox: Box = None,
    tag: Tags = None,
) -> Selection:
    """As `select_places`."""
    chosen = partial(select_places, context, device, kind, area, bbox, tag)
    return await run_in_threadpool(chosen) if area or bbox or tag else chosen()


async def series_of_request(
    context: Ctx,
    device: Devices = None,
    kind: KindNames = None,
    area: Areas = None,
    bbox: Box = None,
    quantity: Quantities = None,
    tag: Tags = None,
) -> Selection:
    """As `select_series`."""
    chosen = partial(select_series, context, device, kind, area, bbox, quantity, tag)
    return await run_in_threadpool(chosen) if area or bbox or tag else chosen()


Places = Annotated[Selection, Depends(places_of_request)]
SeriesFilter = Annotated[Selection, Depends(series_of_request)]


def _quantity_codes(context: Context, names: list[str] | None) -> Codes16 | None:
    if not names:
        return None
    _bounded("quantity", names)
    known = context.kinds.quantity_code
    codes = [known[_known("quantity", name, known)] for name in dict.fromkeys(names)]
    return np.array(codes, dtype=np.int16)


def _device_codes(
    context: Context,
    device: list[str] | None,
    kind: list[str] | None,
    area: list[str] | None,
    bbox: str | None,
    tag: list[str] | None,
) -> Codes32 | None:
    if not _named(device, kind, area, bbox, tag):
        return context.sight.of(None)
    catalogue = context.catalogue
    kind_of = catalogue.kind_of
    wanted: Mask = np.full(len(kind_of), not device, dtype=bool)
    if device:
        wanted[[code_of(context, name) for name in _bounded("device", device)]] = True
    if kind:
        names = [_known("kind", name, context.kinds.code) for name in _bounded("kind", kind)]
        _refuse_foreign("kind", {n for n in names if not context.sight.kind(n)}, frozenset())
        wanted &= np.isin(kind_of, [context.kinds.code[name] for name in names])
    found = context.sight.of(np.flatnonzero(wanted).astype(np.int32))
    assert found is not None
    if area or bbox is not None:
        found = _placed(context, found, area, bbox)
    return _tagged(context, found, tag) if tag else found


def _tagged(context: Context, codes: Codes32, tags: list[str]) -> Codes32:
    wanted, devices = set(_bounded("tag", tags)), context.catalogue.devices
    kept = [code for code in codes.tolist() if not wanted.isdisjoint(devices[code].tags)]
    return np.array(kept, dtype=np.int32)


def _named(*filters: list[str] | str | None) -> bool:
    return any(f is not None and f != [] for f in filters)


def _placed(context: Context, codes: Codes32, area: list[str] | None, bbox: str | None) -> Codes32:
    areas = None
    if area:
        areas = {_known("area", a, context.city.area) for a in _bounded("area", area)}
        _refuse_foreign("area", areas, context.sight.areas)
    box = None if bbox is None else parse_bbox(bbox)
    devices = context.catalogue.devices
    kept = [
        code
        for code in codes.tolist()
        if (areas is None or devices[code].area in areas)
        and (box is None or _inside(devices[code], box))
    ]
    return np.array(kept, dtype=np.int32)


def _inside(device: Device, box: tuple[float, float, float, float]) -> bool:
    if device.lat is None or device.lon is None:
        return False
    west, south, east, north = box
    return west <= device.lon <= east and south <= device.lat <= north


def parse_bbox(text: str) -> tuple[float, float, float, float]:
    """west,south,east,north [deg]. Raises QueryError."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise QueryError("bbox", "must be west,south,east,north in degrees", text) from None
    in_range = all(map(math.isfinite, (west, south, east, north)))
    if not in_range or not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise QueryError("bbox", "must have west <= east and south <= north, in degrees", text)
    return west, south, east, north


def code_of(context: Context, device: str) -> int:
    """The code of a device; 404 where there is none."""
    code = context.catalogue.code(device)
    if code is None:
        raise not_found(f"device: there is no {device[:80]!r}", "device")
    return code


def _bounded(parameter: str, names: list[str]) -> list[str]:
    if len(names) > MAX_NAMES:
        raise too_much(
            f"{parameter}: at most {MAX_NAMES} in one question, got {len(names)}", parameter
        )
    return names


def _known(parameter: str, name: str, known: Any) -> str:
    if name not in known:
        remedy = f"one of {', '.join(known)}" if len(known) <= 100 else "see /api/v1/map"
        raise QueryError(parameter, "is not known here", name, remedy)
    return name


def _refuse_foreign(parameter: str, names: set[str], allowed: frozenset[str] | None) -> None:
    """Kinds and areas are no secret: who asks for others than their own is told so, not answered emptily."""
    foreign = set() if allowed is None else names - allowed
    if foreign:
        shown = ", ".join(sorted(foreign)[:10])
        raise Problem(
            403, "Not allowed", f"{parameter}: your account is not for {shown}", parameter
        )


Cursor: TypeAlias = Annotated[
    str | None, Query(description="`next` of the page before; everything else as it was")
]


async def only_known_parameters(request: HTTPConnection) -> None:
    """Refuse a query parameter that the route does not have, and one that may not repeat and does."""
    known = _names(request.scope["route"].dependant)
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in known:
            takes = ", ".join(sorted(known)) or "no parameters"
            raise invalid(
                name[:80], f"{name[:80]}: is no parameter of this address; it takes {takes}"
            )
        if name in seen and name not in _REPEAT:
            raise invalid(name, f"{name}: may be given once")
        seen.add(name)


def _names(dependant: Dependant) -> set[str]:
    names = {field.alias for field in dependant.query_params}
    for inner in dependant.dependencies:
        names |= _names(inner)
    return names
