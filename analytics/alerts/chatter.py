"""Chattering: an alert that comes and goes so often that nobody can act on it, held as one that stands.

ISA-18.2 and EEMUA 191 call an alarm chattering that is raised three times in a minute. Devices here report
every so many seconds, so the minute is at least the time in which a device can say it three times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from analytics.alerts.causes import Pair
from devices.device import Catalogue
from store.alert_records import Alert
from telemetry.clock import MINUTE, SECOND

RAISES = 3
WINDOW = MINUTE
REPORTS = 6  # up and down three times


class Chatter:
    """Counts how often each alert was raised lately, in event time. Used under the book's lock."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._raised: dict[Pair, deque[int]] = {}

    def window(self, kind: str) -> int:
        """In which so many raises are chattering; so long must it be quiet to be over. [ns]"""
        if kind not in self._catalogue.kinds:
            return WINDOW
        return max(WINDOW, REPORTS * self._catalogue.kinds[kind].interval_s * SECOND)

    def seed(self, alerts: Iterable[Alert]) -> None:
        """Count what was raised before a restart."""
        for alert in sorted(alerts, key=lambda a: a.raised):
            self.raised((alert.family, alert.subject), alert.kind, alert.raised)

    def raised(self, pair: Pair, kind: str, time: int) -> bool:
        """It was raised. True where that makes it chattering; twice the same time counts once."""
        times = self._raised.setdefault(pair, deque(maxlen=RAISES))
        if not times or time > times[-1]:
            times.append(time)
        return len(times) == RAISES and times[-1] - times[0] <= self.window(kind)

    def ended(self, pair: Pair) -> None:
        """It is quiet: count anew."""
        self._raised.pop(pair, None)
