"""The shape of the answer to why readings are flagged."""

from __future__ import annotations

from msgspec import Struct

from api.schemas import FlagValue, Time


class QualityInfo(Struct):
    """How many readings of an hour failed a test of quality, and the worst flag that it gave (QARTOD)."""

    hour: Time
    quantity: str
    test: str
    count: int
    worst: FlagValue
