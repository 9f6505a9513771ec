"""The answers about who asks."""

from __future__ import annotations

import msgspec


class Me(msgspec.Struct):
    """Who asks. domains, areas: None is all."""

    name: str
    sort: str
    role: str
    domains: list[str] | None
    areas: list[str] | None
