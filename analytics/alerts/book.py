"""Conditions → alerts with a life cycle after ISA-18.2: one open alert per (rule, subject).

Upstream: the engine's transitions, which after a crash may come a second time, and whoever watches a
part of the platform, a gateway or an area. Downstream: the operations store, the live stream,
operators. What is old news is told from what is new by event time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan, nan

from analytics.alerts import acts, service
from analytics.alerts.causes import OFFLINE
from analytics.alerts.chatter import Chatter
from analytics.alerts.group_rules import OUR_RULES
from analytics.alerts.intake import Intake, News
from analytics.alerts.ledger import Draft, Ledger
from analytics.alerts.refit import refit
from analytics.alerts.rulebook import RuleBook
from analytics.alerts.timing import Timing, tend
from analytics.facts import Transitions, What
from analytics.rules import rule_list
from devices.device import Catalogue
from devices.subject import check_subject, device_of
from store.operations import OperationsStore
from store.records import Alert, OutOfService
from telemetry import metrics
from telemetry.clock import HOUR, Clock
from telemetry.errors import DeclarationError, QueryError
from telemetry.live import Hub


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A condition as somebody outside of the engine tells it.

    rule     code of a rule of the book
    subject  see devices.subject
    stands   it holds at `time`, or does no more
    value    in the rule's quantity; NaN where there is none
    detail   what there is to say beside the rule's words
    """

    rule: str
    subject: str
    stands: bool
    time: int
    value: float = nan
    detail: str = ""


