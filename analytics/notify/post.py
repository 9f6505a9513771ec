"""One channel: reads the history of alerts from where it left off, and says what is worth a message.

The history in the operations store is the queue. What was told is noted after the channel took it, so a
kill in between says it once more and never leaves it out.
"""

from __future__ import annotations

from collections.abc import Callable

from analytics.notify.delivery import Delivery
from analytics.notify.outbox import News, Outbox
from analytics.notify.plan import Channel, Plan, Subject
from analytics.notify.texts import Told, Writer
from store.operations import OperationsStore
from store.records import Alert, AlertEvent, AlertState
from telemetry import metrics
from telemetry.clock import SECOND, Clock, to_datetime

AT_ONCE = 2_000  # lines of history read in one step
_NEWS = {
    "raised": News.RAISED,
    "released": News.RAISED,
    "unshelved": News.RAISED,
    "in_service": News.RAISED,
    "worse": News.WORSE,
    "unattended": News.UNATTENDED,
    "reminded": News.REMINDED,
    "cleared": News.CLEARED,
    "closed": News.CLEARED,
}

_HELD_BACK = frozenset(
    {"suppressed", "shelved", "out_of_service"}
)  # under its cause, or by somebody
_HELD = frozenset({AlertState.SUPPRESSED, AlertState.SHELVED, AlertState.OUT_OF_SERVICE})

Describe = Callable[[Alert], tuple[Subject, Told]]


class Post:
    """Used by one thread. Raises StoreError where the operations store does not answer.

    describe: what routes look at, and what messages say, of an alert.
    """

    def __init__(
        self,
        name: str,
        plan: Plan,
        writer: Writer,
        store: OperationsStore,
        describe: Describe,
        delivery: Delivery,
        clock: Clock,
    ) -> None:
        channel: Channel = plan.channels[name]
        self.name = name
        self._plan = plan
        self._writer = writer
        self._store = store
        self._describe = describe
        self._delivery = delivery
        self._clock = clock
        self._box = Outbox(
            int(channel.group_s * SECOND), int(channel.gap_s * SECOND), channel.per_hour
        )
        self._zone = writer.zone
        self._read = self._saved = self._begin()
        self._told = store.notified(name)  # of these the channel knows that they stand

    @property
    def failures(self) -> int:
        """Messages in a row that the channel did not take."""
        return self._box.failures

    def step(self) -> None:
        """Read what is new, and send what is due."""
        while self._take_in():
            pass
        due = self._box.due()
        if due is None:
            self._note()
        elif due <= self._clock.now():
            self._send()

    def _begin(self) -> int:
        """Where it left off. A channel that is new hears nothing of what was before it."""
        cursor = self._store.notify_cursor(self.name)
        if cursor is None:
            cursor = self._store.last_alert_event()
            self._store.save_notified(self.name, cursor)
        return cursor

    def _take_in(self) -> bool:
        """Sort the next lines of history. True where there may be more."""
        lines = self._store.alert_events_after(self._read, AT_ONCE)
        alerts = self._store.alerts_by_id(e.alert for _, e in lines)
        for _, event in lines:
            if event.alert in alerts:
                self._sort(event, alerts[event.alert])
        if lines:
            self._read = lines[-1][0]
        return len(lines) == AT_ONCE

    def _sort(self, event: AlertEvent, alert: Alert) -> None:
        if event.what in _HELD_BACK:
            self._box.drop(alert.id)
        news = _NEWS.get(event.what)
        if news is None:
            return
        now = self._clock.now()
        if news is News.CLEARED:
            # The end is told to whom the beginning was, whatever the hour.
            if alert.id in self._told or self._box.knows(alert.id):
                self._box.put(alert.id, news, now)
            return
        if event.state == AlertState.CLEARED:
            return  # it came off the shelf, or back into service, only to end
        subject, _ = self._describe(alert)
        if self._plan.hears(self.name, subject, news, to_datetime(now).astimezone(self._zone)):
            self._box.put(alert.id, news, now)

    def _send(self) -> None:
        alerts = self._store.alerts_by_id(i.alert for i in self._box.items())
        for item in self._box.items():
            # Looked at now, not when it came: a feeder's alert may have come behind its lamps'.
            if (
                item.alert not in alerts
                or alerts[item.alert].state in _HELD
                or (item.alert not in self._told and _ended_unseen(alerts[item.alert]))
            ):
                self._box.drop(item.alert)
        items = self._box.items()
        if not items:
            self._note()
            return
        message = self._writer.write([(i, self._describe(alerts[i.alert])[1]) for i in items])
        now = self._clock.now()
        if not self._delivery(self.name, message.title, message.body):
            metrics.NOTIFICATIONS.labels(self.name, "failed").inc()
            self._box.failed(now)
            return
        metrics.NOTIFICATIONS.labels(self.name, "sent").inc()
        over = {i.alert for i in items if i.over}
        told = {i.alert for i in items} - over
        self._store.save_notified(self.name, self._read, told, over)
        self._saved = self._read
        self._told = (self._told | told) - over
        self._box.sent(now)

    def _note(self) -> None:
        """Nothing waits: what was read need not be read again."""
        if self._saved != self._read:
            self._store.save_notified(self.name, self._read)
            self._saved = self._read


def _ended_unseen(alert: Alert) -> bool:
    """It is over and nobody need see it: it came out from under its cause only to end, or came anew."""
    return alert.state is AlertState.CLEARED and alert.acknowledged is None
