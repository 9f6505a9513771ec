"""SIGKILL and restart of the broker under load. NATS loses nothing that it confirmed; Mosquitto, which
keeps its messages in snapshots, loses at most what it confirmed after the last one."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from tests.brokers import Broker, wait_until
from tests.chaos.ingestor import IngestProcess
from tests.chaos.load import Load, Verdict, settle

KILLS = 4
# autosave_interval 1: a snapshot follows every turn of Mosquitto's loop in which something changed. A turn
# takes at most one packet from each client, and confirms before the snapshot is written (src/loop.c).
LOST_PER_KILL = 2


@pytest.mark.timeout(120)
def test_a_broker_that_is_killed_under_load_comes_back_with_what_it_confirmed(
    broker: Broker, ingestor: IngestProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(20261122)
    ingestor.start()
    wait_until(lambda: ingestor.report()["trouble"] == "", 30)
    load = Load(broker.port)
    for number in range(KILLS):
        # In every other life the ingestor is dead too, so that only the broker has what was confirmed.
        _life(rng, broker, ingestor, load, alone=number % 2 == 1)
    confirmed = load.finish()
    verdict = settle(ingestor, len(confirmed), 8 if _snapshots(broker) else 30)
    with capsys.disabled():
        lost = len(confirmed - verdict.kept)
        print(f" [{lost} of {len(confirmed)} lost in {KILLS} kills]", end="")
    _assert_bounded(broker, confirmed, verdict)


def _life(
    rng: random.Random, broker: Broker, ingestor: IngestProcess, load: Load, *, alone: bool
) -> None:
    load.wait_for(rng.randrange(100, 600))
    if alone:
        ingestor.kill()
        load.wait_for(100)
    time.sleep(rng.uniform(0, 0.1))  # not always between two bursts
    kill(broker)
    broker.start()
    if alone:
        ingestor.start()
    wait_until(lambda: ingestor.report()["trouble"] == "", 30)


def _assert_bounded(broker: Broker, confirmed: set[int], verdict: Verdict) -> None:
    lost = confirmed - verdict.kept
    bound = KILLS * LOST_PER_KILL if _snapshots(broker) else 0
    assert len(lost) <= bound, f"confirmed and lost: {sorted(lost)}"
    assert len(confirmed) > 200 * KILLS / 2
    assert verdict.kept <= confirmed


def _snapshots(broker: Broker) -> bool:
    return type(broker).__name__ == "Mosquitto"


def kill(broker: Broker) -> None:
    """SIGKILL, and bury it."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    broker.stop()
