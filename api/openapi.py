"""OpenAPI of the API: the answers' schemas come from the structs that are encoded, so they can't drift."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import (
    access_schemas,
    alert_schemas,
    audit_schemas,
    command_schemas,
    device_schemas,
    platform_schemas,
    quality_schemas,
    quarantine_schemas,
    schemas,
)
from api.access.principal import Role
from api.access.rules import RuledRoute, ruled_routes
from api.examples import add_examples, kept
from api.problems import MEDIA_TYPE
from api.schemas import ProblemInfo, Reading, Window

TITLE = "Urban sensing"
VERSION = "1"
DESCRIPTION = """
What a city's sensors measure: devices, readings, indices, alerts, and the account of everything received.

* Lists answer `{"items": […], "next": cursor or null}`; give `next` back as `cursor` for the next page.
* Times are RFC 3339; one without its offset from UTC is refused. Ranges are `[start, end)`.
* Units are UCUM codes; flags are QARTOD's (1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing).
* Errors are `application/problem+json` and name the parameter. Unknown parameters are refused.
"""
TAGS = [
    {"name": "kinds", "description": "What the platform understands"},
    {"name": "devices", "description": "What measures, where, in which state"},
    {"name": "telemetry", "description": "Readings, windows and indices"},
    {"name": "alerts", "description": "What is wrong, since when, who has it"},
    {"name": "live", "description": "What happens now, as server-sent events"},
    {"name": "open data", "description": "What the city has marked open, for everybody"},
    {"name": "accounting", "description": "What became of everything that was received"},
    {"name": "platform", "description": "The platform itself: its backups, and what watches it"},
    {"name": "sensorthings", "description": "OGC SensorThings API 1.1"},
    {"name": "health", "description": "For whoever watches the platform"},
]
_REFERENCE = "#/components/schemas/{name}"
_STRUCTS = [
    found
    for module in (
        schemas,
        quarantine_schemas,
        alert_schemas,
        quality_schemas,
        command_schemas,
        platform_schemas,
        audit_schemas,
        device_schemas,
        access_schemas,
    )
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, msgspec.Struct) and found is not msgspec.Struct
]
_WORDS = {
    304: "Nothing has changed",
    400: "A parameter can't be taken as it is",
    401: "Nobody is logged in, and no key was sent",
    403: "The role, or the part of the city that it is for, does not reach so far",
    404: "There is none",
    406: "There is no such format here",
    409: "Its state does not allow it",
    411: "The body's length must be said",
    413: "The answer would be too large",
    415: "The body must be application/json",
    429: "Too much was asked in a short time: wait for `Retry-After`",
    414: "The address is too long",
    503: "A part of the platform is not well",
}

Content = dict[str, Any]


def _reference(struct: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=struct.__name__)}


def _listing(items: dict[str, Any], **more: dict[str, Any]) -> dict[str, Any]:
    following = {"type": ["string", "null"], "description": "Cursor of the next page"}
    return {
        "type": "object",
        "required": ["items", "next", *more],
        "properties": {"items": {"type": "array", "items": items}, "next": following, **more},
    }


def list_of(struct: type[msgspec.Struct]) -> Content:
    """A page of a list of these."""
    content: dict[str, Any] = {"schema": _listing(_reference(struct))}
    if struct is Reading:
        content["example"] = {"items": [_READING], "next": None}
    return {"application/json": content}


_READING = {
    "device": "my-sensor",
    "kind": "air",
    "quantity": "pm25",
    "value": 31.2,
    "unit": "ug/m3",
    "flag": 1,
    "time": "2026-11-22T03:00:00Z",
}
_WINDOW = _READING | {"count": 5, "coverage": 1.0}
_GAP = _WINDOW | {
    "value": None,
    "flag": 9,
    "time": "2026-11-22T03:05:00Z",
    "count": 0,
    "coverage": 0.0,
}


_TEXT = {"type": "string"}
_COMPLETE = {"type": "boolean", "description": "Nothing follows"}
_SOURCE = {"type": "array", "items": {"enum": ["raw", "rollup_1m", "rollup_1h"]}}
_FRAME: dict[str, dict[str, Any]] = {
    "complete": _COMPLETE,
    "start": _TEXT,
    "end": _TEXT,
    "source": _SOURCE,
}
_RANGE = {"start": "2026-11-22T03:00:00Z", "end": "2026-11-22T03:10:00Z", "source": ["raw"]}
WINDOWED: Content = {
    "application/json": {
        "schema": {
            "anyOf": [
                _listing(_reference(Reading), **_FRAME) | {"title": "Raw"},
                _listing(_reference(Window), **_FRAME, every=_TEXT, agg=_TEXT)
                | {"title": "Windowed"},
            ]
        },
        "examples": {
            "raw": {"value": {"items": [_READING], "next": None, "complete": True, **_RANGE}},
            "windowed": {
                "value": {
                    "items": [_WINDOW, _GAP],
                    "next": None,
                    "complete": True,
                    **_RANGE,
                    "every": "300s",
                    "agg": "mean",
                }
            },
        },
    }
}
_ROW = "device,kind,quantity,value,unit,flag,time"
_CSV = f"{_ROW}\r\nmy-sensor,air,pm25,31.2,ug/m3,1,2026-11-22T03:00:00Z\r\n"
_BINARY = {"type": "string", "format": "binary"}
# What an answer of rows can be beside JSON; see api/formats.
ROWS: Content = {
    "text/csv": {"schema": _TEXT, "example": _CSV},
    "application/x-ndjson": {"schema": _TEXT, "example": msgspec.json.encode(_READING).decode()},
    "application/geo+json": {"schema": {"type": "object"}},
    "application/vnd.apache.parquet": {"schema": _BINARY},
    "application/vnd.apache.arrow.stream": {"schema": _BINARY},
    "application/ld+json": {"schema": {"type": "array", "items": {"type": "object"}}},
}
GEOJSON: Content = {
    "application/geo+json": {
        "schema": {
            "type": "object",
            "required": ["type", "features", "unplaced"],
            "properties": {
                "type": {"const": "FeatureCollection"},
                "features": {"type": "array", "items": {"type": "object"}},
                "unplaced": {"type": "integer"},
            },
        }
    }
}
LATEST: Content = {
    "application/json": {
        "schema": _listing(_reference(Reading), complete=_COMPLETE, revision=_TEXT),
        "example": {
            "items": [_READING],
            "next": None,
            "complete": True,
            "revision": "5f0c2b9e.1417",
        },
    },
    **ROWS,
}
WINDOWED |= ROWS
PARQUET: Content = {"application/vnd.apache.parquet": {"schema": _BINARY}}
DCAT: Content = {"application/ld+json": {"schema": {"type": "object"}}}
FILE: Content = {**ROWS, "application/json": WINDOWED["application/json"]}
STREAM: Content = {"text/event-stream": {"schema": _TEXT}}
CSV: Content = {"text/csv": {"schema": _TEXT}}
METRICS: Content = {"text/plain": {"schema": _TEXT}}


def answers(ok: type[msgspec.Struct] | Content, *others: int) -> dict[int | str, dict[str, Any]]:
    """FastAPI's `responses`: the good answer and the problems that this operation may answer with."""
    content = ok if isinstance(ok, dict) else {"application/json": {"schema": _reference(ok)}}
    problem = {MEDIA_TYPE: {"schema": _reference(ProblemInfo)}}
    found: dict[int | str, dict[str, Any]] = {200: {"description": "OK", "content": kept(content)}}
    for status in sorted({400, 413, 503, *others} if "text/plain" not in content else set(others)):
        found[status] = {"description": _WORDS[status]}
        if status >= 400:
            found[status]["content"] = problem
    return found


