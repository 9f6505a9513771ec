"""What must be done from time to time: quarantine within its age and size, and what is no longer kept removed."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable

from store.operations import OperationsStore
from store.telemetry import TelemetryStore
from telemetry import metrics
from telemetry.clock import DAY, Clock
from telemetry.errors import StoreError
from telemetry.retention import Retention

_LOG = logging.getLogger(__name__)
EVERY_S = 600.0
RETRY_S = 60.0
# A flood fills quarantine in minutes; whether it is full is quickly seen.
QUARANTINE_S = 30.0
# Between two parts of what is removed: whoever waits for the store comes in between.
PAUSE_S = 0.02


class Housekeeping:
    """A thread that looks after quarantine twice a minute and after retention every ten minutes.

    What fails is tried again.

    Args: days, max_bytes of quarantine items kept; retention of what is measured; analysed: the position
    in the log that analytics has saved.
    """

    def __init__(
        self,
        operations: OperationsStore,
        telemetry: TelemetryStore,
        clock: Clock,
        days: int,
        max_bytes: int,
        retention: Retention,
        analysed: Callable[[], int],
    ) -> None:
        self._operations = operations
        self._telemetry = telemetry
        self._clock = clock
        self._days = days
        self._max_bytes = max_bytes
        self._retention = retention
        self._analysed = analysed
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Look after it now, and from then on."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is at hand."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def bound_quarantine(self) -> int:
        """Remove what is too old or too much. Returns how many items that were."""
        older_than = self._clock.now() - self._days * DAY
        removed = self._operations.purge_quarantine(older_than, self._max_bytes)
        if removed:
            _LOG.warning("%d items left quarantine for their age or its size", removed)
        return removed

    def expire(self) -> dict[str, int]:
        """Remove what is no longer kept, part by part. Returns how much went, by what it was."""
        gone: Counter[str] = Counter()
        now, analysed = self._clock.now(), self._analysed()
        while not self._ended.is_set():
            removed = self._telemetry.expire(self._retention, now, analysed)
            if not removed:
                break
            for what, count in removed.items():
                metrics.EXPIRED.labels(what).inc(count)
            gone.update(removed)
            self._ended.wait(PAUSE_S)
        if gone:
            told = ", ".join(f"{count} of {what}" for what, count in gone.items())
            _LOG.info("removed for their age: %s", told)
        return dict(gone)

    def round(self) -> bool:
        """All of it once. False where something failed: it is logged, counted, and to be tried again."""
        return all([self._try(self.bound_quarantine), self._try(self.expire)])

    def _wait(self, seconds: float) -> None:
        """Until the next round; quarantine is looked after meanwhile."""
        while seconds > 0 and not self._ended.wait(min(seconds, QUARANTINE_S)):
            seconds -= QUARANTINE_S
            if seconds > 0:
                self._try(self.bound_quarantine)

    def _try(self, task: Callable[[], object]) -> bool:
        try:
            task()
        except Exception as error:
            metrics.HOUSEKEEPING_FAILURES.inc()
            if isinstance(error, StoreError):
                _LOG.error("%s: not done now: %s", task.__name__, error)
            else:
                _LOG.exception("%s failed", task.__name__)
            return False
        return True

    def _run(self) -> None:
        while not self._ended.is_set():
            self._wait(EVERY_S if self.round() else RETRY_S)
