"""Fixtures: both brokers, and an ingestor in a process of its own on either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brokers import Broker, Mosquitto, make_broker, mosquitto_present
from tests.chaos.ingestor import IngestProcess, Place
from tests.services import require


@pytest.fixture(params=["nats", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "mosquitto":
        require("mosquitto", mosquitto_present())
    # Only where the broker itself is killed does it matter what Mosquitto has on disk (test_broker.py): there
    # it has the persistence that a city runs.
    changes = 1_000 if request.module.__name__.endswith("test_broker") else 0
    folder = tmp_path / "broker"
    made = make_broker("nats", folder) if request.param == "nats" else Mosquitto(folder, changes)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def ingestor(broker: Broker, tmp_path: Path) -> Iterator[IngestProcess]:
    made = IngestProcess(Place(tmp_path, broker.port))
    yield made
    made.close()
