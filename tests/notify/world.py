"""Alerts in a real operations store, channels that note what they are given, and a clock that is set."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

from analytics.notify.delivery import Delivery
from analytics.notify.describe import Describer
from analytics.notify.plan import Known, Plan, load_plan
from analytics.notify.post import Post
from analytics.notify.texts import Writer
from devices.city import load_city
from devices.device import Catalogue, Device
from devices.registry import load_kinds
from store.records import Alert, AlertEvent, AlertState
from telemetry.clock import ManualClock, parse_time
from tests import operations

START = parse_time("2026-11-24T05:00:00Z")  # a Tuesday, 12:00 in the city
CITY = load_city("hcmc")
AREA = CITY.areas[0]
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
DUTY = '[channels.duty]\nurl_env = "DUTY"\n'
ROUTE = '[[routes]]\nchannels = ["duty"]\nseverity = "low"\n'
ENV = {"DUTY": "json://127.0.0.1:9/"}


def catalogue() -> Catalogue:
    found = Catalogue(load_kinds())
    found.put(Device(id="aq-1", kind="air", name="Trạm Bến Thành", area=AREA.code))
    for n in range(1_000):
        found.put(Device(id=f"lamp-{n}", kind="lamp", area=AREA.code))
    return found


class Notes:
    """A delivery that keeps what it is given. `broken`: takes nothing."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []
        self.broken = False

    def __call__(self, channel: str, title: str, body: str) -> bool:
        if not self.broken:
            self.messages.append((title, body))
        return not self.broken


class World:
    """One channel over a store. `run(s)` lets time pass, a step a second."""

    def __init__(
        self, folder: Path, text: str = DUTY + ROUTE, delivery: Delivery | None = None
    ) -> None:
        self.clock = ManualClock(START)
        self.store = operations.opened(folder / "o.db")
        self.catalogue = catalogue()
        path = folder / "notify.toml"
        path.write_text(text, encoding="utf-8")
        self.plan: Plan = load_plan(path, known(self.catalogue), ENV)
        self.notes = Notes()
        self._delivery = delivery or self.notes
        self.post = self.posted()

    def posted(self, name: str = "duty") -> Post:
        """A post as after a start."""
        channel = self.plan.channels[name]
        writer = Writer(channel.language or self.plan.language, ZONE, self.plan.link)
        describe = Describer(self.catalogue, CITY)
        return Post(name, self.plan, writer, self.store, describe, self._delivery, self.clock)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1_000_000_000)
            self.post.step()

    def save(self, alerts: Iterable[Alert], what: str) -> None:
        """Alerts as they are now, and why."""
        listed = list(alerts)
        lines = [AlertEvent(alert=a.id, time=self.clock.now(), what=what) for a in listed]
        self.store.save_alerts(listed, lines)

    def raised(self, **changes: object) -> Alert:
        alert = air_alert(self.clock.now()).but(**changes)
        self.save([alert], "raised")
        return alert

    def cleared(self, alert: Alert) -> Alert:
        over = alert.but(state=AlertState.RETURNED, cleared=self.clock.now())
        self.save([over], "cleared")
        return over


def known(devices: Catalogue) -> Known:
    kinds = devices.kinds
    return Known(
        domains=frozenset(k.domain for k in kinds),
        kinds=frozenset(kinds.code),
        areas=frozenset(CITY.area),
        rules=frozenset(r.code for k in kinds for r in k.rules),
    )


def air_alert(raised: int) -> Alert:
    return Alert(
        id=f"a{raised}",
        rule="air_unhealthy",
        subject="aq-1",
        kind="air",
        quantity="vn_aqi",
        severity=3,
        state=AlertState.UNACKNOWLEDGED,
        raised=raised,
        updated=raised,
        value=171.0,
        worst=171.0,
        level=150.0,
    )


def lamp_alert(number: int, raised: int) -> Alert:
    return air_alert(raised).but(
        id=f"l{number}", rule="lamp_failure", subject=f"lamp-{number}", kind="lamp",
        quantity="lamp_failure", severity=2, value=1.0, worst=1.0, level=0.5,
    )  # fmt: skip
