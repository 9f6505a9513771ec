"""Few messages, whatever the number of alerts, and none of them untold."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from analytics.notify.outbox import FIRST_RETRY, LONGEST_RETRY, Item, News, Outbox
from telemetry.clock import HOUR, MINUTE, SECOND

GROUP, GAP, PER_HOUR = 30 * SECOND, 60 * SECOND, 20
START = 1_000 * HOUR


def outbox() -> Outbox:
    return Outbox(GROUP, GAP, PER_HOUR)


def test_the_first_waits_for_its_company() -> None:
    box = outbox()
    assert box.due() is None
    box.put("a", News.RAISED, START)
    box.put("b", News.RAISED, START + 5 * SECOND)
    assert box.due() == START + GROUP
    assert box.items() == [Item("a", (News.RAISED,)), Item("b", (News.RAISED,))]


def test_messages_keep_their_distance() -> None:
    box = outbox()
    box.put("a", News.RAISED, START)
    box.sent(START + GROUP)
    assert box.due() is None
    box.put("b", News.RAISED, START + GROUP + SECOND)
    assert box.due() == START + GROUP + GAP


def test_no_hour_has_more_than_it_may() -> None:
    box = outbox()
    sent = []
    for minute in range(180):
        now = START + minute * MINUTE
        box.put(f"a{minute}", News.RAISED, now)
        due = box.due()
        if due is not None and due <= now + GROUP:
            box.sent(max(due, now))
            sent.append(max(due, now))
    for at in sent:
        assert sum(at <= other < at + HOUR for other in sent) <= PER_HOUR
    assert len(sent) > 2 * PER_HOUR


def test_what_came_and_went_is_one_item() -> None:
    box = outbox()
    box.put("a", News.RAISED, START)
    box.put("a", News.WORSE, START + SECOND)
    box.put("a", News.WORSE, START + SECOND)
    box.put("a", News.CLEARED, START + 2 * SECOND)
    (item,) = box.items()
    assert item.news == (News.RAISED, News.WORSE, News.CLEARED)
    assert item.over


def test_what_is_held_back_under_its_cause_is_not_said() -> None:
    box = outbox()
    box.put("lamp", News.RAISED, START)
    box.put("feeder", News.RAISED, START)
    box.drop("lamp")
    box.drop("lamp")
    assert [i.alert for i in box.items()] == ["feeder"]


def test_a_failing_channel_is_tried_again_ever_later_and_then_says_all() -> None:
    box = outbox()
    box.put("a", News.RAISED, START)
    now, waits = START + GROUP, []
    for _ in range(12):
        box.failed(now)
        box.put(f"b{now}", News.RAISED, now)
        due = box.due()
        assert due is not None
        waits.append(due - now)
        now = due
    assert waits[0] == FIRST_RETRY
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_RETRY
    assert (len(box), box.failures) == (13, 12)
    box.sent(now)
    assert (len(box), box.failures, box.due()) == (0, 0, None)
    box.put("c", News.RAISED, now)
    box.failed(now)
    assert box.due() == now + GAP  # the distance to the last one holds as well


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3_600 * 3)), max_size=300))
def test_a_storm_is_a_handful_of_messages_and_every_alert_is_in_one(
    puts: list[tuple[int, int]],
) -> None:
    box = outbox()
    told: set[str] = set()
    sent: list[int] = []
    agenda = sorted((START + s * SECOND, f"a{n}") for n, s in puts)
    for at, alert in [*agenda, (START + 100 * HOUR, "")]:
        while (due := box.due()) is not None and due < at:
            told |= {i.alert for i in box.items()}
            box.sent(due)
            sent.append(due)
        if alert:
            box.put(alert, News.RAISED, at)
    assert told == {a for _, a in agenda}
    assert all(b - a >= GAP for a, b in pairwise(sent))
    assert all(sum(a <= s < a + HOUR for s in sent) <= PER_HOUR for a in sent)
