"""The HTTP server inside the platform's process: page, API and live stream."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn

from api.app import create_app
from api.context import Context
from ingest.broker import refuse_taken_port
from telemetry.settings import Settings


class _Server(uvicorn.Server):
    """Signals belong to `urban up`, which ends the parts in the order of the flow."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """Page and API on one port. `listen` early, so that a port in use is said before anything starts."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._socket: socket.socket | None = None
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        assert self._socket is not None
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def listen(self) -> None:
        """Take the port. Raises StartError where it can't be had."""
        bind, port = self._settings.bind, self._settings.http_port
        refuse_taken_port(port, "URBAN_HTTP_PORT", bind)
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((bind, port))

    async def start(self, context: Context) -> None:
        """Serve; returns when it answers."""
        config = uvicorn.Config(
            create_app(context), log_config=None, access_log=False, timeout_graceful_shutdown=2,
            server_header=False, ws_max_size=2**20,
        )  # fmt: skip
        self._server = _Server(config)
        assert self._socket is not None
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]), name="web")
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.01)
        if self._task.done():
            self._task.result()

    async def ended(self) -> None:
        """Wait until the server ends."""
        assert self._task is not None
        await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Let the clients go and end."""
        if self._server is not None and self._task is not None:
            self._server.should_exit = True
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._socket is not None:
            self._socket.close()
