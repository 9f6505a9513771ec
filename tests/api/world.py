"""A small city with real stores, filled by hand: what the API's tests and the browser's look at.

The clock stands at 2026-11-22T03:00Z, 10:00 in Ho Chi Minh City.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from analytics.alerts.book import AlertBook
from analytics.custom.check import Surroundings
from analytics.custom.desk import RuleDesk
from api.context import Context
from control.desk import CommandDesk
from devices.city import Area, City, Road
from devices.device import Catalogue, Device
from devices.kind import Severity
from devices.open_data import OpenData
from devices.registry import Kinds, load_kinds
from store.duckdb_store import DuckDBStore
from store.operations import OperationsStore
from store.records import Alert, AlertEvent, AlertState, QuarantineItem
from store.sql_store import SqlOperations
from store.telemetry import TelemetryStore
from telemetry.clock import DAY, HOUR, MINUTE, Clock, ManualClock, parse_time
from telemetry.flags import Flag
from telemetry.ledger import NOBODY, OUTCOME_CODE, Ledger
from telemetry.live import Hub
from telemetry.readings import Readings
from telemetry.settings import load_settings

NOW = parse_time("2026-11-22T03:00:00Z")
GAP = (NOW - 6 * HOUR, NOW - 5 * HOUR)  # aq-1 is silent here
HOST = "http://127.0.0.1"

DEVICES = (
    Device(id="aq-1", kind="air", name="Bến Thành", lat=10.772, lon=106.698, area="26740"),
    Device(id="aq-2", kind="air", name="Thủ Đức", lat=10.850, lon=106.755, area="26824"),
    Device(
        id="gauge-1",
        kind="level",
        name="Phú An",
        lat=10.776,
        lon=106.707,
        area="26740",
        limits={"bd1": 1.4, "bd2": 1.5, "bd3": 1.6},
    ),
    Device(id="wx-1", kind="weather", name="Tân Sơn Nhất", lat=10.818, lon=106.652, area="26977"),
    Device(id="lamp-1", kind="lamp", lat=10.770, lon=106.690, area="26740", parent="feeder-1"),
    Device(id="tree-1", kind="tree", lat=10.780, lon=106.695, area="26740", tags=("park", "old")),
    Device(id="noise-1", kind="noise", lat=10.800, lon=106.660, area="26977"),
    Device(id="my-sensor", kind="air", registered=False),
)


def city() -> City:
    """Three wards, a river and a road."""

    def area(code: str, name: str, lat: float, lon: float) -> Area:
        return Area(code=code, type="phường", name=name, lat=lat, lon=lon, km2=2.0)

    return City(
        name="hcmc",
        vi="Thành phố Hồ Chí Minh",
        en="Ho Chi Minh City",
        province="79",
        zone=ZoneInfo("Asia/Ho_Chi_Minh"),
        bbox=(106.3, 10.3, 107.1, 11.2),
        centre=(10.78, 106.70),
        editions={"air_index": "QĐ 1459/QĐ-TCMT"},
        areas=(
            area("26740", "Bến Thành", 10.772, 106.698),
            area("26824", "Thủ Đức", 10.850, 106.755),
            area("26977", "Tân Sơn Nhất", 10.815, 106.655),
        ),
        sites=(),
        roads=(Road(name="Điện Biên Phủ", points=((10.80, 106.71), (10.775, 106.685))),),
        mix={"air": 1.0},
        open_data=OpenData(
            licence="https://creativecommons.org/licenses/by/4.0/",
            publisher="Thành phố",
            homepage="https://city.example",
            kinds={"air": frozenset({"26740"}), "level": None, "weather": None},
        ),
        water=(
            Road(name="Sông Sài Gòn", points=((10.85, 106.72), (10.776, 106.708), (10.75, 106.74))),
        ),
    )


@dataclass
class World:
    """The context and what it was made of."""

    context: Context
    kinds: Kinds
    catalogue: Catalogue
    telemetry: DuckDBStore
    operations: SqlOperations
    clock: ManualClock
    hub: Hub

    def code(self, device: str) -> int:
        found = self.catalogue.code(device)
        assert found is not None
        return found

    def readings(
        self, device: str, quantity: str, times: list[int], values: list[float], flag: int = 1
    ) -> Readings:
        n = len(times)
        code, which = self.code(device), self.kinds.quantity_code[quantity]
        return Readings.of([code] * n, [which] * n, times, values, flag, NOW)

    def store(
        self, device: str, quantity: str, times: list[int], values: list[float], flag: int = 1
    ) -> Readings:
        made = self.readings(device, quantity, times, values, flag)
        self.telemetry.append(made, Ledger.empty())
        return made

    def close(self) -> None:
        self.telemetry.close()
        self.operations.close()


def build(folder: Path) -> World:
    """Stores on fresh files, eight devices, a day of readings, alerts, quarantine and an account."""
    kinds = load_kinds()
    catalogue = Catalogue(kinds)
    operations = SqlOperations(f"sqlite:///{folder / 'operations.db'}")
    telemetry = DuckDBStore(folder / "telemetry.duckdb", catalogue)
    for device in DEVICES:
        catalogue.put(device)
    operations.put_devices(DEVICES)
    _fill_operations(operations)
    clock, hub = ManualClock(NOW), Hub()
    book = AlertBook(operations, catalogue, hub, clock)
    context = Context(
        settings=load_settings({"URBAN_DATA_DIR": str(folder)}),
        kinds=kinds,
        catalogue=catalogue,
        city=city(),
        telemetry=telemetry,
        operations=operations,
        alerts=book,
        rules=rule_desk(book, operations, telemetry, catalogue, clock),
        hub=hub,
        clock=clock,
        commands=CommandDesk(catalogue, operations, hub, clock),
    )
    world = World(context, kinds, catalogue, telemetry, operations, clock, hub)
    _fill_telemetry(world)
    return world


def rule_desk(
    book: AlertBook,
    operations: OperationsStore,
    telemetry: TelemetryStore,
    catalogue: Catalogue,
    clock: Clock,
) -> RuleDesk:
    """Engineers' rules without an engine that they would be in force in."""
    around, zone = Surroundings(catalogue, frozenset(city().area)), city().zone
    return RuleDesk(
        around, zone, operations, telemetry, book.rules, lambda rules: None, book.withdraw, clock
    )


