"""The live stream over a WebSocket: the same events and ids as server-sent events, a JSON text each.

    {"event": "readings", "id": "5f0c2b9e.1417", "data": {"items": […]}}

Of an event in several parts only the last has an id. What the client sends is read and ignored.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect

import api.sse
from api.sse import Encode, Made, Place, until_either
from telemetry.live import Hub, Subscription

TOO_SLOW = 1013  # "try again later" (IANA's registry of close codes)


async def serve(socket: WebSocket, hub: Hub, run: str, encode: Encode, place: Place) -> None:
    """Accept, and send until the client leaves or is cut."""
    await socket.accept()
    subscription = hub.subscribe(place.after(run))
    await until_either(
        _until_disconnect(socket),
        _send(socket, subscription, run, encode, place),
        subscription,
        "ws",
    )
    if subscription.cut:
        with suppress(Exception):  # it may have left, or take nothing
            await asyncio.wait_for(
                socket.close(TOO_SLOW, "cut for reading too slowly; resume with last_event_id"),
                api.sse.SEND_TIMEOUT_S,
            )


async def _send(
    socket: WebSocket, subscription: Subscription, run: str, encode: Encode, place: Place
) -> None:
    first = True
    while (event := await subscription.next()) is not None:
        loss = place.loss(run, event) if first else None
        first = False
        if loss is not None:
            await _write(socket, _text("lost", loss))
        for text in _texts(encode(event), f"{run}.{event.number}"):
            await _write(socket, text)


def _texts(made: Made, event_id: str) -> list[str]:
    last = len(made) - 1
    return [_text(name, data, event_id if i == last else "") for i, (name, data) in enumerate(made)]


def _text(name: str, data: bytes, event_id: str = "") -> str:
    own = f'"id":"{event_id}",' if event_id else ""
    return f'{{"event":"{name}",{own}"data":{data.decode()}}}'


async def _write(socket: WebSocket, text: str) -> None:
    await asyncio.wait_for(socket.send_text(text), api.sse.SEND_TIMEOUT_S)


async def _until_disconnect(socket: WebSocket) -> None:
    with suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
