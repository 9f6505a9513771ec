"""The city at one moment, worked out once per tick for everyone who looks: states, figures, alerts, account.

Pages ask `Watch.current()` from a thread; however many they are, the stores are asked once a second.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import numpy as np

from api.account import Totals
from api.context import Context
from api.routes.health import run_check
from api.schemas import AccountLine
from api.state import States, active, states
from store.records import Alert, AlertState
from store.telemetry import Series
from telemetry.arrays import Codes32
from telemetry.clock import HOUR, MINUTE, SECOND, from_datetime, to_datetime
from telemetry.metrics import REGISTRY
from telemetry.readings import Readings

TICK = SECOND
SLOW_TICK = 5 * SECOND  # the account and the checks
STALE = 3 * HOUR  # an index older than this says nothing of now
_RATE_SPAN = MINUTE


@dataclass(frozen=True, slots=True)
class Point:
    """The newest value of one series. `time` [ns]."""

    device: int
    quantity: int
    value: float
    flag: int
    time: int


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows of the city as a whole.

    codes     devices that are seen; `states` has a row for every device
    mains     device code → newest value of its kind's main quantity
    standing  alerts that an operator must see, worst first
    rate      messages per minute, over the last minute; None while too little was seen
    air       the highest VN_AQI of now; `stage` the highest flood stage
    account   of all that was ever received; `today` since local midnight
    troubles  check → what is wrong
    """

    now: int
    codes: Codes32
    states: States
    mains: dict[int, Point]
    standing: list[Alert]
    rate: float | None
    air: Point | None
    stage: Point | None
    account: AccountLine
    today: AccountLine
    progress: tuple[int, int] | None
    troubles: dict[str, str]


class Watch:
    """Keeps the overview. Thread-safe."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._lock = threading.Lock()
        self._current: Overview | None = None
        self._totals = Totals()
        self._messages: deque[tuple[int, float]] = deque()
        self._slow: tuple[int, AccountLine, AccountLine, dict[str, str]] | None = None

    def current(self) -> Overview:
        """The overview, at most a second old. Raises what the stores raise."""
        with self._lock:
            now = self.context.clock.now()
            if self._current is None or now - self._current.now >= TICK * 9 // 10:
                self._current = self._look(now)
            return self._current

    def forget(self) -> None:
        """Let the next look be a fresh one: something was just changed."""
        with self._lock:
            self._current = None

    def _look(self, now: int) -> Overview:
        context = self.context
        latest = context.telemetry.latest(Series())
        standing = active(context.alerts.standing())
        account, today, troubles = self._slowly(now)
        return Overview(
            now=now,
            codes=context.sight.codes()[: len(context.catalogue)],
            states=states(context, latest, standing),
            mains=_mains(context, latest),
            standing=sorted(standing, key=urgency),
            rate=self._rate(now),
            air=_highest(context, latest, "vn_aqi", now),
            stage=_highest(context, latest, "flood_stage", now),
            account=account,
            today=today,
            progress=context.progress(),
            troubles=troubles,
        )

    def _slowly(self, now: int) -> tuple[AccountLine, AccountLine, dict[str, str]]:
        if self._slow is None or now - self._slow[0] >= SLOW_TICK:
            context = self.context
            midnight = to_datetime(now, context.city.zone).replace(
                hour=0, minute=0, second=0, microsecond=0
            )
            # What is wrong with the platform is told to who sees all of the city.
            checks = context.checks if context.sight.whole else {}
            found = {name: run_check(checks, name) for name in checks}
            self._slow = (
                now,
                self._totals.since(context, 0),
                self._totals.since(context, from_datetime(midnight)),
                {name: wrong for name, wrong in found.items() if wrong},
            )
        return self._slow[1:]

    def _rate(self, now: int) -> float | None:
        count = REGISTRY.get_sample_value("urban_messages_total") or 0.0
        seen = self._messages
        seen.append((now, count))
        while len(seen) > 2 and now - seen[0][0] > _RATE_SPAN:
            seen.popleft()
        passed = now - seen[0][0]
        return (count - seen[0][1]) * MINUTE / passed if passed >= 5 * SECOND else None


class Watches:
    """One watch for all who see the same part of the city. Thread-safe enough: a watch too many does no harm."""

    def __init__(self) -> None:
        self._watches: dict[object, Watch] = {}

    def of(self, context: Context) -> Watch:
        """The watch of who sees this context."""
        part = (context.sight.domains, context.sight.areas)
        found = self._watches.get(part)
        if found is None:
            if len(self._watches) >= 100:
                self._watches.clear()
            found = self._watches[part] = Watch(context)
        return found


def urgency(alert: Alert) -> tuple[bool, int, bool, int, str]:
    """Sorting key: what stands before what is over, worse before better, unacknowledged before
    acknowledged, newer before older."""
    over, taken = alert.state == AlertState.RETURNED, alert.acknowledged is not None
    return over, -alert.severity, taken, -alert.raised, alert.id


def _mains(context: Context, latest: Readings) -> dict[int, Point]:
    mains = np.array([context.kinds.quantity_code[k.main] for k in context.kinds])
    kind_of = context.catalogue.kind_of
    known = latest.take(latest.device < len(kind_of))
    chosen = known.take(known.quantity == mains[kind_of[known.device]])
    return {point.device: point for point in _points(chosen)}


def _highest(context: Context, latest: Readings, quantity: str, now: int) -> Point | None:
    code = context.kinds.quantity_code.get(quantity)
    fresh = (latest.quantity == code) & (latest.time > now - STALE) & np.isfinite(latest.value)
    found = latest.take(fresh)
    return (
        _points(found.take(slice(at := int(np.argmax(found.value)), at + 1)))[0]
        if len(found)
        else None
    )


def _points(readings: Readings) -> list[Point]:
    columns = (
        readings.device,
        readings.quantity,
        readings.value,
        readings.flag,
        readings.time,
    )
    return [Point(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]
