"""The states of an alert, after ISA-18.2: pure functions of the alert, without a store or a clock.

What holds an alert back – out of service, shelved, under its cause – goes before what it is by itself.
"""

from __future__ import annotations

from store.alert_records import Alert, AlertState


def settled(alert: Alert) -> Alert:
    """The alert in the state that follows from what is known of it. One that is over stays so."""
    state = _state(alert)
    return alert if state is alert.state else alert.but(state=state)


def holds(alert: Alert) -> bool:
    """Its condition holds, or comes and goes so often that it counts as holding."""
    return alert.state is not AlertState.CLEARED and (alert.active or alert.chattering)


def announced_anew(alert: Alert, now: int) -> Alert:
    """It asks for somebody again, as if for the first time: what was said of it before does not count."""
    return alert.but(
        announced=now, acknowledged=None, acknowledged_by="", escalated=None, reminded=None
    )


def over(alert: Alert, time: int, value: float, *, quietly: bool) -> Alert:
    """The condition is over since `time`. What nobody was shown ends; what was shown waits to be seen.

    quietly  nobody need see it: it came out from under its cause only to end
    """
    unseen = alert.state in (AlertState.SUPPRESSED, AlertState.OUT_OF_SERVICE) or quietly
    alert = alert.but(active=False, cleared=time, updated=max(time, alert.updated), value=value)
    if alert.chattering or not (unseen and alert.shelved_until is None):
        return settled(alert)
    return closed(alert)


def closed(alert: Alert) -> Alert:
    """At its end, whatever held it."""
    return alert.but(
        state=AlertState.CLEARED, active=False, chattering=False, cause="", shelved_until=None,
        out_of_service=False,
    )  # fmt: skip


def put_back(alert: Alert, now: int) -> Alert:
    """What held it is gone: it asks for somebody where it still holds, and ends where it does not."""
    if not holds(alert):
        return closed(alert) if alert.cleared is not None else settled(alert)
    return settled(announced_anew(alert, now))


def _state(alert: Alert) -> AlertState:
    if alert.state is AlertState.CLEARED:
        return AlertState.CLEARED
    if alert.out_of_service:
        return AlertState.OUT_OF_SERVICE
    if alert.shelved_until is not None:
        return AlertState.SHELVED
    if alert.cause:
        return AlertState.SUPPRESSED
    if holds(alert):
        return AlertState.UNACKNOWLEDGED if alert.acknowledged is None else AlertState.ACKNOWLEDGED
    return AlertState.RETURNED if alert.acknowledged is None else AlertState.CLEARED
