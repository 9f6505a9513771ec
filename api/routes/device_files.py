"""GET and POST /register: the register as a spreadsheet, with a report per line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.access.principal import Role
from api.access.rules import allow
from api.device_schemas import ImportReport
from api.encode import respond
from api.openapi import CSV, answers
from api.parameters import Ctx, Places
from api.problems import Problem, invalid
from api.register import imported
from control.device_csv import write_lines
from devices.device import Device

router = APIRouter(tags=["devices"], dependencies=[allow(Role.VIEWER)])

_EXAMPLE = "id,kind,name,lat,lon,area,parent,tags,limits\nlamp-0301,lamp,Nguyễn Huệ 12,10.7741,106.7038,,feeder-002,trung tâm,rated_power=100\n"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    }
}
By = Annotated[
    str,
    Query(
        max_length=80, description="Who does it, where nobody is logged in", examples=["Kỹ sư Tâm"]
    ),
]


@router.get(
    "/register",
    summary="Devices as CSV",
    responses=answers(CSV),
    dependencies=[allow(Role.VIEWER, act="device.export")],
)
def get_export(context: Ctx, places: Places) -> Response:
    """Devices that people registered, and those that only sent: what an import takes back. No formula of a
    spreadsheet is among the cells."""
    codes = places.devices
    if codes is None:
        codes = np.arange(len(context.catalogue), dtype=np.int32)
    devices = context.catalogue.devices
    context.trail.note("device.export", "", None, {"devices": len(codes)})

    def rows() -> Iterator[Device]:
        return (devices[code] for code in codes.tolist() if not devices[code].retired)

    headers = {"Content-Disposition": 'attachment; filename="devices.csv"'}
    return StreamingResponse(
        write_lines(rows()), media_type="text/csv; charset=utf-8", headers=headers
    )


@router.post(
    "/register",
    summary="Register and change devices by CSV",
    responses=answers(ImportReport, 411, 415),
    openapi_extra=_BODY,
    dependencies=[allow(Role.ENGINEER, act="device.import")],
)
async def post_import(
    request: Request,
    context: Ctx,
    by: By = "",
    dry_run: Annotated[bool, Query(description="Only say what would be done")] = False,
) -> Response:
    """A line a device: new ones are registered, known ones changed; columns that are not there stay as they
    are. Lines that can't be taken are told with their number and the reason, and all others are taken in
    one step. The first line names the columns; comma or semicolon."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/csv":
        detail = f"Content-Type: must be text/csv, got {kind!r}"
        raise Problem(415, "Unsupported media type", detail)
    if not by.isprintable():
        raise invalid("by", f"by: must be printable text, got {by!r}")
    by = context.trail.principal.signed(by)
    try:
        text = (await request.body()).decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid("body", f"body: must be UTF-8, byte {error.start} is not") from None
    return respond(await to_thread.run_sync(lambda: imported(context, text, by, dry_run=dry_run)))
