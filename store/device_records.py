"""What the operations store holds of changes of devices: who, when, what was before and after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvent:
    """One line of a device's history.

    what    registered, edited, retired, reinstated, credentials_issued, credentials_removed
    before, after  the fields that changed, by name; no secret is ever among them
    number  in order of writing; 0 before it is written
    """

    device: str
    time: int
    what: str
    by: str
    why: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    number: int = 0
