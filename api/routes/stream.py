"""GET /stream: readings, indices, states, alerts and commands as they happen; server-sent events or WebSocket."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Request, Response, WebSocket

from api import websocket
from api.access.principal import Role
from api.access.rules import allow
from api.live import Encodings, Wish, wish
from api.openapi import STREAM, answers
from api.sse import Encode, EventStream, Place

router = APIRouter(tags=["live"], dependencies=[allow(Role.VIEWER)])

Wished = Annotated[Wish, Depends(wish)]


@router.get("/stream", summary="Live readings and alerts", responses=answers(STREAM))
async def get_stream(
    request: Request,
    wanted: Wished,
    last_event_id: Annotated[
        str | None, Header(description="Id of the last event that was seen: go on behind it")
    ] = None,
) -> Response:
    """`event: readings`, `indices`, `status` and `commands` carry {"items": […]}, `event: alert` one alert. A
    reading is sent once, as the most special of the types that are asked for. Comments keep the line open.

    After a break, send `Last-Event-ID` (browsers do): what came within the last five minutes is sent first,
    up to 20,000 events and a million readings; what is older is told by `event: lost`. A client that falls
    behind that, or takes nothing for ten seconds, is cut. Devices that join later are heard of too, where
    the filters let them through. The same over a WebSocket: `/api/v1/stream/ws`, with `last_event_id`.
    """
    run: str = request.app.state.run
    place = Place.of(last_event_id, run)
    return EventStream(wanted.context.hub, run, _encoder(request, wanted), place)


@router.websocket("/stream/ws")
async def stream_over_websocket(
    socket: WebSocket,
    wanted: Wished,
    last_event_id: Annotated[str | None, Query()] = None,
) -> None:
    """The same over a WebSocket; see api/websocket.py."""
    run: str = socket.app.state.run
    place = Place.of(last_event_id, run, "last_event_id")
    encode = _encoder(socket, wanted)
    await websocket.serve(socket, wanted.context.hub, run, encode, place)


def _encoder(connection: Request | WebSocket, wanted: Wish) -> Encode:
    encodings: Encodings = connection.app.state.encodings
    return lambda event: encodings.of(event, wanted)
