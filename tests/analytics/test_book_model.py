"""The book against a model of it: whatever happens in whatever order, it is in the state that the model says.

The model knows rules, people and time, and nothing of stores, replays or crashes.
"""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from analytics.facts import What
from store.alert_records import EVENTS
from store.records import Alert, AlertState
from telemetry.clock import HOUR, SECOND
from telemetry.errors import StoreError
from tests.analytics.city import T0
from tests.analytics.test_book import Desk

S = AlertState
LEVELS = {"flood_bd1": 1, "flood_bd2": 2, "flood_bd3": 3}
FAMILY = dict.fromkeys(LEVELS, "flood_stage") | {
    "feeder_supply_loss": "feeder_supply_loss",
    "lamp_failure": "lamp_failure",
}
WHERE = {
    "flood_stage": "phu-an",
    "feeder_supply_loss": "tu-1",
    "lamp_failure": "den-1",
}
CAUSE = {"lamp_failure": "feeder_supply_loss"}
RULES = st.sampled_from(sorted(FAMILY))
# In memory where there is some: what is asked here is no question of the disk.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
FAMILIES = st.sampled_from(sorted(WHERE))


@dataclass
class Model:
    """One (family, subject)."""

    open: bool = False
    levels: set[str] = field(default_factory=set)
    taken: bool = False
    until: int | None = None
    out: bool = False

    def state(self, cause: bool) -> AlertState | None:
        if not self.open:
            return None
        if self.out:
            return S.OUT_OF_SERVICE
        if self.until is not None:
            return S.SHELVED
        if self.levels:
            if cause:
                return S.SUPPRESSED
            return S.ACKNOWLEDGED if self.taken else S.UNACKNOWLEDGED
        return S.RETURNED

    def begin(self, code: str) -> None:
        self.open, self.levels, self.taken, self.until = True, {code}, False, None

    def end(self) -> None:
        self.open, self.levels, self.taken, self.until = False, set(), False, None

    def back(self) -> None:
        """Nothing holds it any more."""
        if self.levels:
            self.taken = False
        else:
            self.end()


