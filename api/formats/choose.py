"""Which format an answer takes: the address' extension, else `format`, else the Accept header, else JSON."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Query, Request

from api.formats import Format
from api.formats.columnar import write_arrow, write_parquet
from api.formats.ngsi_ld import write_ngsi_ld
from api.formats.text import write_csv, write_geojson, write_json, write_ndjson
from api.problems import Problem, invalid

FormatName = Literal["json", "csv", "ndjson", "geojson", "parquet", "arrow", "ngsi-ld"]

JSON = Format("json", "application/json", write_json)
CSV = Format("csv", "text/csv; charset=utf-8", write_csv)
PARQUET = Format("parquet", "application/vnd.apache.parquet", write_parquet)
NGSI_LD = Format("ngsi-ld", "application/ld+json", write_ngsi_ld)
FORMATS = {
    made.name: made
    for made in (
        JSON,
        CSV,
        Format("ndjson", "application/x-ndjson", write_ndjson),
        Format("geojson", "application/geo+json", write_geojson),
        PARQUET,
        Format("arrow", "application/vnd.apache.arrow.stream", write_arrow),
        NGSI_LD,
    )
}
EXTENSION = ".{extension}"


def accepted_format(accept: str) -> Format:
    """The format that an Accept header likes best; ours first among equals. Raises a 406 problem for none."""
    liked = _liked(accept)
    best, how_much = JSON, 0.0
    for made in FORMATS.values():
        kind = made.media_type.partition(";")[0]
        wanted = [
            liked[name] for name in (kind, kind.partition("/")[0] + "/*", "*/*") if name in liked
        ]
        if wanted and wanted[0] > how_much:
            best, how_much = made, wanted[0]
    if how_much == 0:
        known = ", ".join(f.media_type.partition(";")[0] for f in FORMATS.values())
        raise Problem(
            406, "Not acceptable", f"Accept: this address answers in {known}, got {accept[:120]!r}",
            "Accept",
        )  # fmt: skip
    return best


def _liked(accept: str) -> dict[str, float]:
    """Media type or range → quality (RFC 9110, 12.5.1)."""
    liked: dict[str, float] = {}
    for part in accept.split(","):
        name, *parameters = (p.strip().lower() for p in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            liked[name] = min(max(float(quality), 0.0), 1.0)
        except ValueError:
            liked[name] = 0.0
    return liked


async def chosen_format(
    request: Request,
    wanted: Annotated[
        FormatName | None,
        Query(
            alias="format",
            description="Instead of an Accept header; or as extension: /telemetry.csv",
            examples=["csv"],
        ),
    ] = None,
) -> Format:
    """The format that this request wants."""
    extension = request.path_params.get("extension")
    if extension is not None:
        found = FORMATS.get(extension)
        if found is None:
            raise Problem(
                404,
                "Not found",
                f"there is no format .{extension[:40]}; one of {', '.join(FORMATS)}",
            )
        if wanted not in (None, extension):
            raise invalid("format", f"format: the address says {extension}, got {wanted!r}")
        return found
    if wanted is not None:
        return FORMATS[wanted]
    accept = request.headers.get("accept", "")
    return accepted_format(accept) if accept.strip() else JSON


Wanted = Annotated[Format, Depends(chosen_format)]