def install(app: FastAPI) -> None:
    """Let the app describe itself so."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _describe(app)
        return app.openapi_schema

    app.openapi = describe  # type: ignore[method-assign]


def _describe(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=TITLE,
        version=VERSION,
        description=DESCRIPTION,
        tags=TAGS,
        routes=app.routes,
    )
    _, components = msgspec.json.schema_components(_STRUCTS, ref_template=_REFERENCE)
    known = found.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        known.pop(name, None)
    known.update(components)
    for path in found["paths"].values():
        for operation in path.values():
            # FastAPI's own 422: here every wrong parameter is a 400 problem.
            operation["responses"].pop("422", None)
    for route in ruled_routes(app):
        for method in route.methods:
            path = re.sub(r":\w+}", "}", route.path)  # {path:path} is told as {path}
            operation = found["paths"].get(path, {}).get(method.lower())
            if operation is not None:
                _say_who(operation, route)
    add_examples(found)
    return found


def _say_who(operation: dict[str, Any], route: RuledRoute) -> None:
    """Which role it needs, and how it is refused to others."""
    problem = {MEDIA_TYPE: {"schema": _reference(ProblemInfo)}}
    needed = (429,) if route.role is Role.ANONYMOUS else (401, 403, 429)
    parameters = {p["name"] for p in operation.get("parameters", [])}
    if "{" in route.path or parameters & {"device", "cursor"}:
        needed = (404, *needed)
    for status in needed:
        words = {"description": _WORDS[status], "content": problem}
        operation["responses"].setdefault(str(status), words)
    operation["x-role"] = route.role.word
