"""`urban bench alerts`, small: every row is measured, no alert is lost, and a restart leaves them as they were."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks.ingest_publisher import connect_packet


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", "bench", "alerts", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)


def test_latency_and_restart_are_measured() -> None:
    rows = ("--row", "fixed", "--row", "restart")
    done = bench(*rows, "--broker", "nats", "--rate", "100", "--seconds", "1", "--runs", "1")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(x["row"], x["lost"]) for x in lines] == [("fixed", 0)] * 2 + [("restart", 0)] * 2
    fixed, restart = lines[1], lines[3]
    assert 0 < fixed["p50_ms"] <= fixed["p99_ms"]
    assert 0 < fixed["reference_p50_ms"] <= fixed["reference_p99_ms"]
    assert (fixed["alerts"], fixed["reference_missing"]) == (40, 0)
    assert (restart["alerts"], restart["alerts_changed"], restart["alerts_new"]) == (100, 0, 0)
    assert 0 < restart["ready_s"] <= restart["caught_up_s"]


def test_wrong_use_is_said_in_words() -> None:
    assert "invalid choice: 'double'" in bench("--row", "double").stderr
    done = bench("--seconds", "0")
    assert done.returncode == 2 and "must be above 0" in done.stderr


def test_the_publishers_connect_is_that_of_the_standard() -> None:
    # MQTT 3.1.1, section 3.1: protocol name and level, flags, keep-alive, client id.
    assert connect_packet("ab") == b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x00\x00\x02ab"
