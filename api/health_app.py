"""Health and metrics of a process that has no API: /healthz, /readyz, /metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fastapi import FastAPI, Response

from api import problems
from api.routes.health import get_health, get_metrics, readiness
from api.security import Guard
from telemetry.setting_values import LOOPBACK


def create_health_app(checks: Mapping[str, Callable[[], str]], bind: str) -> FastAPI:
    """The app for uvicorn. checks: name → "" when well, else what is wrong; bind: our own address."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    problems.install(app)

    def get_readiness() -> Response:
        """200 when every part is well, else 503 and what is missing."""
        return readiness(checks)

    app.get("/healthz")(get_health)
    app.get("/readyz")(get_readiness)
    app.get("/metrics")(get_metrics)
    app.add_middleware(Guard, hosts=(*LOOPBACK, bind), max_payload=0)
    return app
