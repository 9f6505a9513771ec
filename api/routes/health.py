"""/healthz, /readyz and /metrics: for whoever watches the platform."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.access.principal import Role
from api.access.rules import allow
from api.context import Context
from api.encode import respond
from api.openapi import METRICS, answers
from api.parameters import Ctx
from api.problems import Problem
from api.schemas import Health, Readiness
from telemetry.metrics import REGISTRY

router = APIRouter(tags=["health"])


@router.get(
    "/healthz",
    summary="The process lives",
    responses=answers(Health),
    dependencies=[allow(Role.ANONYMOUS)],
)
def get_health() -> Response:
    """200 while the process answers."""
    return respond(Health("ok"))


@router.get(
    "/readyz",
    summary="The platform can do its work",
    responses=answers(Readiness, 503),
    dependencies=[allow(Role.ANONYMOUS)],
)
def get_readiness(context: Ctx) -> Response:
    """200 when every part is well, else 503 and what is missing. History may still be filling in."""
    return readiness(context.checks, context.progress(), in_words=_hears_words(context))


def _hears_words(context: Context) -> bool:
    """What is wrong may name addresses and files: whoever watches from outside hears only that it is."""
    return context.trail.principal.role >= Role.OPERATOR and context.sight.whole


def readiness(
    checks: Mapping[str, Callable[[], str]],
    history: tuple[int, int] | None = None,
    *,
    in_words: bool = True,
) -> Response:
    """The answer of /readyz. Raises Problem (503) where a part is not well."""
    found = {name: run_check(checks, name) for name in checks}
    if not in_words:
        found = {name: "not well" if wrong else "" for name, wrong in found.items()}
    missing = {name: wrong for name, wrong in found.items() if wrong}
    if missing:
        detail = "; ".join(f"{name}: {wrong}" for name, wrong in missing.items())
        raise Problem(503, "Not ready", detail, ready=False, checks=found, history=history)
    return respond(Readiness(True, found, None if history is None else list(history)))


def run_check(checks: Mapping[str, Callable[[], str]], name: str) -> str:
    """What is wrong with this part; "" when well. A check that breaks is itself what is wrong."""
    try:
        return checks[name]()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    responses=answers(METRICS),
    dependencies=[allow(Role.VIEWER, whole=True)],
)
def get_metrics() -> Response:
    """What the platform counts about itself, in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
