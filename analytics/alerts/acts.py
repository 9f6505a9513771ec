"""What people do with an alert: acknowledge, clear, shelve, assign, comment, take out of service.

Pure steps on a draft; who may do it is asked elsewhere. Each refusal names the parameter that it is about.
"""

from __future__ import annotations

from analytics.alerts.ledger import Draft
from analytics.alerts.life import closed, put_back, settled
from store.alert_records import Alert, AlertState, OutOfService
from telemetry.clock import DAY, format_time
from telemetry.errors import QueryError

STALE = DAY  # EEMUA 191: standing for more than a day
LONGEST_SHELF = 7 * DAY

_OVER = "is over: there is nothing to do about it any more"


def acknowledge(draft: Draft, alert: Alert, by: str) -> Alert:
    """`by` has it; one that has returned to normal is cleared by it. A second time changes nothing."""
    if alert.acknowledged is not None or alert.state is AlertState.CLEARED:
        return alert
    taken = settled(alert.but(acknowledged=draft.now, acknowledged_by=by))
    return draft.put(taken, "acknowledged", draft.now, by=by)


def clear(draft: Draft, alert: Alert, by: str, why: str) -> Alert:
    """Close one that has returned to normal, or of which nothing was heard for a day."""
    if alert.state is AlertState.CLEARED:
        return alert
    stale = draft.now - alert.updated >= STALE
    if alert.active and not stale:
        raise QueryError(
            "state", "must be returned, or standing without news for 24 h", str(alert.state),
            "acknowledge or shelve it instead",
        )  # fmt: skip
    if alert.state is AlertState.OUT_OF_SERVICE:
        raise QueryError(
            "state", "is out of service", str(alert.state), "return it to service first"
        )
    ended = closed(alert).but(
        cleared=alert.updated if alert.cleared is None else alert.cleared,
        acknowledged=draft.now if alert.acknowledged is None else alert.acknowledged,
        acknowledged_by=alert.acknowledged_by or by,
    )
    return draft.put(ended, "closed", draft.now, by=by, text=why)


def shelve(draft: Draft, alert: Alert, by: str, until: int, why: str) -> Alert:
    """Put it aside until a time; again: until another."""
    _refuse_over(alert)
    if not draft.now < until <= draft.now + LONGEST_SHELF:
        need = "must lie ahead, and within 7 days"
        remedy = "take it out of service where it is to be silent for longer"
        raise QueryError("until", need, format_time(until), remedy)
    aside = settled(alert.but(shelved_until=until, shelved_by=by, shelved_why=why))
    text = f"{format_time(until)}: {why}" if why else format_time(until)
    return draft.put(aside, "shelved", draft.now, by=by, text=text)


def unshelve(draft: Draft, alert: Alert, by: str) -> Alert:
    """Take it off the shelf before its end; nothing where it is on none."""
    if alert.shelved_until is None:
        return alert
    alert = put_back(alert.but(shelved_until=None, shelved_by="", shelved_why=""), draft.now)
    return draft.put(alert, "unshelved", draft.now, by=by)


def assign(draft: Draft, alert: Alert, to: str, by: str) -> Alert:
    """It is `to`'s now; "" for nobody's."""
    _refuse_over(alert)
    if alert.assigned == to:
        return alert
    return draft.put(alert.but(assigned=to), "assigned", draft.now, by=by, text=to)


def comment(draft: Draft, alert: Alert, text: str, by: str) -> Alert:
    """Write something into its history, also after it is over."""
    return draft.put(alert, "commented", draft.now, by=by, text=text)


def hold_out(draft: Draft, alert: Alert, what: OutOfService) -> Alert:
    """It is out of service, because `what` is."""
    if alert.out_of_service:
        return alert
    held = settled(alert.but(out_of_service=True))
    return draft.put(held, "out_of_service", draft.now, by=what.by, text=what.why)


def back_in(draft: Draft, alert: Alert, by: str) -> Alert:
    """It is in service again."""
    alert = put_back(alert.but(out_of_service=False), draft.now)
    return draft.put(alert, "in_service", draft.now, by=by)


def _refuse_over(alert: Alert) -> None:
    if alert.state is AlertState.CLEARED:
        raise QueryError("state", _OVER, str(alert.state))
