"""Our own outages: one alert a part, after its dwell, cleared by itself; and since when silence counts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.alerts.book import AlertBook, Told
from analytics.own import MOST_UNTOLD, NEVER, PAUSE, Check, Hearing, OwnWatch
from devices.subject import PARTS
from store.records import AlertState
from store.sql_store import SqlOperations
from telemetry.clock import HOUR, SECOND, ManualClock
from telemetry.errors import StoreError
from telemetry.live import Hub
from tests.analytics.city import T0, catalogue

DWELL = 10 * SECOND
BROKER = "platform:broker"


class Yard:
    """A watch over all parts, whose troubles are what a test says, and a real book."""

    def __init__(self, path: Path) -> None:
        self.clock = ManualClock(T0)
        self.wrong: dict[str, str] = {}
        self.away = False
        self.store = SqlOperations(f"sqlite:///{path / 'operations.db'}")
        self.known = catalogue()
        self.start()

    def start(self) -> None:
        """As after a restart."""
        self.hearing = Hearing()
        self.book = AlertBook(self.store, self.known, Hub(), self.clock)
        checks = [
            Check(part=p, look=lambda now, p=p: self.wrong.get(p, ""), dwell=DWELL, deaf=p == "broker")  # type: ignore[misc]
            for p in PARTS
        ]  # fmt: skip
        self.watch = OwnWatch(checks, self.tell, self.hearing, self.store.conditions())

    def tell(self, told: Sequence[Told]) -> None:
        if self.away:
            raise StoreError("operations", "is away")
        self.book.tell(told)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(SECOND)
            try:
                self.watch.look(self.clock.now())
            except StoreError:
                assert self.away

    def alerts(self) -> list[tuple[str, AlertState]]:
        return sorted((a.subject, a.state) for a in self.store.alerts(limit=1_000))


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    found = Yard(tmp_path)
    yield found
    found.store.close()


def test_one_alert_after_the_dwell_that_says_since_when_and_clears_by_itself(yard: Yard) -> None:
    yard.wrong["broker"] = "no connection"
    yard.run(10)
    assert yard.alerts() == []
    yard.run(50)
    (alert,) = yard.store.alerts()
    assert (alert.rule, alert.subject, alert.detail) == ("broker_lost", BROKER, "no connection")
    assert alert.raised == T0 + SECOND
    yard.wrong.clear()
    yard.run(10)
    assert yard.store.alerts()[0].active
    yard.run(1)
    assert yard.alerts() == [(BROKER, AlertState.RETURNED)]
    assert yard.store.alerts()[0].cleared == T0 + 61 * SECOND


def test_what_is_shorter_than_the_dwell_is_no_alert_but_nothing_was_heard(yard: Yard) -> None:
    assert yard.hearing.since == NEVER
    for _ in range(20):
        yard.wrong["broker"] = "no connection"
        yard.run(5)
        yard.wrong.clear()
        yard.run(5)
    assert yard.alerts() == []
    assert yard.hearing.since == yard.clock.now() - 5 * SECOND


def test_trouble_of_a_part_that_devices_do_not_pass_leaves_us_hearing(yard: Yard) -> None:
    yard.wrong["disk"] = "is nearly full"
    yard.run(30)
    assert yard.alerts() == [("platform:disk", AlertState.UNACKNOWLEDGED)]
    assert yard.hearing.since == NEVER


@pytest.mark.parametrize("well", [True, False])
def test_after_a_restart_what_stands_stays_one_alert_and_can_clear(yard: Yard, well: bool) -> None:
    yard.wrong["broker"] = "no connection"
    yard.run(20)
    yard.start()
    if well:
        yard.wrong.clear()
    yard.run(30)
    assert yard.alerts() == [(BROKER, AlertState.RETURNED if well else AlertState.UNACKNOWLEDGED)]


def test_what_the_operations_store_does_not_take_is_told_when_it_is_back(yard: Yard) -> None:
    yard.away = True
    yard.wrong["operations-store"] = "does not answer"
    yard.run(60)
    assert yard.alerts() == []
    yard.away = False
    yard.wrong.clear()
    yard.run(30)
    assert yard.alerts() == [("platform:operations-store", AlertState.RETURNED)]
    alert = yard.store.alerts()[0]
    assert (alert.raised, alert.cleared) == (T0 + SECOND, T0 + 61 * SECOND)


def test_what_comes_and_goes_while_nobody_takes_it_is_bounded(yard: Yard) -> None:
    yard.away = True
    for _ in range(2 * MOST_UNTOLD):
        yard.wrong["broker"] = "no connection"
        yard.run(11)
        yard.wrong.clear()
        yard.run(11)
    assert all(len(p.untold) <= MOST_UNTOLD for p in yard.watch._parts)
    yard.away = False
    yard.run(1)
    assert not any(a.active for a in yard.store.alerts(limit=1_000))
    assert yard.store.alerts(limit=1_000)[-1].raised == T0 + SECOND


def test_a_clock_set_back_does_not_keep_an_alert(yard: Yard) -> None:
    yard.wrong["broker"] = "no connection"
    yard.run(20)
    yard.clock._now -= HOUR
    yard.wrong.clear()
    yard.run(11)
    assert yard.alerts() == [(BROKER, AlertState.RETURNED)]


def test_a_check_that_fails_is_told_and_stops_no_other(yard: Yard) -> None:
    def fails(now: int) -> str:
        raise ZeroDivisionError("by nothing")

    yard.wrong["disk"] = "is nearly full"
    parts = yard.watch._parts
    spool = next(p for p in parts if p.check.part == "spool")
    spool.check = Check(part="spool", look=fails, dwell=DWELL)
    yard.run(20)
    assert [s for s, _ in yard.alerts()] == ["platform:disk", "platform:spool"]


def test_a_machine_that_slept_heard_nothing_meanwhile(yard: Yard) -> None:
    yard.run(5)
    yard.clock.advance(PAUSE + SECOND)
    yard.run(1)
    assert yard.hearing.since == yard.clock.now()


@given(
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=12),
    st.integers(0, 20),
)
def test_told_is_what_stood_longer_than_the_dwell(
    spells: list[tuple[int, bool]], dwell_s: int
) -> None:
    """Against a plain model, second by second."""
    wrong = [bad for n, bad in spells for _ in range(n)]
    told: list[Told] = []
    seconds = iter(wrong)
    check = Check(
        part="broker", look=lambda now: "x" if next(seconds) else "", dwell=dwell_s * SECOND
    )
    watch = OwnWatch([check], told.extend, Hearing())
    for s in range(len(wrong)):
        watch.look(T0 + s * SECOND)
    stands, run = False, 0
    expected: list[tuple[bool, int]] = []
    for s, bad in enumerate(wrong):
        run = run + 1 if bad != stands else 0
        if run > dwell_s:
            stands, since = bad, s - run + 1
            expected.append((stands, T0 + since * SECOND))
            run = 0
    assert [(t.stands, t.time) for t in told] == expected
