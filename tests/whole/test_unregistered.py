"""Devices that nobody registered, end to end: accepted and marked, or refused, by URBAN_UNREGISTERED."""

from __future__ import annotations

import urllib.error
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import publish_all, wait_until
from tests.platform_process import UpProcess

TOPIC = "city/air/stranger/telemetry"


def items(platform: UpProcess, path: str) -> list[dict[str, Any]]:
    """The items of a list; none where the platform does not know the device yet."""
    try:
        found: list[dict[str, Any]] = platform.get(path)["items"]
    except urllib.error.HTTPError as error:
        assert error.code in (400, 404)
        error.close()
        return []
    return found


@pytest.mark.timeout(120)
def test_accepted_and_marked_then_refused_by_the_setting(tmp_path: Path) -> None:
    platform = UpProcess(tmp_path, unregistered="accept")
    try:
        platform.start_ready()
        publish_all(platform.mqtt, [(TOPIC, b'{"time": 1790000000, "pm25": 1}')])
        wait_until(lambda: items(platform, "/api/v1/latest?device=stranger&quantity=pm25"), 10)
        device = platform.get("/api/v1/devices/stranger")
        assert (device["kind"], device["registered"]) == ("air", False)
        platform.interrupt()

        platform.env["URBAN_UNREGISTERED"] = "refuse"
        platform.start_ready()
        sent = [
            (TOPIC, b'{"time": 1790000060, "pm25": 2}'),
            ("city/air/never-seen/telemetry", b'{"time": 1790000060, "pm25": 3}'),
        ]
        publish_all(platform.mqtt, sent)
        waiting = "/api/v1/quarantine?reason=unregistered"
        wait_until(lambda: len(items(platform, waiting)) == 2, 10)
        assert {i["topic"]: i["device"] for i in items(platform, waiting)} == {
            TOPIC: "stranger",
            "city/air/never-seen/telemetry": "",
        }
        assert all("is not registered" in i["detail"] for i in items(platform, waiting))
        (latest,) = items(platform, "/api/v1/latest?device=stranger&quantity=pm25")
        assert latest["value"] == 1, "what was stored before stays, and nothing came to it"
        assert "never-seen" not in {d["id"] for d in items(platform, "/api/v1/devices")}
        totals = platform.get("/api/v1/accounting")["totals"]
        assert totals["balanced"] and totals["reasons"] == {"unregistered": 2}
    finally:
        platform.close()
