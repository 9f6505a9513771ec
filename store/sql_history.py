"""The history of alerts over a range, in the SQL store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from store.alert_history import AlertHistory, AlertLine, AlertTimes
from store.alert_records import AlertState
from store.schema import ALERT_EVENTS, ALERTS
from store.sql_base import SqlBase, fields_of

_STOOD = (str(AlertState.UNACKNOWLEDGED), str(AlertState.ACKNOWLEDGED))


class SqlHistory(SqlBase):
    """The part of `OperationsStore` that alarm quality is counted from."""

    def alert_history(self, start: int, end: int) -> AlertHistory:
        """See OperationsStore.alert_history."""
        event, alert = ALERT_EVENTS.c, ALERTS.c
        lines = _lines().where((event.time >= start) & (event.time < end))
        last = (
            select(func.max(event.number).label("number"))
            .where(event.time < end)
            .group_by(event.alert)
            .subquery()
        )
        stood = _lines().join(last, event.number == last.c.number).where(event.state.in_(_STOOD))
        within = [and_(c >= start, c < end) for c in (alert.acknowledged, alert.cleared)]
        times = select(
            alert.subject, alert.raised, alert.announced, alert.acknowledged, alert.cleared
        )
        return AlertHistory(
            lines=self._of(lines.order_by(event.time, event.number), AlertLine),
            standing=self._of(stood.order_by(event.number), AlertLine),
            times=self._of(times.where(or_(*within)), AlertTimes),
        )

    def _of(self, query: Select[Any], record: Any) -> list[Any]:
        return [record(**fields_of(row, record)) for row in self._rows(query)]


def _lines() -> Select[Any]:
    event, alert = ALERT_EVENTS.c, ALERTS.c
    return select(
        event.alert, event.time, event.what, event.state, event.severity,
        alert.rule, alert.family, alert.subject, alert.raised,
    ).join(ALERTS, alert.id == event.alert)  # fmt: skip
