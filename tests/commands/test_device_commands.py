"""`urban devices command …` at a running platform: a dry run, waiting for answers, exit codes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from control.desk import CommandDesk
from control.settle import Heard
from devices.command import Answer
from devices.device import Device
from devices.topics import Topic
from tests.commands.conftest import Running, urban


@pytest.fixture
def lamps(running: Running) -> CommandDesk:
    bench = running.bench
    for n in (1, 2):
        bench.catalogue.put(Device(id=f"lamp-{n}", kind="lamp", parent="feeder-1"))
    context = running.context
    context.commands = CommandDesk(bench.catalogue, bench.operations, context.hub, context.clock)
    return context.commands


@pytest.fixture
def answering(lamps: CommandDesk) -> Iterator[None]:
    """lamp-1 does what it is told; lamp-2 refuses."""
    ending = threading.Event()

    def answer() -> None:
        while not ending.wait(0.02):
            heard = [
                Heard(
                    Topic("lamp", c.device, "ack", c.command),
                    Answer(
                        c.id, c.device == "lamp-1", error="" if c.device == "lamp-1" else "hỏng"
                    ),
                )
                for c in lamps.waiting(10)
            ]
            lamps.settle(heard)

    thread = threading.Thread(target=answer)
    thread.start()
    yield
    ending.set()
    thread.join()


def test_a_dry_run_names_them(running: Running, lamps: CommandDesk) -> None:
    words = ("devices", "command", "dimming", "40", "--parent", "feeder-1", "--dry-run")
    code, out, err = running.urban(*words)
    assert (code, err) == (0, "")
    assert out.splitlines() == ["would be commanded: 2", "lamp-1, lamp-2"]
    assert running.bench.operations.commands() == []


@pytest.mark.usefixtures("answering")
def test_it_waits_for_the_answers_and_tells_whether_all_is_well(running: Running) -> None:
    code, out, _ = running.urban("devices", "command", "dimming", "40", "--device", "lamp-1")
    assert code == 0
    assert "acknowledged" in out and "40 %" in out
    code, out, _ = running.urban("devices", "command", "restart", "--kind", "lamp", "--json")
    assert code == 1
    states = {c["device"]: (c["state"], c["error"]) for c in json.loads(out)["commands"]}
    assert states == {"lamp-1": ("acknowledged", ""), "lamp-2": ("refused", "hỏng")}


def test_without_waiting_it_is_on_its_way(running: Running, lamps: CommandDesk) -> None:
    words = ("devices", "command", "interval", "60", "--device", "lamp-1", "--no-wait")
    code, out, _ = running.urban(*words)
    assert code == 0 and "requested" in out
    assert [c.command for c in lamps.waiting(9)] == ["interval"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("dimming", "40"), "must say who is meant"),
        (("dimming", "400", "--device", "lamp-1"), "0…100 %"),
        (("dimming", "40", "--device", "absent"), "there is no 'absent'"),
        (("fly", "--device", "lamp-1"), "one of interval, restart, dimming"),
        (("restart", "--device", "lamp-1", "--timeout", "1y"), "must be a duration"),
    ],
)
@pytest.mark.usefixtures("lamps")
def test_wrong_use_is_one_line(running: Running, words: tuple[str, ...], told: str) -> None:
    code, _, err = running.urban("devices", "command", *words)
    assert code == 2
    assert told in err and err.count("\n") == 1
    assert urban("devices", "command", "--help")[0] == 0
