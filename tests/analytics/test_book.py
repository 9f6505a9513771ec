"""The alert book: one standing alert per (rule, device), its life cycle, and causes before symptoms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics.alerts.book import AlertBook
from analytics.facts import Transitions, What
from analytics.rules import rule_list
from devices.device import Catalogue
from store.records import Alert, AlertState
from telemetry.clock import MINUTE, SECOND, ManualClock
from telemetry.errors import QueryError, StoreError
from telemetry.live import Hub
from tests import operations
from tests.analytics.city import KINDS, T0, catalogue

pytestmark = pytest.mark.usefixtures("either_operations")

RULES = rule_list(KINDS)


class Desk:
    """A book over a real store, and what it published."""

    def __init__(self, path: Path) -> None:
        self.known: Catalogue = catalogue()
        self.store = operations.opened(path / "operations.db")
        self.store.put_devices(self.known.devices)
        self.clock = ManualClock(T0)
        self.published: list[Alert] = []
        self.open()

    def open(self) -> None:
        """A new book over what the store holds: as after a restart."""
        hub = Hub()
        published = self.published

        def publish(what: str, payload: object) -> None:
            assert what == "alert"
            assert isinstance(payload, Alert)
            published.append(payload)

        hub.publish = publish  # type: ignore[method-assign]
        self.book = AlertBook(self.store, self.known, hub, self.clock)

    def tell(self, *rows: tuple[What, str, str, int, float]) -> None:
        self.book.apply(transitions(self.known, *rows))

    def pass_time(self, seconds: int) -> None:
        """So much time passes, and the book does what is due."""
        self.clock.advance(seconds * SECOND)
        self.book.tend()

    def states(self) -> dict[tuple[str, str], AlertState]:
        return {(a.rule, a.device): a.state for a in self.book.standing()}

    def history(self, alert: Alert) -> list[str]:
        return [e.what for e in self.store.alert_events(alert.id)]


def transitions(known: Catalogue, *rows: tuple[What, str, str, int, float]) -> Transitions:
    table = []
    for what, rule, device, s, value in rows:
        code = known.code(device)
        assert code is not None
        kind = KINDS.code[known.devices[code].kind]
        place = next(i for i, (k, r) in enumerate(RULES) if k == kind and r.code == rule)
        table.append((place, code, what, T0 + s * SECOND, value, value))
    return Transitions.of(*zip(*table, strict=True))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.store.close()


RAISE, UPDATE, CLEAR = What.RAISE, What.UPDATE, What.CLEAR


def test_raise_update_clear(desk: Desk) -> None:
    desk.tell((RAISE, "flood_bd1", "phu-an", 0, 1))
    desk.tell((UPDATE, "flood_bd1", "phu-an", 60, 3), (UPDATE, "flood_bd1", "phu-an", 120, 2))
    alert = desk.book.standing()[0]
    assert (alert.raised, alert.updated) == (T0, T0 + 120 * SECOND)
    assert (alert.value, alert.worst, alert.level) == (2, 3, 0.5)
    desk.tell((CLEAR, "flood_bd1", "phu-an", 180, 0))
    alert = desk.book.standing()[0]
    assert (alert.state, alert.cleared) == (AlertState.RETURNED, T0 + 180 * SECOND)
    assert desk.history(alert) == ["raised", "updated", "updated", "cleared"]
    assert [a.state for a in desk.published] == ["unacknowledged", "unacknowledged", "returned"]


def test_acknowledging(desk: Desk) -> None:
    desk.tell((RAISE, "flood_bd1", "phu-an", 0, 1))
    alert = desk.book.standing()[0]
    desk.clock.advance(MINUTE)
    first = desk.book.acknowledge(alert.id, "Lan")
    assert (first.state, first.acknowledged_by) == (AlertState.ACKNOWLEDGED, "Lan")
    assert first.acknowledged == T0 + MINUTE
    assert desk.book.acknowledge(alert.id, "Minh") == first
    desk.tell((CLEAR, "flood_bd1", "phu-an", 180, 0))
    assert desk.book.standing() == []
    assert desk.store.alert(alert.id) == desk.published[-1]
    assert desk.published[-1].state is AlertState.CLEARED
    assert desk.book.acknowledge(alert.id, "Minh").acknowledged_by == "Lan"


def test_acknowledging_what_has_returned_clears_it(desk: Desk) -> None:
    desk.tell((RAISE, "flood_bd1", "phu-an", 0, 1), (CLEAR, "flood_bd1", "phu-an", 60, 0))
    alert = desk.book.acknowledge(desk.book.standing()[0].id, "Lan")
    assert alert.state is AlertState.CLEARED
    assert desk.book.standing() == []


def test_acknowledging_an_unknown_alert_is_refused(desk: Desk) -> None:
    with pytest.raises(QueryError, match="must be the id of an alert, got 'nothing'"):
        desk.book.acknowledge("nothing", "Lan")


def test_a_second_raise_of_a_standing_alert_is_an_update(desk: Desk) -> None:
    desk.tell((RAISE, "flood_bd1", "phu-an", 0, 1))
    desk.tell((RAISE, "flood_bd1", "phu-an", 60, 2))
    assert len(desk.store.alerts()) == 1
    assert desk.book.standing()[0].worst == 2


def test_raised_again_takes_the_place_of_the_returned_one(desk: Desk) -> None:
    for s in (0, 1000, 2000):
        desk.tell((RAISE, "flood_bd1", "phu-an", s, 1), (CLEAR, "flood_bd1", "phu-an", s + 50, 0))
    desk.tell((RAISE, "flood_bd1", "phu-an", 3000, 1))
    assert desk.states() == {("flood_bd1", "phu-an"): AlertState.UNACKNOWLEDGED}
    assert len(desk.store.alerts()) == 4
    assert len(desk.store.standing()) == 1


@pytest.mark.parametrize("reopened", [False, True])
def test_the_same_transitions_a_second_time_change_nothing(desk: Desk, reopened: bool) -> None:
    rows = (
        (RAISE, "flood_bd1", "phu-an", 0, 1.0),
        (CLEAR, "flood_bd1", "phu-an", 60, 0.0),
        (RAISE, "flood_bd1", "phu-an", 120, 1.0),
        (UPDATE, "flood_bd1", "phu-an", 180, 2.0),
        (RAISE, "flood_bd2", "phu-an", 180, 2.0),
    )
    desk.tell(*rows)
    before = {a.id: a for a in desk.store.alerts()}
    events = {i: desk.store.alert_events(i) for i in before}
    if reopened:
        desk.open()
    desk.tell(*rows)
    for row in rows:
        desk.tell(row)
    assert {a.id: a for a in desk.store.alerts()} == before
    assert {i: desk.store.alert_events(i) for i in before} == events


def test_an_acknowledged_alert_stays_so_over_a_replay(desk: Desk) -> None:
    desk.tell((RAISE, "flood_bd1", "phu-an", 0, 1))
    desk.book.acknowledge(desk.book.standing()[0].id, "Lan")
    desk.open()
    desk.tell((RAISE, "flood_bd1", "phu-an", 0, 1))
    assert desk.states() == {("flood_bd1", "phu-an"): AlertState.ACKNOWLEDGED}


def test_an_update_of_an_alert_that_was_lost_raises_it(desk: Desk) -> None:
    desk.tell((UPDATE, "flood_bd1", "phu-an", 60, 1))
    assert desk.states() == {("flood_bd1", "phu-an"): AlertState.UNACKNOWLEDGED}


SUPPRESSED, UNACKNOWLEDGED = AlertState.SUPPRESSED, AlertState.UNACKNOWLEDGED
LAMP_TIMEOUT_S = KINDS["lamp"].timeout_s
DARK = ("feeder_supply_loss", "tu-1")
GONE = ("device_offline", "tu-1")


def test_a_child_of_a_standing_cause_is_held_back(desk: Desk) -> None:
    desk.tell((RAISE, *DARK, 0, 1), (RAISE, "lamp_failure", "den-1", 60, 1))
    states = desk.states()
    assert states == {DARK: UNACKNOWLEDGED, ("lamp_failure", "den-1"): SUPPRESSED}
    child = next(a for a in desk.book.standing() if a.device == "den-1")
    cause = next(a for a in desk.book.standing() if a.device == "tu-1")
    assert child.cause == cause.id
    assert desk.history(child) == ["raised", "suppressed"]


def test_children_that_came_first_are_put_under_a_later_cause(desk: Desk) -> None:
    desk.tell((RAISE, "device_offline", "den-1", 0, 0), (RAISE, "device_offline", "den-2", 0, 0))
    desk.book.acknowledge(desk.book.standing()[0].id, "Lan")
    desk.tell((RAISE, *DARK, 60, 1))
    assert set(desk.states().values()) == {SUPPRESSED, UNACKNOWLEDGED}
    assert sum(s is SUPPRESSED for s in desk.states().values()) == 2


def test_a_child_that_stays_comes_out_when_the_cause_clears(desk: Desk) -> None:
    desk.tell((RAISE, *DARK, 0, 1), (RAISE, "lamp_failure", "den-1", 60, 1))
    desk.open()
    desk.tell((CLEAR, *DARK, 120, 0))
    held = next(a for a in desk.book.standing() if a.device == "den-1")
    desk.pass_time(120 + LAMP_TIMEOUT_S)
    child = next(a for a in desk.book.standing() if a.device == "den-1")
    assert child == held and child.state is SUPPRESSED, "it has its time-out to report"
    desk.pass_time(1)
    child = next(a for a in desk.book.standing() if a.device == "den-1")
    assert (child.state, child.cause) == (UNACKNOWLEDGED, "")
    assert desk.history(child) == ["raised", "suppressed", "updated", "released"]


def test_a_cause_that_comes_back_meanwhile_keeps_its_child(desk: Desk) -> None:
    desk.tell((RAISE, *DARK, 0, 1), (RAISE, "lamp_failure", "den-1", 60, 1), (CLEAR, *DARK, 120, 0))
    desk.tell((RAISE, *DARK, 180, 1))
    desk.pass_time(10 * LAMP_TIMEOUT_S)
    child = next(a for a in desk.book.standing() if a.device == "den-1")
    cause = next(a for a in desk.book.standing() if a.device == "tu-1")
    assert (child.state, child.cause) == (SUPPRESSED, cause.id)


def test_a_child_that_clears_under_its_cause_bothers_nobody(desk: Desk) -> None:
    desk.tell((RAISE, *DARK, 0, 1), (RAISE, "device_offline", "den-1", 60, 0))
    desk.tell((CLEAR, "device_offline", "den-1", 90, 1), (CLEAR, *DARK, 120, 0))
    assert desk.states() == {DARK: AlertState.RETURNED}


@pytest.mark.parametrize(("after_s", "state"), [(1200, None), (1201, AlertState.RETURNED)])
def test_a_child_that_clears_soon_after_its_cause_bothers_nobody(
    desk: Desk, after_s: int, state: AlertState | None
) -> None:
    desk.tell((RAISE, *DARK, 0, 1), (RAISE, "device_offline", "den-1", 60, 0))
    desk.tell((CLEAR, *DARK, 120, 0))
    desk.pass_time(120 + after_s)
    desk.tell((CLEAR, "device_offline", "den-1", 120 + after_s, 1))
    assert desk.states().get(("device_offline", "den-1")) is state


def test_a_second_cause_takes_over_when_the_first_clears(desk: Desk) -> None:
    desk.tell((RAISE, *DARK, 0, 1), (RAISE, *GONE, 10, 0))
    desk.tell((RAISE, "device_offline", "den-1", 60, 0))
    desk.tell((CLEAR, *DARK, 120, 0))
    child = next(a for a in desk.book.standing() if a.device == "den-1")
    gone = next(a for a in desk.book.standing() if (a.rule, a.device) == GONE)
    assert (child.state, child.cause) == (SUPPRESSED, gone.id)
    desk.tell((CLEAR, *GONE, 180, 1))
    desk.pass_time(180 + LAMP_TIMEOUT_S + 1)
    assert desk.states()["device_offline", "den-1"] is UNACKNOWLEDGED


def test_other_alerts_of_a_child_are_not_held_back(desk: Desk) -> None:
    desk.tell((RAISE, *DARK, 0, 1), (RAISE, "lamp_day_burner", "den-1", 60, 1))
    assert desk.states()["lamp_day_burner", "den-1"] is UNACKNOWLEDGED


def test_a_write_that_fails_leaves_the_book_as_it_was(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.tell((RAISE, "flood_bd1", "phu-an", 0, 1))
    before = desk.book.standing()

    def refuse(*_: object) -> None:
        raise StoreError("operations", "is away")

    with monkeypatch.context() as away:
        away.setattr(desk.store, "save_alerts", refuse)
        with pytest.raises(StoreError):
            desk.tell((CLEAR, "flood_bd1", "phu-an", 60, 0))
        with pytest.raises(StoreError):
            desk.book.acknowledge(before[0].id, "Lan")
    assert desk.book.standing() == before
    desk.tell((CLEAR, "flood_bd1", "phu-an", 60, 0))
    assert desk.states() == {("flood_bd1", "phu-an"): AlertState.RETURNED}


def test_the_worst_stand_first(desk: Desk) -> None:
    desk.tell((RAISE, "lamp_failure", "den-1", 0, 1), (RAISE, "flood_bd1", "phu-an", 10, 3))
    desk.tell((RAISE, "air_hazardous", "aq-1", 20, 310), (RAISE, "lamp_failure", "den-2", 30, 1))
    order = [(a.rule, a.device) for a in desk.book.standing()]
    assert order == [
        ("air_hazardous", "aq-1"),
        ("flood_bd1", "phu-an"),
        ("lamp_failure", "den-2"),
        ("lamp_failure", "den-1"),
    ]
