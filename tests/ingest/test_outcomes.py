"""What becomes of messages that are written together, each told apart."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.intake import Message
from ingest.outcomes import outcomes_of
from ingest.pipeline import Pipeline
from telemetry.ledger import Ledger, Outcome
from telemetry.readings import Readings
from tests.ingest.conftest import NOW, Bench, build

PAYLOADS = [
    b'{"time": 1790000000, "pm25": 1, "pm10": 2}', b'{"time": 1790000000, "pm25": 9}', b"nonsense",
    b'{"time": 1790000060, "pm25": "x", "zz": 1, "pm10": 5}', b'{"pm25": 7}', b"", b'{"pm25": 1e9}',
    b'[{"n":"pm25","v":7,"t":-60},{"n":"pm10","vs":"7"},{"n":"pm25","v":7,"t":-60}]', b"{}",
]  # fmt: skip


def told(bench: Bench, batches: list[list[Message]]) -> list[Outcome]:
    outcomes = []
    for batch in batches:
        for prepared in bench.pipeline.prepare(batch, asked=True):
            outcomes += outcomes_of(prepared, bench.pipeline.write(prepared))
    return outcomes


@settings(max_examples=15, deadline=None)
@given(st.lists(st.sampled_from(PAYLOADS), min_size=1, max_size=8))
def test_together_or_one_by_one_the_same_becomes_of_each(payloads: list[bytes]) -> None:
    sent = [Message("city/air/aq-1/telemetry", p, NOW + i) for i, p in enumerate(payloads)]
    found = []
    for batches in ([sent], [[m] for m in sent]):
        with TemporaryDirectory() as folder:
            bench = build(Path(folder))
            found.append(told(bench, batches))
            account = bench.account()
            bench.telemetry.close()
            bench.operations.close()
        assert sum(o.stored for o in found[-1]) == account.get("stored", 0)
        assert sum(o.duplicate for o in found[-1]) == account.get("duplicate", 0)
    assert found[0] == found[1]


def test_what_our_own_code_stumbles_over_is_told_of_its_message_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Pipeline._prepare

    def stumbles(self: Pipeline, messages: list[Message], asked: bool = False) -> object:
        if any(m.payload == b"bad" for m in messages):
            raise RuntimeError("ours")
        return whole(self, messages, asked)

    monkeypatch.setattr(Pipeline, "_prepare", stumbles)
    topic = "city/air/aq-1/telemetry"
    sent = [
        Message(topic, p, NOW + i) for i, p in enumerate([b'{"pm25": 1}', b"bad", b'{"pm10": 2}'])
    ]
    assert told(bench, [sent]) == [
        Outcome(1, 0, []), Outcome(0, 0, ["internal_error"]), Outcome(1, 0, []),
    ]  # fmt: skip


def test_what_the_store_refuses_after_all_is_told(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bench.telemetry.append
    refusals = bench.pipeline._refusals

    def picky(readings: Readings, ledger: Ledger) -> int:
        position = whole(readings, ledger)
        refusals.take(readings.take(np.array([0])), "field type conflict")
        return position

    monkeypatch.setattr(bench.telemetry, "append", picky)
    topic = "city/air/aq-1/telemetry"
    sent = [Message(topic, b'{"pm25": 1}', NOW), Message(topic, b'{"pm25": 2}', NOW + 1)]
    assert told(bench, [sent]) == [Outcome(0, 0, ["store_refused"]), Outcome(1, 0, [])]
