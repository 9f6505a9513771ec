"""A simulated city's day in a real InfluxDB: readings, what the engine makes of them, alerts, board figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from analytics.alerts.book import AlertBook, Told
from analytics.alerts.platform_rules import RULE_OF_PART
from analytics.engine import Engine
from analytics.facts import Facts
from analytics.notify.describe import Describer
from devices.device import Catalogue, Device
from devices.subject import platform
from grafana.feed import BoardFeed
from simulators.models import Scene
from simulators.placement import simulated_devices
from store.command_records import CommandRecord, CommandState
from store.influx_store import InfluxStore
from store.sql_store import SqlOperations
from telemetry.clock import HOUR, MINUTE, SECOND, ManualClock, parse_time
from telemetry.flags import Flag
from telemetry.ledger import OUTCOME_CODE, Ledger
from telemetry.live import Hub
from telemetry.readings import Readings
from tests.simulators.cities import KINDS, city

START = parse_time(
    "2026-11-21T11:00:00Z"
)  # 18:00 local: a whole night, and the whole day behind it
END = START + 31 * HOUR
BATCH = 15 * MINUTE
LAST = 2 * HOUR  # of the day, with a round of figures every quarter of an hour
CITY = city("hcmc")
DEVICES = 44


class World:
    """One city on a database of its own; `clock` stands at the end of the day."""

    def __init__(self, url: str, folder: Path) -> None:
        from store.influx import open_influx

        devices = simulated_devices(CITY, KINDS, DEVICES, 1)
        self.catalogue = Catalogue(KINDS)
        for device in devices:
            self.catalogue.put(device)
        self.clock = ManualClock(START)
        self.store: InfluxStore = open_influx(url, self.catalogue)
        self.operations = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
        self.operations.put_devices(devices)
        self.book = AlertBook(self.operations, self.catalogue, Hub(), self.clock)
        describe = Describer(self.catalogue, CITY, self.book.rules)
        self.feed = BoardFeed(
            self.store,
            self.store,
            self.operations,
            self.catalogue,
            CITY,
            describe,
            self.clock,
            folder,
        )
        self.devices: list[Device] = devices

    def live(self) -> None:
        """The day, in batches of a quarter of an hour."""
        whole = measured(self.devices, self.catalogue)
        engine = Engine(self.catalogue, CITY.zone)
        self._tell_of_disk(END - HOUR)
        self._command()
        for start in range(START, END, BATCH):
            now = start + BATCH
            self.clock.advance(now - self.clock.now())
            first, last = np.searchsorted(whole.time, (start, now))
            rows = whole.take(slice(first, last))
            self.store.append(rows, account(rows, now))
            self._keep(engine.process(rows, now), engine)
            self._keep(engine.advance(now), engine)
            if END - now < LAST:
                self._tell_slow(now)
                self.feed.step()

    def _tell_of_disk(self, time: int) -> None:
        """A part of the platform fails and recovers."""
        for stands, at in ((True, time), (False, time + MINUTE)):
            told = Told(rule=RULE_OF_PART["disk"], subject=platform("disk"), stands=stands, time=at)
            self.book.tell([told])

    def _command(self) -> None:
        """Somebody told every device to report more often; half of them answered."""
        self.operations.add_commands(
            CommandRecord(
                id=f"c{i}", batch="b", device=d.id, kind=d.kind, command="interval", value=60.0,
                requested=END - HOUR + i, requested_by="Lan", expires=END,
                state=CommandState.ACKNOWLEDGED if i % 2 else CommandState.TIMED_OUT,
                answered=END - HOUR + i + 2 * SECOND if i % 2 else None, applied=60.0 if i % 2 else None,
            )
            for i, d in enumerate(self.devices)
        )  # fmt: skip

    def _tell_slow(self, now: int) -> None:
        """What takes the engine weeks or a year, as it then tells it."""
        for kind, quantity, value in (("air", "limit_year", 81.0), ("tree", "lean_trend", 0.02)):
            codes = [codes_of(self.catalogue)[d.id] for d in self.devices if d.kind == kind]
            which = np.full(len(codes), KINDS.quantity_code[quantity])
            times = np.full(len(codes), now)
            self.store.put_derived(
                Readings.of(codes, which, times, np.full(len(codes), value), 1, now)
            )

    def close(self) -> None:
        self.store.close()
        self.operations.close()

    def _keep(self, facts: Facts, engine: Engine) -> None:
        self.store.correct_flags(facts.flags)
        self.store.put_derived(facts.derived)
        for step, rollups in facts.rollups.items():
            self.store.put_rollups(step, rollups)
        self.book.apply(facts.transitions)
        for step, named in facts.stale.items():
            self.store.put_rollups(step, self.store.recompute(step, *named))


def codes_of(catalogue: Catalogue) -> dict[str, int]:
    return {d.id: code for code, d in enumerate(catalogue.devices)}


def measured(devices: list[Device], catalogue: Catalogue) -> Readings:
    """What the devices measure in the day, ordered by time, with what `_troubles` changes."""
    scene = Scene(CITY, KINDS, devices, 1)
    parts = []
    for name, fleet in scene.fleets.items():
        rows = fleet.rows(START, END)
        values = scene.models[name].values(rows)
        code = np.array([catalogue.code(d.id) for d in fleet.devices])[rows.device]
        for quantity in KINDS[name].quantities:
            if quantity.name in values:
                step = quantity.resolution
                value = np.round(np.rint(values[quantity.name] / step) * step, 6)
                which = np.full(len(rows), KINDS.quantity_code[quantity.name])
                parts.append(Readings.of(code, which, rows.time, value, 1, rows.time))
    whole = _troubles(Readings.concat(parts), devices, catalogue)
    kind = catalogue.kind_of[whole.device]
    low, high = (t[kind, whole.quantity] for t in (KINDS.plausible_low, KINDS.plausible_high))
    plausible = (whole.value >= low) & (whole.value <= high)
    whole = whole.with_flag(np.where(plausible, Flag.GOOD, Flag.SUSPECT).astype(np.uint8))
    return whole.take(np.argsort(whole.time, kind="stable"))


def _troubles(whole: Readings, devices: list[Device], catalogue: Catalogue) -> Readings:
    """A dead lamp, a flood, dust, a container on its side; one device of each kind is away for four hours, a station to the end."""

    def of(kind: str, quantity: str) -> np.typing.NDArray[np.bool_]:
        first = catalogue.code(next(d.id for d in devices if d.kind == kind))
        found: np.typing.NDArray[np.bool_] = (whole.device == first) & (
            whole.quantity == KINDS.quantity_code[quantity]
        )
        return found

    late = whole.time > END - 3 * HOUR
    whole.value[of("lamp", "power") | of("lamp", "current")] = 0.0
    whole.value[of("level", "level") & late] += 2.0
    whole.value[of("air", "pm25") & late] = 320.0
    whole.value[of("waste", "tilt") & late] = 80.0
    silent = catalogue.code(next(d.id for d in devices if d.kind == "weather"))
    gone = (whole.device == silent) & (whole.time > END - HOUR)
    first = [codes_of(catalogue)[next(d.id for d in devices if d.kind == k.name)] for k in KINDS]
    away = (whole.time > END - 8 * HOUR) & (whole.time < END - 4 * HOUR)
    return whole.take(~gone & ~(np.isin(whole.device, first) & away))


def account(rows: Readings, now: int) -> Ledger:
    """As ingest books it; one record in ten thousand was a duplicate, and one was refused."""
    hour = now // HOUR * HOUR
    device, count = np.unique(rows.device, return_counts=True)
    lines = []
    for code, number in zip(device.tolist(), count.tolist(), strict=True):
        for outcome, n in (("messages", number), ("received", number + 3), ("stored", number),
                           ("duplicate", 1), ("late", 0), ("gap", 0), ("quarantined:not_json", 1), ("quarantined:rate_limited", 1)):  # fmt: skip
            lines.append((hour, code, OUTCOME_CODE[outcome], n))
    return Ledger.of(lines)
