"""Where a batch becomes durable: in the stores, or on our own disk while they do not take it.

`keep` says whether a batch may be acknowledged. `drain` moves what waits on disk to the stores, oldest
first, one batch at a time, so that live data goes on beside it. After an outage what waits has a head start:
a short backlog is in the stores before anything newer, so that each device's order stays.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from devices.intake import Message
from ingest.outcomes import outcomes_of
from ingest.pipeline import Pipeline
from ingest.spool import Spool
from telemetry import metrics
from telemetry.errors import StoreError
from telemetry.ledger import Outcome
from telemetry.readings import Readings

_LOG = logging.getLogger(__name__)
_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
# Of draining alone, after an outage: as long as nobody minds to wait for what is live.
HEAD_START_S = 2.0
# A store may ask to be left alone, but not for ever: it may have been started anew since.
_LONGEST_ASKED_S = 60.0


class Sink:
    """The stores with the spool before them. Used by one thread.

    on_stored is called with new readings once they are durable; its failures are logged, not ours.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        spool: Spool,
        on_stored: Callable[[Readings], None] = lambda readings: None,
    ) -> None:
        self._pipeline = pipeline
        self._spool = spool
        self._on_stored = on_stored
        self._delay_s = _FIRST_DELAY_S
        self._next_try = 0.0
        self._head_start_s = HEAD_START_S  # what is left of it
        self.trouble = ""
        self.refused: StoreError | None = None  # what a store last said, while it takes nothing
        self.unkept = ""  # why the spool takes nothing

    def keep(self, messages: Sequence[Message]) -> bool:
        """Make a batch durable. False where neither stores nor disk take it: try again later."""
        self._let_backlog_ahead()
        return self._to_stores(messages) or self._to_spool(messages)

    def judge(self, messages: Sequence[Message]) -> list[Outcome]:
        """Put messages into the stores now, and say what became of each. Raises StoreError."""
        outcomes = []
        for prepared in self._pipeline.prepare(messages, asked=True):
            written = self._pipeline.write(prepared)
            self._tell(written.readings)
            outcomes += outcomes_of(prepared, written)
        return outcomes

    def drain(self) -> bool:
        """Move the oldest batch that waits on disk to the stores. True where one was moved."""
        if not self._spool or not self._is_time():
            return False
        try:
            moved = self._to_stores(self._spool.oldest())
            if moved:
                self._spool.done()
        except (StoreError, OSError) as error:
            self._failed(error)
            return False
        return moved

    def look(self) -> None:
        """Write what has changed with time alone, while a device is limited."""
        if not self._pipeline.watches() or not self._is_time():
            return
        try:
            news = self._pipeline.news()
            if news is not None:
                self._tell(self._pipeline.write(news).readings)
        except StoreError as error:
            self._failed(error)

    def watches(self) -> bool:
        """True while `look` must be called though no message comes."""
        return self._pipeline.watches()

    def waits(self) -> bool:
        """True while something waits on disk."""
        return bool(self._spool)

    def oldest(self) -> int | None:
        """When the oldest message that waits on disk was received, [ns]; None where none does. By any thread."""
        return self._spool.oldest_received

    def spooled(self) -> float:
        """How full the spool is, 0…1. By any thread."""
        return self._spool.filled

    def close(self) -> None:
        """Let go of the spool's files; what waits stays."""
        self._spool.close()

    def _let_backlog_ahead(self) -> None:
        while self._spool and self._head_start_s > 0:
            begun = time.monotonic()
            if not self.drain():
                return
            self._head_start_s -= time.monotonic() - begun

    def _is_time(self) -> bool:
        return time.monotonic() >= self._next_try

    def _to_stores(self, messages: Sequence[Message]) -> bool:
        if not self._is_time():
            return False
        try:
            for prepared in self._pipeline.prepare(messages):
                self._tell(self._pipeline.write(prepared).readings)
        except StoreError as error:
            self._failed(error)
            return False
        self._delay_s = _FIRST_DELAY_S
        self.trouble, self.refused, self.unkept = "", None, ""
        return True

    def _to_spool(self, messages: Sequence[Message]) -> bool:
        try:
            self._spool.append(messages)
        except (StoreError, OSError) as error:
            # Not acknowledged: the broker keeps it, and we come back to the same batch.
            self.trouble = f"{error} (nothing is acknowledged until it is)"
            self.unkept = str(error)
            _LOG.error("%s", self.trouble)
            return False
        self.unkept = ""
        metrics.SPOOLED.inc(len(messages))
        return True

    def _failed(self, error: Exception) -> None:
        metrics.STORE_FAILURES.inc()
        self._head_start_s = HEAD_START_S
        self.trouble = f"{error} (trying again; what comes meanwhile is kept on disk)"
        _LOG.error("%s", self.trouble)
        self.refused = error if isinstance(error, StoreError) else None
        asked_s = error.retry_after_s if isinstance(error, StoreError) else 0.0
        delay_s = max(self._delay_s, min(asked_s, _LONGEST_ASKED_S))
        self._next_try = time.monotonic() + delay_s
        self._delay_s = min(2 * self._delay_s, _LONGEST_DELAY_S)

    def _tell(self, readings: Readings) -> None:
        if len(readings):
            try:
                self._on_stored(readings)
            except Exception:
                _LOG.exception("a listener failed on new readings")
