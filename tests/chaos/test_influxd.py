"""The whole platform while its InfluxDB is away, hangs, answers with errors or slowly, cuts, or shuts us out.

One platform, one real influxd, one fault after the other: after each, what was published and confirmed is
stored once or in quarantine, in order, the platform is ready again by itself, and its memory is as before.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import numpy as np
import pytest

from devices.device import Catalogue
from devices.registry import load_kinds
from store.influx import open_influx
from telemetry.readings import Readings
from tests.brokers import wait_until
from tests.chaos import numbered
from tests.chaos.front import Front
from tests.chaos.numbered import MINUTE
from tests.chaos.proxy import Proxy
from tests.platform_process import UpProcess
from tests.services import require
from tests.store.influxd import Influxd, influxd_present
from tests.store.scripted import Step

pytestmark = [pytest.mark.influxdb, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    require("influxd", influxd_present())
    server = Influxd(tmp_path_factory.mktemp("influxd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def line(influxd: Influxd) -> Iterator[Proxy]:
    made = Proxy(influxd.http)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(line: Proxy) -> Iterator[Front]:
    made = Front(line.port)
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, server: Front) -> Iterator[UpProcess]:
    address = f"influx1://127.0.0.1:{server.port}/city"
    made = UpProcess(tmp_path_factory.mktemp("platform"), telemetry=address, rate_factor=0)
    made.start_ready()
    numbered.publish(made, "warm", 0, 10 * MINUTE)
    wait_until(lambda: numbered.done(made, "warm", 10 * MINUTE), 60)
    yield made
    assert "Traceback" not in made.interrupt()
    made.close()
    _assert_logged_once(address)


@pytest.fixture
def platform(running: UpProcess, server: Front) -> Iterator[UpProcess]:
    """The platform, well before and after: its memory may not grow over a fault."""
    before = numbered.resident_mb(running)
    yield running
    server.heal()
    grown = numbered.resident_mb(running) - before
    print(f"{before:.0f} MB, grown by {grown:.0f} MB")
    assert grown < 20, f"grown by {grown:.0f} MB from {before:.0f} MB"


def _assert_logged_once(address: str) -> None:
    """However often a batch was tried, the log that analytics reads has each reading once."""
    store = open_influx(address, Catalogue(load_kinds()))
    logged = Readings.concat([b.readings for b in store.since(0, 10**6)])
    store.close()
    assert len(logged) > 10_000
    assert len(np.unique(logged.identity())) == len(logged)


def recovered(platform: UpProcess, run: str, count: int) -> None:
    """By itself, and with everything."""
    wait_until(lambda: numbered.done(platform, run, count), 60)
    numbered.judge(platform, run, count)
    assert numbered.spooled(platform) == 0


@pytest.mark.parametrize("minutes", [1, 10])
def test_a_server_that_is_ended_and_started_again(
    platform: UpProcess, influxd: Influxd, minutes: int
) -> None:
    run, count = f"ended{minutes}", minutes * MINUTE
    numbered.publish(platform, run, 0, 100)
    influxd.stop(kill=True)
    numbered.publish(platform, run, 100, count)
    wait_until(lambda: "trying again; what comes meanwhile is kept on disk" in numbered.trouble(platform), 30)  # fmt: skip
    wait_until(lambda: numbered.spooled(platform) > 0, 30)
    influxd.start()
    recovered(platform, run, count)


@pytest.mark.parametrize("minutes", [1, 10])
def test_a_server_that_hangs(platform: UpProcess, influxd: Influxd, minutes: int) -> None:
    run, count = f"hung{minutes}", minutes * MINUTE
    numbered.publish(platform, run, 0, 100)
    influxd.signal(signal.SIGSTOP)
    try:
        numbered.publish(platform, run, 100, count)
        wait_until(lambda: numbered.spooled(platform) > 0, 60)
        assert "kept on disk" in numbered.trouble(platform)
    finally:
        influxd.signal(signal.SIGCONT)
    recovered(platform, run, count)


@pytest.mark.parametrize(
    ("name", "answer", "words"),
    [
        ("broken", (500, {}, b'{"error":"engine: cache maximum memory size exceeded"}'), "500: engine"),
        ("busy", (503, {"Retry-After": "3"}, b'{"error":"overloaded"}'), "503: overloaded"),
        ("locked", (401, {}, b'{"error":"authorization failed"}'), "does not let us in (401"),
    ],
)  # fmt: skip
def test_a_server_that_refuses_everything(
    platform: UpProcess, server: Front, name: str, answer: Step, words: str
) -> None:
    count = 2 * MINUTE
    numbered.publish(platform, name, 0, 100)
    server.fault = answer
    numbered.publish(platform, name, 100, count)
    wait_until(lambda: words in numbered.trouble(platform), 30)
    wait_until(lambda: numbered.spooled(platform) > 0, 30)
    if name == "locked":
        assert "check name, password or token in URBAN_TELEMETRY" in numbered.trouble(platform)
    server.heal()
    recovered(platform, name, count)


def test_a_server_that_answers_slowly(platform: UpProcess, server: Front) -> None:
    count = 2 * MINUTE
    server.delay_s = 0.5
    numbered.publish(platform, "slow", 0, count)
    time.sleep(3)  # that it goes on meanwhile is what is to be seen
    assert numbered.trouble(platform) == ""
    server.heal()
    recovered(platform, "slow", count)


def test_a_server_that_cuts_connections(platform: UpProcess, line: Proxy) -> None:
    count, end = 2 * MINUTE, time.monotonic() + 6
    for first in range(0, count, 100):
        numbered.publish(platform, "cut", first, first + 100)
        line.cut()
    while time.monotonic() < end:
        line.cut()
        time.sleep(0.05)
    recovered(platform, "cut", count)


def test_a_server_that_takes_less_at_once(platform: UpProcess, server: Front) -> None:
    count = 10 * MINUTE
    server.largest = 70_000
    numbered.publish(platform, "less", 0, count)
    recovered(platform, "less", count)
    assert server.answered > 0, "nothing was too large"


def test_a_limit_that_no_piece_can_keep_is_said_in_words(
    platform: UpProcess, server: Front
) -> None:
    """A proxy's limit under one line of the log: kept on disk, until the limit is raised."""
    server.largest = 2_000
    numbered.publish(platform, "tiny", 0, MINUTE)
    wait_until(lambda: "limit for a body must be larger" in numbered.trouble(platform), 30)
    wait_until(lambda: numbered.spooled(platform) > 0, 30)
    server.heal()
    recovered(platform, "tiny", MINUTE)
