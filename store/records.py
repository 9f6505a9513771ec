"""What the operations store holds, beside devices: alerts with their history, and quarantine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class AlertState(StrEnum):
    """States after ISA-18.2 (the rest of the life cycle follows)."""

    UNACKNOWLEDGED = "unacknowledged"  # standing, nobody has it
    ACKNOWLEDGED = "acknowledged"  # standing, someone has it
    RETURNED = "returned"  # back to normal, nobody had it
    CLEARED = "cleared"  # back to normal, and seen
    SUPPRESSED = "suppressed"  # standing, held back under its cause


STANDING = (AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED, AlertState.SUPPRESSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert: a rule that holds for a device. Times in ns, UTC (event time); None: not yet.

    At most one alert per (rule, device) stands at any time. `value` is the latest, `worst` the worst
    since it was raised. `cause` is the id of the alert that it is held back under.
    """

    id: str
    rule: str
    device: str
    kind: str
    quantity: str
    severity: int
    state: AlertState
    raised: int
    updated: int
    value: float
    worst: float
    level: float
    cleared: int | None = None
    acknowledged: int | None = None
    acknowledged_by: str = ""
    cause: str = ""

    def but(self, **changes: object) -> Alert:
        """The same alert, changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """One line of an alert's history. `what`: raised | updated | cleared | acknowledged | suppressed | released."""

    alert: str
    time: int
    what: str
    by: str = ""
    value: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineItem:
    """A message, or one record of it, that could not be stored, with its bytes and the reason.

    id      digest of topic, payload and path: the same message twice is one item seen twice
    path    where in the payload, as JSON path: $.pm25
    detail  the error in words: place, need, value
    """

    id: str
    received: int
    topic: str
    payload: bytes
    reason: str
    path: str = "$"
    detail: str = ""
    device: str = ""
    kind: str = ""
    seen: int = 1
