"""The audit log's answers."""

from __future__ import annotations

from typing import Any

import msgspec


class AuditInfo(msgspec.Struct):
    """One record. before, after: what it was and is, or None; hash: over `previous` and this record."""

    number: int
    time: str
    who: str
    role: str
    source: str
    act: str
    about: str
    before: Any
    after: Any
    previous: str
    hash: str
