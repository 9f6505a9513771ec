"""Quarantine's whole life through the API, its messages going through the real pipeline once more."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics.alerts.book import AlertBook
from api.app import create_app
from api.context import Context, no_resend
from api.quarantine import words
from devices.device import Device
from devices.intake import Message
from ingest.outcomes import outcomes_of
from telemetry.clock import HOUR, SECOND, ManualClock
from telemetry.errors import StoreError
from telemetry.ledger import Outcome
from telemetry.live import Hub
from telemetry.settings import load_settings
from tests.api.client import Client
from tests.api.world import city, rule_desk
from tests.ingest.conftest import NOW, Bench, build, holds

TOPIC = "city/air/aq-1/telemetry"
BY: dict[str, object] = {"by": "Lan"}


@dataclass
class Office:
    """The API over a bench, an hour after the messages came in."""

    bench: Bench
    context: Context
    client: Client

    def items(self, query: str = "") -> list[dict[str, Any]]:
        answer = self.client.get(f"/api/v1/quarantine?{query}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["items"]
        return found

    def only(self, query: str = "") -> dict[str, Any]:
        (item,) = self.items(query)
        return item

    def post(self, path: str, body: dict[str, object], status: int = 200) -> dict[str, Any]:
        answer = self.client.post(f"/api/v1/quarantine/{path}", json=body)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def correct(self, payload: object, **more: object) -> dict[str, Any]:
        """Resend the only item, corrected."""
        text = payload if isinstance(payload, str) else json.dumps(payload)
        return self.post(f"{self.only()['id']}/resend", BY | {"payload": text} | more)


def context_on(bench: Bench) -> Context:
    """The API's context over a bench: its resend is the pipeline, as ingest runs it."""

    def resend(messages: Sequence[tuple[str, bytes, int]]) -> list[Outcome]:
        outcomes = []
        sent = [Message(topic, payload, received) for topic, payload, received in messages]
        for prepared in bench.pipeline.prepare(sent, asked=True):
            outcomes += outcomes_of(prepared, bench.pipeline.write(prepared))
        return outcomes

    clock, hub = ManualClock(NOW + HOUR), Hub()
    book = AlertBook(bench.operations, bench.catalogue, hub, clock)
    return Context(
        settings=load_settings({"URBAN_DATA_DIR": str(bench.folder)}),
        kinds=bench.kinds, catalogue=bench.catalogue, city=city(), telemetry=bench.telemetry,
        operations=bench.operations, hub=hub, clock=clock, resend=resend,
        alerts=book,
        rules=rule_desk(book, bench.operations, bench.telemetry, bench.catalogue, clock),
    )  # fmt: skip


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    bench = build(tmp_path)
    context = context_on(bench)
    with Client(create_app(context, console=False)) as client:
        yield Office(bench, context, client)
    bench.telemetry.close()
    bench.operations.close()


