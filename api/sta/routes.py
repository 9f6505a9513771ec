"""/sta/v1.1: the root, every resource path, and CreateObservations. Reads for viewers, writes for engineers."""

from __future__ import annotations

import re
from typing import Annotated, Any

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request, Response

from api.access.principal import Role
from api.access.rules import allow
from api.encode import respond
from api.openapi import answers
from api.parameters import Ctx
from api.problems import invalid, not_found
from api.sta.answer import TOKEN, Answerer
from api.sta.conformance import conformance
from api.sta.create import New, create, new_observation, read_groups, read_rows
from api.sta.data_array import data_array
from api.sta.encode import plain
from api.sta.entities import Entity
from api.sta.model import COLLECTIONS
from api.sta.options import Options, read_options
from api.sta.path import NoSuchPath, ResourcePath, read_path
from telemetry.errors import QueryError

ROOT = "/sta/v1.1"
router = APIRouter(tags=["sensorthings"], prefix=ROOT, dependencies=[allow(Role.VIEWER)])
# A plus sign that a client forgot to escape arrives as a blank.
_OFFSET = re.compile(r"(T\d\d:\d\d:\d\d(?:\.\d+)?) (\d\d:\d\d)")
_HERE = "http://127.0.0.1:8000/sta/v1.1"


def _json(example: object, type_: str = "object") -> dict[str, Any]:
    return {"application/json": {"schema": {"type": type_}, "example": example}}


_ROOT_ANSWER = _json(
    {
        "value": [{"name": "Things", "url": f"{_HERE}/Things"}],
        "serverSettings": {"conformance": conformance()[:1]},
    }
)
_OBSERVATIONS = _json(
    {
        "value": [
            {
                "@iot.id": "aq-0007.pm25.1795316400000000000",
                "phenomenonTime": "2026-11-22T03:00:00Z",
                "result": 31.2,
                "resultQuality": {"code": 1, "name": "good"},
            }
        ],
        "@iot.nextLink": f"{_HERE}/Datastreams('aq-0007.pm25')/Observations?$top=1&$skiptoken=…",
    }
)
_CREATED = f"{_HERE}/Observations('aq-0007.pm25.1795316400000000000')"
_ARRAY_EXAMPLE = [
    {
        "Datastream": {"@iot.id": "aq-0007.pm25"},
        "components": ["phenomenonTime", "result"],
        "dataArray@iot.count": 2,
        "dataArray": [["2026-11-22T03:00:00Z", 31.2], ["2026-11-22T03:01:00Z", 30.8]],
    }
]
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"type": "array", "items": {"type": "object"}},
                "example": _ARRAY_EXAMPLE,
            }
        },
    }
}


def _created(content: dict[str, Any]) -> dict[int | str, dict[str, Any]]:
    """OpenAPI's responses of what creates something."""
    found = answers(content, 411, 415)
    return {201: found.pop(200) | {"description": "Created"}, **found}


def _option(name: str, text: str, example: str) -> Any:
    return Query(alias=name, description=text, examples=[example])


@router.get("", summary="SensorThings: the service's root", responses=answers(_ROOT_ANSWER))
def get_root(request: Request) -> Response:
    """The collections, and what of the standard is met (18-088, 9.2.1)."""
    base = _base(request)
    value = [{"name": name, "url": f"{base}/{name}"} for name in COLLECTIONS]
    return respond({"value": value, "serverSettings": {"conformance": conformance()}})


@router.post(
    "/CreateObservations",
    summary="SensorThings: create observations by data array",
    status_code=201,
    responses=_created(_json([_CREATED, "error"], "array")),
    openapi_extra=_BODY,
    dependencies=[allow(Role.ENGINEER, act="observation.create")],
)  # fmt: skip
async def post_rows(request: Request, context: Ctx) -> Response:
    """Each row takes the way of every message: decoded, checked, recognised where it is there, accounted for.
    Answers with the address of each, or "error"; what was refused is in quarantine with the reason."""
    groups = read_groups(await request.body())
    answerer = Answerer(context, _base(request), _root(request))

    def work() -> list[str]:
        rows = read_rows(groups, answerer.source, context.clock.now())
        errors = create(context, rows)
        told = {"rows": len(rows), "created": errors.count("")}
        context.trail.note("observation.create", "", None, told)
        return [
            "error" if error else _where(answerer, row)
            for row, error in zip(rows, errors, strict=True)
        ]

    return respond(await to_thread.run_sync(work), 201)


