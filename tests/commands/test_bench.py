"""`urban bench ingest` on either store, small: every row is measured, and nothing is lost."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ingest_publisher import publish_packet
from devices.intake import Message
from ingest.wire import read_publishes
from tests.services import require
from tests.store.influxd import influxd_present


def bench(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "cli", "bench", "ingest", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("store", ["duckdb", pytest.param("influxdb", marks=pytest.mark.influxdb)])
def test_every_row_is_measured_on_either_store(store: str) -> None:
    if store == "influxdb":
        require("influxd", influxd_present())
    rows = ["single", "pack", "pair", "memory"]
    small = ["--messages", "200", "--runs", "1", "--devices", "200", "--broker", "nats"]
    done = bench(*small, "--store", store, *(word for row in rows for word in ("--row", row)))
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    medians = {line["row"]: line for line in lines if "median_of" in line}
    assert list(medians) == rows
    assert {(line["store"], line["lost"]) for line in lines} == {(store, 0)}
    assert medians["pack"]["readings"] == 10_000
    bounds = {"client", "decode", "store", "broker", "store server", "waiting"}
    assert {medians["single"]["bound"], medians["pack"]["bound"]} <= bounds
    assert ("server_cores" in medians["single"]) == (store == "influxdb")
    assert medians["memory"]["after_round_4_mb"] <= medians["memory"]["peak_mb"]


def test_a_store_or_row_that_is_none_is_wrong_use() -> None:
    done = bench("--store", "oracle")
    assert done.returncode == 2
    assert "invalid choice: 'oracle'" in done.stderr


@given(st.text("abc/é", min_size=1), st.binary(max_size=300), st.integers(1, 65_535))
def test_the_publishers_packets_are_read_as_what_was_published(
    topic: str, payload: bytes, mid: int
) -> None:
    packet = publish_packet(topic, payload, mid)
    found: list[Message] = []
    assert read_publishes(packet, 0, False, 5, 1, found) == len(packet)
    assert found == [Message(topic, payload, 5, mid, 1, 1)]
