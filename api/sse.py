"""Server-sent events: the hub's events → one client's stream, filtered; heartbeats; the slow are cut.

One event of the hub is one event of the stream, under an id made of this run's name and the hub's number:
`Last-Event-ID` resumes exactly, and what can't be resumed (a new run, or events no longer kept) is told by
an event `lost`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from telemetry import metrics
from telemetry.errors import QueryError
from telemetry.live import Event, Hub, Subscription

HEARTBEAT_S = 15.0
SEND_TIMEOUT_S = 10.0  # a client that takes nothing for so long is cut

Made = Sequence[tuple[str, bytes]]
Encode = Callable[[Event], Made]
"""An event → types and JSON for this client; nothing where the client did not ask for it."""


def frames(made: Made, event_id: str) -> bytes:
    """One event on the wire: JSON holds no line break. The last part has the id: before it, not all is read."""
    parts = [b"event: %s\ndata: %s\n\n" % (name.encode(), data) for name, data in made]
    parts[-1] = b"id: %s\n%s" % (event_id.encode(), parts[-1])
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client wants to go on: after this number of this run. `number` None: from now on."""

    run: str
    number: int | None = None

    def after(self, run: str) -> int | None:
        """Number to go on after. A client of an earlier run gets all that this run still keeps."""
        return self.number if self.run == run else 0

    def loss(self, run: str, first: Event) -> bytes | None:
        """What to tell where events between the client's last one and its first one now are gone."""
        if self.number is None or (self.run == run and first.number <= self.number + 1):
            return None
        return b'{"after":"%s.%d"}' % (self.run.encode(), self.number)

    @staticmethod
    def of(event_id: str | None, run: str, parameter: str = "Last-Event-ID") -> Place:
        """From a Last-Event-ID. Raises QueryError for what is no id of ours."""
        if not event_id:
            return Place(run)
        match = re.fullmatch(r"([0-9a-f]{8})\.(\d{1,18})", event_id)
        if match is None:
            raise QueryError(parameter, "must be the id of an event of this stream", event_id)
        return Place(match[1], int(match[2]))


class EventStream(Response):
    """The answer that does not end until the client leaves, or is cut."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, run: str, encode: Encode, place: Place) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._run = run
        self._encode_event = encode
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        subscription = self._hub.subscribe(self._place.after(self._run))
        await until_either(
            _until_disconnect(receive), self._send(subscription, send), subscription, "sse"
        )

    async def _send(self, subscription: Subscription, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        await _write(send, b"retry: 2000\n: welcome\n\n")
        first, seen = True, self._hub.number
        while True:
            try:
                event = await asyncio.wait_for(subscription.next(), HEARTBEAT_S)
            except TimeoutError:
                # With an id: who heard nothing for long has not missed anything.
                await _write(send, b"id: %s.%d\n: still here\n\n" % (self._run.encode(), seen))
                continue
            if event is None:
                break
            loss = self._place.loss(self._run, event) if first else None
            first, seen = False, event.number
            if loss is not None:
                await _write(send, b"event: lost\ndata: %s\n\n" % loss)
            made = self._encode_event(event)
            if made:
                await _write(send, frames(made, f"{self._run}.{event.number}"))
        with suppress(TimeoutError):
            await _write(send, b": cut for reading too slowly; resume with Last-Event-ID\n\n")
            await asyncio.wait_for(
                send({"type": "http.response.body", "body": b"", "more_body": False}),
                SEND_TIMEOUT_S,
            )


async def until_either(
    leaving: Coroutine[Any, Any, None],
    sending: Coroutine[Any, Any, None],
    subscription: Subscription,
    name: str,
) -> None:
    """Send until the client leaves, or nothing more is to be sent; both tasks have ended then."""
    tasks = (
        asyncio.create_task(leaving, name=f"{name}: wait for the end"),
        asyncio.create_task(sending, name=f"{name}: send"),
    )
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        subscription.close()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, TimeoutError):
            metrics.LIVE_CUT.inc()
        elif isinstance(result, Exception) and not isinstance(result, OSError):
            raise result


async def _write(send: Send, data: bytes) -> None:
    message = {"type": "http.response.body", "body": data, "more_body": True}
    await asyncio.wait_for(send(message), SEND_TIMEOUT_S)


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
