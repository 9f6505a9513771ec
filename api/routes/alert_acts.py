"""POST /alerts/{id}/…: what people do with an alert, and GET /alerts/out-of-service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Path, Response

from api.access.principal import Role
from api.access.rules import allow
from api.alert_acts import act_on, out_of_service_info, put_back, take_out
from api.alert_schemas import OutOfServiceInfo
from api.bodies import Act, Maybe, MaybeName, Why
from api.context import Context
from api.encode import encode_alert, listing, respond
from api.openapi import answers, list_of
from api.parameters import Ctx
from api.problems import invalid
from api.schemas import AlertInfo
from store.records import Alert
from telemetry.clock import parse_duration, parse_time

router = APIRouter(tags=["alerts"], dependencies=[allow(Role.VIEWER)])

AlertId = Annotated[str, Path(description="Alert's id", examples=["9b6f31dd9a71a822"])]
_ANSWERS = answers(AlertInfo, 404, 409, 411, 415)


class ClearBody(Act):
    """Who closes it, and why."""

    why: Maybe = ""


class ShelveBody(Act):
    """Who puts it aside, why, and until when: a time, or for how long (30m, 8h, 7d)."""

    until: str | None = None
    duration: str | None = None
    why: Maybe = ""


class UnshelveBody(Act):
    """Who takes it off the shelf."""


class AssignBody(Act):
    """Who gives it to whom; empty: to nobody."""

    to: MaybeName


class CommentBody(Act):
    """Who writes what."""

    text: Why


Scope = Literal["alert", "device"]


class OutBody(Act):
    """Who takes it out of service, and why: this rule at this subject, or all that is about it."""

    why: Why
    scope: Scope = "alert"


class BackBody(Act):
    """Who puts it back."""

    scope: Scope = "alert"


_BY = {"by": "Nguyễn Văn An"}


@router.get(
    "/alerts/out-of-service",
    summary="What engineers took out of service",
    responses=answers(list_of(OutOfServiceInfo)),
)
def get_out_of_service(context: Ctx) -> Response:
    """Rules at subjects, and whole subjects (rule empty), that ask nobody to act until they are put back."""
    return listing([out_of_service_info(context, o) for o in context.alerts.out_of_service()])


@router.post(
    "/alerts/{alert_id}/clear",
    summary="Close an alert",
    responses=_ANSWERS,
    dependencies=[allow(Role.OPERATOR, act="alert.clear")],
)
def clear(
    context: Ctx,
    alert_id: AlertId,
    body: Annotated[ClearBody, Body(examples=[_BY | {"why": "đã kiểm tra tại chỗ"}])],
) -> Response:
    """Close one that has returned to normal, or of which nothing was heard for 24 hours (stale). One whose
    condition stands can't be closed (409): acknowledge or shelve it. Should the condition of a stale one be
    told again, it is raised anew."""
    return _done(context, alert_id, lambda: context.alerts.clear(alert_id, body.by, body.why))


@router.post(
    "/alerts/{alert_id}/shelve",
    summary="Put an alert aside",
    responses=_ANSWERS,
    dependencies=[allow(Role.OPERATOR, act="alert.shelve")],
)
def shelve(
    context: Ctx,
    alert_id: AlertId,
    body: Annotated[
        ShelveBody, Body(examples=[_BY | {"duration": "8h", "why": "đang sửa cảm biến"}])
    ],
) -> Response:
    """Until `until` (RFC 3339), or for `duration`: seven days at most. At its end it comes back by itself,
    unacknowledged, where it still stands. Shelving it again changes the end."""
    until = _until(context, body)
    act = context.alerts.shelve
    return _done(context, alert_id, lambda: act(alert_id, body.by, until, body.why))


@router.post(
    "/alerts/{alert_id}/unshelve",
    summary="Take it off the shelf",
    responses=_ANSWERS,
    dependencies=[allow(Role.OPERATOR, act="alert.unshelve")],
)
def unshelve(
    context: Ctx, alert_id: AlertId, body: Annotated[UnshelveBody, Body(examples=[_BY])]
) -> Response:
    """Before its end. Doing it twice changes nothing."""
    return _done(context, alert_id, lambda: context.alerts.unshelve(alert_id, body.by))


@router.post(
    "/alerts/{alert_id}/assign",
    summary="Give an alert to somebody",
    responses=_ANSWERS,
    dependencies=[allow(Role.OPERATOR, act="alert.assign")],
)
def assign(
    context: Ctx,
    alert_id: AlertId,
    body: Annotated[AssignBody, Body(examples=[_BY | {"to": "Tổ thoát nước"}])],
) -> Response:
    """Note whose it is: a person or a crew. It stays unacknowledged until somebody acknowledges it."""
    return _done(context, alert_id, lambda: context.alerts.assign(alert_id, body.to, body.by))


@router.post(
    "/alerts/{alert_id}/comment",
    summary="Write into its history",
    responses=_ANSWERS,
    dependencies=[allow(Role.OPERATOR, act="alert.comment")],
)
def comment(
    context: Ctx,
    alert_id: AlertId,
    body: Annotated[CommentBody, Body(examples=[_BY | {"text": "đã gọi tổ trực"}])],
) -> Response:
    """Also after it is over."""
    return _done(context, alert_id, lambda: context.alerts.comment(alert_id, body.text, body.by))


@router.post(
    "/alerts/{alert_id}/out-of-service",
    summary="Take out of service",
    responses=_ANSWERS,
    dependencies=[allow(Role.ENGINEER, act="service.out")],
)
def post_out_of_service(
    context: Ctx,
    alert_id: AlertId,
    body: Annotated[OutBody, Body(examples=[_BY | {"why": "thay đầu đo", "scope": "device"}])],
) -> Response:
    """The alert's rule at its subject, or (scope `device`) everything about the subject, until it is put
    back. Its condition is still noted; nobody is asked to act."""
    whole = body.scope == "device"
    return _done(context, alert_id, lambda: take_out(context, alert_id, body.by, body.why, whole))


@router.post(
    "/alerts/{alert_id}/return-to-service",
    summary="Put back into service",
    responses=_ANSWERS,
    dependencies=[allow(Role.ENGINEER, act="service.back")],
)
def post_return_to_service(
    context: Ctx,
    alert_id: AlertId,
    body: Annotated[BackBody, Body(examples=[_BY | {"scope": "device"}])],
) -> Response:
    """What still stands is announced, unacknowledged. Any alert of the same rule and subject names it, also
    one that is over. Doing it twice changes nothing."""
    whole = body.scope == "device"
    return _done(context, alert_id, lambda: put_back(context, alert_id, body.by, whole))


def _done(context: Context, alert_id: str, step: Callable[[], Alert]) -> Response:
    return respond(encode_alert(context, act_on(alert_id, step)))


def _until(context: Context, body: ShelveBody) -> int:
    if (body.until is None) == (body.duration is None):
        given = "both" if body.until is not None else "neither"
        raise invalid("until", f"until: exactly one of until and duration is needed, got {given}")
    if body.until is not None:
        return parse_time(body.until, "until")
    return context.clock.now() + parse_duration(body.duration or "", "duration")
