"""What every operations store promises (store/operations.py)."""

from __future__ import annotations

import pytest

from devices.device import Device
from store.operations import OperationsStore
from store.records import Alert, AlertEvent, AlertState, QuarantineItem
from telemetry.errors import StoreError


def alert(number: int, state: AlertState = AlertState.UNACKNOWLEDGED, **changes: object) -> Alert:
    return Alert(
        id=f"a{number}",
        rule="waste_full",
        device="bin-1",
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


def test_only_one_alert_stands_per_rule_and_device(operations: OperationsStore) -> None:
    operations.save_alerts([alert(1)], [])
    with pytest.raises(StoreError, match="stands already"):
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
    assert operations.alerts(devices=[]) == []
    assert len(operations.alerts(devices=["bin-1"], rules=["waste_full"])) == 5
    assert operations.last_cleared() == {("waste_full", "bin-1"): 204}


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
    assert [q.id for q in operations.quarantine(reasons=["bad_topic"])] == ["q2"]
    assert operations.quarantine(devices=["y"]) == []
