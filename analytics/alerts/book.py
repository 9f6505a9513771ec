"""Transitions of conditions → alerts with a life cycle: one standing alert per (rule, device).

Upstream: the engine's transitions, which after a crash may come a second time. Downstream: the
operations store, the live stream, operators. What is old news is told from what is new by event time.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from hashlib import blake2s

from analytics.alerts.causes import CAUSES, Family, Pair
from analytics.facts import Transitions, What
from analytics.rules import rule_list
from devices.device import Catalogue, Device
from devices.kind import AlertRule
from store.operations import OperationsStore
from store.records import STANDING, Alert, AlertEvent, AlertState
from telemetry import metrics
from telemetry.clock import SECOND, Clock
from telemetry.errors import QueryError
from telemetry.live import Hub

NEVER = -(2**63)


@dataclass(slots=True)
class _Draft:
    """What one call changes: alerts in the order they were first changed, and lines of history."""

    alerts: dict[str, Alert] = field(default_factory=dict)
    events: list[AlertEvent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Transition:
    rule: AlertRule
    device: Device
    what: What
    time: int
    value: float
    worst: float

    @property
    def pair(self) -> Pair:
        return self.rule.code, self.device.id


class AlertBook:
    """The alerts that an operator must see. Every method may be called from any thread."""

    def __init__(
        self, store: OperationsStore, catalogue: Catalogue, hub: Hub, clock: Clock
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._hub = hub
        self._clock = clock
        self._rules = [rule for _, rule in rule_list(catalogue.kinds)]
        self._lock = threading.RLock()
        self._released: dict[str, int] = {}  # alert → when its cause let it out
        self._load()

    def apply(self, transitions: Transitions) -> None:
        """Take in what the engine told, in one write. Raises StoreError where the store fails: the book
        is then as before, and the same transitions may be applied again."""
        if not len(transitions):
            return
        with self._lock:
            draft = _Draft()
            try:
                for transition in self._each(transitions):
                    self._take(draft, transition)
                self._save(draft)
            except Exception:
                self._load()
                raise

    def acknowledge(self, alert_id: str, by: str) -> Alert:
        """Note that `by` has the alert; one that has returned to normal is cleared by it.

        Doing it twice changes nothing. Raises QueryError for an id that is unknown.
        """
        with self._lock:
            alert = self._alerts.get(alert_id) or self._store.alert(alert_id)
            if alert is None:
                raise QueryError("alert", "must be the id of an alert", alert_id)
            if alert.acknowledged is not None or alert.state is AlertState.CLEARED:
                return alert
            now, draft = self._clock.now(), _Draft()
            alert = alert.but(
                state=_ACKNOWLEDGED[alert.state], acknowledged=now, acknowledged_by=by
            )
            try:
                self._put(draft, alert, "acknowledged", now, by=by)
                self._save(draft)
            except Exception:
                self._load()
                raise
            return alert

    def standing(self) -> list[Alert]:
        """Every alert that stands or has returned unacknowledged: the worst first, then the newest."""
        with self._lock:
            return sorted(self._alerts.values(), key=lambda a: (-a.severity, -a.raised, a.id))

    def _load(self) -> None:
        self._alerts: dict[str, Alert] = {}
        self._by_pair: dict[Pair, str] = {}
        self._returned: dict[Pair, str] = {}
        self._family = Family(self._catalogue)
        for alert in self._store.standing():
            self._remember(alert)
        self._cleared = dict(self._store.last_cleared())

    def _remember(self, alert: Alert) -> None:
        pair = alert.rule, alert.device
        stood = self._by_pair.get(pair) == alert.id
        stands = alert.state in STANDING
        self._alerts[alert.id] = alert
        if stands and not stood:
            self._by_pair[pair] = alert.id
            self._family.add(alert)
        elif stood and not stands:
            del self._by_pair[pair]
            self._family.remove(alert)
        if alert.state is AlertState.RETURNED:
            self._returned[pair] = alert.id
        elif self._returned.get(pair) == alert.id:
            del self._returned[pair]
        if alert.state is AlertState.CLEARED:
            del self._alerts[alert.id]

    def _each(self, transitions: Transitions) -> list[_Transition]:
        columns = (c.tolist() for c in transitions.columns())
        return [
            _Transition(self._rules[r], self._catalogue.devices[d], What(w), t, v, worst)
            for r, d, w, t, v, worst in zip(*columns, strict=True)
        ]

    def _take(self, draft: _Draft, t: _Transition) -> None:
        standing = self._by_pair.get(t.pair)
        if standing is None:
            # An update without an alert: the engine knows of a condition that the book has lost.
            if t.what is not What.CLEAR and t.time > self._cleared.get(t.pair, NEVER):
                self._raise(draft, t)
            return
        alert = self._alerts[standing]
        if t.time < alert.updated:
            return
        if t.what is What.CLEAR:
            self._clear(draft, alert, t)
        elif (t.time, t.value) != (alert.updated, alert.value):
            alert = alert.but(updated=t.time, value=t.value, worst=_worse(t.rule, alert.worst, t))
            self._put(draft, alert, "updated", t.time, t.value)

    def _raise(self, draft: _Draft, t: _Transition) -> None:
        self._supersede(draft, t)
        alert = Alert(
            id=blake2s(f"{t.rule.code}|{t.device.id}|{t.time}".encode(), digest_size=8).hexdigest(),
            rule=t.rule.code,
            device=t.device.id,
            kind=t.device.kind,
            quantity=t.rule.quantity,
            severity=int(t.rule.severity),
            state=AlertState.UNACKNOWLEDGED,
            raised=t.time,
            updated=t.time,
            value=t.value,
            worst=t.worst,
            level=t.rule.level,
        )
        self._put(draft, alert, "raised", t.time, t.value)
        self._sort_under(draft, alert, t.time)
        if t.rule.code in CAUSES:
            self._sort_children(draft, alert, t.time)

    def _supersede(self, draft: _Draft, t: _Transition) -> None:
        # The condition is back before anyone looked: one line on the operator's list, not one a flap.
        returned = self._returned.get(t.pair)
        if returned is not None:
            alert = self._alerts[returned].but(state=AlertState.CLEARED)
            self._put(draft, alert, "cleared", t.time, text="raised again")

    def _clear(self, draft: _Draft, alert: Alert, t: _Transition) -> None:
        unseen = alert.state is AlertState.UNACKNOWLEDGED and not self._follows(alert, t.time)
        state = AlertState.RETURNED if unseen else AlertState.CLEARED
        alert = alert.but(state=state, cleared=t.time, updated=t.time, value=t.value)
        self._cleared[t.pair] = t.time
        self._put(draft, alert, "cleared", t.time, t.value)
        if t.rule.code in CAUSES:
            self._sort_children(draft, alert, t.time)

    def _follows(self, alert: Alert, time: int) -> bool:
        """True where it clears right after its cause did: within the time that a device has to report."""
        released = self._released.pop(alert.id, None)
        timeout = self._catalogue.kinds[alert.kind].timeout_s * SECOND
        return released is not None and time - released <= timeout

    def _sort_children(self, draft: _Draft, alert: Alert, time: int) -> None:
        """A cause came or went: put the symptoms beneath its device under it, or let them out."""
        for pair in self._family.symptoms(alert.device):
            self._sort_under(draft, self._alerts[self._by_pair[pair]], time)

    def _sort_under(self, draft: _Draft, alert: Alert, time: int) -> None:
        cause = next((c for p in self._family.causes(alert) if (c := self._by_pair.get(p))), "")
        if cause == alert.cause:
            return
        if cause:
            alert = alert.but(state=AlertState.SUPPRESSED, cause=cause)
            self._put(draft, alert, "suppressed", time, text=cause)
        else:
            alert = alert.but(
                state=AlertState.UNACKNOWLEDGED, cause="", acknowledged=None, acknowledged_by=""
            )
            self._released[alert.id] = time
            self._put(draft, alert, "released", time)

    def _put(
        self,
        draft: _Draft,
        alert: Alert,
        what: str,
        time: int,
        value: float | None = None,
        by: str = "",
        text: str = "",
    ) -> None:
        draft.alerts[alert.id] = alert
        draft.events.append(
            AlertEvent(alert=alert.id, time=time, what=what, by=by, value=value, text=text)
        )
        self._remember(alert)

    def _save(self, draft: _Draft) -> None:
        if not draft.alerts:
            return
        self._store.save_alerts(list(draft.alerts.values()), draft.events)
        for event in draft.events:
            metrics.ALERT_TRANSITIONS.labels(event.what).inc()
        for alert in draft.alerts.values():
            self._hub.publish("alert", alert)


_ACKNOWLEDGED = {
    AlertState.UNACKNOWLEDGED: AlertState.ACKNOWLEDGED,
    AlertState.RETURNED: AlertState.CLEARED,
    AlertState.SUPPRESSED: AlertState.SUPPRESSED,
}


def _worse(rule: AlertRule, worst: float, t: _Transition) -> float:
    return max(worst, t.worst) if rule.above is not None else min(worst, t.worst)
