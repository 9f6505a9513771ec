"""A TCP proxy between two parts: it can delay, throttle, cut, and go half-open, as a bad network does."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

_CHUNK = 65_536


class Proxy:
    """Forwards 127.0.0.1:`port` to 127.0.0.1:`target`, in a thread of its own.

    latency_s      each piece of data leaves so much later; order is kept
    bytes_per_s    at most so many in each direction; 0: as many as come
    These may be changed while it runs.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.latency_s = 0.0
        self.bytes_per_s = 0
        self.connections = 0  # that were ever made
        self._held = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._run(
            asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_CHUNK)
        )
        self.port = int(self._server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        self._call(self._abort_all)

    def half_open(self) -> None:
        """Forward nothing more on the connections that are open, and close none: a cable that was pulled.

        New connections are left unanswered too, until `heal`.
        """
        self._held = True

    def heal(self) -> None:
        """The cable is back. What was held is gone with its connections, as after a time-out of TCP."""
        self._held = False
        self.cut()

    def close(self) -> None:
        """End every connection and the proxy."""
        self._run(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            theirs = await asyncio.open_connection("127.0.0.1", self.target, limit=_CHUNK)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, theirs[1]}
        await asyncio.gather(self._pump(reader, theirs[1]), self._pump(theirs[0], writer))
        self._open -= {writer, theirs[1]}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction: read, wait as the network would, write; until one side ends."""
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        reading = asyncio.create_task(self._read(reader, line))
        try:
            while (due := await line.get())[1]:
                await self._carry(*due, writer)
        except OSError:
            pass  # the other side is gone; so will be this one
        finally:
            reading.cancel()
            writer.transport.abort()

    async def _read(
        self, reader: asyncio.StreamReader, line: asyncio.Queue[tuple[float, bytes]]
    ) -> None:
        data = b"-"
        while data:
            try:
                data = await reader.read(_CHUNK)
            except OSError:
                data = b""
            await line.put((self._loop.time() + self.latency_s, data))

    async def _carry(self, due: float, data: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(max(0.0, due - self._loop.time()))
        rate = self.bytes_per_s
        step = max(1, rate // 20) if rate else len(data)
        for i in range(0, len(data), step):
            if self._held:
                return  # lost on the way
            writer.write(data[i : i + step])
            await writer.drain()
            await asyncio.sleep(step / rate if rate else 0)

    def _abort_all(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _shut(self) -> None:
        self._server.close()
        self._abort_all()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.wait(tasks, timeout=5) if tasks else None

    def _call(self, what: Callable[[], None]) -> None:
        async def run() -> None:
            what()

        self._run(run())

    def _run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(10)
