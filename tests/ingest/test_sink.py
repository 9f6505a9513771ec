"""A store that is away is asked again after a while: soon at first, and not before it asks to be."""

from __future__ import annotations

import time

import pytest

from devices.intake import Message
from ingest.sink import Sink
from ingest.spool import Spool
from telemetry.clock import SECOND
from telemetry.errors import StoreError
from tests.ingest.conftest import NOW, Bench


class Away:
    """A telemetry store that refuses, and counts how often it was asked."""

    def __init__(self, retry_after_s: float) -> None:
        self.asked = 0
        self._retry_after_s = retry_after_s

    def __call__(self, *_: object) -> int:
        self.asked += 1
        error = StoreError("the store", "is away")
        error.retry_after_s = self._retry_after_s
        raise error


class Clock:
    """Monotonic time that passes as told. [s]"""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def air(at: int) -> Message:
    return Message(
        "city/air/aq-1/telemetry", b'{"time": %d, "pm25": 1}' % (1_790_000_000 + at), NOW
    )


@pytest.mark.parametrize(("head_start_s", "order"), [(2.0, [0, 1, 2, 3]), (0.0, [3, 0, 1, 2])])
def test_a_short_backlog_goes_ahead_of_what_is_live_and_a_long_one_beside_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, head_start_s: float, order: list[int]
) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    monkeypatch.setattr("ingest.sink.HEAD_START_S", head_start_s)
    sink = Sink(bench.pipeline, Spool(bench.folder / "spool", 2**20))
    with monkeypatch.context() as gone:
        gone.setattr(bench.telemetry, "append", Away(0.0))
        for at in range(3):
            assert sink.keep([air(at)])
    clock.now += 1
    assert sink.keep([air(3)])
    while sink.drain():
        pass
    sink.close()
    log = [int(b.readings.time[0]) // SECOND - 1_790_000_000 for b in bench.telemetry.since(0, 100)]
    assert log == order
    assert bench.account().get("late", 0) == (0 if order[0] == 0 else 3)


def test_what_waits_on_disk_is_not_taken_yet_and_the_store_says_what_it_refuses(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    sink = Sink(bench.pipeline, Spool(bench.folder / "spool", 2_000))
    assert sink.oldest() is None and sink.refused is None
    with monkeypatch.context() as gone:
        gone.setattr(bench.telemetry, "append", Away(0.0))
        assert sink.keep([air(0)])
        assert sink.oldest() == NOW
        assert "is away" in str(sink.refused)
        while sink.keep([air(1)] * 10):
            pass
        assert "the spool is full" in sink.unkept and sink.spooled() > 0.5
    clock.now += 10
    while sink.drain():
        pass
    assert (sink.oldest(), sink.refused, sink.spooled()) == (None, None, 0.0)
    assert sink.keep([air(2)]) and sink.unkept == ""
    sink.close()


@pytest.mark.parametrize(("asked_s", "waited_s"), [(0.0, 0.1), (7.0, 7.0), (3_600.0, 60.0)])
def test_a_store_is_left_alone_for_as_long_as_it_asks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, asked_s: float, waited_s: float
) -> None:
    away, clock = Away(asked_s), Clock()
    monkeypatch.setattr(time, "monotonic", clock)
    spool = Spool(bench.folder / "spool", 2**20)
    sink = Sink(bench.pipeline, spool)

    def keep() -> None:
        assert sink.keep([Message("city/air/aq-1/telemetry", b'{"pm25": 1}', NOW)])

    with monkeypatch.context() as gone:
        gone.setattr(bench.telemetry, "append", away)
        keep()
        assert away.asked == 1 and "is away" in sink.trouble
        clock.now += waited_s - 0.01
        keep()
        assert not sink.drain()
        assert away.asked == 1, "what comes meanwhile goes to disk at once"
    clock.now += 0.02
    while sink.drain():
        pass
    assert not spool and sink.trouble == ""
    assert len(bench.stored()) == 1
    sink.close()
