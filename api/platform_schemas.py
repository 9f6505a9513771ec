"""The API's answers about the platform itself, as structs: what is encoded is what OpenAPI describes."""

from __future__ import annotations

import msgspec


class Backup(msgspec.Struct, frozen=True):
    """A copy of the stores. state: running, done or failed; `part` is at `share` of it, 0…1."""

    name: str
    state: str
    made: str
    part: str = ""
    share: float = 0.0
    bytes: int = 0
    detail: str = ""


class TakenAlerts(msgspec.Struct, frozen=True):
    """What a message of Grafana's held: alerts that stand, that are over, and tests of the contact point."""

    raised: int
    cleared: int
    tests: int
