"""The whole platform in one process: stores, ingest, analytics and API, wired here.

One process because DuckDB lets one process open its file; broker and simulated city are processes of
their own. Every part is handed what it needs; none looks another up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from analytics.alerts.book import AlertBook, Told
from analytics.alerts.keeper import Keeper
from analytics.alerts.platform_rules import RULE_OF_PART
from analytics.alerts.timing import Timing, by_severity
from analytics.engine import Engine
from analytics.notify.notifier import Notifier
from analytics.own import Hearing, OwnWatch
from analytics.own_watcher import OwnWatcher
from analytics.together import Sharing
from analytics.worker import Worker
from api.access.audit_log import AuditLog
from api.context import Context
from commands.backups import Backups
from commands.credentials import BrokerFolder
from commands.ingest_part import IngestPart, filters_of
from commands.own_checks import OwnChecks
from commands.rule_desk import make_rule_desk
from commands.stores import Stores
from control.desk import CommandDesk
from control.loop import CommandLoop
from devices.city import City, load_city
from devices.device import Device
from devices.subject import platform
from grafana.feed import BoardFeed
from ingest.broker import EmbeddedBroker
from simulators.placement import simulated_devices
from store.audit_anchor import NAME, Anchor
from store.telemetry import Series
from telemetry.address import BrokerAddress, broker_address
from telemetry.clock import SECOND, Clock
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
        self._stores = Stores(settings)
        self.catalogue = self._stores.catalogue
        self.operations = self._stores.operations
        self.telemetry = self._stores.telemetry
        self._place_simulated()
        self.hub = Hub()
        self.audit = AuditLog(self.operations, Anchor(settings.data_dir / NAME), clock)
        timing = Timing(by_severity(settings.escalate), by_severity(settings.remind))
        self.book = AlertBook(self.operations, self.catalogue, self.hub, clock, timing=timing)
        self.keeper = Keeper(self.book)
        self.broker = None if settings.broker else self._embedded_broker()
        self.address = self._address()
        # After every start silence counts from now.
        self.hearing = Hearing(clock.now())
        self.worker = self._worker()
        self.ingest = IngestPart(
            settings, clock, self._stores, self.address, self._stored, self.worker.saved,
            filters_of(settings),
        )  # fmt: skip
        self.receiver = self.ingest.receiver
        self.commands = CommandDesk(self.catalogue, self.operations, self.hub, clock)
        self.command_loop = self._command_loop()
        self.own = self._own_watcher()
        self.notifier = self._notifier()
        self.boards = self._board_feed()
        self.rules = make_rule_desk(
            settings, self._stores, self.city, self.book, self.worker.use_rules, clock
        )

    def start(self) -> None:
        """Broker, analytics, ingest: each is ready before the next begins."""
        if self.broker is not None:
            self.broker.start()
        self.worker.start()
        self.keeper.start()
        self.ingest.start()
        self.command_loop.start()
        self.own.start()
        if self.notifier is not None:
            self.notifier.start()
        if self.boards is not None:
            self.boards.start()

    def stop(self) -> None:
        """In the order of the flow, so that nothing that was taken is left half done."""
        self.own.stop()  # that parts end now is no outage
        if self.boards is not None:
            self.boards.stop()
        self.command_loop.stop()
        self.ingest.stop()
        self.worker.stop()
        self.keeper.stop()
        if self.notifier is not None:
            self.notifier.stop()
        self._stores.close()
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
            rules=self.rules,
            hub=self.hub,
            clock=self.clock,
            audit=self.audit.write,
            checks=self._checks(),
            progress=lambda: self.progress,
            resend=self.receiver.submit,
            commands=self.commands,
            told=self.book.tell,
            backups=Backups(self.settings, self.telemetry, self.clock),
            settled=lambda: self.worker.settled,
            credentials=self._credentials(),
        )

    def newest_simulated(self) -> int | None:
        """The newest time at which a simulated device measured; None where none has. [ns]"""
        now = self.clock.now()
        rows = self.telemetry.latest(Series())
        simulated = [self.catalogue.devices[d].simulated for d in rows.device.tolist()]
        measured = self.catalogue.kinds.accepted[self.catalogue.kind_of[rows.device], rows.quantity]
        # A clock that runs ahead says nothing of how far the others have come.
        told = np.minimum(rows.time, rows.received)
        times = told[np.array(simulated, dtype=bool) & measured]
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
        # What people changed of a simulated device stays as they left it.
        theirs = self.operations.changed_devices()
        gone = [d for d in gone if d.id not in theirs]
        changed = [
            d for d in wanted.values() if d.id not in theirs and self.catalogue.get(d.id) != d
        ]
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
            bind=settings.broker_bind,
            in_flight=settings.in_flight,
            sync=settings.sync,
            max_payload=max(settings.max_payload, 2**20),
        )

    def _address(self) -> BrokerAddress:
        if self.broker is None:
            return broker_address(self.settings.broker)
        return BrokerAddress(self.broker.bind, self.broker.port)

    def _credentials(self) -> BrokerFolder | None:
        if not self.settings.broker_files:
            return None
        return BrokerFolder(Path(self.settings.broker_files), self.catalogue.kinds.code)

    def _command_loop(self) -> CommandLoop:
        settings = self.settings
        address = self.address
        if settings.command_broker:
            address = broker_address(settings.command_broker, "URBAN_COMMAND_BROKER")
        return CommandLoop(address, f"{settings.client_id[:55]}-commands", self.commands)

    def _worker(self) -> Worker:
        settings = self.settings
        sharing = Sharing(
            settings.area_share / 100, settings.area_least, int(settings.area_window_s * SECOND)
        )
        engine = Engine(self.catalogue, self.city.zone, sharing=sharing)
        snapshot = self.settings.data_dir / "analytics.npz"
        return Worker(
            engine, self.telemetry, self.operations, self.book, self.hub, self.clock, snapshot,
            taken=lambda now: self.receiver.taken(now), hearing=self.hearing,
        )  # fmt: skip

    def _own_watcher(self) -> OwnWatcher:
        looked_at = OwnChecks(
            self.settings, self.operations, self.worker, self.receiver, self.ingest.sink,
            self.broker,
        )  # fmt: skip
        conditions = self.operations.conditions()
        watch = OwnWatch(looked_at.checks(), self.book.tell, self.hearing, conditions)
        return OwnWatcher(watch, self.clock)

    def _notifier(self) -> Notifier | None:
        if not self.settings.notify:
            return None
        # Its libraries take a while to import: only who notifies waits.
        from commands.notifying import make_notifier

        path = Path(self.settings.notify)
        return make_notifier(
            path,
            self.catalogue,
            self.city,
            self.operations,
            self.clock,
            self._channel_fails,
            self.book.rules,
        )

    def _board_feed(self) -> BoardFeed | None:
        """Grafana reads InfluxDB: without one there is nobody to write figures for."""
        if not self.settings.telemetry.startswith("influx"):
            return None
        from commands.boards import make_board_feed

        return make_board_feed(self.settings, self._stores, self.city, self.book.rules, self.clock)

    def _channel_fails(self, channel: str, words: str) -> None:
        _LOG.error("channel %s %s", channel, words or "works again")
        failing = self.notifier.trouble() if self.notifier is not None else ""
        self.book.tell(
            [
                Told(
                    rule=RULE_OF_PART["notification"],
                    subject=platform("notification"),
                    stands=bool(failing),
                    time=self.clock.now(),
                    detail=failing,
                )
            ]
        )

    def _stored(self, readings: Readings) -> None:
        self.worker.wake()
        self.hub.publish("readings", readings)

    def _checks(self) -> dict[str, Callable[[], str]]:
        checks: dict[str, Callable[[], str]] = {
            "ingest": self.receiver.trouble,
            "analytics": self.worker.trouble,
            "rules": self.rules.trouble,
            "alerts": self.keeper.trouble,
            "own outages": self.own.trouble,
            "audit": self.audit.trouble,
            "commands": self.command_loop.trouble,
        }
        if self.boards is not None:
            checks["boards"] = self.boards.trouble
        if self.broker is not None:
            broker = self.broker
            checks["embedded broker"] = lambda: "" if broker.alive() else "has ended"
        return checks
