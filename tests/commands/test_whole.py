"""`urban quarantine` and `urban doctor` beside a real `urban up`, and after it was killed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import publish_all, wait_until
from tests.platform_process import ROOT, UpProcess

TOPIC = "city/air/my-sensor/telemetry"


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[UpProcess]:
    made = UpProcess(tmp_path)
    made.start_ready()
    yield made
    made.close()


def urban(platform: UpProcess, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words],
        cwd=ROOT, env=platform.env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_from_the_device_to_quarantine_and_corrected_to_the_store(platform: UpProcess) -> None:
    publish_all(platform.mqtt, [(TOPIC, b'{"pm25": "n/a"}'), (TOPIC, b'{"pm10": 55}')])
    wait_until(lambda: platform.get("/api/v1/quarantine")["items"], 10)
    wait_until(lambda: platform.get("/api/v1/latest")["items"], 10)
    code, out, _ = urban(platform, "doctor", "--json")
    assert code == 1
    attention = {f["part"] for f in json.loads(out)["findings"] if f["level"] == "attention"}
    assert attention - {"disk"} == {"quarantine"}

    (item,) = platform.get("/api/v1/quarantine")["items"]
    code, out, err = urban(platform, "quarantine", "resend", item["id"], "--set", "pm25=31.2")
    assert (code, err) == (0, "")
    assert out == f"resent {item['id']}: 1 stored\n"
    (reading,) = platform.get("/api/v1/latest?device=my-sensor&quantity=pm25")["items"]
    assert (reading["value"], reading["time"]) == (31.2, item["received"])
    totals = platform.get("/api/v1/accounting")["totals"]
    assert (totals["received"], totals["stored"], totals["quarantined"]) == (3, 2, 1)
    assert totals["balanced"] is True

    platform.kill_all()
    code, out, err = urban(platform, "doctor")
    assert (code, err) == (1, "")
    assert "✗ platform: does not run" in out
    assert "3 received = 2 stored + 0 duplicate + 1 quarantined" in out
    assert "✓ quarantine: nothing waits" in out
    # It only looked: the next start finds everything.
    platform.start_ready()
    assert platform.get("/api/v1/accounting")["totals"]["received"] == 3
