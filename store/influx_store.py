"""The city's telemetry store: one InfluxDB database, written by one process. Record, points, account.

A batch counts once its record is in the log (store/influx_log.py); points and account follow from the
record and can be written any number of times. What a crash or an outage left half done is finished
before anything else: at the next opening from the record, and in this process from memory.
docs/decisions/0020-influxdb-as-store.md
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

import numpy as np

from devices.device import Catalogue, Device
from store.influx_account import InfluxAccount
from store.influx_expire import InfluxExpiry
from store.influx_http import too_old_for_policy
from store.influx_log import InfluxLog, Record
from store.influx_points import encode_rollups, missing_where_nan
from store.influx_query import identifier
from store.influx_read import InfluxReader
from store.influx_server import READINGS, ROLLUP_POLICY, InfluxServer
from store.influx_write import OnRefused, PointWriter, log_refused, write_lines
from store.latest import LatestTable
from store.telemetry import AccountRow, Rollups, Series, Stored
from telemetry.arrays import AnyArray, Codes16, Codes32, Mask, Times
from telemetry.errors import StoreError
from telemetry.ledger import Ledger
from telemetry.readings import Readings
from telemetry.retention import Retention, removed_before

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Batch:
    """A batch on its way, and how far it has come."""

    number: int
    readings: Readings
    ledger: Ledger
    tried: bool = False  # the record may be there
    recorded: bool = False  # it is
    refused: list[tuple[Readings, str]] | None = None  # None: the points are not written yet

    def is_same(self, readings: Readings, ledger: Ledger) -> bool:
        """Whether the caller comes again with what is on its way already."""
        mine = (*self.readings.columns(), *_ledger_columns(self.ledger))
        theirs = (*readings.columns(), *_ledger_columns(ledger))
        return all(
            np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
            for a, b in zip(mine, theirs, strict=True)
        )


class InfluxStore(InfluxReader):
    """`TelemetryStore` on an InfluxDB. Raises StoreError where the server is away or does not let us in.

    `on_refused(readings, reason)` is told of measured readings that the server refuses for good, each once
    or, after a crash, twice; they count as `quarantined:store_refused` in the account, not as stored. It
    may raise StoreError where it can't keep them: the batch then stays to be finished. Derived readings
    and flags that are refused are logged: they can be computed again.

    settled: up to this record of the log points and account are whole, where that is less than all but the
    last: in a store that was put back from a copy (store/influx_copy.py).
    """

    def __init__(
        self,
        server: InfluxServer,
        catalogue: Catalogue,
        on_refused: OnRefused = log_refused,
        settled: int | None = None,
    ) -> None:
        self.catalogue = catalogue
        self._server = server
        self._on_refused = on_refused
        self._lock = threading.RLock()  # one append at a time
        self._latest_lock = threading.Lock()
        server.prepare()
        self._adopt_devices()
        self._writer = PointWriter(server, catalogue)
        self._account = InfluxAccount(server, catalogue)
        self._log = InfluxLog(server, catalogue)
        self._expiry = InfluxExpiry(server)
        self._latest = LatestTable(len(catalogue.kinds.quantities))
        self._pending: _Batch | None = None
        self._number = 0
        self._position = self._log.last_batch()
        self._finish(settled)
        for newest in self._newest_stored():
            self._latest.update(newest)

    def append(self, readings: Readings, ledger: Ledger) -> int:
        """See TelemetryStore.append. The record makes it count; a StoreError after it leaves it to be finished.

        Call again with the same batch, or with another: what is on its way goes first, and once.
        Batches without readings take a number too, so positions ascend but may skip some.
        """
        with self._lock:
            again = self._pending is not None and self._pending.is_same(readings, ledger)
            self._settle()
            if not again and (len(readings) or len(ledger)):
                self._pending = _Batch(self._number + 1, readings, ledger)
                self._settle()
            return self._position

    def seen(self, readings: Readings) -> Mask:
        """See TelemetryStore.seen."""
        with self._lock:
            self._settle()
        return self._seen(readings)

    def newest_times(self, device: Codes32, quantity: Codes16) -> Times:
        """See TelemetryStore.newest_times. What is on its way is finished first: it may come again."""
        with self._lock:
            self._settle()
        with self._latest_lock:
            return self._latest.times(device, quantity)

    def position(self) -> int:
        """See TelemetryStore.position."""
        return self._position

    def since(self, position: int, limit: int) -> list[Stored]:
        """See TelemetryStore.since."""
        upto = self._position
        return self._log.since(position, upto, limit) if position < upto else []

    def latest(self, series: Series) -> Readings:
        """See TelemetryStore.latest."""
        with self._latest_lock:
            return self._latest.select(series)

    def changed(self, series: Series, since: int = 0) -> tuple[Readings, int]:
        """See TelemetryStore.changed."""
        with self._latest_lock:
            return self._latest.select(series, since), self._latest.revision

    def put_derived(self, readings: Readings) -> None:
        """See TelemetryStore.put_derived."""
        readings = _last_of_each(missing_where_nan(readings))
        refused = self._writer.write(readings)
        for rows, reason in refused:
            log_refused(rows, reason)
        with self._latest_lock:
            self._latest.update(_without(readings, refused))

    def correct_flags(self, readings: Readings) -> None:
        """See TelemetryStore.correct_flags. What is not stored is left alone: a flag would make it so."""
        readings = readings.take(self._seen(readings))
        for rows, reason in self._writer.write(readings, flags_only=True):
            log_refused(rows, reason)
        with self._latest_lock:
            self._latest.correct_flags(readings)

    def put_rollups(self, step: int, rollups: Rollups) -> None:
        """See TelemetryStore.put_rollups."""
        lines = encode_rollups(rollups, self._writer.layout)
        for line, reason in write_lines(self._server, ROLLUP_POLICY[step], lines):
            level = logging.INFO if too_old_for_policy(reason) else logging.CRITICAL
            _LOG.log(level, "InfluxDB refuses a roll-up for good: %s (%s)", reason, line)

    def put_figures(self, lines: list[str]) -> None:
        """Write lines of measurements that are no kind's: figures for boards, no part of log or account.

        What is there already is replaced; what the server refuses is logged. Raises StoreError.
        """
        for line, reason in write_lines(self._server, READINGS, lines):
            level = logging.INFO if too_old_for_policy(reason) else logging.ERROR
            _LOG.log(level, "InfluxDB refuses a figure for good: %s (%s)", reason, line)

    def account(self, start: int, end: int, devices: Codes32 | None = None) -> list[AccountRow]:
        """See TelemetryStore.account."""
        return self._account.rows(start, end, devices)

    def expire(self, retention: Retention, now: int, analysed: int) -> dict[str, int]:
        """See TelemetryStore.expire. The server removes readings and roll-ups by its retention policies."""
        self._expiry.apply(retention, now)
        before = removed_before(retention.raw, now)
        if before is not None:
            with self._latest_lock:
                self._latest.forget(before)
        trimmed = self._log.trim(now, min(analysed, self._position))
        return {"log": trimmed} if trimmed else {}

    def close(self) -> None:
        """See TelemetryStore.close."""
        self._server.close()

    def _settle(self) -> None:
        """Finish the batch on its way; each step may be done again. Raises StoreError, and it stays."""
        batch = self._pending
        if batch is None:
            return
        if not batch.recorded:
            self._check(batch)
            self._log.write(batch.number, batch.readings, batch.ledger)
            batch.recorded = True
        if batch.refused is None:
            batch.refused = self._write(batch.readings)
        self._account.add(batch.number, _less_refused(batch.ledger, batch.refused))
        with self._latest_lock:
            self._latest.update(_without(batch.readings, batch.refused))
        self._number = batch.number
        if len(batch.readings):
            self._position = batch.number
        self._pending = None

    def _check(self, batch: _Batch) -> None:
        """Look before the first write: a server that is away now leaves no doubt, and nothing to finish."""
        try:
            self._log.check()
        except StoreError:
            if not batch.tried:
                self._pending = None
            raise
        batch.tried = True

    def _finish(self, settled: int | None) -> None:
        """Write again what follows from the last record: the process before us may have died over it."""
        last = self._log.newest()
        first = last if settled is None else settled + 1
        for number in range(max(first, 1), last + 1):
            for record in self._log.record(number):
                self._finish_one(record)

    def _finish_one(self, record: Record) -> None:
        # Only what is not there: flags of what is may have been corrected since.
        lost = record.readings.take(~self._seen(record.readings))
        # What has become too old since then was stored in its time, and has left.
        refused = [r for r in self._writer.write(lost) if not too_old_for_policy(r[1])]
        self._tell(refused)
        batch = _Batch(record.number, record.readings, record.ledger, True, True, refused)
        self._pending = batch
        self._settle()

    def _adopt_devices(self) -> None:
        """Devices that only the store knows join the catalogue as unregistered."""
        for kind in self.catalogue.kinds:
            (series,) = self._server.query(
                [f"SHOW TAG VALUES FROM {identifier(kind.name)} WITH KEY = device"]
            )
            for name in series[0].column("value") if series else []:
                if self.catalogue.code(name) is None:
                    self.catalogue.put(Device(id=name, kind=kind.name, registered=False))

    def _write(self, readings: Readings) -> list[tuple[Readings, str]]:
        """Write points, and say which readings were refused for good."""
        refused = self._writer.write(readings)
        self._tell(refused)
        return refused

    def _tell(self, refused: list[tuple[Readings, str]]) -> None:
        for rows, reason in refused:
            self._on_refused(rows, reason)


def _without(readings: Readings, refused: list[tuple[Readings, str]]) -> Readings:
    if not refused:
        return readings
    bad = Readings.concat([rows for rows, _ in refused])
    return readings.take(~np.isin(readings.identity(), bad.identity()))


def _less_refused(ledger: Ledger, refused: list[tuple[Readings, str]]) -> Ledger:
    """The account of what was really stored: refused readings move to quarantine."""
    return ledger.refused(Readings.concat([rows for rows, _ in refused]).device)


def _ledger_columns(ledger: Ledger) -> tuple[AnyArray, ...]:
    return (ledger.hour, ledger.device, ledger.outcome, ledger.count)


def _last_of_each(readings: Readings) -> Readings:
    """Of rows with one (device, quantity, time), the last."""
    _, place = np.unique(readings.identity()[::-1], return_index=True)
    return readings.take(np.sort(len(readings) - 1 - place))
