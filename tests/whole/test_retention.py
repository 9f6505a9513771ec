"""Retention through the running platform: what is over leaves, what is refused says why, the account stays whole."""

from __future__ import annotations

import urllib.error
from pathlib import Path

import pytest

from telemetry.clock import DAY, HOUR, MINUTE, SystemClock, format_time
from tests.brokers import publish_all, wait_until
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.influxd import Influxd, influxd_present

NOW = SystemClock().now() // HOUR * HOUR
AGES = (60, 5, 0)  # days


def message(age: int, minute: int) -> tuple[str, bytes]:
    time = format_time(NOW - age * DAY - minute * MINUTE)
    return "city/level/gauge-1/telemetry", f'{{"time": "{time}", "level": 1.5}}'.encode()


def readings(platform: UpProcess) -> int:
    start, end = format_time(NOW - 90 * DAY), format_time(NOW + HOUR)
    where = f"device=gauge-1&quantity=level&start={start}&end={end}&limit=1000"
    try:
        return len(platform.get(f"/api/v1/telemetry?{where}")["items"])
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return 0  # nobody knows the device yet
        raise


def totals(platform: UpProcess) -> dict[str, int]:
    found: dict[str, int] = platform.get(f"/api/v1/accounting?start={format_time(NOW - DAY)}")[
        "totals"
    ]
    return found


@pytest.mark.timeout(180)
@pytest.mark.parametrize("store", ["duckdb", pytest.param("influxdb", marks=pytest.mark.influxdb)])
def test_a_setting_makes_old_readings_leave_and_stay_away(tmp_path: Path, store: str) -> None:
    server = Influxd(tmp_path / "influxd")
    telemetry = ""
    if store == "influxdb":
        require("influxd", influxd_present())
        server.start()
        telemetry = server.url()
    platform = UpProcess(tmp_path, devices=0, telemetry=telemetry)
    try:
        platform.start_ready()
        publish_all(platform.mqtt, [message(age, i) for age in AGES for i in range(10)])
        wait_until(lambda: readings(platform) == 30)
        platform.interrupt()  # its analytics saves where it is

        platform.env["URBAN_RETENTION_RAW_DAYS"] = "30"
        platform.start_ready()
        wait_until(lambda: readings(platform) == 20)
        assert totals(platform)["stored"] == 30 and totals(platform)["balanced"] is True

        publish_all(platform.mqtt, [message(60, 0), message(5, 0), message(0, -1)])
        wait_until(lambda: totals(platform)["received"] == 33)
        found = totals(platform)
        assert (found["stored"], found["duplicate"], found["quarantined"]) == (31, 1, 1)
        assert found["balanced"] is True and readings(platform) == 21
        (item,) = platform.get("/api/v1/quarantine")["items"]
        assert item["reason"] == "time_too_old"
        assert "URBAN_RETENTION_RAW_DAYS" in item["detail"]
        platform.interrupt()
    finally:
        platform.close()
        server.stop()
