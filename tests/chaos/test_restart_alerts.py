"""After SIGKILL and another start the alerts are exactly as before: states, history, and what people did."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.device import Device
from store.sql_store import SqlOperations
from telemetry.clock import HOUR, SystemClock, format_time
from tests.brokers import publish_all, wait_until
from tests.platform_process import UpProcess

LEVELS = {"bd1": 1.4, "bd2": 1.5, "bd3": 1.6}
GAUGES = ("stands", "acked", "shelved", "assigned", "returned", "over", "quiet")
DEVICES = (
    *(Device(id=g, kind="level", limits=LEVELS) for g in GAUGES),
    Device(id="tu-1", kind="feeder"),
    Device(id="den-1", kind="lamp", parent="tu-1", limits={"rated_power": 100.0}),
)


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[UpProcess]:
    (tmp_path / "data").mkdir()
    operations = SqlOperations(f"sqlite:///{tmp_path / 'data' / 'operations.db'}")
    operations.put_devices(list(DEVICES))
    operations.close()
    made = UpProcess(tmp_path)
    made.start_ready()
    yield made
    made.close()


def level(device: str, second: int, value: float) -> tuple[str, bytes]:
    body = {"time": second, "level": value}
    return f"city/level/{device}/telemetry", json.dumps(body).encode()


def act(platform: UpProcess, device: str, what: str, **body: str) -> None:
    (alert,) = platform.get(f"/api/v1/alerts?device={device}")["items"]
    url = f"http://127.0.0.1:{platform.http}/api/v1/alerts/{alert['id']}/{what}"
    request = urllib.request.Request(
        url, json.dumps({"by": "An", **body}).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=10).close()


def alerts(platform: UpProcess) -> dict[str, Any]:
    """Every alert with its history, by device."""
    items = platform.get("/api/v1/alerts?limit=1000")["items"]
    return {a["device"]: platform.get(f"/api/v1/alerts/{a['id']}") for a in items}


def states(platform: UpProcess) -> dict[str, str]:
    return {a["device"]: a["state"] for a in platform.get("/api/v1/alerts?limit=1000")["items"]}


@pytest.mark.timeout(120)
def test_alerts_are_exactly_as_before_the_kill(platform: UpProcess) -> None:
    now = SystemClock().now()
    second = now // 10**9 - 3_600  # levels change by 5 cm a minute at most
    high = [level(g, second, 1.45) for g in GAUGES if g != "quiet"]
    lamp = b'{"time": %d, "dimming": 100, "power": 0}'
    failed = [("city/lamp/den-1/telemetry", lamp % (second + s)) for s in (0, 400)]
    dark = [("city/feeder/tu-1/telemetry", b'{"time": %d, "voltage": 0, "power": 0}' % second)]
    publish_all(platform.mqtt, [*high, level("quiet", second, 1.0), *dark, *failed])
    wait_until(lambda: len(states(platform)) == len(GAUGES) - 1 + 2, 20)
    act(platform, "acked", "ack")
    act(platform, "over", "ack")
    act(platform, "shelved", "shelve", until=format_time(now + HOUR), why="bảo trì")
    act(platform, "assigned", "assign", to="Bình")
    act(platform, "stands", "comment", text="đã gọi trạm")
    publish_all(platform.mqtt, [level(g, second + 1_200, 1.3) for g in ("returned", "over")])
    expected = {
        "stands": "unacknowledged", "assigned": "unacknowledged", "acked": "acknowledged",
        "shelved": "shelved", "returned": "returned", "over": "cleared",
        "tu-1": "unacknowledged", "den-1": "suppressed",
    }  # fmt: skip
    wait_until(lambda: states(platform) == expected, 20)
    before = alerts(platform)

    platform.kill_all()
    platform.start_ready()
    # What comes behind the log that is analysed again: when it is there, all before it has been.
    publish_all(platform.mqtt, [level("quiet", second + 1_200, 1.45)])
    wait_until(lambda: "quiet" in states(platform), 30)
    after = alerts(platform)
    del after["quiet"]
    assert after == before

    # They can still go on from where they were.
    publish_all(platform.mqtt, [level(g, second + 1_800, 1.3) for g in ("stands", "acked")])
    wait_until(lambda: states(platform)["acked"] == "cleared", 20)
    wait_until(lambda: states(platform)["stands"] == "returned", 20)
