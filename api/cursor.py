"""Opaque cursors: where a list goes on. They hold names, not codes, so that they outlive a restart."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from telemetry.errors import QueryError

T = TypeVar("T")


def make_cursor(resource: str, place: Sequence[object]) -> str:
    """The cursor of a place in the list of this resource."""
    packed = msgspec.json.encode([resource, *place])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def read_cursor(resource: str, cursor: str | None, shape: type[T]) -> T | None:
    """The place that a cursor of this resource means; `shape` is a tuple type. None for no cursor.

    Raises QueryError for anything that `make_cursor` did not make for this resource.
    """
    if cursor is None:
        return None
    try:
        packed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        owner, *place = msgspec.json.decode(packed, type=list[object])
        if owner != resource:
            raise ValueError
        return msgspec.convert(place, type=shape)
    except (ValueError, msgspec.MsgspecError):
        raise QueryError(
            "cursor", f"must be the `next` of an answer of {resource}", cursor
        ) from None
