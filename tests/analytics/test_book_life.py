"""What people and time do with an alert: every state of ISA-18.2, and the way into and out of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from analytics.alerts.book import AlertBook, Told
from analytics.alerts.keeper import Keeper
from analytics.alerts.timing import Timing
from analytics.facts import What
from devices.kind import Severity
from store.records import Alert, AlertState
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.errors import QueryError, StoreError
from tests.analytics.city import T0
from tests.analytics.test_book import Desk
from tests.brokers import wait_until

pytestmark = pytest.mark.usefixtures("either_operations")

RAISE, UPDATE, CLEAR = What.RAISE, What.UPDATE, What.CLEAR
S = AlertState
BD1 = ("flood_bd1", "phu-an")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    found = Desk(tmp_path)
    yield found
    found.store.close()


def one(desk: Desk) -> Alert:
    (alert,) = desk.book.standing()
    return alert


def raised(desk: Desk, s: int = 0) -> Alert:
    desk.tell((RAISE, *BD1, s, 1))
    return one(desk)


def test_a_shelf_has_an_end_and_the_alert_comes_back_by_itself(desk: Desk) -> None:
    alert = raised(desk)
    desk.book.acknowledge(alert.id, "Lan")
    desk.book.shelve(alert.id, "Lan", T0 + HOUR, "cảm biến đang sửa")
    shelved = one(desk)
    assert (shelved.state, shelved.shelved_until, shelved.shelved_by) == (
        S.SHELVED,
        T0 + HOUR,
        "Lan",
    )
    assert shelved.shelved_why == "cảm biến đang sửa"
    desk.clock.advance(HOUR - 1)
    assert desk.book.tend() == 0
    desk.clock.advance(1)
    desk.book.tend()
    back = one(desk)
    assert (back.state, back.acknowledged, back.shelved_until) == (S.UNACKNOWLEDGED, None, None)
    assert back.announced == T0 + HOUR
    assert desk.history(alert) == ["raised", "acknowledged", "shelved", "unshelved"]
    assert desk.published[-1] == back


def test_what_ends_on_the_shelf_is_over_when_the_shelf_is(desk: Desk) -> None:
    alert = raised(desk)
    desk.book.shelve(alert.id, "Lan", T0 + HOUR)
    desk.tell((CLEAR, *BD1, 60, 0))
    assert one(desk).state is S.SHELVED
    desk.tell((RAISE, *BD1, 120, 1), (CLEAR, *BD1, 180, 0))
    assert len(desk.store.alerts()) == 1
    desk.open()
    desk.clock.advance(HOUR)
    desk.book.tend()
    assert desk.book.standing() == []


def test_a_shelf_is_left_early_and_put_off(desk: Desk) -> None:
    alert = raised(desk)
    desk.book.shelve(alert.id, "Lan", T0 + HOUR)
    desk.book.shelve(alert.id, "Minh", T0 + 2 * HOUR)
    assert (one(desk).shelved_until, one(desk).shelved_by) == (T0 + 2 * HOUR, "Minh")
    assert desk.book.unshelve(alert.id, "Lan").state is S.UNACKNOWLEDGED
    assert desk.book.unshelve(alert.id, "Lan") == one(desk)


@pytest.mark.parametrize("until", [T0 - 1, T0, T0 + 7 * DAY + 1])
def test_a_shelf_without_a_sound_end_is_refused(desk: Desk, until: int) -> None:
    alert = raised(desk)
    with pytest.raises(QueryError, match="until: must lie ahead, and within 7 days"):
        desk.book.shelve(alert.id, "Lan", until)
    assert one(desk) == alert


def test_only_what_returned_or_is_stale_can_be_cleared(desk: Desk) -> None:
    alert = raised(desk)
    with pytest.raises(QueryError, match="must be returned, or standing without news for 24 h"):
        desk.book.clear(alert.id, "Lan")
    desk.tell((CLEAR, *BD1, 60, 0))
    assert desk.book.clear(alert.id, "Lan", "xem rồi").state is S.CLEARED
    assert desk.book.clear(alert.id, "Minh").acknowledged_by == "Lan"
    assert [e.text for e in desk.store.alert_events(alert.id)][-1] == "xem rồi"


def test_a_stale_alert_that_is_cleared_is_raised_anew_when_it_is_told_again(desk: Desk) -> None:
    alert = raised(desk)
    desk.clock.advance(DAY)
    desk.book.clear(alert.id, "Lan")
    assert desk.book.standing() == []
    desk.tell((RAISE, *BD1, 0, 1))  # a replay
    assert desk.book.standing() == []
    desk.tell((UPDATE, *BD1, 90_000, 1))
    assert one(desk).id != alert.id


def test_assigning_and_commenting_are_written_down(desk: Desk) -> None:
    alert = raised(desk)
    desk.book.assign(alert.id, "tổ thoát nước", "Lan")
    desk.book.assign(alert.id, "tổ thoát nước", "Lan")
    desk.book.comment(alert.id, "đã gọi tổ trực", "Minh")
    assert (one(desk).assigned, one(desk).state) == ("tổ thoát nước", S.UNACKNOWLEDGED)
    lines = [(e.what, e.by, e.text) for e in desk.store.alert_events(alert.id)[1:]]
    assert lines == [("assigned", "Lan", "tổ thoát nước"), ("commented", "Minh", "đã gọi tổ trực")]


def test_what_is_over_takes_comments_only(desk: Desk) -> None:
    alert = raised(desk)
    desk.tell((CLEAR, *BD1, 60, 0))
    desk.book.acknowledge(alert.id, "Lan")
    desk.book.comment(alert.id, "do triều", "Lan")
    assert desk.history(alert)[-1] == "commented"
    assert desk.book.standing() == []
    with pytest.raises(QueryError, match="is over"):
        desk.book.assign(alert.id, "x", "Lan")
    with pytest.raises(QueryError, match="is over"):
        desk.book.shelve(alert.id, "Lan", T0 + HOUR)


@pytest.mark.parametrize("rule", ["flood_bd2", ""])
def test_out_of_service_until_it_is_put_back(desk: Desk, rule: str) -> None:
    alert = raised(desk)
    desk.book.take_out("phu-an", "Kỹ sư Tâm", "thay đầu đo", rule)
    assert one(desk).state is S.OUT_OF_SERVICE
    desk.tell((CLEAR, *BD1, 60, 0))
    assert desk.book.standing() == []
    desk.clock.advance(30 * DAY)
    desk.open()
    desk.tell((RAISE, *BD1, 120, 1))
    assert one(desk).state is S.OUT_OF_SERVICE
    (out,) = desk.book.out_of_service()
    assert (out.subject, out.by, out.why, out.since) == ("phu-an", "Kỹ sư Tâm", "thay đầu đo", T0)
    desk.book.put_back("phu-an", "Tâm", rule)
    assert one(desk).state is S.UNACKNOWLEDGED
    assert desk.book.out_of_service() == []
    assert desk.history(alert) == ["raised", "out_of_service", "cleared"]
    assert desk.history(one(desk)) == ["raised", "in_service"]


def test_out_of_service_twice_is_out_until_both_are_put_back(desk: Desk) -> None:
    raised(desk)
    first = desk.book.take_out("phu-an", "Tâm", "thay đầu đo", "flood_bd1")
    assert desk.book.take_out("phu-an", "Lan", "khác", "flood_bd3") == first  # one family
    desk.book.take_out("phu-an", "Tâm", "cả trạm")
    desk.book.put_back("phu-an", "Tâm", "flood_bd1")
    assert one(desk).state is S.OUT_OF_SERVICE
    desk.book.put_back("phu-an", "Tâm")
    desk.book.put_back("phu-an", "Tâm")
    assert one(desk).state is S.UNACKNOWLEDGED


def test_nobody_acknowledges_so_it_is_told_and_told_again(desk: Desk) -> None:
    timing = Timing({Severity.MEDIUM: 10 * MINUTE}, {Severity.MEDIUM: HOUR})
    desk.book = AlertBook(desk.store, desk.known, desk.book._hub, desk.clock, timing=timing)
    alert = raised(desk)
    seen = []
    for _ in range(26):
        desk.clock.advance(5 * MINUTE)
        desk.book.tend()
        seen.append(desk.history(alert)[1:])
    assert seen[0] == []
    assert seen[1] == seen[12] == ["unattended"]
    assert seen[13] == ["unattended", "reminded"]
    assert seen[25] == ["unattended", "reminded", "reminded"]
    desk.book.acknowledge(alert.id, "Lan")
    desk.clock.advance(HOUR)
    desk.book.tend()
    assert desk.history(alert)[-1] == "reminded"  # somebody has it, and still it stands
    assert desk.history(alert).count("unattended") == 1


def test_what_is_acknowledged_or_held_back_is_not_told_as_unattended(desk: Desk) -> None:
    desk.tell((RAISE, "feeder_supply_loss", "tu-1", 0, 1), (RAISE, "lamp_failure", "den-1", 60, 1))
    for alert in desk.book.standing():
        if alert.subject == "tu-1":
            desk.book.acknowledge(alert.id, "Lan")
    desk.clock.advance(DAY)
    desk.book.tend()
    for alert in desk.book.standing():
        assert "unattended" not in desk.history(alert)


def flap(desk: Desk, times: int, first: int = 0, every: int = 120) -> None:
    for i in range(times):
        at = first + i * every
        desk.tell((RAISE, *BD1, at, 1), (CLEAR, *BD1, at + every // 2, 0))


def test_flapping_is_one_standing_alert_until_it_is_quiet(desk: Desk) -> None:
    flap(desk, 20)
    alert = one(desk)
    assert (alert.chattering, alert.state, alert.active) == (True, S.UNACKNOWLEDGED, False)
    assert len(desk.store.alerts()) == 3  # three times raised: from then on it is held
    assert desk.history(alert)[:2] == ["raised", "chattering"]
    last = T0 + (19 * 120 + 60) * SECOND
    window = 6 * 300 * SECOND  # a station reports every five minutes
    desk.clock.advance(last + window - 1 - desk.clock.now())
    desk.book.tend()
    assert one(desk).chattering
    desk.clock.advance(1)
    desk.book.tend()
    assert (one(desk).chattering, one(desk).state, one(desk).cleared) == (False, S.RETURNED, last)
    assert desk.history(alert)[-2:] == ["quiet", "cleared"]


def test_a_flapping_alert_that_stays_goes_on_as_one_that_stands(desk: Desk) -> None:
    flap(desk, 4)
    desk.tell((RAISE, *BD1, 600, 1))
    desk.clock.advance(HOUR)
    desk.book.tend()
    assert (one(desk).chattering, one(desk).state) == (False, S.UNACKNOWLEDGED)
    assert len(desk.store.alerts()) == 3


def test_an_acknowledged_flapping_alert_ends_by_itself(desk: Desk) -> None:
    flap(desk, 4)
    desk.book.acknowledge(one(desk).id, "Lan")
    flap(desk, 2, first=600)
    assert one(desk).state is S.ACKNOWLEDGED
    desk.clock.advance(DAY)
    desk.book.tend()
    assert desk.book.standing() == []


def test_slow_coming_and_going_is_not_flapping(desk: Desk) -> None:
    flap(desk, 6, every=1800)
    assert not one(desk).chattering
    assert len(desk.store.alerts()) == 6


def test_flapping_is_known_again_after_a_restart(desk: Desk) -> None:
    flap(desk, 2)
    desk.clock.advance(5 * MINUTE)
    desk.open()
    desk.tell((RAISE, *BD1, 300, 1))
    assert one(desk).chattering


def test_a_cause_holds_back_also_what_comes_again_on_the_shelf(desk: Desk) -> None:
    desk.tell((RAISE, "lamp_failure", "den-1", 0, 1))
    lamp = one(desk)
    desk.book.shelve(lamp.id, "Lan", T0 + HOUR)
    desk.tell((CLEAR, "lamp_failure", "den-1", 10, 0), (RAISE, "feeder_supply_loss", "tu-1", 20, 1))
    desk.tell((RAISE, "lamp_failure", "den-1", 30, 1))
    desk.clock.advance(HOUR)
    desk.book.tend()
    assert desk.states()["lamp_failure", "den-1"] is S.SUPPRESSED


def test_many_threads_make_one_alert(desk: Desk) -> None:
    """Each tells the same condition, acknowledges and shelves; the store finds no second open alert."""
    barrier, errors = threading.Barrier(8), []

    def work(number: int) -> None:
        barrier.wait()
        try:
            for i in range(12):
                at = T0 + (i * 8 + number) * HOUR
                desk.book.tell(
                    [
                        Told(
                            rule="disk_filling",
                            subject="platform:disk",
                            stands=bool((i + number) % 2),
                            time=at,
                            value=1.0,
                        )
                    ]
                )
                for alert in desk.book.standing():
                    desk.book.acknowledge(alert.id, f"n{number}")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    stored = desk.store.alerts(limit=1000)
    assert len([a for a in stored if a.state is not S.CLEARED]) <= 1
    # By their words: a level that there is not is NaN, which is equal to no other.
    assert list(map(repr, desk.store.standing())) == list(map(repr, desk.book.standing()))
    for alert in stored:
        assert desk.store.alert_events(alert.id)[-1].state == alert.state


def test_a_write_that_fails_takes_back_an_out_of_service(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = raised(desk)

    def refuse(*_: object, **__: object) -> None:
        raise StoreError("operations", "is away")

    with monkeypatch.context() as away:
        away.setattr(desk.store, "put_out_of_service", refuse)
        with pytest.raises(StoreError):
            desk.book.take_out("phu-an", "Tâm", "thử")
    assert desk.book.standing() == [alert]
    assert desk.book.out_of_service() == []


def test_time_passes_by_itself_and_survives_a_store_that_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = raised(desk)
    desk.book.shelve(alert.id, "Lan", T0 + HOUR)
    real = desk.store.save_alerts
    refused = threading.Event()

    def refuse(*_: object) -> None:
        refused.set()
        raise StoreError("operations", "is away")

    monkeypatch.setattr(desk.store, "save_alerts", refuse)
    keeper = Keeper(desk.book, every_s=0.01)
    keeper.start()
    desk.clock.advance(HOUR)
    assert refused.wait(30)
    wait_until(lambda: "is away" in keeper.trouble(), 30)
    monkeypatch.setattr(desk.store, "save_alerts", real)
    wait_until(lambda: one(desk).state is S.UNACKNOWLEDGED, 30)
    wait_until(lambda: not keeper.trouble(), 30)
    keeper.stop()
