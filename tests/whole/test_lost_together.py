"""A gateway, and an area, that are lost: one alert through the whole stack, with the devices under it.

A real broker, packs of a gateway, the platform with its HTTP server, on a clock that goes on by two minutes;
the stations report every minute and time out after five.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from devices.device import Device
from telemetry.clock import MINUTE, SECOND, parse_time
from tests.brokers import Mosquitto, Publisher, mosquitto_present, wait_until
from tests.services import require
from tests.whole.in_process import InProcess, StepClock

pytestmark = [pytest.mark.mosquitto, pytest.mark.timeout(150)]

BEGIN = parse_time("2026-11-25T05:00:00Z")
TICK = 2 * MINUTE  # less than half of the time-out: longer, and nobody at all is heard
AREA, ELSEWHERE = "26740", "26743"
PACKED = tuple(f"n-{i}" for i in range(4))  # come in packs of gateway gw-1
DIRECT = tuple(f"n-{i}" for i in range(4, 8))
LAST = "tram-khi"  # speaks always, and last of a minute
DEVICES = (
    *(
        Device(id=d, kind="noise", area=AREA, limits={"timeout_s": 300.0})
        for d in (*PACKED, *DIRECT)
    ),
    Device(id=LAST, kind="air", area=ELSEWHERE),
)
Alerts = dict[tuple[str, str], str]


def messages(minute: int, silent: set[str]) -> Iterator[tuple[str, bytes]]:
    """What is said in a minute by all but the silent."""
    time, level = minute // SECOND, 50.0 + minute // MINUTE % 3
    pack = [{"n": f"{d}/laeq", "t": time, "v": level} for d in PACKED if d not in silent]
    if pack:
        yield "city/gateway/gw-1/telemetry", json.dumps(pack).encode()
    for device in DIRECT:
        if device not in silent:
            body = {"time": time, "laeq": level}
            yield f"city/noise/{device}/telemetry", json.dumps(body).encode()
    yield f"city/air/{LAST}/telemetry", json.dumps({"time": time, "pm25": level / 4}).encode()


class Ward:
    """The platform and its devices, tick by tick."""

    def __init__(self, folder: Path, broker: int) -> None:
        self.clock = StepClock(BEGIN)
        self.city = InProcess(folder, self.clock, broker, disk_free_mb=0)
        for device in DEVICES:
            self.city.platform.operations.put_devices([device])
            self.city.platform.catalogue.put(device)
        self.city.start()
        self._devices = Publisher(broker, "devices")
        self._number = 0

    def tick(self, times: int = 1, silent: Iterable[str] = ()) -> None:
        for _ in range(times):
            since, now = self.clock.now(), self.clock.now() + TICK
            self.clock.move(now)
            for minute in range(since + MINUTE, now + MINUTE, MINUTE):
                for topic, payload in messages(minute, set(silent)):
                    self._devices.send(self._number, topic, payload)
                    self._number += 1
            wait_until(partial(self._is_stored, now), 60)
            self.city.settle()

    def alerts(self) -> Alerts:
        """(rule, subject) → state of every alert that there ever was."""
        return {(a["rule"], a["subject"]): a["state"] for a in self.city.alerts()}

    def under(self, rule: str) -> list[str]:
        """Subjects that are listed under the alert of a rule."""
        found: list[dict[str, Any]] = self.city.alerts()
        cause = next(a["id"] for a in found if a["rule"] == rule)
        return sorted(a["subject"] for a in found if a["cause"] == cause)

    def asked(self) -> set[tuple[str, str]]:
        """(rule, subject) of alerts that asked for somebody at any time."""
        return {
            (a["rule"], a["subject"])
            for a in self.city.alerts()
            if any(e["state"] == "unacknowledged" and e["what"] != "raised" for e in a["history"])
            or all(e["what"] != "suppressed" for e in a["history"])
        }

    def close(self) -> None:
        self._devices.close()
        self.city.stop()

    def _is_stored(self, until: int) -> bool:
        items = self.city.get(f"/api/v1/latest?device={LAST}&quantity=pm25")["items"]
        return [parse_time(i["time"]) for i in items] == [until]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    require("mosquitto", mosquitto_present())
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    made = Ward(tmp_path, broker.port)
    try:
        yield made
    finally:
        made.close()
        broker.stop()


GATEWAY, WHOLE = ("gateway_silent", "gateway:gw-1"), ("area_silent", f"area:{AREA}")
LOST = [
    pytest.param(GATEWAY, PACKED, id="gateway"),
    pytest.param(WHOLE, (*PACKED[:2], *DIRECT), id="area"),  # 6 of 8, and the gateway still speaks
]


@pytest.mark.parametrize(("cause", "lost"), LOST)
def test_lost_together_is_one_alert_and_who_stays_away_comes_out_when_the_cause_is_over(
    ward: Ward, cause: tuple[str, str], lost: tuple[str, ...]
) -> None:
    ward.tick(4)
    assert ward.alerts() == {}
    ward.tick(3, lost)
    held = {("device_offline", d): "suppressed" for d in lost}
    assert ward.alerts() == {cause: "unacknowledged", **held}
    assert ward.under(cause[0]) == sorted(lost)
    assert ward.asked() == {cause}
    # It is back; one of its devices is not.
    (stays, *back) = lost
    ward.tick(1, {stays})
    over = {("device_offline", d): "cleared" for d in back}
    assert ward.alerts() == {cause: "returned", **over, ("device_offline", stays): "suppressed"}
    ward.tick(2, {stays})
    assert ward.asked() == {cause}, "it has its time-out to report"
    ward.tick(1, {stays})
    assert ward.alerts()["device_offline", stays] == "unacknowledged"
    assert ward.asked() == {cause, ("device_offline", stays)}
    ward.tick(1)
    assert ward.alerts()["device_offline", stays] == "returned"


def test_a_gateway_in_an_area_that_is_lost_is_under_the_area(ward: Ward) -> None:
    ward.tick(4)
    ward.tick(3, (*PACKED, *DIRECT))
    assert ward.asked() == {WHOLE}
    assert ward.alerts()[GATEWAY] == "suppressed"
    ward.tick(3)
    assert ward.asked() == {WHOLE}
    assert set(ward.alerts().values()) == {"returned", "cleared"}
