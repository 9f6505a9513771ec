"""Promises 1, 2 and 3 against SIGKILL of the ingestor at any moment: connecting, writing, spooling, draining."""

from __future__ import annotations

import random
import time

import pytest

from tests.brokers import Broker, wait_until
from tests.chaos.ingestor import IngestProcess
from tests.chaos.load import Load, settle

KILLS = 20


@pytest.mark.timeout(120)
def test_an_ingestor_that_is_killed_20_times_loses_nothing_and_stores_nothing_twice(
    broker: Broker, ingestor: IngestProcess
) -> None:
    rng = random.Random(20261122)
    _subscribe_once(ingestor)
    load = Load(broker.port)
    for number in range(KILLS):
        # In every third life the store is away, so that a spool is cut off in the middle and drained later.
        ingestor.start(store_away=number % 3 == 2)
        time.sleep(rng.uniform(0.05, 0.7))  # the moment of death is what the test varies
        ingestor.kill()
    confirmed = load.finish()
    ingestor.start()
    verdict = settle(ingestor, len(confirmed))
    assert len(confirmed) > 100 * KILLS, "a load that could not hurt"
    assert confirmed - verdict.kept == set(), "confirmed and lost"
    assert verdict.kept == confirmed
    assert verdict.stored & verdict.quarantined == set()


@pytest.mark.timeout(60)
def test_an_ingestor_that_is_killed_while_it_drains_its_spool_drains_the_rest(
    broker: Broker, ingestor: IngestProcess
) -> None:
    _subscribe_once(ingestor)
    ingestor.start(store_away=True)
    load = Load(broker.port, burst=20)
    wait_until(lambda: ingestor.report()["spool"] > 20_000, 30)
    confirmed = load.finish()
    for _ in range(3):
        ingestor.kill()
        ingestor.start()
        before = ingestor.report()["spool"]
        wait_until(lambda before=before: ingestor.report()["spool"] < max(before, 1), 30)  # type: ignore[misc]
    assert settle(ingestor, len(confirmed)).kept == confirmed


def _subscribe_once(ingestor: IngestProcess) -> None:
    """A broker keeps what comes only for a session that it knows."""
    ingestor.start()
    wait_until(lambda: ingestor.report()["trouble"] == "", 30)
    ingestor.stop()
