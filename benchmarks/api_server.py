"""The real app over a filled store, as a process for `urban bench api`; and bare answers to compare with.

`/bare/bytes` gives so many bytes at once, `/bare/small` an empty object, `/bare/stream` the same events as the
live stream with nothing but their bytes. `/bare/cost` tells this process' CPU time and memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.responses import Response, StreamingResponse

from analytics.alerts.book import AlertBook
from analytics.custom.check import Surroundings
from analytics.custom.desk import RuleDesk
from api.access.principal import Role
from api.access.rules import allow
from api.app import create_app
from api.context import Context
from benchmarks.api_load import DEVICES, END, QUANTITIES, catalogue_of
from benchmarks.ingest_stores import open_store
from devices.city import load_city
from store.sql_store import SqlOperations
from telemetry.clock import SystemClock
from telemetry.live import Hub
from telemetry.readings import Readings
from telemetry.settings import load_settings

PUBLISH_EVERY_S = 0.1


def context_of(address: str, folder: Path, devices: int) -> Context:
    """A context with everything but ingest and analytics."""
    catalogue = catalogue_of(devices)
    operations = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
    telemetry = open_store(address, catalogue)
    hub, clock, city = Hub(), SystemClock(), load_city("hcmc")
    book = AlertBook(operations, catalogue, hub, clock)
    around = Surroundings(catalogue, frozenset(city.area))
    rules = RuleDesk(
        around,
        city.zone,
        operations,
        telemetry,
        book.rules,
        lambda rules: None,
        book.withdraw,
        clock,
    )
    return Context(
        settings=load_settings({"URBAN_DATA_DIR": str(folder)}),
        kinds=catalogue.kinds,
        catalogue=catalogue,
        city=city,
        telemetry=telemetry,
        operations=operations,
        alerts=book,
        rules=rules,
        hub=hub,
        clock=clock,
        settled=lambda: END,
    )


def add_bare(app: FastAPI, context: Context, stream_rows: int) -> None:
    """The answers of the reference."""
    anybody = [allow(Role.ANONYMOUS)]
    large: dict[int, bytes] = {}

    @app.get("/bare/bytes", dependencies=anybody)
    async def bare_bytes(size: int) -> Response:
        return Response(large.setdefault(size, b"x" * size))

    @app.get("/bare/cost", dependencies=anybody)
    async def bare_cost() -> dict[str, float]:
        used = resource.getrusage(resource.RUSAGE_SELF)
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        memory = pages * os.sysconf("SC_PAGE_SIZE") / 2**20
        return {"cpu_s": used.ru_utime + used.ru_stime, "rss_mb": memory}

    @app.get("/bare/stream", dependencies=anybody)
    async def bare_stream() -> Response:
        filler = "x" * (stream_rows * 130)

        async def events() -> AsyncIterator[bytes]:
            due = time.monotonic()
            while True:
                body = json.dumps({"sent": time.time_ns(), "filler": filler})
                yield f"event: readings\ndata: {body}\n\n".encode()
                due += PUBLISH_EVERY_S
                await asyncio.sleep(max(0.0, due - time.monotonic()))

        return StreamingResponse(events(), media_type="text/event-stream")


class Small:
    """ASGI, outermost: answers /bare/small with nothing else in between."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope, receive, send) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        if scope["type"] != "http" or scope["path"] != "/bare/small":
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})


def publish(context: Context, rows: int) -> None:
    """So many readings ten times a second, measured at the time of now."""
    device = [i % DEVICES for i in range(rows)]
    quantity = [context.kinds.quantity_code[QUANTITIES[0]]] * rows
    due = time.monotonic()
    while True:
        now = time.time_ns()
        made = Readings.of(device, quantity, [now] * rows, [31.2] * rows, 1, now)
        context.hub.publish("readings", made)
        due += PUBLISH_EVERY_S
        time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--store", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--devices", type=int, default=DEVICES)
    parser.add_argument("--publish", type=int, default=0, help="readings, ten times a second")
    given = parser.parse_args()
    context = context_of(given.store, given.folder, given.devices)
    app = create_app(context, console=False)
    add_bare(app, context, given.publish)
    if given.publish:
        threading.Thread(target=publish, args=(context, given.publish), daemon=True).start()
    config = uvicorn.Config(
        Small(app), host="127.0.0.1", port=given.port, log_config=None, access_log=False,
        server_header=False,
    )  # fmt: skip
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
