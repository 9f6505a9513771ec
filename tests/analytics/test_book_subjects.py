"""What the engine does not tell: the platform, areas, gateways; and levels of one alert."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics.alerts.book import Told
from analytics.alerts.platform_rules import PLATFORM_RULES, RULE_OF_PART
from analytics.alerts.rulebook import Rule, RuleBook
from analytics.facts import What
from devices.kind import Severity
from devices.subject import PARTS, check_subject, device_of, name_of, platform, sort_of
from store.records import Alert, AlertState
from telemetry.clock import SECOND
from telemetry.errors import DeclarationError
from tests.analytics.city import KINDS, T0
from tests.analytics.test_book import Desk

pytestmark = pytest.mark.usefixtures("either_operations")

RAISE, UPDATE, CLEAR = What.RAISE, What.UPDATE, What.CLEAR


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.store.close()


def told(stands: bool, s: int, detail: str = "", subject: str = "platform:broker") -> Told:
    return Told(
        rule="broker_lost", subject=subject, stands=stands, time=T0 + s * SECOND, detail=detail
    )


def test_every_part_of_the_platform_has_its_rule() -> None:
    assert tuple(RULE_OF_PART) == PARTS
    assert list(RULE_OF_PART.values()) == [r.code for r in PLATFORM_RULES]


@pytest.mark.parametrize(
    ("subject", "sort", "name", "device"),
    [
        ("aq-1", "device", "aq-1", "aq-1"),
        ("gateway:gw-1", "gateway", "gw-1", ""),
        ("area:26740", "area", "26740", ""),
        ("platform:disk", "platform", "disk", ""),
        ("grafana:c6eadffa33fcdf37", "grafana", "c6eadffa33fcdf37", ""),
    ],
)
def test_subjects_are_told_apart(subject: str, sort: str, name: str, device: str) -> None:
    assert check_subject(subject) == subject
    assert (sort_of(subject), name_of(subject), device_of(subject)) == (sort, name, device)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "A b",
        "platform:moon",
        "platform:",
        "area:",
        "area:a b",
        "gateway:X",
        "grafana:xyz",
        "street:x",
    ],
)
def test_what_can_be_no_subject_is_refused(wrong: str) -> None:
    with pytest.raises(DeclarationError, match="must be"):
        check_subject(wrong)


def test_a_part_of_the_platform_has_one_alert(desk: Desk) -> None:
    desk.book.tell([told(True, 0, "refused"), told(True, 5, "refused"), told(True, 9, "timed out")])
    (alert,) = desk.book.standing()
    assert (alert.subject, alert.device, alert.kind) == (platform("broker"), "", "")
    assert (alert.severity, alert.detail) == (Severity.CRITICAL, "timed out")
    assert desk.history(alert) == ["raised", "updated"]
    desk.book.tell([told(False, 20)])
    assert desk.book.standing()[0].state is AlertState.RETURNED


def test_telling_again_changes_nothing_also_after_a_restart(desk: Desk) -> None:
    desk.book.tell([told(True, 0), told(False, 10), told(True, 20)])
    before = desk.store.alerts()
    desk.open()
    desk.book.tell([told(True, 0), told(False, 10), told(True, 20), told(True, 30)])
    assert desk.store.alerts() == before
    assert len([a for a in before if a.state is not AlertState.CLEARED]) == 1


def test_an_area_and_another_are_two_alerts_of_one_rule(desk: Desk) -> None:
    desk.book.tell([told(True, 0, subject="area:1"), told(True, 0, subject="area:2")])
    assert sorted(a.subject for a in desk.book.standing()) == ["area:1", "area:2"]


def test_a_rule_that_is_in_no_book_is_refused_and_nothing_is_written(desk: Desk) -> None:
    unknown = Told(rule="nothing", subject="platform:disk", stands=True, time=T0)
    with pytest.raises(DeclarationError, match="must be in the book of rules, got 'nothing'"):
        desk.book.tell([told(True, 0), unknown])
    assert desk.store.alerts() == []


def a_rule(code: str) -> Rule:
    return Rule(code=code, severity=Severity.LOW, vi="v", en="e", act_vi="av", act_en="ae")


def test_rules_are_added_found_and_removed(desk: Desk) -> None:
    rules = desk.book.rules
    rules.add([a_rule("my_rule")])
    desk.book.tell([Told(rule="my_rule", subject="aq-1", stands=True, time=T0, value=7.0)])
    (alert,) = desk.book.standing()
    assert (alert.rule, alert.family, alert.kind, alert.value) == ("my_rule", "my_rule", "air", 7.0)
    rules.remove("my_rule")
    assert rules.get("my_rule") is None
    for code in ("my_rule", "broker_lost", "air_unhealthy"):
        with pytest.raises(DeclarationError, match="is none that was added"):
            rules.remove(code)


def test_a_code_that_is_taken_or_is_none_is_refused_whole() -> None:
    rules = RuleBook(KINDS, PLATFORM_RULES)
    for code in ("broker_lost", "Not a code"):
        with pytest.raises(DeclarationError):
            rules.add([a_rule("fresh"), a_rule(code)])
    assert rules.get("fresh") is None


def test_a_rule_of_every_kind_is_found_by_its_kind() -> None:
    rules = RuleBook(KINDS)
    for kind in KINDS:
        found = rules.get("device_offline", kind.name)
        assert found is not None
        assert found.kind == kind.name
    assert [r.code for r in rules.family("flood_stage", "level")] == [
        f"flood_bd{n}" for n in (1, 2, 3)
    ]


BD1, BD2, BD3 = (f"flood_bd{n}" for n in (1, 2, 3))


def one(desk: Desk) -> Alert:
    (alert,) = desk.book.standing()
    return alert


def test_levels_of_a_family_are_one_alert_that_rises_and_falls(desk: Desk) -> None:
    desk.tell((RAISE, BD1, "phu-an", 0, 1))
    desk.book.acknowledge(one(desk).id, "Lan")
    desk.tell((RAISE, BD2, "phu-an", 60, 2))
    assert (one(desk).rule, one(desk).severity) == (BD2, Severity.HIGH)
    assert one(desk).state is AlertState.UNACKNOWLEDGED  # who had the lesser need not have this one
    desk.tell((RAISE, BD3, "phu-an", 120, 3), (UPDATE, BD1, "phu-an", 120, 3))
    assert (one(desk).rule, one(desk).level) == (BD3, 2.5)
    desk.book.acknowledge(one(desk).id, "Lan")
    desk.tell((CLEAR, BD3, "phu-an", 180, 2))
    alert = one(desk)
    assert (alert.rule, alert.severity, alert.state) == (
        BD2,
        Severity.HIGH,
        AlertState.ACKNOWLEDGED,
    )
    desk.tell((CLEAR, BD2, "phu-an", 240, 0), (CLEAR, BD1, "phu-an", 240, 0))
    assert desk.book.standing() == []
    history = [e.what for e in desk.store.alert_events(alert.id)]
    assert history == ["raised", "acknowledged", "worse", "worse", "acknowledged", "better", "better", "cleared"]  # fmt: skip
    assert [e.severity for e in desk.store.alert_events(alert.id)] == [2, 2, 3, 4, 4, 3, 2, 2]
    assert len(desk.store.alerts()) == 1


def test_all_levels_at_once_are_raised_once(desk: Desk) -> None:
    desk.tell(*((RAISE, rule, "phu-an", 0, 3) for rule in (BD1, BD2, BD3)))
    assert (one(desk).rule, desk.history(one(desk))) == (BD3, ["raised"])


@pytest.mark.parametrize("reopened", [False, True])
def test_levels_told_again_change_nothing(desk: Desk, reopened: bool) -> None:
    rows = (
        (RAISE, BD1, "phu-an", 0, 1.0),
        (RAISE, BD2, "phu-an", 60, 2.0),
        (CLEAR, BD2, "phu-an", 120, 1.0),
        (CLEAR, BD1, "phu-an", 180, 0.0),
        (RAISE, BD1, "phu-an", 240, 1.0),
    )
    desk.tell(*rows)
    before = desk.store.alerts(), [desk.store.alert_events(a.id) for a in desk.store.alerts()]
    if reopened:
        desk.open()
    for row in rows:
        desk.tell(row)
    assert (
        desk.store.alerts(),
        [desk.store.alert_events(a.id) for a in desk.store.alerts()],
    ) == before
