"""What the operations store holds, beside devices and alerts: quarantine. Alerts are in store.alert_records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from store.alert_records import OPEN, SHOWN, Alert, AlertEvent, AlertState, Condition, OutOfService

__all__ = [
    "OPEN",
    "SHOWN",
    "Alert",
    "AlertEvent",
    "AlertState",
    "Condition",
    "OutOfService",
    "QuarantineAct",
    "QuarantineFilter",
    "QuarantineItem",
    "QuarantineState",
    "RuleRecord",
    "Within",
]


class QuarantineState(StrEnum):
    """Where an item of quarantine stands in its life."""

    WAITING = "waiting"  # nobody has decided yet, or it came again after somebody did
    RESENT = "resent"  # its message went through ingest once more
    DISCARDED = "discarded"  # somebody said that it is of no use


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineItem:
    """A message, or one record of it, that could not be stored, with its bytes and the reason.

    id        digest of topic, payload and path: the same message twice is one item seen twice
    received  when it came last [ns]
    path      where in the payload, as JSON path: $.pm25
    detail    the error in words: place, need, value
    acted     when somebody resent or discarded it last [ns]; None: nobody has
    note      what became of it then, or why it was discarded
    size      bytes of the whole payload where a list gives only its start; None: the payload is whole
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
    state: QuarantineState = QuarantineState.WAITING
    acted: int | None = None
    acted_by: str = ""
    note: str = ""
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """Registered devices of these kinds and in these areas; None: all."""

    kinds: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineFilter:
    """Which items are meant: those that fit every field. Empty: all; `devices` None: of any device.

    Waiting ones where nothing is said of the state. start <= received < end [ns].
    within: only of devices that are known and within, and of no gateway's pack, whose bytes are of many.
    """

    states: Sequence[QuarantineState] = (QuarantineState.WAITING,)
    reasons: Sequence[str] = ()
    devices: Sequence[str] | None = None
    kinds: Sequence[str] = ()
    start: int | None = None
    end: int | None = None
    within: Within | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineAct:
    """What somebody did with items of quarantine. `note`: what became of them, or why."""

    state: QuarantineState
    time: int
    by: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    """A rule that an engineer added. definition: JSON; updated: when it was last changed, and by whom [ns]."""

    code: str
    definition: bytes
    updated: int
    updated_by: str


@dataclass(frozen=True, slots=True)
class QualityFailure:
    """Readings of a series that failed a test in an hour. hour: its start [ns, UTC]; worst: the flag."""

    device: str
    hour: int
    quantity: str
    test: str
    count: int
    worst: int
