"""The HTTP server inside a process of ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from ingest.broker import refuse_taken_port


class _Server(uvicorn.Server):
    """Signals belong to the command, which ends the parts in the order of the flow."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class WebServer:
    """One app on one port. `listen` early, so that a port in use is said before anything starts.

    setting: the name that the port is set by. proxies: whose X-Forwarded-For and -Proto are believed.
    """

    def __init__(
        self,
        bind: str,
        port: int,
        setting: str = "URBAN_HTTP_PORT",
        proxies: tuple[str, ...] = (),
    ) -> None:
        self._proxies = proxies
        self._bind = bind
        self._port = port
        self._setting = setting
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
        bind, port = self._bind, self._port
        refuse_taken_port(port, self._setting, bind)
        family = socket.AF_INET6 if ":" in bind else socket.AF_INET
        self._socket = socket.socket(family)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((bind, port))

    async def start(self, app: FastAPI) -> None:
        """Serve; returns when it answers."""
        config = uvicorn.Config(
            app, log_config=None, access_log=False, timeout_graceful_shutdown=2,
            server_header=False, ws_max_size=2**20,
            # Else whoever sits on this machine could say that a request came from anywhere.
            proxy_headers=bool(self._proxies), forwarded_allow_ips=list(self._proxies),
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
