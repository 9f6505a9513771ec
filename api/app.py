"""The HTTP side of the platform in one app: guard → gate (who asks) → routes (/api/v1, health, docs) → the console at /.

Reads top to bottom: errors, routes, docs, console. It owns no store and starts no thread.
"""

from __future__ import annotations

import secrets

from fastapi import Depends, FastAPI

from api import docs, openapi, problems
from api.access.gate import Gate, Identify, everybody_is_local
from api.access.rules import only_with_rule
from api.access.seen import Eyes
from api.context import Context
from api.live import Encodings
from api.parameters import only_known_parameters
from api.publish.datasets import Beginnings
from api.publish.partitions import Partitions
from api.routes import HEALTH, OPEN, ROUTERS
from api.security import Guard
from telemetry.setting_values import LOOPBACK

PREFIX = "/api/v1"


def create_app(
    context: Context, *, console: bool = True, identify: Identify = everybody_is_local
) -> FastAPI:
    """The app for uvicorn. Without `console` it has no page and costs no start of one.

    identify: who asks; without authentication everybody is the local administrator.
    """
    app = FastAPI(
        dependencies=[Depends(only_with_rule)],
        title=openapi.TITLE,
        version=openapi.VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    app.state.context = context
    app.state.eyes = Eyes(context)
    app.state.encodings = Encodings()
    app.state.beginnings = Beginnings()
    app.state.partitions = Partitions(context.settings.data_dir / "open")
    app.state.run = secrets.token_hex(4)  # names this run in the stream's event ids
    problems.install(app)
    openapi.install(app)
    strict = [Depends(only_known_parameters)]
    for router in ROUTERS:
        app.include_router(router, prefix=PREFIX, dependencies=strict)
    app.include_router(HEALTH, dependencies=strict)
    app.include_router(OPEN, dependencies=strict)
    app.include_router(docs.router)
    docs.mount_static(app)
    if console:
        from api.console.page import mount_console  # its framework costs a second to import

        mount_console(app, context)
    settings = context.settings
    app.add_middleware(Gate, identify=identify, write=context.audit)
    app.add_middleware(Guard, hosts=(*LOOPBACK, settings.bind), max_payload=settings.max_payload)
    return app