class AlertBook:
    """The alerts of this city. Every method may be called from any thread and is durable on return.

    Raises StoreError where the operations store fails: the book is then as before.
    """

    def __init__(
        self,
        store: OperationsStore,
        catalogue: Catalogue,
        hub: Hub,
        clock: Clock,
        rules: RuleBook | None = None,
        timing: Timing | None = None,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._hub = hub
        self._clock = clock
        self._timing = timing or Timing()
        self.rules = rules or RuleBook(catalogue.kinds, OUR_RULES)
        self._of_engine = [
            self.rules.get(rule.code, catalogue.kinds.kinds[k].name)
            for k, rule in rule_list(catalogue.kinds)
        ]
        self._lock = threading.RLock()
        self._doubtful = False  # a write failed, and may yet have been made
        self._load()

    def apply(
        self,
        transitions: Transitions,
        codes: Sequence[str] | None = None,
        details: Mapping[int, str] | None = None,
    ) -> None:
        """Take in what the engine told, in one write; the same transitions may be applied again.

        codes    rule behind each number of `Transitions.rule`; None: `analytics.rules.rule_list`
        details  device → why it fell silent
        """
        if not len(transitions):
            return
        with self._writing() as draft:
            for news in self._of(transitions, codes, details or {}):
                self._intake.take(draft, news)

    def tell(self, conditions: Iterable[Told]) -> None:
        """Take in conditions of any subject, in one write; telling them again changes nothing.

        Raises DeclarationError for a rule that is not in the book, or a subject that can be none.
        """
        told = list(conditions)
        if not told:
            return
        news = [(self._news(t), t) for t in told]
        with self._writing() as draft:
            for one, t in news:
                if not self._is_known(draft, one, t):
                    self._intake.take(draft, one)

    def tend(self) -> int:
        """Do what time asks for: end shelves, tell what nobody attends to, end chattering. By a thread,
        every second or so."""
        with self._writing() as draft:
            tend(draft, self._intake, self._timing)
            return len(draft.events)

    def withdraw(self, rule: str) -> None:
        """A rule that was added is no more: its alerts end. To be called before the book of rules forgets it."""
        with self._writing() as draft:
            service.withdraw(draft, rule)

    def standing(self) -> list[Alert]:
        """Every alert that is open, also what is held back: the worst first, then the newest."""
        with self._lock:
            found = list(self._ledger.alerts.values())
        return sorted(found, key=lambda a: (-a.severity, -a.raised, a.id))

    def acknowledge(self, alert_id: str, by: str) -> Alert:
        """Note that `by` has the alert; one that has returned to normal is cleared by it.

        Doing it twice changes nothing. As every act: raises QueryError for an id that is unknown, or
        for what can't be done in the alert's state.
        """
        return self._act(alert_id, lambda draft, alert: acts.acknowledge(draft, alert, by))

    def clear(self, alert_id: str, by: str, why: str = "") -> Alert:
        """Close an alert that has returned to normal, or stands without news for a day. Should its
        condition be told again, it is raised anew."""
        return self._act(
            alert_id, lambda d, alert: service.clear(d, alert, by, why, self._codes(alert))
        )

    def shelve(self, alert_id: str, by: str, until: int, why: str = "") -> Alert:
        """Put it aside until a time [ns]; then it comes back by itself, if it still holds."""
        return self._act(alert_id, lambda draft, alert: acts.shelve(draft, alert, by, until, why))

    def unshelve(self, alert_id: str, by: str) -> Alert:
        """Take it off the shelf before its time."""
        return self._act(alert_id, lambda draft, alert: acts.unshelve(draft, alert, by))

    def assign(self, alert_id: str, to: str, by: str) -> Alert:
        """Note whose it is; "": nobody's."""
        return self._act(alert_id, lambda draft, alert: acts.assign(draft, alert, to, by))

    def comment(self, alert_id: str, text: str, by: str) -> Alert:
        """Write something into its history."""
        return self._act(alert_id, lambda draft, alert: acts.comment(draft, alert, text, by))

    def out_of_service(self) -> list[OutOfService]:
        """What is out of service, in the order in which it was taken out."""
        with self._lock:
            found = list(self._ledger.out.values())
        return sorted(found, key=lambda o: (o.since, o.subject, o.family))

    def take_out(self, subject: str, by: str, why: str, rule: str = "") -> OutOfService:
        """Take a subject out of service, or one rule's family at it; what is out already stays as it was.

        Its conditions are still noted; nobody is asked to act until it is put back. Raises
        DeclarationError for a rule or a subject that can be none.
        """
        family = self._family(rule, check_subject(subject))
        with self._lock:
            there = self._ledger.out.get((family, subject))
            if there is not None:
                return there
            what = OutOfService(
                family=family, subject=subject, since=self._clock.now(), by=by, why=why
            )
            with self._writing(lambda d: self._put_out(d, what, back=False)) as draft:
                self._ledger.out[family, subject] = what
                service.hold_out(draft, what)
            return what

    def put_back(self, subject: str, by: str, rule: str = "") -> None:
        """Put it back into service; what still holds is announced. Nothing where it was not out."""
        family = self._family(rule, subject)
        with self._lock:
            what = self._ledger.out.get((family, subject))
            if what is None:
                return
            with self._writing(lambda d: self._put_out(d, what, back=True)) as draft:
                del self._ledger.out[family, subject]
                service.back_in(draft, what, by)

    def _act(self, alert_id: str, step: Callable[[Draft, Alert], Alert]) -> Alert:
        with self._writing() as draft:
            alert = self._ledger.alerts.get(alert_id) or self._store.alert(alert_id)
            if alert is None:
                raise QueryError("alert", "must be the id of an alert", alert_id)
            done = step(draft, alert)
            if done.family in service.CAUSES and alert_id in draft.alerts:
                self._intake.sort_children(draft, done, draft.now)
            return done

    @contextmanager
    def _writing(self, write: Callable[[Draft], None] | None = None) -> Iterator[Draft]:
        """A draft that is written when it is left; taken back where that, or anything before, fails."""
        with self._lock:
            if self._doubtful:
                self._load()
            draft, out = Draft(self._ledger, self._clock.now()), dict(self._ledger.out)
            try:
                yield draft
                self._doubtful = True
                (write or self._save)(draft)
                self._doubtful = False
            except BaseException:
                draft.undo()
                self._ledger.out = out
                raise
            self._publish(draft)

    def _save(self, draft: Draft) -> None:
        if draft.alerts or draft.conditions:
            alerts, conditions = list(draft.alerts.values()), list(draft.conditions.values())
            self._store.save_alerts(alerts, draft.events, conditions)

    def _put_out(self, draft: Draft, what: OutOfService, *, back: bool) -> None:
        alerts = list(draft.alerts.values())
        self._store.put_out_of_service(what, back=back, alerts=alerts, events=draft.events)

    def _publish(self, draft: Draft) -> None:
        for event in draft.events:
            metrics.ALERT_TRANSITIONS.labels(event.what).inc()
        for alert in draft.alerts.values():
            self._hub.publish("alert", alert)

    def _load(self) -> None:
        store, catalogue = self._store, self._catalogue
        ledger = Ledger(catalogue, (), store.conditions(), store.out_of_service())
        alerts, events = refit(store.standing(), self.rules, self._clock.now())
        if alerts:
            store.save_alerts(alerts, events)
        for alert in store.standing():
            ledger.remember(alert)
        chatter = Chatter(catalogue)
        chatter.seed(store.alerts(start=self._clock.now() - HOUR, limit=10_000))
        self._ledger = ledger
        self._intake = Intake(catalogue, self.rules, chatter)
        self._doubtful = False

    def _of(
        self, transitions: Transitions, codes: Sequence[str] | None, details: Mapping[int, str]
    ) -> Iterator[News]:
        columns = (c.tolist() for c in transitions.columns())
        for r, d, w, t, v, worst in zip(*columns, strict=True):
            device = self._catalogue.devices[d]
            rule = self._of_engine[r] if codes is None else self.rules.get(codes[r], device.kind)
            if rule is not None:  # an added one may be gone since
                why = details.get(d, "") if rule.code == OFFLINE and w == What.RAISE else ""
                yield News(rule, device.id, device.kind, What(w), t, v, worst, why)

    def _news(self, told: Told) -> News:
        device = self._catalogue.get(device_of(check_subject(told.subject)))
        kind = device.kind if device else ""
        rule = self.rules.get(told.rule, kind)
        if rule is None:
            raise DeclarationError("rule", "must be in the book of rules", told.rule)
        what = What.RAISE if told.stands else What.CLEAR
        return News(rule, told.subject, kind, what, told.time, told.value, told.value, told.detail)

    def _is_known(self, draft: Draft, news: News, told: Told) -> bool:
        """It stands already, as it is told now."""
        condition = draft.ledger.conditions.get((told.rule, told.subject))
        alert = draft.ledger.open(news.pair)
        if condition is None or alert is None or not (condition.stands and told.stands):
            return False
        same = alert.value == told.value or (isnan(alert.value) and isnan(told.value))
        return same and alert.detail == told.detail

    def _codes(self, alert: Alert) -> frozenset[str]:
        return frozenset(r.code for r in self.rules.family(alert.family, alert.kind))

    def _family(self, rule: str, subject: str) -> str:
        if not rule:
            return ""
        device = self._catalogue.get(device_of(subject))
        found = self.rules.get(rule, device.kind if device else "")
        if found is None:
            raise DeclarationError("rule", "must be in the book of rules", rule)
        return found.family
