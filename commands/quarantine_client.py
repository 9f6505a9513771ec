"""What `urban quarantine` asks of a platform: corrections of one message, and many items in bounded requests."""

from __future__ import annotations

import base64
import sys
from typing import Any

from commands.http_api import HttpApi, Json, Query
from commands.json_field import set_fields

CHUNK = 100  # items in one request: each is answered long before a time-out


def correction(api: HttpApi, item: str, assignments: list[str], payload: str | None) -> Json:
    """The part of the body that says what to send instead."""
    if assignments:
        found = api.get(f"/quarantine/{item}")
        body = set_fields(payload_of(found), assignments)
    elif payload is not None:
        body = (
            sys.stdin.buffer.read() if payload == "-" else payload.encode(errors="surrogateescape")
        )
    else:
        return {}
    try:
        return {"payload": body.decode()}
    except UnicodeDecodeError:
        return {"payload": base64.b64encode(body).decode(), "encoding": "base64"}


def payload_of(item: Json) -> bytes:
    text = str(item["payload"])
    return base64.b64decode(text) if item["encoding"] == "base64" else text.encode()


def count_items(api: HttpApi, query: Query) -> int:
    return int(api.get("/quarantine/counts", query)["total"])


def resend_many(api: HttpApi, query: Query, by: str, limit: int) -> Json:
    """Request after request until `limit` items, or all that waited at first, have been tried once."""
    total: Json = {}
    tried, most = 0, limit
    while tried < most:
        size = min(CHUNK, most - tried)
        told = api.post("/quarantine/resend", {"by": by}, {**query, "limit": size})
        most = min(limit, told["matched"]) if not total else most
        total = _added(total, told)
        tried += told["items"]
        if told["stopped"] or not told["items"]:
            break
    return total


def discard_many(api: HttpApi, query: Query, body: Json, limit: int) -> Json:
    total: Json = {}
    while total.get("items", 0) < limit:
        size = min(CHUNK, limit - total.get("items", 0))
        told = api.post("/quarantine/discard", body, {**query, "limit": size})
        total = _added(total, told)
        if not told["items"]:
            break
    return total


def _added(total: Json, told: Json) -> Json:
    """The answers of several requests as one: counts added up, what is about now from the last."""
    if not total:
        return told
    last: dict[str, Any] = {"matched": total["matched"], "waiting": told["waiting"]}
    for name, value in told.items():
        if isinstance(value, dict):
            names = {**total[name], **value}
            last[name] = {k: total[name].get(k, 0) + value.get(k, 0) for k in names}
        elif isinstance(value, int) and name not in last:
            last[name] = total[name] + value
        elif name not in last:
            last[name] = value
    return last
