"""What time does to alerts: shelves end, what nobody attends to is told again, chattering ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from analytics.alerts.intake import Intake
from analytics.alerts.ledger import Draft
from analytics.alerts.life import put_back
from devices.kind import Severity
from store.alert_records import Alert, AlertState
from telemetry.clock import HOUR, MINUTE

ESCALATE: Mapping[int, int] = {
    Severity.CRITICAL: 5 * MINUTE,
    Severity.HIGH: 15 * MINUTE,
    Severity.MEDIUM: HOUR,
}
REMIND: Mapping[int, int] = {Severity.CRITICAL: HOUR, Severity.HIGH: 4 * HOUR}


@dataclass(frozen=True, slots=True)
class Timing:
    """By severity; one that is not named is never told. [ns]

    escalate  unacknowledged for so long: told as unattended, once
    remind    standing for so long, acknowledged or not: told again, each time
    """

    escalate: Mapping[int, int] = field(default_factory=lambda: ESCALATE)
    remind: Mapping[int, int] = field(default_factory=lambda: REMIND)


def by_severity(times: Mapping[str, int]) -> dict[int, int]:
    """{"high": 15 minutes} as a setting has it → by severity. [ns]"""
    return {int(Severity[name.upper()]): after for name, after in times.items()}


def tend(draft: Draft, intake: Intake, timing: Timing) -> None:
    """Do what is due at `draft.now`."""
    for alert in list(draft.ledger.alerts.values()):
        if alert.chattering:
            intake.calm(draft, alert, draft.now)
        elif alert.cause and alert.released is not None:
            intake.release(draft, alert)
        elif alert.shelved_until is not None and alert.shelved_until <= draft.now:
            _unshelve(draft, alert)
        elif alert.state is AlertState.UNACKNOWLEDGED and _is_unattended(alert, draft.now, timing):
            draft.put(alert.but(escalated=draft.now), "unattended", draft.now)
        elif _wants_reminding(alert, draft.now, timing):
            draft.put(alert.but(reminded=draft.now), "reminded", draft.now)


def _unshelve(draft: Draft, alert: Alert) -> None:
    by, aside = alert.shelved_by, alert.but(shelved_until=None, shelved_by="", shelved_why="")
    draft.put(put_back(aside, draft.now), "unshelved", draft.now, text=f"time is over ({by})")


def _is_unattended(alert: Alert, now: int, timing: Timing) -> bool:
    after = timing.escalate.get(alert.severity)
    return after is not None and alert.escalated is None and now - alert.announced >= after


def _wants_reminding(alert: Alert, now: int, timing: Timing) -> bool:
    after = timing.remind.get(alert.severity)
    if after is None or alert.state not in (AlertState.UNACKNOWLEDGED, AlertState.ACKNOWLEDGED):
        return False
    last = max(alert.announced, alert.acknowledged or 0, alert.escalated or 0, alert.reminded or 0)
    return now - last >= after