@router.post(
    "/Observations",
    summary="SensorThings: create one observation",
    status_code=201,
    responses=_created(
        _json({"@iot.id": "aq-0007.pm25.1795316400000000000", "@iot.selfLink": _CREATED})
    ),
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "object"},
                    "example": {
                        "Datastream": {"@iot.id": "aq-0007.pm25"},
                        "phenomenonTime": "2026-11-22T03:00:00Z",
                        "result": 31.2,
                    },
                }
            },
        }
    },
    dependencies=[allow(Role.ENGINEER, act="observation.create")],
)
async def post_observation(request: Request, context: Ctx) -> Response:
    """One, on the same way. `Location` tells where it is."""
    said = _object(await request.body())
    stream = said.pop("Datastream", None)
    name = str(stream.get("@iot.id", "")) if isinstance(stream, dict) else ""
    answerer = Answerer(context, _base(request), _root(request))
    row = new_observation(answerer.source.find_series(name), said, context.clock.now())

    def work() -> str:
        (error,) = create(context, [row])
        context.trail.note("observation.create", name, None, {"rows": 1, "created": int(not error)})
        return error

    error = await to_thread.run_sync(work)
    if error:
        raise invalid("body", f"body: {error}")
    where = _where(answerer, row)
    made = respond({"@iot.id": where.split("'")[1], "@iot.selfLink": where}, 201)
    made.headers["Location"] = where
    return made


# Behind the others: every address fits it.
@router.get(
    "/{path:path}",
    summary="SensorThings: entities, by any resource path",
    responses=answers(_OBSERVATIONS, 404),
)
def get_path(
    request: Request,
    context: Ctx,
    path: Annotated[
        str, Path(description="Resource path", examples=["Things('aq-0007')/Datastreams"])
    ],
    filter_: Annotated[str | None, _option("$filter", "What to look for", "result gt 50")] = None,
    orderby: Annotated[
        str | None, _option("$orderby", "In which order", "phenomenonTime desc")
    ] = None,
    top: Annotated[str | None, _option("$top", "So many at most", "10")] = None,
    skip: Annotated[str | None, _option("$skip", "Leave out so many", "10")] = None,
    count: Annotated[str | None, _option("$count", "Tell how many there are", "true")] = None,
    select: Annotated[str | None, _option("$select", "Only these properties", "id,name")] = None,
    expand: Annotated[
        str | None, _option("$expand", "Bring along what it leads to", "Datastreams($top=3)")
    ] = None,
    token: Annotated[str | None, _option(TOKEN, "Of a next link", "")] = None,
    result_format: Annotated[
        str | None, Query(alias="resultFormat", description="dataArray: observations as rows")
    ] = None,
) -> Response:
    """Addressing by id, navigation, property, `$value` and `$ref`; see docs/sensorthings.md for what a filter
    of observations is quick with. Lists are paged: follow `@iot.nextLink`."""
    try:
        meant = read_path(path)
    except NoSuchPath as error:
        raise not_found(str(error), "path") from None
    if result_format not in (None, "dataArray"):
        raise invalid("resultFormat", f"resultFormat: must be dataArray, got {result_format!r}")
    given = [(n, _OFFSET.sub(r"\1+\2", v)) for n, v in request.query_params.multi_items()]
    options = read_options(meant.type, [p for p in given if p[0].startswith("$") and p[0] != TOKEN])
    answerer = Answerer(context, _base(request), _root(request))
    owner, link = answerer.find(meant)
    if result_format is not None:
        return _rows(answerer, meant, owner, options, token)
    if meant.many:
        return _many(answerer, meant, owner, link, options, token)
    assert owner is not None
    if meant.property:
        return _property(meant, owner)
    if meant.ref:
        return respond(answerer.encoder.reference(owner))
    return respond(answerer.entity(owner, options))


def _many(
    answerer: Answerer,
    meant: ResourcePath,
    owner: Entity | None,
    link: str,
    options: Options,
    token: str | None,
) -> Response:
    if token is not None and meant.type.name != "Observation":
        raise invalid(TOKEN, f"{TOKEN}: is for Observations")
    body = answerer.collection(owner, link, options, token)
    if meant.ref:
        links = [
            {"@iot.selfLink": e["@iot.selfLink"]} for e in body["value"] if "@iot.selfLink" in e
        ]
        body["value"] = links
    return respond(body)


def _rows(
    answerer: Answerer,
    meant: ResourcePath,
    owner: Entity | None,
    options: Options,
    token: str | None,
) -> Response:
    if meant.type.name != "Observation" or not meant.many or meant.ref:
        raise invalid("resultFormat", "resultFormat: dataArray is for collections of Observations")
    if options.expand:
        raise invalid("$expand", "$expand: does not go with resultFormat=dataArray")
    entities, body = answerer.rows(owner, options, token)
    following = body.pop("@iot.nextLink", None)
    body["value"] = data_array(entities, options, answerer.encoder)
    if following is not None:
        body["@iot.nextLink"] = f"{following}&resultFormat=dataArray"
    return respond(body)


def _property(meant: ResourcePath, owner: Entity) -> Response:
    name = meant.property
    value = plain(name, owner.value(name))
    if value is None:
        return Response(status_code=204)
    if not meant.raw:
        return respond({name: value})
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return Response(
        text, media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"}
    )


def _where(answerer: Answerer, row: New) -> str:
    assert row.stream is not None
    return f"{answerer.encoder.base}/Observations('{row.stream.id}.{row.time}')"


def _object(body: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise QueryError("body", f"must be an observation: {error}") from None
    return found


def _root(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _base(request: Request) -> str:
    return _root(request) + ROOT
