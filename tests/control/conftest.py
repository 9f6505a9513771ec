"""A desk on an operations store, its loop on either real broker, a clock that stands still, obedient devices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from control.desk import CommandDesk, CommandsChanged
from control.loop import CommandLoop
from devices.device import Catalogue, Device
from devices.registry import load_kinds
from store.command_records import CommandRecord, CommandState
from store.operations import OperationsStore
from telemetry.address import BrokerAddress
from telemetry.clock import SECOND, ManualClock, parse_time
from telemetry.live import Hub
from tests.brokers import Broker, make_broker, mosquitto_present, wait_until
from tests.control.devices import ObedientDevice, Reply, obey
from tests.operations import opened
from tests.services import require

NOW = parse_time("2026-11-22T12:00:00Z")
LAMPS = tuple(
    Device(id=f"lamp-{n}", kind="lamp", area="26740", parent="feeder-1", tags=("cầu",))
    for n in range(1, 5)
)
OTHERS = (
    Device(id="bin-1", kind="waste", area="26740"),
    Device(id="stranger", kind="lamp", registered=False),
)


@dataclass
class Bench:
    """What commands need, without an API."""

    operations: OperationsStore
    catalogue: Catalogue
    clock: ManualClock
    hub: Hub
    told: list[CommandRecord] = field(default_factory=list)

    def desk(self) -> CommandDesk:
        return CommandDesk(self.catalogue, self.operations, self.hub, self.clock)

    def codes(self, *ids: str) -> list[int]:
        found = [self.catalogue.code(i) for i in ids]
        return [c for c in found if c is not None]

    def states(self) -> list[CommandState]:
        return [c.state for c in self.operations.commands()]

    def only(self) -> CommandRecord:
        (found,) = self.operations.commands()
        return found


class _TellingHub(Hub):
    """Keeps what commands were told of, also without an event loop."""

    def __init__(self, told: list[CommandRecord]) -> None:
        super().__init__()
        self._told = told

    def publish(self, what: str, payload: object) -> None:
        assert isinstance(payload, CommandsChanged) and what == "commands"
        self._told.extend(payload.commands)
        super().publish(what, payload)


def make_bench(operations: OperationsStore) -> Bench:
    catalogue = Catalogue(load_kinds())
    for device in (*LAMPS, *OTHERS):
        catalogue.put(device)
    told: list[CommandRecord] = []
    return Bench(operations, catalogue, ManualClock(NOW), _TellingHub(told), told)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    store = opened(tmp_path / "o.db")
    yield make_bench(store)
    store.close()


@pytest.fixture(params=["nats", pytest.param("mosquitto", marks=pytest.mark.mosquitto)])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    if request.param == "mosquitto":
        require("mosquitto", mosquitto_present())
    made = make_broker(request.param, tmp_path / "broker")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def device(broker: Broker) -> Iterator[Callable[..., ObedientDevice]]:
    """Makes devices that are sent away in the end."""
    made: list[ObedientDevice] = []

    def make(name: str, kind: str = "lamp", reply: Reply = obey) -> ObedientDevice:
        made.append(ObedientDevice(broker.port, kind, name, reply))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def loops(broker: Broker) -> Iterator[Callable[[CommandDesk], CommandLoop]]:
    """Starts loops and ends those that a test leaves running."""
    made: list[CommandLoop] = []

    def start(desk: CommandDesk) -> CommandLoop:
        loop = CommandLoop(BrokerAddress("127.0.0.1", broker.port), "test-commands", desk)
        made.append(loop)
        loop.start()
        assert loop.wait_until_subscribed(15)
        return loop

    yield start
    for loop in made:
        loop.stop()


__all__ = ["SECOND", "Bench", "wait_until"]