class Life(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(dir=MEMORY)
        self.desk = Desk(Path(self.folder.name))
        self.model = {family: Model() for family in WHERE}
        self.told: list[tuple[What, str, str, int, float]] = []
        self.at = 0  # event time [s]; hours apart, so that nothing flaps

    def teardown(self) -> None:
        self.desk.store.close()
        self.folder.cleanup()

    def caused(self, family: str) -> bool:
        cause = CAUSE.get(family)
        return cause is not None and bool(self.model[cause].open and self.model[cause].levels)

    def expected(self, family: str) -> AlertState | None:
        return self.model[family].state(self.caused(family))

    def tell(self, what: What, code: str) -> None:
        self.at += 7200
        self.desk.clock.advance(max(0, T0 + self.at * SECOND - self.desk.clock.now()))
        row = (what, code, WHERE[FAMILY[code]], self.at, 1.0)
        self.told.append(row)
        before = {f: self.expected(f) for f in WHERE}
        self.desk.tell(row)
        self.step(what, code)
        # Whoever comes out from under a cause asks for somebody anew.
        for family, was in before.items():
            if was is S.SUPPRESSED and self.expected(family) is not S.SUPPRESSED:
                self.model[family].taken = False
        # What a cause lets out comes out after the time that its device has to report.
        if what is What.CLEAR and code in CAUSE.values():
            self.pass_time(HOUR)

    def step(self, what: What, code: str) -> None:
        family = FAMILY[code]
        one, was = self.model[family], self.expected(family)
        if what is What.RAISE:
            if not one.open or was is S.RETURNED:
                one.begin(code)
            else:
                worse = one.levels and LEVELS.get(code, 0) > max(
                    LEVELS.get(c, 0) for c in one.levels
                )
                one.taken = one.taken and not worse
                one.levels.add(code)
        elif code in one.levels:
            one.levels.discard(code)
            if one.levels or was is S.SHELVED or (one.until is not None):
                return
            if was in (S.SUPPRESSED, S.OUT_OF_SERVICE) or one.taken:
                one.end()

    @rule(code=RULES)
    def raises(self, code: str) -> None:
        self.tell(What.RAISE, code)

    @rule(code=RULES)
    def clears(self, code: str) -> None:
        self.tell(What.CLEAR, code)

    @precondition(lambda self: self.told)
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """The log again, from anywhere on: also what was told before what is known."""
        start = data.draw(st.integers(0, len(self.told) - 1))
        before = self.desk.store.alerts(limit=1000), self.desk.store.last_alert_event()
        self.desk.tell(*self.told[start:])
        assert (self.desk.store.alerts(limit=1000), self.desk.store.last_alert_event()) == before

    @rule()
    def crash(self) -> None:
        self.desk.open()

    @rule(code=RULES)
    def store_refuses(self, code: str) -> None:
        before = self.desk.store.last_alert_event()
        with pytest.MonkeyPatch.context() as away:
            away.setattr(self.desk.store, "save_alerts", _refuse)
            for what in (What.RAISE, What.CLEAR):
                try:
                    self.desk.tell((what, code, WHERE[FAMILY[code]], self.at + 3600, 1.0))
                except StoreError:
                    pass
        assert self.desk.store.last_alert_event() == before

    def open_of(self, family: str) -> Alert | None:
        found = [a for a in self.desk.book.standing() if a.family == family]
        return found[0] if found else None

    @rule(family=FAMILIES)
    def acknowledges(self, family: str) -> None:
        alert, one = self.open_of(family), self.model[family]
        if alert is None:
            return
        was = self.expected(family)
        self.desk.book.acknowledge(alert.id, "Lan")
        one.taken = True
        if was is S.RETURNED:
            one.end()

    @rule(family=FAMILIES, hours=st.integers(1, 30))
    def shelves(self, family: str, hours: int) -> None:
        alert = self.open_of(family)
        if alert is not None:
            until = self.desk.clock.now() + hours * HOUR
            self.desk.book.shelve(alert.id, "Lan", until)
            self.model[family].until = until

    @rule(family=FAMILIES)
    def unshelves(self, family: str) -> None:
        alert = self.open_of(family)
        if alert is not None and self.model[family].until is not None:
            self.desk.book.unshelve(alert.id, "Lan")
            self.unshelved(family)

    def unshelved(self, family: str) -> None:
        self.model[family].until = None
        self.model[family].back()

    @rule(hours=st.integers(0, 20))
    def time_passes(self, hours: int) -> None:
        self.pass_time(hours * HOUR)

    def pass_time(self, ns: int) -> None:
        self.desk.clock.advance(ns)
        self.desk.book.tend()
        for family, one in self.model.items():
            if one.until is not None and one.until <= self.desk.clock.now():
                self.unshelved(family)

    @rule(family=FAMILIES)
    def taken_out(self, family: str) -> None:
        self.desk.book.take_out(WHERE[family], "Tâm", "thử", self.code(family))
        self.model[family].out = True

    @rule(family=FAMILIES)
    def put_back(self, family: str) -> None:
        self.desk.book.put_back(WHERE[family], "Tâm", self.code(family))
        one = self.model[family]
        if one.out and one.open:
            one.back()
        one.out = False

    def code(self, family: str) -> str:
        return next(c for c, f in FAMILY.items() if f == family)

    @invariant()
    def is_as_the_model_says(self) -> None:
        found = {a.family: a.state for a in self.desk.book.standing()}
        expected = {f: s for f in WHERE if (s := self.expected(f)) is not None}
        assert found == expected

    @invariant()
    def worst_level_is_shown(self) -> None:
        alert, one = self.open_of("flood_stage"), self.model["flood_stage"]
        if alert is not None and one.levels:
            assert alert.rule == max(one.levels)

    @invariant()
    def store_and_book_are_one(self) -> None:
        stored = {a.id: a for a in self.desk.store.standing()}
        assert stored == {a.id: a for a in self.desk.book.standing()}
        for alert in self.desk.store.alerts(limit=1000):
            events = self.desk.store.alert_events(alert.id)
            assert events[-1].state == alert.state
            assert {e.what for e in events} <= set(EVENTS)

    @invariant()
    def one_is_open(self) -> None:
        with sqlite3.connect(Path(self.folder.name) / "operations.db") as db:
            most = db.execute(
                "select max(n) from (select count(*) n from alerts where state <> 'cleared'"
                " group by family, subject)"
            ).fetchone()[0]
        db.close()
        assert most is None or most <= 1


def _refuse(*_: object, **__: object) -> None:
    raise StoreError("operations", "is away")


Life.TestCase.settings = settings(
    max_examples=50,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes of disk
)
test_the_book_does_what_its_model_does = Life.TestCase
