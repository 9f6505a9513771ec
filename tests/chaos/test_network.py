"""A bad network between ingestor and broker: slow, narrow, cut, half-open. Nothing is lost, and we come
back by ourselves."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.brokers import Broker, wait_until
from tests.chaos.ingestor import IngestProcess
from tests.chaos.load import Load, settle
from tests.chaos.proxy import Proxy


@pytest.fixture
def proxy(broker: Broker) -> Iterator[Proxy]:
    made = Proxy(broker.port)
    yield made
    made.close()


@pytest.fixture
def ingestor(ingestor: IngestProcess, proxy: Proxy) -> IngestProcess:
    """The ingestor reaches its broker through the proxy only."""
    ingestor.place = replace(ingestor.place, port=proxy.port)
    ingestor.start()
    wait_until(lambda: ingestor.report()["trouble"] == "", 30)
    return ingestor


@pytest.mark.timeout(60)
def test_a_slow_and_narrow_line_delays_and_loses_nothing(
    broker: Broker, proxy: Proxy, ingestor: IngestProcess
) -> None:
    proxy.latency_s, proxy.bytes_per_s = 0.2, 40_000
    load = Load(broker.port)
    load.wait_for(1_000)
    proxy.bytes_per_s = 0
    confirmed = load.finish()
    assert settle(ingestor, len(confirmed)).kept == confirmed


@pytest.mark.timeout(60)
def test_a_line_that_is_cut_again_and_again_loses_nothing(
    broker: Broker, proxy: Proxy, ingestor: IngestProcess
) -> None:
    rng = random.Random(20261122)
    load = Load(broker.port)
    for _ in range(3):
        made = proxy.connections
        load.wait_for(rng.randrange(20, 300))
        proxy.cut()
        wait_until(lambda made=made: proxy.connections > made, 20)  # type: ignore[misc]
    confirmed = load.finish()
    assert settle(ingestor, len(confirmed)).kept == confirmed


@pytest.mark.timeout(90)
def test_a_half_open_line_is_noticed_within_15_seconds_and_loses_nothing(
    broker: Broker, proxy: Proxy, ingestor: IngestProcess
) -> None:
    load = Load(broker.port)
    load.wait_for(200)
    proxy.half_open()
    begun = time.monotonic()
    wait_until(lambda: "no connection" in ingestor.report()["trouble"], 15)
    assert time.monotonic() - begun > 1, "a half-open line shows in silence only; this one was cut"
    load.stop()
    proxy.heal()
    wait_until(lambda: ingestor.report()["trouble"] == "", 30)
    confirmed = load.finish()
    assert settle(ingestor, len(confirmed)).kept == confirmed
