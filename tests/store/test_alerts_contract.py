"""What every operations store promises of the life of alerts: conditions, out of service, history, filters."""

from __future__ import annotations

import math

import pytest

from store.operations import OperationsStore
from store.records import AlertEvent, AlertState, Condition, OutOfService
from telemetry.errors import StoreError
from tests.store.test_operations_contract import alert

S = AlertState


def line(number: int, time: int, what: str, state: AlertState) -> AlertEvent:
    return AlertEvent(alert=f"a{number}", time=time, what=what, state=str(state), severity=number)


def condition(stands: bool, time: int, worst: float) -> Condition:
    return Condition(
        rule="waste_full", subject="bin-1", stands=stands, since=time, time=time, worst=worst
    )


def test_conditions_are_written_with_their_alert_or_not_at_all(operations: OperationsStore) -> None:
    operations.save_alerts([alert(1)], [], [condition(True, 101, 91.0)])
    assert operations.conditions() == [condition(True, 101, 91.0)]
    with pytest.raises(StoreError, match="open already"):
        operations.save_alerts([alert(2)], [], [condition(True, 102, 95.0)])
    assert operations.conditions() == [condition(True, 101, 91.0)]
    operations.save_alerts([], [], [condition(False, 103, math.nan)])
    (found,) = operations.conditions()
    assert (found.stands, found.time) == (False, 103)
    assert math.isnan(found.worst)


def test_what_is_out_of_service_is_kept_until_it_is_back(operations: OperationsStore) -> None:
    whole = OutOfService(family="", subject="bin-1", since=5, by="Tâm", why="thay")
    rule = OutOfService(family="waste_full", subject="bin-1", since=3, by="Lan", why="thử")
    held = alert(1, S.OUT_OF_SERVICE, out_of_service=True)
    operations.put_out_of_service(
        whole, alerts=[held], events=[line(1, 5, "out_of_service", S.OUT_OF_SERVICE)]
    )
    operations.put_out_of_service(rule)
    assert operations.out_of_service() == [rule, whole]
    assert operations.standing() == [held]
    assert [e.what for e in operations.alert_events("a1")] == ["out_of_service"]
    operations.put_out_of_service(whole, back=True, alerts=[alert(1)])
    assert operations.out_of_service() == [rule]
    assert operations.alert("a1") == alert(1)


def test_every_state_but_the_last_is_open(operations: OperationsStore) -> None:
    made = [alert(n, state, subject=f"bin-{n}") for n, state in enumerate(S)]
    operations.save_alerts(made, [])
    assert {a.state for a in operations.standing()} == set(S) - {S.CLEARED}


def test_alerts_are_filtered_by_severity_kind_and_whose_they_are(
    operations: OperationsStore,
) -> None:
    made = [
        alert(n, S.CLEARED, severity=n, kind=kind, assigned=to)
        for n, (kind, to) in enumerate([("waste", ""), ("waste", "Lan"), ("air", "Lan")], 1)
    ]
    operations.save_alerts(made, [])

    def ids(**which: list[object]) -> list[str]:
        return [a.id for a in operations.alerts(**which)]  # type: ignore[arg-type]

    assert ids(severities=[1, 3]) == ["a3", "a1"]
    assert ids(kinds=["waste"]) == ["a2", "a1"]
    assert ids(assigned=["Lan"]) == ["a3", "a2"]
    assert ids(assigned=[""]) == ["a1"]


def test_a_level_that_there_is_not_comes_back_as_such(operations: OperationsStore) -> None:
    operations.save_alerts([alert(1, level=math.nan, value=math.nan, subject="platform:disk")], [])
    found = operations.alert("a1")
    assert found is not None
    assert math.isnan(found.level) and math.isnan(found.value)
    assert (found.subject, found.device) == ("platform:disk", "")


def test_history_of_a_range_and_how_it_stood_at_its_end(operations: OperationsStore) -> None:
    one = alert(1, S.CLEARED, cleared=130, acknowledged=125, announced=120)
    two = alert(2, subject="bin-2")
    lines = [
        line(1, 101, "raised", S.UNACKNOWLEDGED),
        line(2, 110, "raised", S.UNACKNOWLEDGED),
        line(1, 125, "acknowledged", S.ACKNOWLEDGED),
        line(1, 130, "cleared", S.CLEARED),
    ]
    operations.save_alerts([one, two], lines)
    found = operations.alert_history(110, 130)
    assert [(x.alert, x.what, x.severity) for x in found.lines] == [
        ("a2", "raised", 2), ("a1", "acknowledged", 1),
    ]  # fmt: skip
    assert sorted((x.alert, x.state, x.raised) for x in found.standing) == [
        ("a1", "acknowledged", 101), ("a2", "unacknowledged", 102),
    ]  # fmt: skip
    assert [(t.announced, t.acknowledged, t.cleared) for t in found.times] == [(120, 125, 130)]
    later = operations.alert_history(131, 200)
    assert ([x.alert for x in later.standing], later.lines, later.times) == (["a2"], [], [])
