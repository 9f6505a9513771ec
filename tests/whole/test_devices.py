"""A device's life on the running platform: registered, commanded, retired, heard no more; over two restarts."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import publish_all, wait_until
from tests.control.devices import ObedientDevice
from tests.platform_process import UpProcess

TOPIC = "city/lamp/lamp-1/telemetry"


def send(platform: UpProcess, method: str, path: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{platform.http}/api/v1{path}", json.dumps({"by": "Lan"} | body).encode(),
        {"Content-Type": "application/json"}, method=method,
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[UpProcess]:
    made = UpProcess(tmp_path)
    yield made
    made.close()


@pytest.mark.timeout(120)
def test_a_lamps_life(platform: UpProcess) -> None:
    platform.start_ready()
    send(platform, "POST", "/devices", {"id": "lamp-1", "kind": "lamp", "tags": ["cầu"]})
    lamp = ObedientDevice(platform.mqtt, "lamp", "lamp-1")
    made = send(platform, "POST", "/commands", {"command": "dimming", "value": 40, "tag": "cầu"})

    def state(batch: str) -> list[str]:
        return [c["state"] for c in platform.get(f"/api/v1/commands?batch={batch}")["items"]]

    wait_until(lambda: state(made["batch"]) == ["acknowledged"])
    lamp.close()
    # A kill while a command waits for a lamp that is away: the next platform hears its answer.
    away = send(platform, "POST", "/commands", {"command": "dimming", "value": 70, "device": ["lamp-1"], "timeout": "10m"})  # fmt: skip
    wait_until(lambda: state(away["batch"]) == ["sent"])
    platform.kill_all()
    platform.start_ready()
    lamp = ObedientDevice(platform.mqtt, "lamp", "lamp-1")
    wait_until(lambda: state(away["batch"]) == ["acknowledged"])
    assert [told["value"] for told in lamp.heard] == [70]
    shadow = platform.get("/api/v1/devices/lamp-1/shadow")["items"][0]
    assert (shadow["desired"]["value"], shadow["in_step"]) == (70.0, True)
    lamp.close()

    publish_all(platform.mqtt, [(TOPIC, b'{"time": 1790000000, "power": 50}')])
    read = "/api/v1/telemetry?device=lamp-1&quantity=power&start=2026-09-01T00:00:00Z"
    wait_until(lambda: len(platform.get(read)["items"]) == 1)
    send(platform, "POST", "/devices/lamp-1/retire", {"why": "tháo dỡ"})
    platform.interrupt()
    platform.start_ready()
    publish_all(platform.mqtt, [(TOPIC, b'{"time": 1790000060, "power": 51}')])
    waiting = "/api/v1/quarantine?device=lamp-1"
    wait_until(lambda: [i["reason"] for i in platform.get(waiting)["items"]] == ["retired"])
    assert [i["value"] for i in platform.get(read)["items"]] == [50.0], "its data stay"
    send(platform, "POST", "/devices/lamp-1/reinstate", {})
    (item,) = platform.get(waiting)["items"]
    told = send(platform, "POST", f"/quarantine/{item['id']}/resend", {})
    assert told["stored"] == 1
    assert [e["what"] for e in platform.get("/api/v1/devices/lamp-1/history")["items"]] == [
        "reinstated", "retired", "registered",
    ]  # fmt: skip
