"""Outages of ours on the running platform: one alert a part, no device offline, during and after."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import Mosquitto, Publisher, mosquitto_present, wait_until
from tests.chaos.proxy import Proxy
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.influxd import Influxd, influxd_present

pytestmark = [pytest.mark.mosquitto, pytest.mark.timeout(150)]
DEVICES = 50


class Fleet:
    """Fifty devices that report every second, over whatever happens to the broker."""

    def __init__(self, port: int) -> None:
        self._publisher = Publisher(port, "fleet")
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        number = 0
        while not self._ending.wait(1.0 / DEVICES):
            device = number % DEVICES
            body = b'{"laeq": %d}' % (40 + number % 20)
            self._publisher.send(number, f"city/noise/n-{device}/telemetry", body)
            number += 1

    def close(self) -> None:
        self._ending.set()
        self._thread.join()
        self._publisher.close()


def alerts(platform: UpProcess) -> list[dict[str, Any]]:
    """Every alert that there ever was."""
    found: list[dict[str, Any]] = platform.get("/api/v1/alerts?limit=1000")["items"]
    return found


def heard(platform: UpProcess) -> bool:
    lines = platform.get("/metrics").decode().splitlines()
    count = next(x for x in lines if x.startswith("urban_engine_readings_total ")).split()[1]
    return float(count) >= DEVICES


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    require("mosquitto", mosquitto_present())
    made = Mosquitto(tmp_path / "broker", changes=0)
    made.start()
    yield made
    made.stop()


def only(platform: UpProcess, rule: str, state: str) -> bool:
    return [(a["rule"], a["state"]) for a in alerts(platform)] == [(rule, state)]


def test_a_broker_that_is_stopped_is_one_alert_and_no_device_is_offline(
    tmp_path: Path, broker: Mosquitto
) -> None:
    platform = UpProcess(tmp_path, broker=f"mqtt://127.0.0.1:{broker.port}", own_dwell_s=2)
    fleet = None
    try:
        platform.start_ready()
        fleet = Fleet(broker.port)
        wait_until(lambda: heard(platform), 30)
        assert alerts(platform) == []
        broker.stop()
        wait_until(lambda: only(platform, "broker_lost", "unacknowledged"), 30)
        (alert,) = alerts(platform)
        assert (alert["subject"], alert["device"]) == ("platform:broker", "")
        assert "no connection to the broker" in alert["detail"]
        broker.start()
        wait_until(lambda: only(platform, "broker_lost", "returned"), 40)
    finally:
        if fleet is not None:
            fleet.close()
        platform.close()


@pytest.mark.influxdb
def test_a_store_that_is_away_is_one_alert_and_no_device_is_offline(
    tmp_path: Path, broker: Mosquitto
) -> None:
    require("influxd", influxd_present())
    influxd = Influxd(tmp_path / "influxd")
    influxd.start()
    line = Proxy(influxd.http)
    platform = UpProcess(
        tmp_path, broker=f"mqtt://127.0.0.1:{broker.port}", own_dwell_s=2,
        telemetry=f"influx1://127.0.0.1:{line.port}/city",
    )  # fmt: skip
    fleet = None
    try:
        platform.start_ready()
        fleet = Fleet(broker.port)
        wait_until(lambda: heard(platform), 30)
        influxd.stop()
        wait_until(lambda: only(platform, "telemetry_store_away", "unacknowledged"), 30)
        assert alerts(platform)[0]["subject"] == "platform:telemetry-store"
        influxd.start()
        wait_until(lambda: only(platform, "telemetry_store_away", "returned"), 60)
    finally:
        if fleet is not None:
            fleet.close()
        platform.close()
        line.close()
        influxd.stop()
