"""GET, PUT and DELETE /rules, POST /rules/try: what raises alerts here, and what an engineer adds to it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Response

from analytics.custom.check import parse_rule
from analytics.custom.definition import CustomRule
from analytics.custom.desk import Added
from analytics.custom.dry_run import Trial
from api.access.principal import Role
from api.access.rules import allow
from api.encode import listing, respond, severity_name
from api.openapi import answers, list_of
from api.parameters import Ctx
from api.period import PeriodFilter
from api.problems import Problem, invalid, not_found
from api.schemas import RuleDetail, RuleTrial, RuleTrialAlert, Text
from telemetry.clock import SECOND, format_time
from telemetry.errors import DeclarationError

router = APIRouter(tags=["alerts"], dependencies=[allow(Role.VIEWER)])

EXAMPLE: dict[str, Any] = {
    "code": "school_dust",
    "kind": "air",
    "vi": "Bụi PM2.5 cao trong giờ học",
    "en": "PM2.5 high during school hours",
    "severity": "high",
    "when": {"quantity": "pm25", "above": 75.0, "clear": 60.0},
    "dwell_s": 600,
    "schedule": {"days": ["mon", "tue", "wed", "thu", "fri"], "start": "06:30:00", "end": "17:30:00"},
    "act_vi": "Báo nhà trường chuyển hoạt động vào trong lớp.",
    "act_en": "Tell the school to move indoors.",
}  # fmt: skip
_SCHEMA = {"$ref": "#/components/schemas/CustomRule"}
_BODY = {"requestBody": {"content": {"application/json": {"schema": _SCHEMA, "example": EXAMPLE}}}}
Definition = Annotated[dict[str, Any], Body()]
Code = Annotated[str, Path(description="Rule's code", examples=["school_dust"])]
By = Annotated[
    str,
    Query(
        max_length=80,
        description="Who does it; whoever is logged in leaves it out",
        examples=["Nguyễn Văn An"],
    ),
]


@router.get("/rules", summary="What raises alerts", responses=answers(list_of(RuleDetail)))
def get_rules(context: Ctx) -> Response:
    """Every rule: of the kinds, of the platform itself, and those that engineers added, with their definition."""
    added = {a.rule.code: a for a in context.rules.rules()}
    found: list[RuleDetail] = []
    for rule in context.alerts.rules:
        own = added.get(rule.code)
        found.append(
            RuleDetail(
                code=rule.code, origin=own.origin if own else rule.origin, kind=rule.kind,
                quantity=rule.quantity, title=Text(rule.vi, rule.en),
                act=Text(rule.act_vi, rule.act_en), severity=severity_name(rule.severity),
                edition=rule.edition, **_of_engineer(own),
            )
        )  # fmt: skip
    found.sort(key=_order)
    return listing(found)


@router.post(
    "/rules/try",
    summary="Try a rule on what is stored",
    responses=answers(RuleTrial, 411, 415),
    openapi_extra=_BODY,
    dependencies=[allow(Role.ENGINEER)],
)
def try_rule(context: Ctx, body: Definition, period: PeriodFilter) -> Response:
    """A dry run: how often it would have raised an alert in [start, end), for which devices and for how long.
    By default over the last day. Nothing is changed."""
    rule = _parsed(body)
    try:
        trial = context.rules.try_out(rule, period.start, period.end)
    except DeclarationError as error:
        raise _refused(error) from None
    return respond(_trial(trial, period.start, period.end))


@router.put(
    "/rules/{code}",
    summary="Add a rule, or change it",
    responses=answers(RuleDetail, 411, 415),
    openapi_extra=_BODY,
    dependencies=[allow(Role.ENGINEER, act="rule.put")],
)
def put_rule(context: Ctx, code: Code, body: Definition, by: By = "") -> Response:
    """In force from the next readings on. A rule that could never fire or never clear, a unit of another
    dimension, and a legal limit without its edition are refused. A rule that is changed begins anew: its
    alerts end, and are raised again where they still stand."""
    rule = _parsed(body)
    if rule.code != code:
        raise invalid("code", f"code: must be {code!r} as in the path, got {rule.code!r}")
    if not by.isprintable():
        raise invalid("by", f"by: must be printable text, got {by!r}")
    try:
        added = context.rules.put(rule, by)
    except DeclarationError as error:
        raise _refused(error) from None
    return respond(_detail(added))


@router.delete(
    "/rules/{code}",
    summary="Remove a rule that was added",
    responses=answers(RuleDetail, 404),
    dependencies=[allow(Role.ENGINEER, act="rule.remove")],
)
def delete_rule(context: Ctx, code: Code) -> Response:
    """Its alerts end. Rules of the platform, and of the file that URBAN_RULES names, stay."""
    found = context.rules.get(code)
    if found is None:
        raise not_found(f"code: no rule {code[:80]!r} was added here", "code")
    told = _detail(found)
    try:
        context.rules.remove(code)
    except DeclarationError as error:
        raise _refused(error) from None
    return respond(told)


def _order(rule: RuleDetail) -> tuple[str, str, str]:
    return rule.origin, rule.kind, rule.code


def _parsed(body: dict[str, Any]) -> CustomRule:
    try:
        return parse_rule(body, "rule")
    except DeclarationError as error:
        raise _refused(error) from None


def _refused(error: DeclarationError) -> Problem:
    return invalid(error.place.removeprefix("rule").removeprefix(".") or "body", str(error))


def _of_engineer(added: Added | None) -> dict[str, Any]:
    if added is None:
        return {"definition": None, "updated": None, "updated_by": ""}
    updated = None if added.updated is None else format_time(added.updated)
    return {"definition": added.rule, "updated": updated, "updated_by": added.updated_by}


def _detail(added: Added) -> RuleDetail:
    rule = added.rule
    return RuleDetail(
        code=rule.code, origin=added.origin, kind=rule.kind, quantity=rule.when.quantity,
        title=Text(rule.vi, rule.en), act=Text(rule.act_vi, rule.act_en), severity=rule.severity,
        edition=rule.edition, **_of_engineer(added),
    )  # fmt: skip


def _trial(trial: Trial, start: int, end: int) -> RuleTrial:
    return RuleTrial(
        start=format_time(start),
        end=format_time(end),
        devices=trial.devices,
        readings=trial.readings,
        raised=trial.raised,
        standing_s=trial.standing / SECOND,
        by_device=trial.by_device,
        examples=[
            RuleTrialAlert(
                e.device, format_time(e.raised),
                None if e.cleared is None else format_time(e.cleared), e.worst,
            )
            for e in trial.examples
        ],
    )  # fmt: skip