def test_corrected_and_sent_again_it_is_stored_at_its_own_time(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a", "pm10": 55}')
    told = office.correct({"pm25": 31.2, "pm10": 55})
    assert (told["stored"], told["duplicate"], told["quarantined"]) == (1, 1, [])
    # No time in the message: it was measured when it came, not when it was corrected.
    assert office.bench.stored() == {("aq-1", "pm25", NOW): 31.2, ("aq-1", "pm10", NOW): 55.0}
    assert office.items() == []
    item = office.only("state=resent")
    assert item == told["item"]
    assert (item["acted_by"], item["acted"]) == ("Lan", "2026-11-22T04:00:00Z")
    assert item["note"] == "1 stored, 1 already there"
    assert item["payload"] == '{"pm25": "n/a", "pm10": 55}'  # kept as it came


def test_the_account_counts_a_resent_record_once_more_and_stays_in_balance(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a"}')
    assert holds(office.bench.account())
    office.correct({"pm25": 31.2})
    account = office.bench.account()
    assert holds(account)
    assert (account["received"], account["stored"]) == (2, 1)
    assert account["quarantined:not_a_number"] == 1  # the first time stays what it was


def test_doing_it_twice_stores_nothing_twice(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a"}')
    first = office.correct({"pm25": 31.2})
    again = office.post(f"{first['item']['id']}/resend", BY | {"payload": '{"pm25": 31.2}'})
    assert (again["stored"], again["duplicate"]) == (0, 1)
    assert len(office.bench.stored()) == 1


def test_the_same_message_refused_again_waits_on(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a"}')
    told = office.post(f"{office.only()['id']}/resend", BY)
    assert (told["stored"], told["quarantined"]) == (0, ["not_a_number"])
    item = office.only()
    assert (item["state"], item["seen"]) == ("waiting", 2)
    assert (item["acted_by"], item["note"]) == ("Lan", "1 in quarantine again: not_a_number")


def test_corrected_wrongly_it_is_a_new_item(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a"}')
    told = office.correct({"pm25": -999})
    assert told["quarantined"] == ["impossible_value"]
    assert told["item"]["state"] == "resent"
    assert office.only()["reason"] == "impossible_value"


def test_a_topic_is_corrected(office: Office) -> None:
    office.bench.send(("city/air/AQ_1/telemetry", b'{"pm25": 8}'))
    told = office.post(f"{office.only()['id']}/resend", BY | {"topic": TOPIC})
    assert told["stored"] == 1
    assert office.items() == []


def test_the_items_of_one_message_are_resent_together(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a", "pm10": "n/a", "o3": "n/a"}')
    first = next(i for i in office.items() if i["path"] == "$.pm25")
    body = BY | {"payload": '{"pm25": 1, "pm10": 2, "o3": "?"}'}
    told = office.post(f"{first['id']}/resend", body)
    assert (told["stored"], told["quarantined"]) == (2, ["not_a_number"])
    # What is wrong still is the corrected message's.
    assert [(i["path"], i["payload"]) for i in office.items()] == [("$.o3", body["payload"])]
    assert len(office.items("state=resent")) == 3


def test_bytes_are_corrected_as_base64(office: Office) -> None:
    office.bench.air(b"\xff\xfe")
    payload = base64.b64encode(b'[{"n":"pm25","v":7,"t":-60}]').decode()
    told = office.correct(payload, encoding="base64")
    assert told["stored"] == 1
    assert office.bench.stored() == {("aq-1", "pm25", NOW - 60 * SECOND): 7.0}


def test_where_no_ingest_runs_it_is_said_and_nothing_is_noted(office: Office) -> None:
    office.bench.air(b"nonsense")
    office.context.resend = no_resend
    told = office.post(f"{office.only()['id']}/resend", BY, status=503)
    assert "no ingest runs" in told["detail"]
    assert (office.only()["state"], office.only()["acted"]) == ("waiting", None)


def test_discarding_is_noted_once(office: Office) -> None:
    office.bench.air(b"nonsense")
    path = f"{office.only()['id']}/discard"
    told = office.post(path, BY | {"why": " thử nghiệm "})
    assert (told["state"], told["acted_by"], told["note"]) == ("discarded", "Lan", "thử nghiệm")
    assert office.post(path, {"by": "An", "why": "again"}) == told
    assert office.items() == []
    office.bench.air(b"nonsense")  # the device goes on: that is news
    assert (office.only()["seen"], office.only()["note"]) == (2, "thử nghiệm")


def test_what_was_discarded_can_still_be_resent(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a"}')
    item = office.post(f"{office.only()['id']}/discard", BY | {"why": "?"})
    told = office.post(f"{item['id']}/resend", BY | {"payload": '{"pm25": 3}'})
    assert (told["item"]["state"], told["stored"]) == ("resent", 1)


@pytest.fixture
def strict(tmp_path: Path) -> Iterator[Office]:
    """Only registered devices are let in; three messages of one that is not wait."""
    bench = build(tmp_path, unregistered="refuse")
    context = context_on(bench)
    for i in range(3):
        bench.send((TOPIC, b'{"pm25": %d, "pm10": 9}' % i), received=NOW + i * SECOND)
    bench.send(("city/noise/n-1/telemetry", b"{}"))
    with Client(create_app(context, console=False)) as client:
        yield Office(bench, context, client)
    bench.telemetry.close()
    bench.operations.close()


def test_many_are_resent_once_the_cause_is_mended(strict: Office) -> None:
    refused = strict.post("resend?device=aq-1", BY)
    assert refused["matched"] == 0  # nobody's: a device that is not let in has no name here
    strict.bench.catalogue.put(Device(id="aq-1", kind="air"))
    told = strict.post("resend?reason=unregistered&limit=2", BY)
    # The oldest two messages: the noise meter's, refused again, and the first of aq-1.
    assert told["matched"] == 4
    assert (told["items"], told["messages"], told["stored"]) == (2, 2, 2)
    assert (told["quarantined"], told["stopped"]) == ({"unregistered": 1}, "")
    rest = strict.post("resend?reason=unregistered&start=2026-11-22T03:00:01Z", BY)
    assert (rest["matched"], rest["stored"], rest["waiting"]) == (2, 4, 0)
    assert [i["topic"] for i in strict.items()] == ["city/noise/n-1/telemetry"]
    assert holds(strict.bench.account())
    assert len(strict.bench.stored()) == 6


def test_items_of_one_message_are_sent_once_in_bulk(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a", "pm10": "n/a"}', b'{"pm25": "?"}')
    told = office.post("resend", BY)
    assert (told["matched"], told["items"], told["messages"]) == (3, 3, 2)
    assert told["quarantined"] == {"not_a_number": 3}
    assert told["waiting"] == 3
    assert {i["seen"] for i in office.items()} == {2}


def test_asking_again_gets_through_all_of_them(strict: Office) -> None:
    strict.bench.catalogue.put(Device(id="aq-1", kind="air"))
    told = [strict.post("resend?limit=1", BY) for _ in range(4)]
    # The noise meter's is refused each time that it is tried, and keeps nobody waiting behind it.
    assert [t["waiting"] for t in told] == sorted((t["waiting"] for t in told), reverse=True)
    assert told[-1]["waiting"] == 1
    assert sum(t["stored"] for t in told) == 6


def test_many_stop_where_ingest_cannot_take_more(
    strict: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.quarantine._PARCEL", 1)
    whole, calls = strict.context.resend, 0

    def fails_at_the_second(messages: Sequence[tuple[str, bytes, int]]) -> list[Outcome]:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreError("telemetry", "is away")
        return whole(messages)

    strict.context.resend = fails_at_the_second
    told = strict.post("resend", BY)
    assert (told["matched"], told["items"], told["messages"]) == (4, 1, 1)
    assert told["stopped"] == "telemetry: is away"


@pytest.mark.parametrize(
    ("messages", "bytes_", "calls"), [(100, 10**6, 1), (3, 10**6, 2), (9, 1, 4)]
)
def test_many_are_sent_together_up_to_a_number_and_a_size(
    strict: Office, monkeypatch: pytest.MonkeyPatch, messages: int, bytes_: int, calls: int
) -> None:
    monkeypatch.setattr("api.quarantine._PARCEL", messages)
    monkeypatch.setattr("api.quarantine._PARCEL_BYTES", bytes_)
    strict.bench.catalogue.put(Device(id="aq-1", kind="air"))
    whole = strict.context.resend
    sizes: list[int] = []

    def counts(sent: Sequence[tuple[str, bytes, int]]) -> list[Outcome]:
        sizes.append(len(sent))
        return whole(sent)

    strict.context.resend = counts
    told = strict.post("resend", BY)
    assert (len(sizes), sum(sizes)) == (calls, 4)
    assert (told["messages"], told["items"], told["stored"]) == (4, 4, 6)
    assert told["quarantined"] == {"unregistered": 1}
    # Each item is told what became of its own message.
    items = strict.items("state=waiting&state=resent")
    notes = {(i["topic"], i["note"]) for i in items}
    assert notes == {
        (TOPIC, "2 stored"), ("city/noise/n-1/telemetry", "1 in quarantine again: unregistered"),
    }  # fmt: skip


def test_many_are_discarded_oldest_first(strict: Office) -> None:
    body = BY | {"why": "not ours"}
    told = strict.post("discard?reason=unregistered&start=2026-11-22T03:00:01Z&limit=1", body)
    assert told == {"matched": 2, "items": 1, "waiting": 1}
    assert strict.only("state=discarded")["received"] == "2026-11-22T03:00:01Z"
    assert strict.post("discard", body) == {"matched": 3, "items": 3, "waiting": 0}
    assert strict.post("discard", body) == {"matched": 0, "items": 0, "waiting": 0}


def test_lists_and_counts_take_the_same_filters(office: Office) -> None:
    office.bench.air(b'{"pm25": "n/a"}', b"nonsense")
    office.bench.send(("city/noise/n-1/telemetry", b"x"), received=NOW + HOUR)
    first = office.only("reason=not_a_number")
    office.post(f"{first['id']}/discard", BY | {"why": "?"})

    def count(query: str) -> int:
        items = office.items(query)
        counts = office.client.get(f"/api/v1/quarantine/counts?{query}").json()
        assert counts["total"] == sum(counts["reasons"].values()) == len(items)
        return len(items)

    assert count("") == 2
    assert count("state=waiting&state=discarded") == 3
    assert count("state=discarded&reason=not_a_number") == 1
    assert count("kind=noise") == 1
    assert count("kind=noise&kind=air&device=n-1") == 1
    assert count("start=2026-11-22T03:00:01Z") == 1
    assert count("end=2026-11-22T11:00:00%2B07:00") == 1
    assert office.only("kind=noise")["runbook"] == "docs/runbook.md#not_json"


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("state=open", "state"),
        ("kind=robot", "kind"),
        ("start=yesterday", "start"),
        ("end=2026-11-22T03:00:00", "end"),
        ("reason=x", "reason"),
    ],
)
def test_filters_that_are_wrong(office: Office, query: str, parameter: str) -> None:
    for path in ("quarantine", "quarantine/counts"):
        answer = office.client.get(f"/api/v1/{path}?{query}")
        assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


@pytest.mark.parametrize(
    ("path", "body", "parameter"),
    [
        ("q/resend", {}, "by"),
        ("q/resend", {"by": " "}, "by"),
        ("q/resend", {"by": "a\nb"}, "by"),
        ("q/resend", {"by": 5}, "by"),
        ("q/resend", {"by": "An", "payload": 5}, "payload"),
        ("q/resend", {"by": "An", "payload": "!", "encoding": "base64"}, "payload"),
        ("q/resend", {"by": "An", "encoding": "hex"}, "encoding"),
        ("q/resend", {"by": "An", "topic": ""}, "topic"),
        ("q/resend", {"by": "An", "why": "?"}, "why"),
        ("q/discard", {"by": "An"}, "why"),
        ("q/discard", {"by": "An", "why": "x" * 501}, "why"),
        ("resend", {"by": "An", "payload": "{}"}, "payload"),
        ("resend?state=waiting", {"by": "An"}, "state"),
        ("resend?limit=1001", {"by": "An"}, "limit"),
        ("discard", {"by": "An"}, "why"),
    ],
)
def test_acts_that_are_wrong(
    office: Office, path: str, body: dict[str, object], parameter: str
) -> None:
    office.bench.air(b"nonsense")
    path = path.replace("q/", f"{office.only()['id']}/")
    problem = office.post(path, body, status=400)
    assert problem["parameter"] == parameter
    assert (office.only()["state"], office.only()["acted"]) == ("waiting", None)


def test_half_a_character_is_refused(office: Office) -> None:
    office.bench.air(b"nonsense")
    path = f"/api/v1/quarantine/{office.only()['id']}/resend"
    body = b'{"by": "An", "payload": "\\ud800"}'
    answer = office.client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json().get("parameter")) == (400, "payload")


def test_an_act_on_what_is_not_there(office: Office) -> None:
    for path, body in (("ghost/resend", BY), ("ghost/discard", BY | {"why": "?"})):
        assert office.post(path, body, status=404)["parameter"] == "item_id"


def test_a_correction_may_be_as_large_as_a_message(office: Office) -> None:
    office.bench.air(b"nonsense")
    pack = json.dumps([{"n": "pm25", "v": 1, "t": -i} for i in range(1_600)])
    assert len(json.dumps({"by": "Lan", "payload": pack})) > 64 * 1024
    assert office.correct(pack)["stored"] == 1_600
    refused = office.post("resend", {"by": "x" * 200_000}, status=413)
    assert refused["title"] == "Body too large"


def test_a_list_cuts_payloads_and_tells_their_length(office: Office) -> None:
    office.bench.air("ấ".encode() * 2_000)
    assert (office.only()["bytes"], office.only()["payload"]) == (6_000, "ấ" * 333)
    whole = office.client.get(f"/api/v1/quarantine/{office.only()['id']}").json()
    assert (whole["bytes"], whole["payload"]) == (6_000, "ấ" * 2_000)


def test_what_became_of_it_in_words() -> None:
    assert words(Outcome(0, 0, [])) == "nothing in it to store"
    assert words(Outcome(2, 1, [])) == "2 stored, 1 already there"
    assert words(Outcome(0, 0, ["bad_unit", "bad_unit"])) == "2 in quarantine again: bad_unit"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=30) | st.text(max_size=20).map(str.encode), st.booleans())
def test_whatever_is_sent_again_the_account_balances(
    office: Office, payload: bytes, flat: bool
) -> None:
    office.bench.air(b'{"pm25": "n/a"}')
    (item,) = [
        i for i in office.items("state=waiting&state=resent") if i["payload"] == '{"pm25": "n/a"}'
    ]
    if flat:
        payload = b'{"pm25": %s}' % payload
    body = BY | {"payload": base64.b64encode(payload).decode(), "encoding": "base64"}
    told = office.post(f"{item['id']}/resend", body)
    account = office.bench.account()
    assert holds(account)
    # One value at most, and what can't be taken apart is one record: nothing vanishes.
    assert told["stored"] + told["duplicate"] + len(told["quarantined"]) >= 1
