"""What one channel is told, in which messages, whatever happens to it or to us."""

from __future__ import annotations

from pathlib import Path

import pytest

from analytics.alerts.rulebook import Rule, RuleBook
from analytics.notify.describe import Describer
from analytics.notify.outbox import Item, News
from analytics.notify.texts import Writer
from devices.kind import Severity
from store.records import AlertState
from tests.notify.world import AREA, CITY, DUTY, ROUTE, START, ZONE, World, air_alert, lamp_alert

pytestmark = pytest.mark.usefixtures("either_operations")

MINUTE = 60


def test_one_alert_is_told_whole(tmp_path: Path) -> None:
    world = World(tmp_path, 'link = "http://ioc.local/"\n' + DUTY + ROUTE)
    alert = world.raised(worst=183.0)
    world.run(29)
    assert world.notes.messages == []
    world.run(2)
    ((title, body),) = world.notes.messages
    ward = f"{AREA.type} {AREA.name}"
    assert title == f"[Cao] Không khí xấu (VN_AQI trên 150) – Trạm Bến Thành, {ward} (aq-1) (mới)"
    lines = body.splitlines()
    assert lines[:4] == [
        f"Nơi: Trạm Bến Thành, {ward} (aq-1)",
        "Từ: 12:00 24/11/2026",
        "Giá trị: 171 (cao điểm: 183)",
        "Ngưỡng: 150 (QĐ 1459/QĐ-TCMT)",
    ]
    assert lines[4].startswith("Việc cần làm: ")
    assert lines[5] == "Sổ tay: docs/runbook.md#air_unhealthy"
    assert lines[6] == f"Trang: http://ioc.local/?alert={alert.id}"


def test_in_english(tmp_path: Path) -> None:
    world = World(tmp_path, 'language = "en"\n' + DUTY + ROUTE)
    world.raised(value=171.5)
    world.run(31)
    ((title, body),) = world.notes.messages
    assert title.startswith("[High] Unhealthy air")
    assert "Limit: 150 (QĐ 1459/QĐ-TCMT)" in body
    assert "Value: 171.5" in body


def test_the_end_is_told_to_whom_the_beginning_was(tmp_path: Path) -> None:
    world = World(tmp_path)
    alert = world.raised()
    world.run(31)
    world.cleared(alert)
    world.run(90)
    assert len(world.notes.messages) == 2
    title, body = world.notes.messages[1]
    assert title.endswith("(đã hết)")
    assert "hết lúc: 12:00 24/11/2026" in body
    assert "Việc cần làm" not in body
    assert world.store.notified("duty") == set()


def test_the_end_of_what_nobody_heard_of_is_not_told(tmp_path: Path) -> None:
    world = World(tmp_path, DUTY + ROUTE + 'days = ["wed"]\n')
    alert = world.raised()
    world.run(60)
    world.cleared(alert)
    world.run(120)
    assert world.notes.messages == []


def test_what_came_and_went_is_one_line(tmp_path: Path) -> None:
    world = World(tmp_path)
    alert = world.raised()
    world.run(5)
    world.cleared(alert)
    world.run(60)
    ((title, _),) = world.notes.messages
    assert title.endswith("(mới, đã hết)")


def test_a_storm_of_a_thousand_is_a_handful_of_messages(tmp_path: Path) -> None:
    world = World(tmp_path)
    for second in range(100):
        now = world.clock.now()
        some = [lamp_alert(n, now) for n in range(10 * second, 10 * second + 10)]
        world.save(some, "raised")
        world.run(1)
    world.run(10 * MINUTE)
    assert 2 <= len(world.notes.messages) <= 4
    named = sum(int(title.split("] ")[1].split()[0]) for title, _ in world.notes.messages)
    assert named == 1_000
    title, body = world.notes.messages[-1]
    assert "cảnh báo" in title
    assert len(body.splitlines()) < 40
    assert len(world.store.notified("duty")) == 1_000


