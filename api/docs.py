"""/docs: Swagger UI out of an installed package, so that it works in a room without the internet."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.staticfiles import StaticFiles
from starlette.applications import Starlette

from api.access.principal import Role
from api.access.rules import allow
from api.openapi import TITLE

router = APIRouter(include_in_schema=False, dependencies=[allow(Role.ANONYMOUS)])
STATIC = "/docs/static"


@router.get("/docs")
def get_docs() -> Response:
    """The page on which the API can be tried."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=TITLE,
        swagger_js_url=f"{STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{STATIC}/favicon.png",
    )


def mount_static(app: Starlette) -> None:
    """Serve Swagger UI's own files."""
    folder = Path(str(files("fastapi_offline") / "static"))
    app.mount(STATIC, StaticFiles(directory=folder), name="docs-static")
