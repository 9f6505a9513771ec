"""Promises 2, 3 and 5 on the pipeline: nothing twice, everything accounted for, late is not newer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.pipeline import Pipeline
from store.telemetry import Series
from telemetry.clock import HOUR, SECOND, ManualClock
from telemetry.errors import StoreError
from tests.ingest.conftest import NOW, Bench, build, holds


def message(seq: int, **values: float) -> bytes:
    body = ", ".join(f'"{k}": {v}' for k, v in values.items())
    return f'{{"time": {NOW // SECOND - 3600 + seq}, "seq": {seq}, {body}}}'.encode()


def test_replaying_a_message_changes_nothing_but_the_account(bench: Bench) -> None:
    bench.air(message(1, pm25=5, pm10=6))
    before = bench.stored()
    bench.air(message(1, pm25=5, pm10=6), message(1, pm25=7, pm10=6))
    assert bench.stored() == before
    assert bench.account() == {"messages": 3, "received": 6, "stored": 2, "duplicate": 4}


def test_repeats_inside_one_batch_are_found(bench: Bench) -> None:
    bench.air(*[message(1, pm25=5)] * 5)
    assert bench.account() == {"messages": 5, "received": 5, "stored": 1, "duplicate": 4}


def test_repeats_are_found_after_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("restart")
    first = build(folder)
    first.air(*(message(i, pm25=i) for i in range(10)))
    first.telemetry.close()
    second = build(folder)
    second.air(*(message(i, pm25=i) for i in range(5, 15)))
    assert len(second.stored()) == 15
    assert second.account()["duplicate"] == 5
    second.telemetry.close()


def test_a_late_reading_is_stored_told_and_not_the_latest(bench: Bench) -> None:
    bench.air(message(50, pm25=50))
    bench.air(message(20, pm25=20))
    assert bench.account()["late"] == 1
    assert bench.telemetry.latest(Series()).value.tolist() == [50]
    assert len(bench.stored()) == 2


def test_seq_shows_what_never_arrived(bench: Bench) -> None:
    bench.air(message(1, pm25=1), message(2, pm25=1), message(6, pm25=1))
    assert bench.account()["gap"] == 3
    bench.air(message(4, pm25=1))
    assert bench.account()["gap"] == 2
    bench.air(message(4, pm25=1), message(6, pm25=1))  # repeats say nothing new
    assert bench.account()["gap"] == 2
    bench.air(b'{"time": %d, "seq": 7, "pm25": "n/a"}' % (NOW // SECOND - 3600 + 7))
    bench.air(message(8, pm25=1))
    assert bench.account()["gap"] == 2  # 7 arrived, though it could not be stored


def test_a_store_that_refuses_gets_the_same_batch_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    from devices.intake import Message

    prepared = list(
        bench.pipeline.prepare([Message("city/air/aq-1/telemetry", message(1, pm25=5), NOW)])
    )
    real, failures = bench.telemetry.append, [StoreError("disk", "is full")]

    def append(*args: object) -> int:
        if failures:
            raise failures.pop()
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.telemetry, "append", append)
    with pytest.raises(StoreError):
        bench.pipeline.write(prepared[0])
    assert bench.stored() == {}
    bench.pipeline.write(prepared[0])
    assert bench.account() == {"messages": 1, "received": 1, "stored": 1}


def test_a_message_our_own_code_stumbles_over_is_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Pipeline._prepare

    def stumble(self: Pipeline, messages: list, asked: bool) -> object:  # type: ignore[type-arg]
        if any(b"666" in m.payload for m in messages):
            raise RuntimeError("a bug")
        return real(self, messages, asked)

    monkeypatch.setattr(Pipeline, "_prepare", stumble)
    bench.air(message(1, pm25=1), message(666, pm25=666), message(2, pm25=2), message(1, pm25=1))
    assert sorted(bench.stored().values()) == [1, 2]
    assert bench.account()["quarantined:internal_error"] == 1
    assert bench.account()["duplicate"] == 1
    assert holds(bench.account())


def test_an_hour_that_is_over_stays_as_it_is(bench: Bench) -> None:
    bench.pipeline._clock = ManualClock(NOW + 5 * HOUR)
    bench.air(message(1, pm25=1), received=NOW)  # as drained from the spool hours later
    (hour,) = {row.hour for row in bench.telemetry.account(0, 2**62)}
    assert hour == (NOW + 5 * HOUR) // HOUR * HOUR
    assert bench.telemetry.latest(Series()).received.tolist() == [NOW]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.booleans(), st.integers(0, 6)), min_size=2, max_size=24
    ),
    st.sets(st.integers(1, 23)),
)
def test_the_account_does_not_depend_on_how_a_stream_is_cut(
    benches: tuple[Bench, Bench], stream: list[tuple[int, bool, int]], cuts: set[int]
) -> None:
    """Each message is of one of three devices, flat or a pack of two times told newest first."""
    whole, pieces = benches
    run = len(whole.catalogue)
    messages = [_told(f"d{run}-{device}", packed, at) for device, packed, at in stream]
    before = whole.account(), pieces.account()
    whole.send(*messages)
    edges = [0, *sorted(c for c in cuts if c < len(messages)), len(messages)]
    for start, end in pairwise(edges):
        pieces.send(*messages[start:end])
    told = [Counter(b.account()) - Counter(old) for b, old in zip(benches, before, strict=True)]
    assert told[0] == told[1]
    assert whole.stored() == pieces.stored()
    # The definition, reading by reading: older than the newest of its series that came before it.
    newest: dict[tuple[int, str], int] = {}
    seen, late = set(), 0
    for device, packed, at in stream:
        for quantity, time in [("pm25", at), *([("pm25", at - 1), ("pm10", at)] if packed else [])]:
            if (device, quantity, time) not in seen:
                late += time < newest.get((device, quantity), time)
            seen.add((device, quantity, time))
            newest[device, quantity] = max(time, newest.get((device, quantity), time))
    assert told[0]["late"] == late


def _told(device: str, packed: bool, at: int) -> tuple[str, bytes]:
    seconds = NOW // SECOND - 3600 + at
    if packed:
        body = b'[{"bt": %d, "n": "pm25", "v": 1}, {"t": -1, "n": "pm25", "v": 2}, {"n": "pm10", "v": 3}]'
    else:
        body = b'{"time": %d, "pm25": 1}'
    return f"city/air/{device}/telemetry", body % seconds


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, Bench]]:
    """Two pipelines that are fed the same."""
    made = build(tmp_path_factory.mktemp("whole")), build(tmp_path_factory.mktemp("pieces"))
    yield made
    for bench in made:
        bench.telemetry.close()
        bench.operations.close()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda x: st.lists(x, max_size=4) | st.dictionaries(st.sampled_from(["time", "seq", "pm25", "pm10", "n", "v", "u", "bn", "bt", "t", "bver"]) | st.text(max_size=4), x, max_size=5),
    max_leaves=8,
)  # fmt: skip
TOPICS = st.sampled_from(
    [
        "city/air/aq-1/telemetry",
        "city/air/aq-2/telemetry",
        "city/air/aq-1/status",
        "city/tree/aq-1/telemetry",
        "city/x/y1/telemetry",
        "x",
        "",
    ]
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(TOPICS, JSON | st.binary(max_size=30)), min_size=1, max_size=8))
def test_whatever_arrives_the_account_adds_up(
    bench: Bench, batch: list[tuple[str, object]]
) -> None:
    import json

    before = len(bench.stored())
    stored_before = bench.account().get("stored", 0)
    bench.send(*((t, p if isinstance(p, bytes) else json.dumps(p).encode()) for t, p in batch))
    account = bench.account()
    assert holds(account)
    assert (
        account["stored"] - stored_before == len(bench.stored()) - before
        if "stored" in account
        else True
    )
    assert account.get("quarantined:internal_error", 0) == 0


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 2**32), st.integers(1, 9))
def test_any_order_and_any_cut_store_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cut: int
) -> None:
    made = build(tmp_path_factory.mktemp("cut"))
    messages = [message(i, pm25=i, pm10=i) for i in range(30)] + [
        message(i, pm25=i) for i in range(0, 30, 7)
    ]
    random.Random(seed).shuffle(messages)
    for i in range(0, len(messages), cut):
        made.air(*messages[i : i + cut])
    assert len(made.stored()) == 60
    assert {v for (_, q, _), v in made.stored().items() if q == "pm25"} == set(range(30))
    assert made.account()["duplicate"] == 5
    made.telemetry.close()
    made.operations.close()
