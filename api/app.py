"""The HTTP side of the platform in one app: guard → gate (who asks) → routes (/api/v1, health, docs) → the console at /.

Reads top to bottom: errors, routes, docs, console. It owns no store and starts no thread.
"""

from __future__ import annotations

import secrets

from fastapi import Depends, FastAPI
from starlette.middleware.cors import CORSMiddleware

from api import docs, openapi, problems
from api.access.access import Access
from api.access.gate import Gate, Identify, everybody_is_local
from api.access.rules import only_with_rule
from api.access.seen import Eyes
from api.context import Context
from api.live import Encodings
from api.parameters import only_known_parameters
from api.publish.datasets import Beginnings
from api.publish.partitions import Partitions
from api.routes import HEALTH, OPEN, ROUTERS, login
from api.security import Guard
from api.sta.routes import router as sensorthings

PREFIX = "/api/v1"


def create_app(
    context: Context,
    *,
    console: bool = True,
    access: Access | None = None,
    identify: Identify | None = None,
) -> FastAPI:
    """The app for uvicorn. Without `console` it has no page and costs no start of one.

    access: how people and programs come in; without it everybody is the local administrator.
    identify: who asks, where that is not for `access` to find out.
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
    app.state.access = access
    app.state.eyes = Eyes(context, access.limits.charge if access else None)
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
    app.include_router(login.router)
    app.include_router(sensorthings, dependencies=strict)
    app.include_router(docs.router)
    docs.mount_static(app)
    if console:
        from api.console.page import mount_console  # its framework costs a second to import

        mount_console(app, context)
    _add_doors(app, context, access, identify)
    return app


def _add_doors(
    app: FastAPI, context: Context, access: Access | None, identify: Identify | None
) -> None:
    """What every request passes before a route is looked for; the last one added is the outermost."""
    settings = context.settings
    asked = identify or (access.identity if access else everybody_is_local)
    app.add_middleware(Gate, identify=asked, write=context.audit, access=access)
    if settings.cors:
        # To read, with a key or as nobody: no cookie crosses from another origin, and no act.
        app.add_middleware(
            CORSMiddleware, allow_origins=list(settings.cors), allow_methods=["GET", "HEAD"],
            allow_headers=["Authorization", "X-API-Key", "Last-Event-ID", "If-None-Match"],
            expose_headers=["ETag", "Link", "Retry-After"],
        )  # fmt: skip
    app.add_middleware(Guard, hosts=settings.http_hosts, max_payload=settings.max_payload)
