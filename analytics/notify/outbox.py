"""What one channel has still to say, and when: few messages, whatever the number of alerts.

A storm of a thousand alerts is a handful of messages: the first waits a moment for its company, the next
ones keep their distance, and no hour has more than it may. Nothing is dropped for it: what must wait goes
with the next message. Time is passed in; nothing here knows how a message is sent.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from telemetry.clock import HOUR, SECOND

FIRST_RETRY = 10 * SECOND
LONGEST_RETRY = 600 * SECOND


class News(StrEnum):
    """Why people hear of an alert."""

    RAISED = "raised"  # it stands since now, or is no longer held back under a cause
    WORSE = "worse"  # its severity rose
    UNATTENDED = "unattended"  # it stands, and nobody has acknowledged it in time
    REMINDED = "reminded"  # it still stands, a good while after it was told last
    CLEARED = "cleared"  # it is back to normal


@dataclass(frozen=True, slots=True)
class Item:
    """One alert in a message: by its id, with all that there is to say of it since the last message."""

    alert: str
    news: tuple[News, ...]

    @property
    def over(self) -> bool:
        """It came and went between two messages, or is told as over."""
        return self.news[-1] is News.CLEARED


class Outbox:
    """Used by one thread. Args: group, gap [ns], per_hour (see plan.Channel)."""

    def __init__(self, group: int, gap: int, per_hour: int) -> None:
        self._group = group
        self._gap = gap
        self._per_hour = per_hour
        self._waiting: dict[str, list[News]] = {}
        self._since = 0  # when the first of those that wait came
        self._sent: deque[int] = deque(maxlen=per_hour)  # when the last messages went
        self._retry_at = 0
        self._delay = FIRST_RETRY
        self.failures = 0  # in a row

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, alert: str, news: News, now: int) -> None:
        """There is something to say of an alert. What it takes back is not said at all."""
        if not self._waiting:
            self._since = now
        said = self._waiting.setdefault(alert, [])
        if not said or said[-1] is not news:
            said.append(news)

    def knows(self, alert: str) -> bool:
        """True where something of it waits."""
        return alert in self._waiting

    def drop(self, alert: str) -> None:
        """Say nothing of it: it is held back under its cause."""
        self._waiting.pop(alert, None)

    def due(self) -> int | None:
        """When the next message may go; None while there is nothing to say. [ns]"""
        if not self._waiting:
            return None
        due = max(self._since + self._group, self._retry_at)
        if self._sent:
            due = max(due, self._sent[-1] + self._gap)
        if len(self._sent) == self._per_hour:
            due = max(due, self._sent[0] + HOUR)
        return due

    def items(self) -> list[Item]:
        """All that waits, in the order it came. It stays until `sent`."""
        return [Item(alert, tuple(news)) for alert, news in self._waiting.items()]

    def sent(self, now: int) -> None:
        """The message with all `items` has gone."""
        self._waiting.clear()
        self._sent.append(now)
        self._retry_at, self._delay, self.failures = 0, FIRST_RETRY, 0

    def failed(self, now: int) -> None:
        """It has not: the same, and what comes meanwhile, is tried again later."""
        self._retry_at = now + self._delay
        self._delay = min(2 * self._delay, LONGEST_RETRY)
        self.failures += 1
