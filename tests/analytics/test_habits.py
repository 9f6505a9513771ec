"""Own intervals and time-outs, learned or registered; and the battery as the cause of silence."""

from __future__ import annotations

import pytest

from analytics.engine import Engine
from devices.device import Device
from telemetry.clock import MINUTE, SECOND, ManualClock
from tests.analytics.city import T0, ZONE, Told, batch, catalogue


class Street:
    def __init__(self, *devices: Device) -> None:
        self.known = catalogue(devices)
        self.clock = ManualClock(T0)
        self.engine = Engine(self.known, ZONE)
        self.told = Told(self.known)
        self.details: dict[int, str] = {}
        self.run(0)

    def say(self, quantity: str = "pm25", value: float = 12.0) -> None:
        now = self.clock.now()
        row = (self.known.devices[0].id, quantity, now, value)
        self._take(self.engine.process(batch(self.known, [row]), now))

    def run(self, minutes: float) -> None:
        for _ in range(int(minutes * 4)):
            self.clock.advance(15 * SECOND)
            self._take(self.engine.advance(self.clock.now()))
        self._take(self.engine.advance(self.clock.now()))

    def _take(self, facts: object) -> None:
        self.told.take(facts)  # type: ignore[arg-type]
        self.details |= facts.details  # type: ignore[attr-defined]

    @property
    def changes(self) -> list[str]:
        return [what for what, _ in self.told.changes("device_offline")]


AIR = Device(id="aq-1", kind="air")


def test_one_that_reports_every_fifteen_minutes_is_never_offline_after_the_kinds_five() -> None:
    street = Street(AIR)
    for _ in range(12):
        street.say()
        street.run(15)
    assert street.changes == []
    street.run(29)
    assert street.changes == []
    street.run(2)
    assert street.changes == ["raise"]


def test_one_outage_among_short_gaps_teaches_nothing() -> None:
    street = Street(AIR)
    for gap in (1, 1, 1, 60, 1, 1, 1):
        street.say()
        street.run(gap)
    assert street.changes == ["raise", "clear"]
    street.say()
    street.run(5.25)
    assert street.changes == ["raise", "clear", "raise"]


def test_one_that_reports_more_often_again_is_missed_soon_again() -> None:
    street = Street(AIR)
    for gap in (15, 15, 15, 1, 1):
        street.say()
        street.run(gap)
    street.say()
    street.run(5.25)
    assert street.changes == ["raise"]


def test_two_messages_a_report_are_one_report() -> None:
    street = Street(AIR)
    for _ in range(6):
        street.say()
        street.clock.advance(SECOND)
        street.say("temperature", 30.0)
        street.run(15)
    assert street.changes == []


@pytest.mark.parametrize(
    ("limits", "minutes"),
    [({"timeout_s": 1800.0}, 30), ({"interval_s": 900.0}, 75), ({"timeout_s": 60.0}, 1)],
)
def test_a_registered_interval_or_time_out_counts_from_the_first_message_on(
    limits: dict[str, float], minutes: float
) -> None:
    street = Street(Device(id="aq-1", kind="air", limits=limits))
    street.say()
    street.run(minutes)
    assert street.changes == []
    street.run(0.25)
    assert street.changes == ["raise"]


@pytest.mark.parametrize(
    ("percent", "why"), [(9.0, {0: "battery 9 % before it fell silent"}), (80.0, {})]
)
def test_a_battery_below_its_level_is_why_it_fell_silent(
    percent: float, why: dict[int, str]
) -> None:
    street = Street(Device(id="bin-1", kind="waste", limits={"timeout_s": 600.0}))
    street.say("battery", percent)
    street.run(11)
    assert street.changes == ["raise"]
    assert street.details == why


def test_a_will_message_is_named() -> None:
    street = Street(AIR)
    street.say()
    street.clock.advance(MINUTE)
    street.say("online", 0.0)
    assert street.details == {0: "said by its will message"}


def test_habits_survive_a_restart() -> None:
    street = Street(AIR)
    for _ in range(3):
        street.say()
        street.run(15)
    street.engine = Engine.restore(street.engine.snapshot(), street.known, ZONE)
    street.run(44)
    assert street.changes == []
    street.run(2)
    assert street.changes == ["raise"]
