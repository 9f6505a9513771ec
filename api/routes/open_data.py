"""/open: the catalogue of open data and what it leads to, for everybody; only what the city has marked open."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Request, Response
from starlette.responses import FileResponse

from api.access.principal import Role
from api.access.rules import allow
from api.answers import stream
from api.context import Context
from api.formats import Sort
from api.formats.choose import FORMATS
from api.openapi import DCAT, PARQUET, ROWS, answers
from api.publish import dcat
from api.publish.datasets import Beginnings, dataset_of
from api.publish.days import named_day
from api.publish.partitions import Partitions
from api.routes.latest import matches
from api.tables import table_of

router = APIRouter(prefix="/open", tags=["open data"], dependencies=[allow(Role.ANONYMOUS)])

KindName = Annotated[str, Path(description="Kind of device", examples=["air"])]
AreaCode = Annotated[
    str, Path(description="Official code of a ward or commune", examples=["26740"])
]


@router.get("/catalog", summary="Open data sets (DCAT-AP)", responses=answers(DCAT, 404))
def get_catalogue(request: Request) -> Response:
    """Every data set: a kind of device in an area, with licence, extents and distributions, as JSON-LD."""
    return _linked(dcat.catalogue(_whole(request), _beginnings(request), _base(request)))


@router.get("/{kind}/{area}", summary="One open data set (DCAT-AP)", responses=answers(DCAT, 404))
def get_dataset(request: Request, kind: KindName, area: AreaCode) -> Response:
    """A data set with a distribution for each of its closed days, newest first, as JSON-LD."""
    context = _whole(request)
    found = dataset_of(context, kind, area)
    return _linked(dcat.dataset(context, _beginnings(request), _base(request), found))


@router.get(
    "/{kind}/{area}/latest.{ending}",
    summary="The newest values of an open data set",
    responses=answers(ROWS, 404),
)
def get_open_latest(
    request: Request,
    kind: KindName,
    area: AreaCode,
    ending: Annotated[
        Literal["json", "csv", "ndjson", "geojson", "ngsi-ld"],
        Path(description="Format", examples=["csv"]),
    ],
) -> Response:
    """The newest value of each series."""
    context = _whole(request)
    latest = context.telemetry.latest(dataset_of(context, kind, area).series)
    headers = {"Cache-Control": "public, max-age=30"}
    tables = iter([table_of(latest)])
    return stream(context, tables, FORMATS[ending], Sort(newest=True), headers)


@router.head("/{kind}/{area}/{day}.parquet", include_in_schema=False)
@router.get(
    "/{kind}/{area}/{day}.parquet",
    summary="A day of an open data set",
    responses=answers(PARQUET, 304, 404),
)
def get_partition(
    request: Request,
    kind: KindName,
    area: AreaCode,
    day: Annotated[str, Path(description="A day of the city's own time", examples=["2026-11-22"])],
    if_none_match: Annotated[
        str | None, Header(description="ETag of an earlier answer: 304 where nothing has changed")
    ] = None,
) -> Response:
    """All readings of the day, as Parquet. A closed day stays as it is unless late readings correct it, and
    its ETag says so; today grows. Parts may be asked for (`Range`), as DuckDB and pandas do."""
    context = _whole(request)
    found = dataset_of(context, kind, area)
    partitions: Partitions = request.app.state.partitions
    part = partitions.get(context, found, named_day(context, day))
    headers = {"ETag": part.tag, "Cache-Control": f"public, max-age={part.fresh_s}"}
    if if_none_match is not None and matches(if_none_match, part.tag):
        return Response(status_code=304, headers=headers)
    name = f"{kind}-{area}-{day}.parquet"
    return FileResponse(
        part.path, media_type=FORMATS["parquet"].media_type, filename=name, headers=headers
    )


def _whole(request: Request) -> Context:
    """The whole city: nobody is narrowed here, what is open is open to everybody."""
    found = request.app.state.context
    assert isinstance(found, Context)
    return found


def _beginnings(request: Request) -> Beginnings:
    found: Beginnings = request.app.state.beginnings
    return found


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _linked(node: dict[str, object]) -> Response:
    return Response(
        msgspec.json.encode(node),
        media_type=dcat.MEDIA_TYPE,
        headers={"Cache-Control": "public, max-age=60"},
    )
