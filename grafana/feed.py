"""Writes what the boards need beside the readings into the telemetry store's InfluxDB, once a minute.

Figures, not readings: they are computed from what the stores hold, are no part of the log or the account,
and a round that is missed leaves a hole that nothing else depends on. Lines of an alert's history are the
exception: none is left out, so the feed notes how far it has come, as a channel of notification does.
"""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from devices.city import City
from devices.device import Catalogue
from grafana.alert_figures import Describe, count_lines, event_lines, open_lines
from grafana.command_figures import CommandFigures, command_lines
from grafana.figures import area_lines, device_line, device_points, kind_lines, kind_table
from grafana.measurements import PLATFORM, QUARANTINE, platform_samples
from grafana.tide_figures import tide_lines
from store.line_protocol import FieldValue, encode_point
from store.operations import OperationsStore
from store.telemetry import Series, TelemetryStore
from telemetry import metrics
from telemetry.clock import HOUR, MINUTE, Clock
from telemetry.errors import StoreError
from telemetry.reasons import Reason

_LOG = logging.getLogger(__name__)
EVERY_S = 60.0
CHANNEL = "boards of grafana"  # no channel of a notification file can have a name with blanks
AGAIN = 10 * MINUTE  # a device that changes nothing is written as often as this
EVENTS_AT_ONCE = 2_000
EVENTS_BACK = 20_000  # lines of history that a new feed begins with


class Figures(Protocol):
    """A telemetry store that takes figures beside readings."""

    def put_figures(self, lines: list[str]) -> None:
        """Write lines; what is there already is replaced. Raises StoreError."""
        ...


class BoardFeed:
    """One thread writes. Args: figures (where to), the stores (what of), describe (an alert in words),
    disk (the folder whose disk is watched)."""

    def __init__(
        self,
        figures: Figures,
        telemetry: TelemetryStore,
        operations: OperationsStore,
        catalogue: Catalogue,
        city: City,
        describe: Describe,
        clock: Clock,
        disk: Path,
        every_s: float = EVERY_S,
    ) -> None:
        self._figures = figures
        self._telemetry = telemetry
        self._operations = operations
        self._catalogue = catalogue
        self._city = city
        self._describe = describe
        self._clock = clock
        self._disk = disk
        self._every_s = every_s
        self._told: dict[str, tuple[int, int]] = {}  # device → when, and hash of what was written
        self._tide_hour: int | None = None  # since 1970, of the forecast that was written
        self._commands = CommandFigures()
        self._trouble = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="board feed", daemon=True)

    def start(self) -> None:
        """Begin with a round at once."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round at hand."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def trouble(self) -> str:
        """What is wrong, in words; "" when well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "has ended"
        return self._trouble

    def step(self) -> None:
        """One round. Raises StoreError where a store does not answer; the next round is whole again."""
        now = self._clock.now()
        told = dict(self._told)
        self._figures.put_figures(
            [*self._values(now, told), *self._alerts(now), *self._own(now), *self._tide(now)]
        )
        self._told, self._tide_hour = told, now // HOUR
        self._commanded(now)
        self._history()

    def _values(self, now: int, told: dict[str, tuple[int, int]]) -> Iterator[str]:
        latest = self._telemetry.latest(Series())
        for kind in self._catalogue.kinds:
            table = kind_table(kind, latest, self._catalogue, now)
            if not table.devices:
                continue
            yield from kind_lines(table, now)
            yield from area_lines(table, self._city, now)
            for device, tags, fields in device_points(table, self._city):
                mark = hash((tuple(tags.items()), tuple(fields.items())))
                at, before = told.get(device, (0, 0))
                if mark != before or now - at >= AGAIN:
                    told[device] = now, mark
                    yield device_line(tags, fields, now)

    def _alerts(self, now: int) -> Iterator[str]:
        standing = self._operations.standing()
        yield from count_lines(standing, self._catalogue.kinds.code, now)
        yield from open_lines(standing, self._describe, now)

    def _own(self, now: int) -> Iterator[str]:
        fields: dict[str, FieldValue] = dict(platform_samples())
        disk = shutil.disk_usage(self._disk)
        fields["disk_free_bytes"] = float(disk.free)
        fields["disk_used_percent"] = 100.0 * disk.used / disk.total
        yield encode_point(PLATFORM, {}, fields, now)
        for reason in Reason:
            found = metrics.REGISTRY.get_sample_value(
                "urban_records_quarantined_total", {"reason": str(reason)}
            )
            yield encode_point(QUARANTINE, {"reason": str(reason)}, {"total": found or 0.0}, now)

    def _tide(self, now: int) -> Iterator[str]:
        if self._city.tide is not None and now // HOUR != self._tide_hour:
            yield from tide_lines(self._city.tide, now)

    def _commanded(self, now: int) -> None:
        found = self._commands.new(self._operations, now)
        if found:
            self._figures.put_figures(list(command_lines(found)))
            self._commands.wrote(found, now)

    def _history(self) -> None:
        read = self._operations.notify_cursor(CHANNEL)
        if read is None:
            read = max(0, self._operations.last_alert_event() - EVENTS_BACK)
        while True:
            lines = self._operations.alert_events_after(read, EVENTS_AT_ONCE)
            if not lines:
                return
            alerts = self._operations.alerts_by_id(e.alert for _, e in lines)
            self._figures.put_figures(list(event_lines(lines, alerts, self._describe)))
            read = lines[-1][0]
            self._operations.save_notified(CHANNEL, read)

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self.step()
                self._trouble = ""
            except StoreError as error:
                self._trouble = str(error)
                _LOG.warning("the boards' figures wait for the store: %s", error)
            except Exception as error:  # a bug here must not end the figures for good
                self._trouble = repr(error)
                _LOG.exception("the boards' figures failed")
            self._ending.wait(self._every_s)