def _fill_telemetry(world: World) -> None:
    minutes = [t for t in range(NOW - DAY, NOW, MINUTE) if not GAP[0] <= t < GAP[1]]
    wave = (30 + 10 * np.sin(np.arange(len(minutes)) / 60)).tolist()
    world.store("aq-1", "pm25", minutes, wave)
    world.store("aq-1", "pm25", [NOW - DAY - MINUTE], [900.0], Flag.FAIL)
    world.store("aq-2", "pm25", [NOW - 2 * MINUTE], [61.5])
    world.store("aq-2", "pm25", [NOW - MINUTE], [float("nan")], Flag.MISSING)
    fives = list(range(NOW - 2 * HOUR, NOW, 5 * MINUTE))
    world.store("gauge-1", "level", fives, [1.2 + 0.02 * i for i in range(len(fives))])
    world.store("wx-1", "wind_direction", [NOW - 10 * MINUTE, NOW - 5 * MINUTE], [350.0, 20.0])
    world.store("wx-1", "temperature", [NOW - 5 * MINUTE], [31.25])
    world.store("lamp-1", "power", [NOW - 3 * MINUTE], [0.0])
    world.store("tree-1", "tilt", [NOW - 5 * HOUR], [2.0])
    derived = [("aq-1", "vn_aqi", 168.0), ("aq-2", "vn_aqi", 88.0), ("gauge-1", "flood_stage", 1.0)]
    for device, quantity, value in derived:
        world.telemetry.put_derived(world.readings(device, quantity, [NOW - HOUR], [value]))
    for device, value in (("aq-1", 1.0), ("tree-1", 0.0)):
        world.telemetry.put_derived(
            world.readings(device, "online", [NOW - 30 * MINUTE], [value], Flag.GOOD)
        )
    _fill_account(world)


def _fill_account(world: World) -> None:
    hour = NOW // HOUR * HOUR - HOUR

    def row(at: int, device: int, outcome: str, count: int) -> tuple[int, int, int, int]:
        return at, device, OUTCOME_CODE[outcome], count

    aq, gauge = world.code("aq-1"), world.code("gauge-1")
    rows = [
        row(hour - HOUR, aq, "messages", 60),
        row(hour - HOUR, aq, "received", 100),
        row(hour - HOUR, aq, "stored", 90),
        row(hour - HOUR, aq, "duplicate", 8),
        row(hour - HOUR, aq, "quarantined:not_a_number", 2),
        row(hour - HOUR, aq, "late", 5),
        row(hour, gauge, "messages", 24),
        row(hour, gauge, "received", 24),
        row(hour, gauge, "stored", 24),
        row(hour, NOBODY, "messages", 1),
        row(hour, NOBODY, "received", 1),
        row(hour, NOBODY, "quarantined:not_json", 1),
    ]
    world.telemetry.append(Readings.empty(), Ledger.of(rows))


def alert(number: int, device: str, kind: str, rule: str, quantity: str, **more: object) -> Alert:
    """An alert with sensible fields; `more` overrides."""
    fields: dict[str, object] = {
        "id": f"alert-{number}",
        "rule": rule,
        "subject": device,
        "kind": kind,
        "quantity": quantity,
        "severity": int(Severity.MEDIUM),
        "state": AlertState.UNACKNOWLEDGED,
        "raised": NOW - number * 10 * MINUTE,
        "updated": NOW - MINUTE,
        "value": 168.0,
        "worst": 172.0,
        "level": 150.0,
    }
    return Alert(**(fields | more))  # type: ignore[arg-type]


def _fill_operations(operations: SqlOperations) -> None:
    high = int(Severity.HIGH)
    alerts = [
        alert(1, "aq-1", "air", "air_unhealthy", "vn_aqi", severity=high),
        alert(2, "gauge-1", "level", "flood_bd1", "flood_stage", value=1.0, worst=1.0, level=0.5),
        alert(3, "tree-1", "tree", "device_offline", "online", value=0.0, worst=0.0, level=1.0),
        alert(
            4,
            "aq-2",
            "air",
            "air_pm25_surge",
            "pm25",
            state=AlertState.CLEARED,
            cleared=NOW - 5 * MINUTE,
            acknowledged=NOW - 20 * MINUTE,
            acknowledged_by="Lan",
        ),
    ]
    events = [AlertEvent(alert=a.id, time=a.raised, what="raised", value=a.value) for a in alerts]
    operations.save_alerts(alerts, events)
    operations.put_quarantine(
        [
            QuarantineItem(
                id="q-text",
                received=NOW - HOUR,
                topic="city/air/aq-1/telemetry",
                payload=b'{"pm25": "n/a"}',
                reason="not_a_number",
                path="$.pm25",
                detail='$.pm25 must be a number, got "n/a"',
                device="aq-1",
                kind="air",
            ),
            QuarantineItem(
                id="q-bytes",
                received=NOW - MINUTE,
                topic="city/air/ghost/telemetry",
                payload=b"\xff\xfe\x00",
                reason="not_utf8",
                device="ghost",
                kind="air",
            ),
        ]
    )
