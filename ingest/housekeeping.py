"""What must be done from time to time: quarantine is kept within its age and size."""

from __future__ import annotations

import logging
import threading

from store.operations import OperationsStore
from telemetry.clock import DAY, Clock
from telemetry.errors import StoreError

_LOG = logging.getLogger(__name__)
EVERY_S = 600.0


class Housekeeping:
    """A thread that looks after quarantine every ten minutes. Args: days, max_bytes of items kept."""

    def __init__(
        self, operations: OperationsStore, clock: Clock, days: int, max_bytes: int
    ) -> None:
        self._operations = operations
        self._clock = clock
        self._days = days
        self._max_bytes = max_bytes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Look after it now, and every ten minutes."""
        self._thread.start()

    def stop(self) -> None:
        """End after what is at hand."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join()

    def once(self) -> int:
        """Remove what is too old or too much. Returns how many items that were."""
        older_than = self._clock.now() - self._days * DAY
        removed = self._operations.purge_quarantine(older_than, self._max_bytes)
        if removed:
            _LOG.warning("%d items left quarantine for their age or its size", removed)
        return removed

    def _run(self) -> None:
        while True:
            try:
                self.once()
            except StoreError as error:
                _LOG.error("quarantine could not be looked after: %s", error)
            if self._ended.wait(EVERY_S):
                return
