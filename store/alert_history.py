"""What alarm quality is counted from: lines of history, how alerts stood at a moment, and their times."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """A line of history with what its alert is. Times in ns, UTC; state and severity after it."""

    alert: str
    time: int
    what: str
    state: str
    severity: int
    rule: str
    family: str
    subject: str
    raised: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTimes:
    """When an alert was raised, announced, acknowledged, over. None: not yet."""

    subject: str
    raised: int
    announced: int
    acknowledged: int | None
    cleared: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertHistory:
    """Of start <= time < end.

    lines     everything that happened, in order of time
    standing  the last line before `end` of each alert that stood then, unacknowledged or acknowledged
    times     of alerts that were acknowledged, or over, then
    """

    lines: list[AlertLine]
    standing: list[AlertLine]
    times: list[AlertTimes]
