"""A past through the broker, once: what is confirmed is noted, a restart goes on, a loss of the broker is waited out."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.backfill import Backfill
from simulators.messages import Messages
from simulators.placement import simulated_devices
from simulators.position import Position, joined
from telemetry.address import BrokerAddress
from telemetry.clock import HOUR, MINUTE, parse_time
from telemetry.errors import StartError
from tests.brokers import Broker, make_broker, wait_until
from tests.simulators.cities import KINDS, city
from tests.simulators.listener import Listener
from tests.simulators.test_messages import said

START = parse_time("2026-11-21T03:20:00Z")
END = START + 5 * HOUR
SPANS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    found = make_broker("nats", tmp_path / "broker")
    found.start()
    yield found
    found.stop()


def messages() -> Messages:
    return Messages(city("hcmc"), KINDS, simulated_devices(city("hcmc"), KINDS, 40, 1), 1)


def address(broker: Broker) -> BrokerAddress:
    return BrokerAddress("127.0.0.1", broker.port)


@given(SPANS, st.tuples(st.integers(0, 50), st.integers(0, 50)))
def test_done_and_missing_are_the_whole(
    spans: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    done = joined(spans)
    assert all(a[1] < b[0] for a, b in pairwise(done))
    covered = {t for a, b in spans for t in range(a, b)}
    assert {t for a, b in done for t in range(a, b)} == covered
    position = Position(Path("/nonexistent/never.json"), "x")
    position.done = done
    missing = [t for a, b in position.missing(*asked) for t in range(a, b)]
    assert missing == [t for t in range(*asked) if t not in covered]


def test_an_interrupted_run_goes_on_where_it_stopped(broker: Broker, tmp_path: Path) -> None:
    listener, path = Listener(broker.port), tmp_path / "backfill.json"
    wanted = {(m.topic, m.payload) for m in said(messages(), START, END)}

    def stop_soon(done: int, total: int) -> None:
        if done > total // 3:
            first.stop()

    first = Backfill(messages(), address(broker), Position(path, "city"), stop_soon)
    assert not first.run(START, END)
    noted = Position(path, "city").done
    assert noted and noted[0][0] == START and noted[0][1] < END
    again = Backfill(messages(), address(broker), Position(path, "city"))
    assert again.run(START, END)
    assert again.confirmed == len(said(messages(), noted[0][1], END))
    assert Position(path, "city").done == [(START, END)]
    assert Position(path, "another").missing(START, END) == [(START, END)]
    wait_until(lambda: {*listener.heard} == wanted)
    assert not listener.retained  # a status of the past is nobody's state now
    last = Backfill(messages(), address(broker), Position(path, "city"))
    assert last.run(START, END)
    assert last.confirmed == 0
    listener.close()


def test_a_broker_that_is_killed_in_the_middle_is_waited_for(
    broker: Broker, tmp_path: Path
) -> None:
    listener, half = Listener(broker.port), threading.Event()
    wanted = {(m.topic, m.payload) for m in said(messages(), START, END)}

    def tell(done: int, total: int) -> None:
        if done > total // 3:
            half.set()

    work = Backfill(messages(), address(broker), Position(tmp_path / "b.json", "city"), tell)
    ended: list[bool] = []
    thread = threading.Thread(target=lambda: ended.append(work.run(START, END)))
    thread.start()
    assert half.wait(60)
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    broker.stop()  # takes the dead process off our hands
    broker.start()
    thread.join(120)
    assert ended == [True]
    wait_until(lambda: {*listener.heard} >= wanted, 60)
    listener.close()


def test_a_file_that_makes_no_sense_is_said(tmp_path: Path) -> None:
    path = tmp_path / "backfill.json"
    path.write_text('{"city": [[1]]}')
    with pytest.raises(StartError, match="remove the file"):
        Position(path, "city")


def test_slices_are_whole_hours(tmp_path: Path, broker: Broker) -> None:
    told: list[int] = []
    work = Backfill(
        messages(), address(broker), Position(tmp_path / "b.json", "c"), lambda d, t: told.append(d)
    )
    assert work.run(START, START + 2 * HOUR + 10 * MINUTE)
    assert len(told) == 4 and told == sorted(told)  # 40 min, 1 h, 30 min, and the end
