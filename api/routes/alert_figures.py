"""GET /alerts/figures: how good the alarms are, as EEMUA 191 and ISA-18.2 count it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from analytics.alerts.benchmarks import BENCHMARKS, BY_SEVERITY, ISA
from analytics.alerts.figures import AlarmQuality, Spread, alarm_quality
from api.access.principal import Role
from api.access.rules import allow
from api.alert_schemas import (
    AlarmQualityInfo,
    BenchmarkInfo,
    ChatteringInfo,
    FloodInfo,
    ShareInfo,
    SpreadInfo,
)
from api.context import Context
from api.encode import respond, severity_name
from api.openapi import answers
from api.parameters import Ctx
from api.period import PeriodFilter
from api.problems import too_much
from api.schemas import Text
from telemetry.clock import DAY, format_time

router = APIRouter(tags=["alerts"], dependencies=[allow(Role.VIEWER)])
LONGEST = 366 * DAY


@router.get("/alerts/figures", summary="Alarm quality", responses=answers(AlarmQualityInfo))
def get_figures(
    context: Ctx,
    period: PeriodFilter,
    operators: Annotated[
        int, Query(ge=1, le=1_000, description="Operators on duty at once, who share the alerts")
    ] = 1,
) -> Response:
    """Counted from the stored history of [start, end): alerts an operator and ten minutes, floods, standing,
    stale and chattering ones, the top ten, times to acknowledge and to clear, severities; the benchmarks of
    ISA-18.2 and EEMUA 191 beside them. A year at most."""
    if period.end - period.start > LONGEST:
        raise too_much("start: at most 366 days are counted at once", "start")
    return respond(figures_of(context, period.start, period.end, operators))


def figures_of(context: Context, start: int, end: int, operators: int = 1) -> AlarmQualityInfo:
    """Count, and say it with benchmarks and the words of rules."""
    history = context.operations.alert_history(start, end)
    return _info(context, alarm_quality(history, start, end, operators))


def _info(context: Context, found: AlarmQuality) -> AlarmQualityInfo:
    return AlarmQualityInfo(
        start=format_time(found.start),
        end=format_time(found.end),
        operators=found.operators,
        count=found.count,
        average=found.average,
        most=found.most,
        over_ten=found.over_ten,
        flooded=found.flooded,
        floods=[FloodInfo(format_time(f.start), format_time(f.end), f.count) for f in found.floods],
        standing=found.standing,
        stale=found.stale,
        chattering=len(found.chattering),
        chattering_alerts=[ChatteringInfo(*pair) for pair in found.chattering],
        top=[
            ShareInfo(s.rule, _title(context, s.rule), s.subject, s.count, s.share)
            for s in found.top
        ],
        top_share=found.top_share,
        to_acknowledge=_spread(found.to_acknowledge),
        to_clear=_spread(found.to_clear),
        by_severity={severity_name(s): found.by_severity.get(s, 0.0) for s in BY_SEVERITY},
        benchmarks=[
            *(BenchmarkInfo(b.figure, b.target, b.manageable, b.source) for b in BENCHMARKS),
            *(
                BenchmarkInfo(f"by_severity.{severity_name(s)}", share, None, ISA)
                for s, share in BY_SEVERITY.items()
            ),
        ],
    )


def _title(context: Context, rule: str) -> Text:
    found = context.alerts.rules.get(rule)
    return Text(found.vi, found.en) if found else Text(rule, rule)


def _spread(found: Spread) -> SpreadInfo:
    return SpreadInfo(found.count, found.median, found.p95)
