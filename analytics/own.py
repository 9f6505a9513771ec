"""Outages of our own: broker, ingest, stores, spool, disk, analytics. One alert a part, raised and cleared by itself.

Upstream: checks that say what is wrong with a part, in words. Downstream: the alert book. While a part is
in trouble without which no device can be heard, `Hearing` says so at once, long before there is an alert:
silence counts from when we could hear again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from analytics.alerts.book import Told
from analytics.alerts.platform_rules import RULE_OF_PART
from devices.subject import platform
from store.alert_records import Condition
from telemetry.clock import MINUTE
from telemetry.errors import StoreError

_LOG = logging.getLogger(__name__)
NEVER = -(2**63)
NEWS_EVERY = MINUTE  # how often other words of a standing outage are told
MOST_UNTOLD = 64  # of a part, while the operations store takes none
PAUSE = (
    5 * MINUTE
)  # a look that comes so late after the one before: the machine slept, or stood still


class Hearing:
    """Since when devices can be heard. Written by the watch, read by whoever judges silence."""

    def __init__(self, since: int = NEVER) -> None:
        self.since = since

    def lost(self, now: int) -> None:
        """Nothing can be heard now."""
        self.since = max(self.since, now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """How one part is looked at.

    part   of devices.subject.PARTS
    look   (now) → what is wrong, in words; "" when well
    dwell  how long it is in trouble, or well again, before that is told [ns]
    deaf   while it is in trouble no device can be heard
    """

    part: str
    look: Callable[[int], str]
    dwell: int
    deaf: bool = False


@dataclass(slots=True)
class _Part:
    """What is known of a part. `since`: of what it is by now, and is not told yet; `last`: time last told."""

    check: Check
    stands: bool = False
    since: int | None = None
    words: str = ""
    last: int = NEVER
    untold: list[Told] = field(default_factory=list)

    def see(self, words: str, now: int) -> None:
        """Take in what was found now."""
        if bool(words) == self.stands:
            self.since = None
            if words and words != self.words and now - self.last >= NEWS_EVERY:
                self._tell(words, now)
            return
        # A clock that was set back must not make a trouble wait for hours.
        if self.since is None or self.since > now:
            self.since = now
        if now - self.since >= self.check.dwell:
            self.stands = bool(words)
            self._tell(words, self.since)
            self.since = None

    def adopt(self, known: Condition) -> None:
        """What the book holds from the run before."""
        self.stands, self.last = known.stands, known.time

    def _tell(self, words: str, time: int) -> None:
        self.words = words
        # News that are not newer than the last are old news to the book.
        self.last = max(time, self.last + 1)
        told = Told(
            rule=RULE_OF_PART[self.check.part], subject=platform(self.check.part),
            stands=self.stands, time=self.last, detail=words,
        )  # fmt: skip
        # While nobody takes them: the first trouble stays, what came and went since then is left out.
        if len(self.untold) >= MOST_UNTOLD:
            del self.untold[1:-1]
        self.untold.append(told)


class OwnWatch:
    """Looks at the parts; used by one thread.

    tell  takes conditions, as `AlertBook.tell` does; what it refuses with StoreError is told again
    """

    def __init__(
        self,
        checks: Iterable[Check],
        tell: Callable[[Sequence[Told]], None],
        hearing: Hearing,
        conditions: Iterable[Condition] = (),
    ) -> None:
        self._parts = [_Part(c) for c in checks]
        self._tell = tell
        self._hearing = hearing
        self._looked: int | None = None
        known = {(c.rule, c.subject): c for c in conditions}
        for p in self._parts:
            found = known.get((RULE_OF_PART[p.check.part], platform(p.check.part)))
            if found is not None:
                p.adopt(found)

    def look(self, now: int) -> None:
        """Look at every part, and tell what changed. Raises StoreError where that could not be told."""
        if self._looked is not None and now - self._looked > PAUSE:
            self._hearing.lost(now)
        self._looked = now
        for part in self._parts:
            words = _words(part.check, now)
            if words and part.check.deaf:
                self._hearing.lost(now)
            part.see(words, now)
        self._flush()

    def _flush(self) -> None:
        told = [t for p in self._parts for t in p.untold]
        if not told:
            return
        self._tell(told)
        for part in self._parts:
            part.untold.clear()


def _words(check: Check, now: int) -> str:
    try:
        return check.look(now)
    except StoreError as error:
        return str(error)
    except Exception as error:  # a check that fails is no reason to look at nothing
        _LOG.exception("the check of %s failed", check.part)
        return f"its check failed: {error!r}"
