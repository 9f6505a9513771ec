"""Who was told of which alert, and up to which line of history: so that a restart neither repeats nor forgets."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, func, select

from store.records import AlertEvent
from store.schema import ALERT_EVENTS, NOTIFIED, NOTIFY_CURSORS
from store.sql_base import SqlBase, fields_of


class SqlNotify(SqlBase):
    """The part of `SqlOperations` that notification uses."""

    def last_alert_event(self) -> int:
        """See OperationsStore.last_alert_event."""
        rows = self._rows(select(func.max(ALERT_EVENTS.c.number)))
        return rows[0][0] or 0

    def alert_events_after(self, number: int, limit: int) -> list[tuple[int, AlertEvent]]:
        """See OperationsStore.alert_events_after."""
        query = select(ALERT_EVENTS).where(ALERT_EVENTS.c.number > number)
        rows = self._rows(query.order_by(ALERT_EVENTS.c.number).limit(limit))
        return [(r.number, AlertEvent(**fields_of(r, AlertEvent))) for r in rows]

    def notify_cursor(self, channel: str) -> int | None:
        """See OperationsStore.notify_cursor."""
        query = select(NOTIFY_CURSORS.c.number).where(NOTIFY_CURSORS.c.channel == channel)
        rows = self._rows(query)
        return int(rows[0][0]) if rows else None

    def notified(self, channel: str) -> set[str]:
        """See OperationsStore.notified."""
        rows = self._rows(select(NOTIFIED.c.alert).where(NOTIFIED.c.channel == channel))
        return {r.alert for r in rows}

    def save_notified(
        self, channel: str, number: int, told: Collection[str] = (), over: Collection[str] = ()
    ) -> None:
        """See OperationsStore.save_notified."""
        cursor = self._insert(NOTIFY_CURSORS).values(channel=channel, number=number)
        with self._writing() as db:
            db.execute(
                cursor.on_conflict_do_update(
                    index_elements=["channel"], set_={"number": cursor.excluded.number}
                )
            )
            if told:
                rows = [{"channel": channel, "alert": a} for a in told]
                db.execute(self._insert(NOTIFIED).on_conflict_do_nothing(), rows)
            for alert in over:
                ours = (NOTIFIED.c.channel == channel) & (NOTIFIED.c.alert == alert)
                db.execute(delete(NOTIFIED).where(ours))
