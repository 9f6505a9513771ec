"""The whole platform in one process: stores, ingest, analytics and API, wired here and nowhere else.

One process because DuckDB lets one process open its file; broker and simulated city are processes of
their own. Every part is handed what it needs; none looks another up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from analytics.alerts.book import AlertBook
from analytics.engine import Engine
from analytics.notify.notifier import Notifier
from analytics.worker import Worker
from api.context import Context
from devices.city import City, load_city
from devices.device import Catalogue, Device
from devices.registry import load_kinds
from ingest.broker import EmbeddedBroker
from ingest.decode import Decoder
from ingest.fairness import Fairness, Rates
from ingest.housekeeping import Housekeeping
from ingest.pipeline import Pipeline
from ingest.receiver import Receiver
from ingest.refusals import Refusals
from ingest.sink import Sink
from ingest.spool import Spool
from ingest.validate import Limits
from simulators.placement import simulated_devices
from store.duckdb_store import DuckDBStore
from store.sql_store import SqlOperations
from store.telemetry import Series, TelemetryStore
from telemetry.address import BrokerAddress, broker_address
from telemetry.clock import SECOND, Clock
from telemetry.errors import StartError
from telemetry.live import Hub
from telemetry.readings import Readings
from telemetry.settings import Settings

_LOG = logging.getLogger(__name__)


class Platform:
    """Everything but the HTTP server. `start` and `stop` are the only life cycle.

    Raises UrbanError in words where a port, a folder or a file can't be had.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.progress: tuple[int, int] | None = None
        self.city: City = load_city(settings.city)
        self.catalogue = Catalogue(load_kinds())
        prepare_folder(settings.data_dir)
        self.operations = SqlOperations(settings.operations_url)
        for device in self.operations.devices():
            self.catalogue.put(device)
        # Opened before anything is written: where another run holds it, that run is left alone.
        self.refusals = Refusals(self.operations, self.catalogue)
        self.telemetry = open_telemetry(settings, self.catalogue, self.refusals)
        self._place_simulated()
        self.hub = Hub()
        self.book = AlertBook(self.operations, self.catalogue, self.hub, clock)
        self.broker = None if settings.broker else self._embedded_broker()
        self.address = self._address()
        self.worker = self._worker()
        self.receiver = self._receiver()
        self.notifier = self._notifier()
        self.housekeeping = Housekeeping(
            self.operations,
            self.telemetry,
            clock,
            settings.quarantine_days,
            settings.quarantine_mb * 2**20,
            settings.retention,
            self.worker.saved,
        )

    def start(self) -> None:
        """Broker, analytics, ingest: each is ready before the next begins."""
        if self.broker is not None:
            self.broker.start()
        self.worker.start()
        self.receiver.start()
        self.housekeeping.start()
        if self.notifier is not None:
            self.notifier.start()

    def stop(self) -> None:
        """In the order of the flow, so that nothing that was taken is left half done."""
        self.housekeeping.stop()
        self.receiver.stop()
        self.worker.stop()
        if self.notifier is not None:
            self.notifier.stop()
        self.telemetry.close()
        self.operations.close()
        if self.broker is not None:
            self.broker.stop()

    def context(self) -> Context:
        """What API and console are given."""
        return Context(
            settings=self.settings,
            kinds=self.catalogue.kinds,
            catalogue=self.catalogue,
            city=self.city,
            telemetry=self.telemetry,
            operations=self.operations,
            alerts=self.book,
            hub=self.hub,
            clock=self.clock,
            checks=self._checks(),
            progress=lambda: self.progress,
            resend=self.receiver.submit,
        )

    def newest_simulated(self) -> int | None:
        """The newest time at which a simulated device measured; None where none has. [ns]"""
        now = self.clock.now()
        rows = self.telemetry.latest(Series())
        simulated = [self.catalogue.devices[d].simulated for d in rows.device.tolist()]
        measured = self.catalogue.kinds.accepted[self.catalogue.kind_of[rows.device], rows.quantity]
        times = rows.time[np.array(simulated, dtype=bool) & measured]
        return min(int(times.max()), now) if len(times) else None

    def _place_simulated(self) -> None:
        """The simulated devices of this city, where they are new or were placed otherwise."""
        wanted = {d.id: d for d in self._simulated()}
        # A smaller city than last time: the others are no longer expected to report.
        gone = [
            replace(d, registered=False)
            for d in self.operations.devices()
            if d.simulated and d.registered and d.id not in wanted
        ]
        changed = [d for d in wanted.values() if self.catalogue.get(d.id) != d]
        self.operations.put_devices([*gone, *changed])
        for device in (*gone, *changed):
            self.catalogue.put(device)

    def _simulated(self) -> list[Device]:
        settings = self.settings
        if settings.devices == 0:
            return []
        return simulated_devices(self.city, self.catalogue.kinds, settings.devices, settings.seed)

    def _embedded_broker(self) -> EmbeddedBroker:
        settings = self.settings
        return EmbeddedBroker(
            settings.data_dir / "broker",
            settings.mqtt_port,
            bind=settings.bind,
            in_flight=settings.in_flight,
            sync=settings.sync,
            max_payload=max(settings.max_payload, 2**20),
        )

    def _address(self) -> BrokerAddress:
        if self.broker is None:
            return broker_address(self.settings.broker)
        return BrokerAddress(self.broker.bind, self.broker.port)

    def _worker(self) -> Worker:
        engine = Engine(self.catalogue, self.city.zone)
        snapshot = self.settings.data_dir / "analytics.npz"
        return Worker(
            engine, self.telemetry, self.operations, self.book, self.hub, self.clock, snapshot
        )

    def _receiver(self) -> Receiver:
        settings = self.settings
        decoder = Decoder(
            self.catalogue, settings.unregistered, settings.max_devices, settings.max_payload
        )
        limits = Limits(int(settings.ahead_s * SECOND), settings.retention.raw)
        pipeline = Pipeline(
            self.catalogue,
            self.telemetry,
            self.operations,
            decoder,
            limits,
            self.clock,
            self.refusals,
            self._fairness(),
        )
        spool = Spool(settings.data_dir / "spool", settings.spool_mb * 2**20)
        self.sink = Sink(pipeline, spool, self._stored)
        return Receiver(self.address, settings.client_id, self.sink, self.clock, settings.batch)

    def _notifier(self) -> Notifier | None:
        if not self.settings.notify:
            return None
        # Its libraries take a while to import: only who notifies waits.
        from commands.notifying import make_notifier

        path = Path(self.settings.notify)
        return make_notifier(
            path, self.catalogue, self.city, self.operations, self.clock, self._channel_fails
        )

    def _channel_fails(self, channel: str, words: str) -> None:
        _LOG.error("channel %s %s", channel, words or "works again")

    def _fairness(self) -> Fairness | None:
        settings = self.settings
        if settings.rate_factor == 0:
            return None
        rates = Rates(
            settings.rate_factor, settings.rate_burst_s, settings.rate_calm_s, settings.batch
        )
        made = Fairness(self.catalogue, rates)
        made.adopt(self.telemetry.latest(Series()), self.clock.now())
        return made

    def _stored(self, readings: Readings) -> None:
        self.worker.wake()
        self.hub.publish("readings", readings)

    def _checks(self) -> dict[str, Callable[[], str]]:
        checks: dict[str, Callable[[], str]] = {
            "ingest": self.receiver.trouble,
            "analytics": self.worker.trouble,
        }
        if self.broker is not None:
            broker = self.broker
            checks["embedded broker"] = lambda: "" if broker.alive() else "has ended"
        return checks


def open_telemetry(settings: Settings, catalogue: Catalogue, refusals: Refusals) -> TelemetryStore:
    """The telemetry store that the settings name: DuckDB in the data folder, or an InfluxDB.

    DuckDB refuses no reading that has passed validation; what an InfluxDB refuses goes to `refusals`.
    """
    if settings.telemetry.startswith("influx"):
        # Its client takes a while to import: only who uses it waits.
        from store.influx import open_influx

        return open_influx(settings.telemetry, catalogue, refusals.take)
    return DuckDBStore(settings.telemetry_path, catalogue)


def prepare_folder(folder: Path) -> None:
    """Make the data folder and see that it can be written. Raises StartError in words."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise StartError(
            "URBAN_DATA_DIR",
            f"must be a folder that can be written ({error.strerror})",
            str(folder),
            "choose another, or change its owner",
        ) from None
