"""A hundred thousand devices in one process: what a slice of their time takes in memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MOST_MB = 1_000  # of the 2 GB that are allowed: what is live beside history must fit in too

PROGRAM = """
import json
from pathlib import Path
from devices.city import load_city
from devices.registry import load_kinds
from simulators.messages import Messages
from simulators.placement import simulated_devices
from simulators.scenario import find_scenario, load_scenario
from telemetry.clock import MINUTE, parse_time

kinds, city = load_kinds(), load_city("hcmc")
devices = simulated_devices(city, kinds, 100_000, 1)
messages = Messages(city, kinds, devices, 1, load_scenario(find_scenario("everything")))
start = parse_time("2025-11-05T10:10:00Z")
chunks = [len(c) for c in messages.between(start, start + MINUTE)]
# Not ru_maxrss: that begins with what the process that started this one held.
status = Path("/proc/self/status").read_text()
peak = next(int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")) // 1_024
print(json.dumps({"devices": len(devices), "messages": sum(chunks), "largest": max(chunks), "mb": peak}))
"""


def test_a_hundred_thousand_devices_fit() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, timeout=300,
        check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["devices"] == 100_000
    assert found["messages"] > 40_000
    assert found["largest"] < 60_000  # by chunks, however many devices there are
    assert found["mb"] < MOST_MB, found
