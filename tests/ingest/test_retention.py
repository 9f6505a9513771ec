"""A time before retention is refused in words, at the moment a message is taken, also when it was sent again."""

from __future__ import annotations

from pathlib import Path

import pytest

from devices.intake import Message
from ingest.decode import Decoder
from ingest.pipeline import Pipeline
from ingest.sink import Sink
from ingest.spool import Spool
from ingest.validate import EARLIEST, Limits
from telemetry.clock import DAY, SECOND, ManualClock, format_time
from tests.ingest.conftest import NOW, Bench, build, holds

KEPT = 400 * DAY


def kept_for(folder: Path, days: int, clock: ManualClock) -> Bench:
    """A bench whose readings are kept for so many days."""
    made = build(folder)
    decoder = Decoder(made.catalogue, "accept")
    made.pipeline = Pipeline(
        made.catalogue, made.telemetry, made.operations, decoder, Limits(kept_for=days * DAY), clock
    )
    return made


def at(time: int, value: float = 1.0) -> bytes:
    return f'{{"time": "{format_time(time)}", "pm25": {value}}}'.encode()


@pytest.mark.parametrize(("age", "taken"), [(KEPT - 1, True), (KEPT, True), (KEPT + 1, False)])
def test_the_limit_is_now_less_what_is_kept(tmp_path: Path, age: int, taken: bool) -> None:
    bench = kept_for(tmp_path, 400, ManualClock(NOW))
    bench.air(at(NOW - age))
    assert bool(bench.stored()) is taken
    assert bench.reasons().keys() == (set() if taken else {"time_too_old"})
    assert holds(bench.account())


def test_the_words_name_the_limit_the_retention_and_its_setting(tmp_path: Path) -> None:
    bench = kept_for(tmp_path, 400, ManualClock(NOW))
    bench.air(at(NOW - KEPT - DAY))
    told = bench.reasons()["time_too_old"]
    assert format_time(NOW - KEPT) in told and format_time(NOW - KEPT - DAY) in told
    assert "kept for 400 days" in told and "URBAN_RETENTION_RAW_DAYS" in told


@pytest.mark.parametrize("days", [0, 36_500])
def test_a_recording_of_2004_is_taken_where_readings_are_kept_long_enough(
    tmp_path: Path, days: int
) -> None:
    bench = kept_for(tmp_path, days, ManualClock(NOW))
    bench.air(b'{"time": "2004-03-10T18:00:00Z", "pm25": 150}', at(EARLIEST), at(EARLIEST - 1))
    assert len(bench.stored()) == 2
    assert "must not be before 2000-01-02" in bench.reasons()["time_too_old"]


def test_what_was_young_enough_at_its_receipt_is_refused_when_it_is_sent_again(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOW)
    bench = kept_for(tmp_path, 400, clock)
    sink = Sink(bench.pipeline, Spool(tmp_path / "spool", 2**20))
    again = Message("city/air/aq-1/telemetry", at(NOW - KEPT + DAY), NOW)
    clock.advance(2 * DAY)
    (outcome,) = sink.judge([again])
    assert (outcome.stored, outcome.quarantined) == (0, ["time_too_old"])
    # What names no time was measured when it came first.
    untimed = Message("city/air/aq-1/telemetry", b'{"pm25": 2}', NOW)
    assert sink.judge([untimed])[0].stored == 1
    clock.advance(KEPT)
    assert sink.judge([untimed])[0].quarantined == ["time_too_old"]
    sink.close()


def test_a_redelivered_reading_that_has_left_the_store_does_not_come_back(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    bench = kept_for(tmp_path, 8, clock)
    bench.air(at(NOW))
    clock.advance(8 * DAY + SECOND)
    bench.air(at(NOW))
    assert bench.account()["quarantined:time_too_old"] == 1
    assert bench.account()["stored"] == 1
