"""What is told of conditions → what becomes of alerts: raised, worse, better, over, held back.

A condition that was told up to some time is not told again by a replay: older news change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2s
from math import isnan, nan

from analytics.alerts.causes import CAUSES, Pair, explains
from analytics.alerts.chatter import Chatter
from analytics.alerts.ledger import Draft
from analytics.alerts.life import announced_anew, closed, over, settled
from analytics.alerts.rulebook import Rule, RuleBook
from analytics.facts import What
from devices.device import Catalogue
from store.alert_records import Alert, AlertState, Condition
from telemetry.clock import MINUTE, SECOND

PATIENCE = 5 * MINUTE  # of what is no device


@dataclass(frozen=True, slots=True)
class News:
    """One thing that is told: of a rule at a subject, at an event time."""

    rule: Rule
    subject: str
    kind: str
    what: What
    time: int
    value: float
    worst: float
    detail: str = ""

    @property
    def pair(self) -> Pair:
        return self.rule.family, self.subject


class Intake:
    """Used under the book's lock."""

    def __init__(self, catalogue: Catalogue, rules: RuleBook, chatter: Chatter) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._chatter = chatter

    def take(self, draft: Draft, n: News) -> None:
        """Bring the draft up to date with one thing told."""
        known = draft.ledger.conditions.get((n.rule.code, n.subject))
        stood = known is not None and known.stands
        if known is not None and (n.time < known.time or (n.time == known.time and not stood)):
            return  # old news
        if n.what is What.CLEAR:
            if known is not None and stood:
                self._over(draft, n)
            return
        worst = n.worst if known is None or not stood else _worse(n.rule, known.worst, n.worst)
        since = known.since if known is not None and stood else n.time
        condition = Condition(
            rule=n.rule.code, subject=n.subject, stands=True, since=since, time=n.time, worst=worst
        )
        alert = self._open(draft, n)
        if stood and alert is not None and known is not None and not _says_more(alert, n, known):
            return
        draft.condition(condition)
        if alert is None:
            self._raise(draft, n)
        elif not alert.active:
            self._again(draft, alert, n)
        else:
            self._update(draft, alert, n)

    def sort_under(self, draft: Draft, alert: Alert, time: int) -> None:
        """Put an alert under the cause that stands, or let it out where none does."""
        cause = self._cause(draft, alert)
        if cause == alert.cause and (not cause or alert.released is None):
            return
        if cause:
            held = alert.but(cause=cause, released=None)
            draft.put(settled(held), "suppressed", time, text=cause)
        elif alert.released is None:
            # Devices need time to report again: who stays away for longer comes out then.
            draft.put(alert.but(released=time), "updated", time, text="its cause is over")

    def release(self, draft: Draft, alert: Alert) -> None:
        """Let an alert out whose cause is over, when its device has had its time to report."""
        if alert.released is None or draft.now - alert.released <= self._patience(alert):
            return
        alert = alert.but(cause="")
        if alert.state is AlertState.SUPPRESSED:
            alert = announced_anew(alert, draft.now)
        draft.put(settled(alert), "released", draft.now)

    def sort_children(self, draft: Draft, alert: Alert, time: int) -> None:
        """A cause came or went: put the symptoms beneath its subject under it, or let them out."""
        if alert.family in CAUSES:
            for pair in draft.ledger.kinship.symptoms(alert.subject):
                found = draft.ledger.open(pair)
                if found is not None:
                    self.sort_under(draft, found, time)

    def calm(self, draft: Draft, alert: Alert, now: int) -> None:
        """End the chattering of an alert that has been quiet for its window."""
        rules = self._rules.family(alert.family, alert.kind)
        known = (draft.ledger.conditions.get((r.code, alert.subject)) for r in rules)
        last = max((c.since for c in known if c is not None), default=alert.updated)
        if now - last < self._chatter.window(alert.kind):
            return
        self._chatter.ended((alert.family, alert.subject))
        alert = alert.but(chattering=False)
        if alert.active or alert.cleared is None:
            draft.put(settled(alert), "quiet", now)
            return
        draft.put(alert, "quiet", now)
        ended = over(alert, alert.cleared, alert.value, quietly=False)
        draft.put(ended, "cleared", alert.cleared, alert.value)
        self.sort_children(draft, ended, now)

    def _open(self, draft: Draft, n: News) -> Alert | None:
        alert = draft.ledger.open(n.pair)
        if alert is not None and alert.chattering:
            self.calm(draft, alert, n.time)
            alert = draft.ledger.open(n.pair)
        return alert

    def _raise(self, draft: Draft, n: News) -> None:
        digest = blake2s(f"{n.rule.family}|{n.subject}|{n.time}".encode(), digest_size=8)
        alert = Alert(
            id=digest.hexdigest(), rule=n.rule.code, family=n.rule.family, subject=n.subject,
            kind=n.kind, quantity=n.rule.quantity, severity=int(n.rule.severity),
            state=AlertState.UNACKNOWLEDGED, raised=n.time, updated=n.time, value=n.value,
            worst=n.worst, level=n.rule.level, announced=draft.now, detail=n.detail,
            out_of_service=draft.ledger.is_out(n.pair),
        )  # fmt: skip
        cause = self._cause(draft, alert)
        alert = settled(self._levelled(draft, alert).but(cause=cause))
        draft.put(alert, "raised", n.time, n.value)
        if cause:
            draft.put(alert, "suppressed", n.time, text=cause)
        if self._chatter.raised(n.pair, n.kind, n.time):
            draft.put(settled(alert.but(chattering=True)), "chattering", n.time, n.value)
        self.sort_children(draft, alert, n.time)

    def _again(self, draft: Draft, alert: Alert, n: News) -> None:
        """The condition is back while its alert is not over yet."""
        if alert.state is AlertState.RETURNED:
            # Before anyone looked: one line on the operator's list, not one a flap.
            draft.put(closed(alert), "closed", n.time, text="raised again")
            self._raise(draft, n)
            return
        alert = alert.but(
            active=True, cleared=None, updated=n.time, value=n.value, detail=n.detail,
            worst=_worse(n.rule, alert.worst, n.worst),
        )  # fmt: skip
        alert = settled(self._levelled(draft, alert))
        draft.put(alert, "updated", n.time, n.value, text="again")
        self.sort_under(draft, alert, n.time)  # causes came and went while nothing was to hold back
        self.sort_children(draft, alert, n.time)

    def _update(self, draft: Draft, alert: Alert, n: News) -> None:
        rule = alert.rule
        worst = _worse(n.rule, alert.worst, n.worst)
        alert = alert.but(
            updated=max(n.time, alert.updated), value=n.value, worst=worst, detail=n.detail
        )
        alert = self._levelled(draft, alert)
        if alert.rule == rule:
            draft.put(settled(alert), "updated", n.time, n.value)
        else:
            alert = settled(announced_anew(alert, draft.now))
            draft.put(alert, "worse", n.time, n.value, text=f"{rule} → {alert.rule}")

    def _over(self, draft: Draft, n: News) -> None:
        condition = Condition(
            rule=n.rule.code, subject=n.subject, stands=False, since=n.time, time=n.time, worst=nan
        )
        alert = self._open(draft, n)
        draft.condition(condition)
        if alert is None:
            return
        if self._top(draft, alert) is not None:
            self._better(draft, alert, n)
            return
        ended = over(alert, n.time, n.value, quietly=self._follows(alert, n.time))
        what = "updated" if alert.chattering else "cleared"
        draft.put(ended, what, n.time, n.value, text="over" if alert.chattering else "")
        self.sort_children(draft, ended, n.time)

    def _better(self, draft: Draft, alert: Alert, n: News) -> None:
        rule = alert.rule
        alert = self._levelled(draft, alert.but(updated=max(n.time, alert.updated), value=n.value))
        if alert.rule != rule:
            text = f"{rule} → {alert.rule}"
            draft.put(settled(alert), "better", n.time, n.value, text=text)

    def _levelled(self, draft: Draft, alert: Alert) -> Alert:
        """With the rule, severity and level of the worst of its family that stands."""
        top = self._top(draft, alert)
        if top is None or top.code == alert.rule:
            return alert
        return alert.but(
            rule=top.code, severity=int(top.severity), level=top.level, quantity=top.quantity
        )

    def _top(self, draft: Draft, alert: Alert) -> Rule | None:
        found = draft.ledger.conditions
        standing = [
            r
            for r in self._rules.family(alert.family, alert.kind)
            if (c := found.get((r.code, alert.subject))) is not None and c.stands
        ]
        return max(standing, key=lambda r: (r.severity, r.rank), default=None)

    def _cause(self, draft: Draft, alert: Alert) -> str:
        pairs = draft.ledger.kinship.causes(alert)
        found = (c for p in pairs if (c := draft.ledger.standing(p)) is not None)
        return next((c.id for c in found if c.id != alert.id and explains(c, alert)), "")

    def _follows(self, alert: Alert, time: int) -> bool:
        """True where it ends right after its cause did: within the time that a device has to report."""
        return alert.released is not None and time - alert.released <= self._patience(alert)

    def _patience(self, alert: Alert) -> int:
        """How long what stood under a cause has to end by itself, once that is over. [ns]"""
        known = alert.kind in self._catalogue.kinds
        return self._catalogue.kinds[alert.kind].timeout_s * SECOND if known else PATIENCE


def _says_more(alert: Alert, n: News, known: Condition) -> bool:
    """False where it was told of this already; n is not older than what is known, and it stands."""
    if not alert.active or n.time > max(known.time, alert.updated):
        return True
    same = n.value == alert.value or (isnan(n.value) and isnan(alert.value))
    return n.time == alert.updated and not (same and n.detail == alert.detail)


def _worse(rule: Rule, worst: float, value: float) -> float:
    if isnan(worst) or isnan(value):
        return value if isnan(worst) else worst
    return min(worst, value) if rule.above is False else max(worst, value)
