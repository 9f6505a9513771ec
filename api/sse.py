"""Server-sent events: the hub's events → one client's stream, filtered; heartbeats; the slow are cut.

One event of the hub is one event of the stream, under an id made of this run's name and the hub's number:
`Last-Event-ID` resumes exactly, and what can't be resumed (a new run, or events no longer kept) is told by
an event `lost`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from telemetry.errors import QueryError
from telemetry.live import Event, Hub, Subscription

HEARTBEAT_S = 15.0
SEND_TIMEOUT_S = 10.0  # a client that takes nothing for so long is cut
CAPACITY = 4_000  # events that may wait for one client; more than the hub keeps for resuming

Encode = Callable[[Event], tuple[str, bytes] | None]
"""An event → its type and its JSON for this client, or None where the client did not ask for it."""


def frame(event: str, data: bytes, event_id: str) -> bytes:
    """One event on the wire. `data` is JSON, so it holds no line break."""
    return b"id: %s\nevent: %s\ndata: %s\n\n" % (event_id.encode(), event.encode(), data)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client wants to go on: after this number of this run. `number` None: from now on."""

    run: str
    number: int | None = None

    @staticmethod
    def of(event_id: str | None, run: str) -> Place:
        """From a Last-Event-ID. Raises QueryError for what is no id of ours."""
        if not event_id:
            return Place(run)
        match = re.fullmatch(r"([0-9a-f]{8})\.(\d{1,18})", event_id)
        if match is None:
            raise QueryError("Last-Event-ID", "must be the id of an event of this stream", event_id)
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
        # A client of an earlier run gets all that this run still keeps.
        after = self._place.number if self._place.run == self._run else 0
        subscription = self._hub.subscribe(CAPACITY, after)
        leaving = asyncio.create_task(_until_disconnect(receive), name="sse: wait for the end")
        sending = asyncio.create_task(self._send(subscription, send), name="sse: send")
        try:
            await asyncio.wait({leaving, sending}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            subscription.close()
            for task in (leaving, sending):
                task.cancel()
            results = await asyncio.gather(leaving, sending, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, TimeoutError | OSError):
                raise result

    async def _send(self, subscription: Subscription, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        await _write(send, b"retry: 2000\n: welcome\n\n")
        while True:
            try:
                event = await asyncio.wait_for(subscription.next(), HEARTBEAT_S)
            except TimeoutError:
                await _write(send, b": still here\n\n")
                continue
            if event is None:
                break
            await self._tell_loss(event, send)
            made = self._encode_event(event)
            if made is not None:
                await _write(send, frame(*made, f"{self._run}.{event.number}"))
        with suppress(TimeoutError):
            await _write(send, b": cut for reading too slowly; resume with Last-Event-ID\n\n")
            await asyncio.wait_for(
                send({"type": "http.response.body", "body": b"", "more_body": False}),
                SEND_TIMEOUT_S,
            )

    async def _tell_loss(self, event: Event, send: Send) -> None:
        """Before the first event: say so where events between the client's last one and it are gone."""
        place, self._place = self._place, Place(self._run)
        if place.number is None:
            return
        if place.run != self._run or event.number > place.number + 1:
            body = msgspec.json.encode({"after": f"{place.run}.{place.number}"})
            await _write(send, b"event: lost\ndata: %s\n\n" % body)


async def _write(send: Send, data: bytes) -> None:
    message = {"type": "http.response.body", "body": data, "more_body": True}
    await asyncio.wait_for(send(message), SEND_TIMEOUT_S)


async def _until_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
