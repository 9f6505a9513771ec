"""GET /export: all readings or windows of a range as a file, of any size in constant memory."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access.principal import Role
from api.access.rules import allow
from api.formats.choose import CSV, EXTENSION, Wanted
from api.openapi import FILE, answers
from api.parameters import Ctx
from api.readout import Asking, note_export, stream_of
from telemetry.clock import format_time

router = APIRouter(tags=["telemetry"], dependencies=[allow(Role.VIEWER, act="telemetry.export")])


@router.get(f"/export{EXTENSION}", include_in_schema=False)
@router.get("/export", summary="Readings or windows as a file", responses=answers(FILE, 406))
def get_export(context: Ctx, request: Request, asking: Asking, wanted: Wanted) -> Response:
    """As `telemetry`, but whole and as a file to keep: CSV, unless another format is asked for.

    What breaks off has no end: HTTP says so, and a Parquet file has no footer.
    """
    said = "extension" in request.path_params or "format" in request.query_params
    if not said and "application/json" not in request.headers.get("accept", ""):
        wanted = CSV if wanted.name == "json" else wanted
    span = "-".join(_compact(t) for t in (asking.period.start, asking.period.end))
    name = f"{'windows' if asking.asked else 'readings'}-{span}.{wanted.name}"
    note_export(context, request)
    return stream_of(
        context, asking, wanted, {"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _compact(time: int) -> str:
    return format_time(time // 1_000_000_000 * 1_000_000_000).replace("-", "").replace(":", "")
