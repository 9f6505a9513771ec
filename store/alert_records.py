"""Alerts as the operations store holds them: the alert, its history, and the conditions behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class AlertState(StrEnum):
    """States after ISA-18.2-2016, clause 10."""

    UNACKNOWLEDGED = "unacknowledged"  # standing, nobody has it
    ACKNOWLEDGED = "acknowledged"  # standing, someone has it
    RETURNED = "returned"  # back to normal, nobody had it
    CLEARED = "cleared"  # back to normal, and seen: the end
    SHELVED = "shelved"  # put aside by an operator until a time
    SUPPRESSED = "suppressed"  # held back by design: its cause stands
    OUT_OF_SERVICE = "out_of_service"  # taken out by an engineer until put back


# What is not over: at most one alert of a (family, subject) is in one of these at any time.
OPEN = tuple(s for s in AlertState if s is not AlertState.CLEARED)
# What an operator must see.
SHOWN = (AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED, AlertState.RETURNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert: a rule that holds for a subject. Times in ns, UTC; None: not yet.

    rule       the worst rule of its family that holds, or held last
    family     rules whose levels are one alert, whose severity rises and falls; alone: the rule's code
    subject    what it is about, see devices.subject
    kind       of the device; "" where the subject is none
    raised, updated, cleared   event time
    value, worst               the latest, and the worst since it was raised, in the quantity's unit
    level      of the rule; NaN where it has none
    active     the condition holds
    announced  when it last began to ask for somebody, by the clock: from here on the time to
               acknowledge counts
    cause      id of the alert that it is held back under
    released   when its cause was over, event time; it comes out when its device has had time to report
    chattering it comes and goes so often that it is held as one that stands
    escalated, reminded        when it was last told as unattended, and as still standing, by the clock
    detail     what there is to say beside the rule's own words
    """

    id: str
    rule: str
    family: str = ""
    subject: str
    kind: str
    quantity: str
    severity: int
    state: AlertState
    raised: int
    updated: int
    value: float
    worst: float
    level: float
    active: bool = True
    announced: int = 0
    cleared: int | None = None
    acknowledged: int | None = None
    acknowledged_by: str = ""
    assigned: str = ""
    cause: str = ""
    released: int | None = None
    shelved_until: int | None = None
    shelved_by: str = ""
    shelved_why: str = ""
    out_of_service: bool = False
    chattering: bool = False
    escalated: int | None = None
    reminded: int | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        if not self.family:
            object.__setattr__(self, "family", self.rule)
        if not self.announced:
            object.__setattr__(self, "announced", self.raised)

    @property
    def device(self) -> str:
        """The device's id; "" where the subject is none."""
        return "" if ":" in self.subject else self.subject

    def but(self, **changes: object) -> Alert:
        """The same alert, changed."""
        return replace(self, **changes)  # type: ignore[arg-type]


EVENTS = (
    "raised", "updated", "worse", "better", "cleared", "closed", "acknowledged", "assigned", "commented",
    "suppressed", "released", "shelved", "unshelved", "out_of_service", "in_service", "chattering", "quiet",
    "unattended", "reminded",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertEvent:
    """One line of an alert's history.

    what      one of EVENTS
    time      event time of what the condition did; else by the clock
    state, severity   of the alert after it
    """

    alert: str
    time: int
    what: str
    by: str = ""
    value: float | None = None
    text: str = ""
    state: str = ""
    severity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What is known of a rule's condition at a subject: what was told up to `time` is old news.

    stands  since `since` where it does, else over since then; event time, as `time`
    worst   the worst value since it began
    """

    rule: str
    subject: str
    stands: bool
    since: int
    time: int
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutOfService:
    """Somebody took a rule's family at a subject out of service, or all of them (family ""). by the clock."""

    family: str
    subject: str
    since: int
    by: str
    why: str
