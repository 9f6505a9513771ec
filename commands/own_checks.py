"""The platform's parts → what is wrong with each, in words: the checks behind its own alerts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from analytics.own import Check
from analytics.worker import Worker
from ingest.broker import EmbeddedBroker
from ingest.receiver import Receiver
from ingest.sink import Sink
from store.operations import OperationsStore
from store.sql_address import shown
from telemetry.clock import MINUTE, SECOND
from telemetry.errors import StoreError
from telemetry.settings import Settings

BEHIND = MINUTE  # so late may analytics be before that is trouble [ns]
STILL_S = 120.0  # and a step of it may take so long
SPOOL_FULL = 0.5  # of its size: half of the time that is left is gone
SPOOL_WELL = 0.25


class OwnChecks:
    """Looks at the parts that it is given, and changes nothing in them."""

    def __init__(
        self,
        settings: Settings,
        operations: OperationsStore,
        worker: Worker,
        receiver: Receiver,
        sink: Sink,
        broker: EmbeddedBroker | None,
    ) -> None:
        self._settings = settings
        self._operations = operations
        self._operations_at = shown(settings.operations_url)
        self._spool_at = str(settings.data_dir / "spool")
        self._worker = worker
        self._receiver = receiver
        self._sink = sink
        self._broker = broker
        self._spool_fills = False

    def checks(self) -> list[Check]:
        """One a part. Those that are deaf in trouble: nothing can be said of devices meanwhile."""
        dwell = int(self._settings.own_dwell_s * SECOND)
        deaf: dict[str, Callable[[int], str]] = {
            "broker": self._broker_lost,
            "ingest": self._ingest,
            "telemetry-store": self._telemetry,
            "analytics": self._analytics,
        }
        others: dict[str, Callable[[int], str]] = {
            "operations-store": self._operations_away,
            "spool": self._spool,
            "disk": self._disk,
        }
        return [
            Check(part=part, look=look, dwell=dwell, deaf=part in deaf)
            for part, look in (deaf | others).items()
        ]

    def _broker_lost(self, now: int) -> str:
        if self._broker is not None and not self._broker.alive():
            return "the embedded broker has ended"
        return self._receiver.session.trouble

    def _ingest(self, now: int) -> str:
        fault = self._receiver.fault()
        unheard = self._worker.unheard
        if fault or unheard is None:
            return fault
        since, devices = unheard
        if self._broker_lost(now) or self._telemetry(now):
            return ""  # that nobody is heard follows from it
        return f"no message for {(now - since) // SECOND} s, though {devices} devices are due"

    def _telemetry(self, now: int) -> str:
        refused = (self._sink.refused, self._worker.refused)
        return next((str(e) for e in refused if e is not None and self._is_telemetry(e)), "")

    def _is_telemetry(self, error: StoreError) -> bool:
        return not error.place.startswith((self._operations_at, self._spool_at))

    def _operations_away(self, now: int) -> str:
        refused = (self._sink.refused, self._worker.refused)
        for error in refused:
            if error is not None and error.place.startswith(self._operations_at):
                return str(error)
        self._operations.alert("")  # raises StoreError where it does not answer
        return ""

    def _spool(self, now: int) -> str:
        sink = self._sink
        if sink.unkept:
            return sink.unkept
        filled = sink.spooled()
        # Cleared well below where it is raised: draining beside live data goes up and down.
        self._spool_fills = filled >= (SPOOL_WELL if self._spool_fills else SPOOL_FULL)
        return f"the spool is {filled:.0%} full" if self._spool_fills else ""

    def _disk(self, now: int) -> str:
        least = self._settings.disk_free_mb * 2**20
        free = shutil.disk_usage(_there(self._settings.data_dir)).free
        if free >= least:
            return ""
        return f"{free // 2**20} MiB are free at {self._settings.data_dir}, {least // 2**20} are needed"

    def _analytics(self, now: int) -> str:
        worker = self._worker
        if worker.refused is None and (trouble := worker.trouble()):
            return trouble
        if worker.lag > BEHIND:
            return f"is more than {BEHIND // SECOND} s behind"
        if worker.still_for_s() > STILL_S and not self._telemetry(now):
            return f"has not moved for {STILL_S:.0f} s"
        return ""


def _there(folder: Path) -> Path:
    return folder if folder.exists() else folder.parent
