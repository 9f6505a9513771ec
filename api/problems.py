"""Every error leaves as application/problem+json (RFC 9457): type, title, status, detail, parameter."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import (
    RequestValidationError,
    ValidationException,
    WebSocketRequestValidationError,
)
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from telemetry.errors import QueryError, StoreError, TimeError, UnitError, UrbanError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """An answer that is not the one that was asked for.

    Args: status, title (the same for every occurrence), detail (this one), parameter (which one is
    to blame, or ""), more (further members of the problem).
    """

    def __init__(
        self, status: int, title: str, detail: str, parameter: str = "", **more: object
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.parameter = parameter
        self.more = more
        self.headers: dict[str, str] = {}

    def with_headers(self, headers: dict[str, str]) -> Problem:
        """The same, answered with these headers beside its own."""
        self.headers |= headers
        return self

    def response(self, headers: dict[str, str] | None = None) -> Response:
        """As an HTTP answer."""
        body: dict[str, object] = {
            "type": "urn:urban:problem:" + self.title.lower().replace(" ", "-"),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.parameter:
            body["parameter"] = self.parameter
        return Response(
            msgspec.json.encode(body | self.more),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers=self.headers | (headers or {}),
        )


def invalid(parameter: str, detail: str) -> Problem:
    """A parameter that can't be taken as it is."""
    return Problem(400, "Invalid parameter", detail, parameter)


def not_found(detail: str, parameter: str = "") -> Problem:
    """Something that is not there."""
    return Problem(404, "Not found", detail, parameter)


def too_much(detail: str, parameter: str = "") -> Problem:
    """A question whose answer would be too large."""
    return Problem(413, "Answer too large", detail, parameter)


def of_urban_error(error: UrbanError) -> Problem:
    """The platform's own errors: what was asked wrongly is 400, a store that can't answer is 503."""
    if isinstance(error, QueryError | TimeError | UnitError):
        return invalid(error.place, str(error))
    if isinstance(error, StoreError):
        log.error("%s", error)
        return Problem(503, "Store unavailable", str(error))
    log.error("%s", error)
    return Problem(500, "Internal error", str(error))


def of_validation_error(error: ValidationException) -> Problem:
    """FastAPI's own: the first complaint, with the parameter's name."""
    first: dict[str, Any] = error.errors()[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "json_invalid":
        return Problem(400, "Invalid body", f"body: must be JSON: {first['ctx']['error']}", "body")
    named = [part for part in where[1:] if not part.isdigit()]
    parameter = named[0] if named else where[0]
    given = first.get("input")
    shown = "" if given is None or first["type"] == "missing" else f", got {str(given)[:120]!r}"
    return invalid(parameter, f"{parameter}: {first['msg']}{shown}")


def of_http_exception(error: HTTPException, request: Request) -> Problem:
    """Starlette's own: no such path, no such method."""
    title = HTTPStatus(error.status_code).phrase.capitalize()
    if error.status_code == 404 and error.detail == HTTPStatus.NOT_FOUND.phrase:
        return not_found(f"there is nothing at {request.url.path}; see /docs")
    if error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        return Problem(405, title, f"{request.url.path} takes {allowed}, not {request.method}")
    return Problem(error.status_code, title, str(error.detail))


def install(app: FastAPI) -> None:
    """Let every error of this app leave as a problem."""

    async def on_problem(request: HTTPConnection, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return await _answer(request, error)

    async def on_urban_error(request: HTTPConnection, error: Exception) -> Response:
        assert isinstance(error, UrbanError)
        return await _answer(request, of_urban_error(error))

    async def on_validation_error(request: HTTPConnection, error: Exception) -> Response:
        assert isinstance(error, ValidationException)
        return await _answer(request, of_validation_error(error))

    async def on_http_exception(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        headers = dict(error.headers) if error.headers else None
        return of_http_exception(error, request).response(headers)

    async def on_anything(request: Request, error: Exception) -> Response:
        detail = "this is a fault of the platform; it was logged"
        return Problem(500, "Internal error", detail).response()

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(UrbanError, on_urban_error)
    app.add_exception_handler(RequestValidationError, on_validation_error)
    app.add_exception_handler(WebSocketRequestValidationError, on_validation_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(Exception, on_anything)


async def _answer(request: HTTPConnection, problem: Problem) -> Response:
    """A socket that was not accepted is refused by the same answer."""
    answer = problem.response()
    if isinstance(request, WebSocket):
        await request.send_denial_response(answer)
    return answer
