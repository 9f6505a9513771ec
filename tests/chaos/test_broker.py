"""SIGKILL and restart of the broker under load. NATS loses nothing that it confirmed; Mosquitto, which
keeps its messages in snapshots, loses what it confirmed after the last one and had not handed on: with
`autosave_on_changes true` and `autosave_interval 1000`, as a city runs it, a thousand messages at most."""

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
# A message that is taken is a change, at least. Without a snapshot the session itself would be gone: the
# first thousand changes come before the first kill.
LOST_PER_KILL = 1_000
WARM, ALONE = 1_200, 1_500


@pytest.mark.timeout(120)
def test_a_broker_that_is_killed_under_load_comes_back_with_what_it_confirmed(
    broker: Broker, ingestor: IngestProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(20261122)
    ingestor.start()
    wait_until(lambda: ingestor.report()["trouble"] == "", 30)
    load = Load(broker.port)
    load.wait_for(WARM)
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
        load.wait_for(ALONE)
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
    # The loss is real: who may not have it takes nats-server, or Mosquitto 2.1 with its sqlite plugin.
    assert (len(lost) > 0) == _snapshots(broker)
    assert len(confirmed) > KILLS / 2 * ALONE
    assert verdict.kept <= confirmed


def _snapshots(broker: Broker) -> bool:
    return type(broker).__name__ == "Mosquitto"


def kill(broker: Broker) -> None:
    """SIGKILL, and bury it."""
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    broker.stop()
