"""An HTTP client on the app itself: whole requests and answers, no socket."""

from __future__ import annotations

import asyncio
from types import TracebackType

import httpx
from fastapi import FastAPI

from tests.api.world import HOST


class Client:
    """Synchronous `get`, `post` and `request` on an ASGI app. A context manager."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._http = httpx.AsyncClient(transport=transport, base_url=HOST)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()

    @property
    def cookies(self) -> httpx.Cookies:
        """What it keeps, as a browser does."""
        return self._http.cookies

    def request(self, method: str, path: str, **more: object) -> httpx.Response:
        """One request, answered whole."""
        return self._runner.run(self._http.request(method, path, **more))  # type: ignore[arg-type]

    def get(self, path: str, **more: object) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: object) -> httpx.Response:
        return self.request("POST", path, **more)
