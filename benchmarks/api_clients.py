"""Clients of the API's benchmark, as processes of their own: many listeners, and many small requests."""

from __future__ import annotations

import asyncio
import http.client
import re
import time
from dataclasses import dataclass

_SENT = re.compile(rb'"sent": ?(\d+)')
_TIME = re.compile(rb'"time":"([^"]+)"')


def get(port: int, path: str) -> tuple[float, int]:
    """(seconds until all of the answer was there, its bytes). Raises where it is not 200."""
    begin = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    connection.request("GET", path)
    answer = connection.getresponse()
    size = 0
    while part := answer.read(1 << 20):
        size += len(part)
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{path}: {answer.status}")
    return time.perf_counter() - begin, size


@dataclass(frozen=True, slots=True)
class Heard:
    """Delays from publish to arrival [s], and how many events each client should have had and had not."""

    delays: list[float]
    least: int
    most: int


def listen(port: int, path: str, clients: int, seconds: float) -> Heard:
    """So many clients at once on a stream of server-sent events."""
    return asyncio.run(_listen(port, path, clients, seconds))


async def _listen(port: int, path: str, clients: int, seconds: float) -> Heard:
    ended = time.monotonic() + 3.0 + seconds
    found = await asyncio.gather(
        *(_client(port, path, ended - seconds, ended) for _ in range(clients))
    )
    counts = [len(d) for d in found]
    return Heard([d for one in found for d in one], min(counts), max(counts))


async def _client(port: int, path: str, begin: float, end: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    delays: list[float] = []
    try:
        while (left := end - time.monotonic()) > 0:
            try:
                line = await asyncio.wait_for(reader.readline(), left)
            except TimeoutError:
                break
            if not line.startswith(b"data:"):
                continue
            arrived = time.time_ns()
            if time.monotonic() >= begin:
                delays.append((arrived - _sent(line)) / 1e9)
    finally:
        writer.close()
    return delays


def _sent(line: bytes) -> int:
    match = _SENT.search(line[:60])
    if match is not None:
        return int(match[1])
    match = _TIME.search(line)
    assert match is not None
    from telemetry.clock import parse_time

    return parse_time(match[1].decode())


def small_requests(port: int, path: str, connections: int, seconds: float) -> int:
    """How many requests were answered on so many connections that stay open, one after the other on each."""
    return asyncio.run(_small(port, path, connections, seconds))


async def _small(port: int, path: str, connections: int, seconds: float) -> int:
    end = time.monotonic() + seconds
    return sum(await asyncio.gather(*(_ask(port, path, end) for _ in range(connections))))


async def _ask(port: int, path: str, end: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    answered = 0
    while time.monotonic() < end:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{path}: {head[:40]!r}")
        length = int(re.search(rb"content-length: (\d+)", head.lower())[1])  # type: ignore[index]
        await reader.readexactly(length)
        answered += 1
    writer.close()
    return answered