def test_lamps_under_their_feeder_are_not_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    lamps = [lamp_alert(n, world.clock.now()) for n in range(50)]
    world.save(lamps, "raised")
    world.run(5)
    held = [a.but(state=AlertState.SUPPRESSED, cause="f") for a in lamps]
    world.save(held, "suppressed")
    world.run(60)
    assert world.notes.messages == []
    # The feeder is back, the lamps clear: nobody heard of them, nobody hears of their end.
    world.save([a.but(state=AlertState.CLEARED, cleared=1) for a in held[1:]], "cleared")
    world.save([held[0].but(state=AlertState.UNACKNOWLEDGED, cause="")], "released")
    world.run(120)
    ((title, _),) = world.notes.messages
    assert "lamp-0" in title


def test_what_comes_out_from_under_its_cause_only_to_end_is_not_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    now = world.clock.now()
    held = lamp_alert(1, now).but(state=AlertState.SUPPRESSED, cause="f")
    world.save([held], "suppressed")
    out = held.but(state=AlertState.UNACKNOWLEDGED, cause="", released=now)
    world.save([out], "released")
    world.save([out.but(state=AlertState.CLEARED, cleared=now)], "cleared")
    world.run(120)
    assert world.notes.messages == []


def test_what_came_and_went_between_two_messages_is_told_as_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.cleared(world.raised())
    world.run(120)
    ((title, _),) = world.notes.messages
    assert title.endswith("(mới, đã hết)")


def test_a_channel_that_fails_hears_all_of_it_later(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.notes.broken = True
    world.raised()
    world.run(5 * MINUTE)
    assert world.post.failures >= 3
    world.raised(
        id="second", subject="lamp-1", kind="lamp", rule="lamp_failure", quantity="lamp_failure"
    )
    world.notes.broken = False
    world.run(10 * MINUTE)
    ((title, body),) = world.notes.messages
    assert "2 cảnh báo" in title
    assert "lamp-1" in body
    assert "aq-1" in body
    assert world.post.failures == 0


def test_a_restart_neither_repeats_nor_forgets(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.raised()
    world.run(31)
    world.raised(id="second", subject="lamp-1", kind="lamp", rule="lamp_failure")
    world.run(5)  # it waits for company: nothing was sent of it
    world.post = world.posted()
    world.run(120)
    assert len(world.notes.messages) == 2
    assert "lamp-1" in world.notes.messages[1][0]
    world.post = world.posted()
    world.run(120)
    world.cleared(first)
    world.run(120)
    assert len(world.notes.messages) == 3
    assert world.notes.messages[2][0].endswith("(đã hết)")


def test_a_new_channel_hears_nothing_of_what_was_before_it(tmp_path: Path) -> None:
    late = '[channels.late]\nurl_env = "DUTY"\n'
    world = World(tmp_path, DUTY + late + ROUTE.replace('"duty"', '"duty", "late"'))
    for n in range(20):
        world.raised(id=f"old-{n}", subject=f"lamp-{n}")
    world.post = world.posted("late")
    world.run(120)
    assert world.notes.messages == []
    world.raised()
    world.run(60)
    assert len(world.notes.messages) == 1


@pytest.mark.parametrize(
    ("runbook", "line"),
    [("https://wiki.example/bui", "Sổ tay: https://wiki.example/bui"), ("", None)],
)
def test_an_engineers_rule_leads_to_its_own_runbook(
    tmp_path: Path, runbook: str, line: str | None
) -> None:
    world = World(tmp_path)
    rules = RuleBook(world.catalogue.kinds)
    rules.add([
        Rule(code="own", severity=Severity.HIGH, vi="Bụi", en="Dust", act_vi="Đóng cửa sổ", act_en="Shut",
             kind="air", quantity="pm25", runbook=runbook)
    ])  # fmt: skip
    _, told = Describer(world.catalogue, CITY, rules)(
        air_alert(START).but(rule="own", family="own")
    )
    body = Writer("vi", ZONE, "").write([(Item("a", (News.RAISED,)), told)]).body.splitlines()
    assert "Việc cần làm: Đóng cửa sổ" in body
    assert [text for text in body if text.startswith("Sổ tay")] == ([line] if line else [])
