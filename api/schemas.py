"""The shapes of the API's answers. The structs that are encoded are the ones that OpenAPI describes.

Times are RFC 3339 in UTC; a NaN leaves as null.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from analytics.custom.definition import CustomRule
from api.command_schemas import KindCommand

Unit = Annotated[str, Meta(description="UCUM code")]
FlagValue = Annotated[
    int,
    Meta(description="QARTOD: 1 good, 2 not evaluated, 3 suspect, 4 fail, 9 missing"),
]
Time = Annotated[str, Meta(description="RFC 3339, UTC", examples=["2026-11-22T03:00:00Z"])]
Value = Annotated[float | None, Meta(description="in `unit`; null where it is missing")]


class Text(Struct):
    """The same text in Vietnamese and English."""

    vi: str
    en: str


class Reading(Struct):
    """One reading."""

    device: str
    kind: str
    quantity: str
    value: Value
    unit: Unit
    flag: FlagValue
    time: Time


class Window(Struct):
    """One window of one series; `time` is its start.

    flag: 1 where every reading counted, 3 where some did not (suspect, fail or missing), 9 where there
    is none. coverage: count by what the kind's reporting interval lets expect, at most 1; null where
    nothing can be expected: a derived quantity, or a window that has not begun.
    """

    device: str
    kind: str
    quantity: str
    value: Value
    unit: Unit
    flag: FlagValue
    time: Time
    count: int
    coverage: float | None


class Index(Struct):
    """The newest value of an official index, with the edition of the text that it follows.

    value, time   null where none was ever told
    edition       in force at `time`; confidence: verified, derived or unverified against the text
    main          what it rests on (the pollutant that decides), "" where that is not told
    category      the text's own words for the value, with its colour (#RRGGBB)
    why           null where the index holds for now, else why there is none: its data rule
    """

    device: str
    kind: str
    quantity: str
    value: Value
    unit: Unit
    flag: FlagValue
    time: Time | None
    title: Text
    edition: str
    confidence: str
    main: str
    category: Text | None
    colour: str | None
    why: Text | None


class QuantityInfo(Struct):
    """What a kind measures. Bounds are null where there are none."""

    name: str
    unit: Unit
    title: Text
    possible: tuple[float | None, float | None]
    plausible: tuple[float | None, float | None]
    derived: bool
    additive: bool
    circular: bool


class RuleInfo(Struct):
    """When an alert is raised and when it clears."""

    code: str
    quantity: str
    above: float | None
    below: float | None
    clear: float
    dwell_s: int
    severity: str
    title: Text
    act: Text
    edition: str


class KindInfo(Struct):
    """A kind of device."""

    name: str
    title: Text
    domain: str
    interval_s: int
    timeout_s: int
    model: str
    main: str
    indices: list[str]
    quantities: list[QuantityInfo]
    rules: list[RuleInfo]
    commands: list[KindCommand]
    devices: int


class DeviceInfo(Struct):
    """A device. `state`: the severity of its worst alert (low, medium, high, critical), else offline,
    silent (never heard of) or ok."""

    id: str
    kind: str
    name: str
    lat: float | None
    lon: float | None
    area: str
    area_name: str
    parent: str
    registered: bool
    retired: bool
    simulated: bool
    limits: dict[str, float]
    tags: list[str]
    state: str
    online: bool


class AlertInfo(Struct):
    """An alert: a rule that holds for a subject. `value` is the newest, `worst` the worst so far.

    subject: a device's id, gateway:<id>, area:<code> or platform:<part>; device is empty where it is none.
    escalated: when it was told that nobody attends to it. runbook: the heading that says what to do.
    """

    id: str
    rule: str
    subject: str
    device: str
    device_name: str
    kind: str
    area: str
    quantity: str
    unit: Unit
    severity: str
    state: str
    title: Text
    act: Text
    edition: str
    value: Value
    worst: Value
    level: Value
    raised: Time
    updated: Time
    cleared: Time | None
    acknowledged: Time | None
    acknowledged_by: str
    cause: str
    active: bool
    chattering: bool
    assigned: str
    shelved_until: Time | None
    shelved_by: str
    shelved_why: str
    escalated: Time | None
    detail: str
    domain: str
    runbook: str


class RuleDetail(Struct):
    """What raises an alert. `origin`: kind | platform | file | api. `definition` of what engineers added."""

    code: str
    origin: str
    kind: str
    quantity: str
    title: Text
    act: Text
    severity: str
    edition: str
    definition: CustomRule | None
    updated: Time | None
    updated_by: str


class RuleTrialAlert(Struct):
    """One alert that would have been. `cleared`: null where it still stood at the end."""

    device: str
    raised: Time
    cleared: Time | None
    worst: Value


class RuleTrial(Struct):
    """What a rule would have done in [start, end): how often it would have raised, and stood for how long
    altogether; `by_device` the most first; the first `examples`."""

    start: Time
    end: Time
    devices: int
    readings: int
    raised: int
    standing_s: float
    by_device: dict[str, int]
    examples: list[RuleTrialAlert]


class AlertEventInfo(Struct):
    """One line of an alert's history; state and severity are those after it.

    what: raised, updated, worse, better, cleared, closed, acknowledged, assigned, commented, suppressed,
    released, shelved, unshelved, out_of_service, in_service, chattering, quiet, unattended or reminded.
    """

    time: Time
    what: str
    by: str
    value: Value
    text: str
    state: str
    severity: str


class AlertDetail(AlertInfo):
    """An alert with its history, oldest first, and what is held back under it."""

    history: list[AlertEventInfo]
    children: list[AlertInfo]


class DeviceDetail(DeviceInfo):
    """A device with the newest reading of each of its quantities and its standing alerts."""

    latest: list[Reading]
    alerts: list[AlertInfo]


class AccountLine(Struct):
    """What became of what was received. `balanced`: received = stored + duplicate + quarantined.

    One of hour, device and kind says of what; device and kind are "" where none could be named.
    """

    messages: int
    received: int
    stored: int
    duplicate: int
    quarantined: int
    late: int
    gap: int
    balanced: bool
    reasons: dict[str, int]
    hour: Time | None = None
    device: str | None = None
    kind: str | None = None


class Accounting(Struct):
    """The account of the hours from start to end, in all and line by line."""

    start: Time
    end: Time
    totals: AccountLine
    items: list[AccountLine]
    next: str | None


class Readiness(Struct):
    """Whether the platform can do its work; `checks` names each part, "" where it is well."""

    ready: bool
    checks: dict[str, str]
    history: Annotated[list[int], Meta(min_length=2, max_length=2)] | None  # done, of how many


class Health(Struct):
    """The process lives."""

    status: str


class Acknowledgement(Struct):
    """Who has the alert."""

    by: str


class ProblemInfo(Struct):
    """An error, after RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    parameter: str | None = None
