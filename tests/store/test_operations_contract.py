"""What every operations store promises (store/operations.py)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from devices.device import Device
from store.operations import OperationsStore
from store.records import (
    Alert,
    AlertEvent,
    AlertState,
    QualityFailure,
    QuarantineAct,
    QuarantineFilter,
    QuarantineItem,
    QuarantineState,
    RuleRecord,
)
from store.sql_quarantine import OVERHEAD
from telemetry.clock import HOUR
from telemetry.errors import StoreError


def alert(number: int, state: AlertState = AlertState.UNACKNOWLEDGED, **changes: object) -> Alert:
    return Alert(
        id=f"a{number}",
        rule="waste_full",
        subject="bin-1",
        kind="waste",
        quantity="fill",
        severity=1,
        state=state,
        raised=100 + number,
        updated=100 + number,
        value=91.0,
        worst=91.0,
        level=90.0,
    ).but(**changes)


def item(name: str, received: int, **changes: object) -> QuarantineItem:
    values: dict[str, object] = {
        "id": name,
        "received": received,
        "topic": "city/air/x/telemetry",
        "payload": b"\xff\x00hello",
        "reason": "not_json",
        "device": "x",
    }
    return QuarantineItem(**values | changes)  # type: ignore[arg-type]


def test_devices_come_back_whole_and_in_order(operations: OperationsStore) -> None:
    one = Device(id="lv-1", kind="level", name="Phú An", lat=10.77, lon=106.7, limits={"bd1": 1.4})
    two = Device(id="aq-1", kind="air", registered=False)
    operations.put_devices([one, two])
    operations.put_devices([Device(id="lv-1", kind="level", name="Trạm Phú An")])
    assert [d.name for d in operations.devices()] == ["Trạm Phú An", ""]
    assert operations.devices()[1] == two
    operations.put_devices([one])
    assert operations.devices()[0] == one


def test_thousands_of_devices_fit_one_call(operations: OperationsStore) -> None:
    operations.put_devices(Device(id=f"d-{i}", kind="air") for i in range(5_001))
    assert len(operations.devices()) == 5_001


def test_only_one_alert_is_open_per_rule_and_subject(operations: OperationsStore) -> None:
    operations.save_alerts([alert(1)], [])
    with pytest.raises(StoreError, match="open already"):
        operations.save_alerts([alert(2)], [AlertEvent(alert="a2", time=1, what="raised")])
    assert operations.alert_events("a2") == []
    operations.save_alerts([alert(1, AlertState.CLEARED, cleared=150), alert(2)], [])
    assert [a.id for a in operations.standing()] == ["a2"]


def test_alerts_are_filtered_and_paged_newest_first(operations: OperationsStore) -> None:
    operations.save_alerts([alert(i, AlertState.CLEARED, cleared=200 + i) for i in range(5)], [])
    assert [a.id for a in operations.alerts(limit=2)] == ["a4", "a3"]
    assert [a.id for a in operations.alerts(limit=2, after=(103, "a3"))] == ["a2", "a1"]
    assert operations.alerts(states=["unacknowledged"]) == []
    assert [a.id for a in operations.alerts(start=101, end=103)] == ["a2", "a1"]
    assert operations.alerts(subjects=[]) == []
    assert len(operations.alerts(subjects=["bin-1"], rules=["waste_full"])) == 5


def test_history_keeps_its_order(operations: OperationsStore) -> None:
    lines = [
        AlertEvent(alert="a1", time=5, what="raised", value=91.0),
        AlertEvent(alert="a1", time=5, what="acknowledged", by="Lan"),
    ]
    operations.save_alerts([alert(1)], lines)
    assert operations.alert_events("a1") == lines
    assert operations.alert("a1") == alert(1)
    assert operations.alert("nope") is None


def test_quarantine_keeps_bytes_and_counts_repeats(operations: OperationsStore) -> None:
    operations.put_quarantine([item("q1", 10), item("q1", 10), item("q2", 11, reason="bad_topic")])
    operations.put_quarantine([item("q1", 12)])
    found = operations.quarantine_item("q1")
    assert found is not None
    assert (found.payload, found.seen, found.received) == (b"\xff\x00hello", 3, 12)
    assert operations.quarantine_counts() == {"not_json": 1, "bad_topic": 1}
    assert [q.id for q in operations.quarantine()] == ["q1", "q2"]
    assert [q.id for q in operations.quarantine(after=(12, "q1"))] == ["q2"]


EVERY = tuple(QuarantineState)
RESENT, DISCARDED = QuarantineState.RESENT, QuarantineState.DISCARDED


def act(state: QuarantineState = RESENT, note: str = "1 stored") -> QuarantineAct:
    return QuarantineAct(state=state, time=77, by="Lan", note=note)


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        (QuarantineFilter(), ["q4", "q3", "q2", "q1"]),
        (QuarantineFilter(reasons=["bad_topic"]), ["q2"]),
        (QuarantineFilter(reasons=["bad_topic", "not_json"], kinds=["noise"]), ["q3"]),
        (QuarantineFilter(devices=["y"]), ["q3"]),
        (QuarantineFilter(devices=[]), []),
        (QuarantineFilter(kinds=["air"]), ["q4"]),
        (QuarantineFilter(start=12), ["q4", "q3", "q2"]),
        (QuarantineFilter(start=12, end=13), ["q2"]),
        (QuarantineFilter(states=EVERY), ["q4", "q3", "q2", "q1", "q0"]),
        (QuarantineFilter(states=()), ["q4", "q3", "q2", "q1", "q0"]),
        (QuarantineFilter(states=[DISCARDED]), ["q0"]),
        (QuarantineFilter(states=[RESENT]), []),
    ],
)
def test_quarantine_is_filtered_and_counted_alike(
    operations: OperationsStore, which: QuarantineFilter, expected: list[str]
) -> None:
    items = [
        item("q0", 10),
        item("q1", 11),
        item("q2", 12, reason="bad_topic"),
        item("q3", 13, device="y", kind="noise"),
        item("q4", 14, kind="air"),
    ]
    operations.put_quarantine(items)
    assert operations.act_on_quarantine(act(DISCARDED, "a test"), items[:1]) == 1
    assert [q.id for q in operations.quarantine(which)] == expected
    assert sum(operations.quarantine_counts(which).values()) == len(expected)


def test_those_that_nobody_tried_come_first_each_oldest_first(operations: OperationsStore) -> None:
    for time in range(10, 15):
        operations.put_quarantine([item(f"q{time}", time)])
    for time, name in ((80, "q11"), (70, "q13")):
        read = [q for q in operations.quarantine() if q.id == name]
        operations.put_quarantine(read)  # refused again
        tried = QuarantineAct(state=RESENT, time=time, by="Lan", note="refused")
        operations.act_on_quarantine(tried, read)
    found = operations.quarantine(untried_first=True)
    assert [q.id for q in found] == ["q10", "q12", "q14", "q13", "q11"]
    assert [q.id for q in operations.quarantine(untried_first=True, limit=2)] == ["q10", "q12"]


def test_a_list_may_hold_the_starts_of_payloads_only(operations: OperationsStore) -> None:
    operations.put_quarantine([item("q1", 10), item("q0", 9, payload=b"")])
    first, empty = operations.quarantine(preview=2)
    assert (first.payload, first.size) == (b"\xff\x00", 7)
    assert (empty.payload, empty.size) == (b"", 0)
    (whole, _) = operations.quarantine()
    assert (whole.payload, whole.size) == (b"\xff\x00hello", None)


def test_an_act_is_noted_and_takes_the_state(operations: OperationsStore) -> None:
    operations.put_quarantine([item("q1", 10), item("q2", 11)])
    assert operations.act_on_quarantine(act(), operations.quarantine()[1:]) == 1
    found = operations.quarantine_item("q1")
    assert found is not None
    assert (found.state, found.acted, found.acted_by, found.note) == (RESENT, 77, "Lan", "1 stored")
    assert found.payload == b"\xff\x00hello"
    assert [q.id for q in operations.quarantine()] == ["q2"]
    assert operations.act_on_quarantine(act(), []) == 0


def test_what_came_again_since_it_was_read_waits_on(operations: OperationsStore) -> None:
    operations.put_quarantine([item("q1", 10)])
    read = operations.quarantine()
    operations.put_quarantine([item("q1", 12, reason="bad_topic", detail="now otherwise")])
    assert operations.act_on_quarantine(act(note="refused again"), read) == 0
    (found,) = operations.quarantine()
    assert (found.state, found.seen, found.note) == ("waiting", 2, "refused again")
    assert (found.reason, found.detail) == ("bad_topic", "now otherwise")


def test_a_decided_item_that_comes_again_waits_again(operations: OperationsStore) -> None:
    operations.put_quarantine([item("q1", 10)])
    operations.act_on_quarantine(act(DISCARDED, "a test"), operations.quarantine())
    assert operations.quarantine() == []
    operations.put_quarantine([item("q1", 12)])
    (found,) = operations.quarantine()
    assert (found.seen, found.acted_by, found.note) == (2, "Lan", "a test")


def test_the_items_of_one_message_are_found_together(operations: OperationsStore) -> None:
    one = [item(f"q{i}", 10, path=f"$[{i}].v") for i in range(3)]
    others = [
        item("x1", 10, payload=b"other"),
        item("x2", 10, topic="city/air/y/telemetry"),
        item("x3", 11),
    ]
    operations.put_quarantine(one + others)
    assert [q.id for q in operations.quarantine_message(one[1])] == ["q0", "q1", "q2"]
    operations.act_on_quarantine(act(), one[:2])
    assert [q.id for q in operations.quarantine_message(one[1])] == ["q1", "q2"]


def test_quarantine_is_bounded_by_age(operations: OperationsStore) -> None:
    operations.put_quarantine([item(f"q{t}", t) for t in range(10, 15)])
    operations.act_on_quarantine(act(), operations.quarantine(limit=1))
    assert operations.purge_quarantine(older_than=12, max_bytes=2**30) == 2
    left = operations.quarantine(QuarantineFilter(states=EVERY))
    assert [q.id for q in left] == ["q14", "q13", "q12"]
    assert operations.purge_quarantine(older_than=12, max_bytes=2**30) == 0


@pytest.mark.parametrize(
    ("room", "left"), [(5, "w4 w3 d2 w1 d0"), (4, "w4 w3 d2 w1"), (3, "w4 w3 w1"), (1, "w4"), (0, "")]
)  # fmt: skip
def test_quarantine_is_bounded_by_size_decided_ones_first(
    operations: OperationsStore, room: int, left: str
) -> None:
    names = ["d0", "w1", "d2", "w3", "w4"]
    items = [item(n, 10 + i, payload=b"x" * 1_000) for i, n in enumerate(names)]
    operations.put_quarantine(items)
    operations.act_on_quarantine(act(), [items[0], items[2]])
    each = 1_000 + OVERHEAD
    removed = operations.purge_quarantine(0, room * each + (each - 1 if room < 5 else 0))
    assert removed == 5 - room
    found = operations.quarantine(QuarantineFilter(states=EVERY))
    assert [q.id for q in found] == left.split()


def test_a_flood_of_one_device_leaves_first_and_pushes_nobody_else_out(
    operations: OperationsStore,
) -> None:
    each = 1_000 + OVERHEAD
    body, refused = b"x" * 1_000, "rate_limited"

    def of(device: str, reason: str, first: int, count: int) -> list[QuarantineItem]:
        return [
            item(f"{device}-{reason[0]}{n}", first + n, payload=body, device=device, reason=reason)
            for n in range(count)
        ]

    old = [*of("a", "not_json", 0, 4), *of("b", refused, 10, 3), *of("mad", "not_json", 20, 2)]
    decided = of("c", "not_json", 30, 2)
    operations.put_quarantine([*old, *decided])
    operations.act_on_quarantine(act(), decided)
    operations.put_quarantine(of("mad", refused, 100, 200))
    room = 16 * 5
    assert operations.purge_quarantine(0, room * each) == 11 + 200 - room
    left = {q.id for q in operations.quarantine(QuarantineFilter(states=EVERY), limit=1_000)}
    assert left >= {q.id for q in [*old, *decided]}, "of the others nothing is gone"
    assert {i for i in left if i.startswith("mad-r")} == {f"mad-r{n}" for n in range(131, 200)}
    # The less room there is, the smaller is a share; nobody else's items go for it still.
    assert operations.purge_quarantine(0, 16 * each) == room - 16
    left = {q.id for q in operations.quarantine(QuarantineFilter(states=EVERY), limit=1_000)}
    mine = {f"mad-r{n}" for n in range(193, 200)}
    assert left == {q.id for q in [*old, *decided]} - {"b-r0", "b-r1"} | mine


def test_thousands_of_items_fit_one_call(operations: OperationsStore) -> None:
    operations.put_quarantine(item(f"q{i}", i) for i in range(2_500))
    assert operations.quarantine_counts() == {"not_json": 2_500}


def test_alerts_are_found_by_their_ids(operations: OperationsStore) -> None:
    cleared = [alert(n, AlertState.CLEARED) for n in range(1_201)]
    operations.save_alerts(cleared, [])
    found = operations.alerts_by_id([*(a.id for a in cleared), "absent", "a7"])
    assert found == {a.id: a for a in cleared}
    assert operations.alerts_by_id([]) == {}


def test_history_is_read_on_from_a_number(operations: OperationsStore) -> None:
    assert operations.last_alert_event() == 0
    events = [AlertEvent(alert="a1", time=n, what="updated", value=float(n)) for n in range(5)]
    operations.save_alerts([alert(1)], events)
    first = operations.alert_events_after(0, 3)
    assert [e for _, e in first] == events[:3]
    rest = operations.alert_events_after(first[-1][0], 10)
    assert [e for _, e in rest] == events[3:]
    assert operations.last_alert_event() == rest[-1][0]
    assert operations.alert_events_after(rest[-1][0], 10) == []


def test_what_a_channel_was_told_is_kept_by_channel(operations: OperationsStore) -> None:
    assert operations.notify_cursor("duty") is None
    operations.save_notified("duty", 7, told={"a1", "a2"})
    operations.save_notified("duty", 9, told={"a2", "a3"}, over={"a1", "absent"})
    operations.save_notified("head", 3)
    assert operations.notify_cursor("duty") == 9
    assert operations.notify_cursor("head") == 3
    assert operations.notified("duty") == {"a2", "a3"}
    assert operations.notified("head") == set()


def test_rules_of_engineers_are_kept_as_they_wrote_them(operations: OperationsStore) -> None:
    assert operations.custom_rules() == []
    one = RuleRecord(code="b_rule", definition='{"vi": "Bụi"}'.encode(), updated=1, updated_by="an")
    two = RuleRecord(code="a_rule", definition=b"{}", updated=2, updated_by="")
    for record in (one, two, replace(one, updated=3)):
        operations.put_custom_rule(record)
    assert operations.custom_rules() == [two, replace(one, updated=3)]
    assert operations.remove_custom_rule("a_rule")
    assert not operations.remove_custom_rule("a_rule")
    assert [r.code for r in operations.custom_rules()] == ["b_rule"]


def test_failures_of_quality_are_counted_once_an_hour(operations: OperationsStore) -> None:
    def failure(hour: int, test: str, count: int = 1) -> QualityFailure:
        return QualityFailure("aq-1", hour * HOUR, "pm25", test, count, 3)

    operations.put_quality([])
    operations.put_quality([failure(5, "spike"), failure(5, "flat"), failure(6, "flat")])
    operations.put_quality([failure(5, "spike", 4), replace(failure(5, "spike"), device="aq-2")])
    found = operations.quality("aq-1", 5 * HOUR, 7 * HOUR)
    assert found == [failure(5, "flat"), failure(5, "spike", 4), failure(6, "flat")]
    assert operations.quality("aq-1", 5 * HOUR, 6 * HOUR) == found[:2]
    after = found[0].hour, found[0].quantity, found[0].test
    assert operations.quality("aq-1", 0, 7 * HOUR, limit=1, after=after) == found[1:2]
    operations.put_quality([failure(5 + 93 * 24, "range")])
    assert operations.quality("aq-1", 0, 7 * HOUR) == []
