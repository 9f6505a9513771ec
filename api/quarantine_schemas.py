"""The shapes of the API's answers about quarantine."""

from __future__ import annotations

from msgspec import Struct

from api.schemas import Time


class QuarantineInfo(Struct):
    """What could not be stored. `payload` is text where `encoding` is utf-8, else base64.

    In lists it is cut to its first 1,000 bytes; `bytes` is its true length. state: waiting, resent or
    discarded; acted, acted_by and note: the last time that somebody resent or discarded it, and what
    became of it or why. runbook: the heading that says what to do.
    """

    id: str
    received: Time
    topic: str
    device: str
    kind: str
    reason: str
    path: str
    detail: str
    seen: int
    state: str
    acted: Time | None
    acted_by: str
    note: str
    runbook: str
    bytes: int
    encoding: str
    payload: str


class QuarantineCounts(Struct):
    """How many items lie in quarantine, in all and for each reason."""

    total: int
    reasons: dict[str, int]


class QuarantineResent(Struct):
    """What became of a message that was sent again, record by record; `quarantined` has a reason for each.

    item: the one that was resent. It is `waiting` still where the same message was refused again.
    """

    item: QuarantineInfo
    stored: int
    duplicate: int
    quarantined: list[str]


class QuarantineManyResent(Struct):
    """What became of the items that a filter named. Items of one message are sent once, together.

    matched: items that waited before; waiting: that wait now; items: acted on; stopped: why not all of
    the limit were done, "" where they were.
    """

    matched: int
    items: int
    messages: int
    stored: int
    duplicate: int
    quarantined: dict[str, int]
    waiting: int
    stopped: str


class QuarantineManyDiscarded(Struct):
    """matched: items that waited before; items: discarded; waiting: that wait now."""

    matched: int
    items: int
    waiting: int
