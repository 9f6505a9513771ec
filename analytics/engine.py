"""(state, batch, time) → (state, facts): quality, windows, indices, presence and rules of one partition.

Upstream: the store's log, in batches of raw readings in any order. Downstream: facts for the store and
the alert book. The state is arrays; nothing here knows a broker, a store or asyncio.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from analytics.custom.definition import CustomRule
from analytics.custom.in_force import InForce
from analytics.derivers import all_derivers
from analytics.facts import Facts, Transitions, last_named, last_readings, last_rollups
from analytics.groups import Groups
from analytics.indices.station_hours import StationHours
from analytics.judging import Judging
from analytics.layout import Layout
from analytics.limits import Limits
from analytics.offline import Presence
from analytics.rows import Rows, arrange
from analytics.rules import Rules
from analytics.snapshot import Key, Logs, Tables, pack, unpack
from analytics.together import Sharing, Together
from devices.device import Catalogue
from devices.kind import ONLINE, AlertRule
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Times, Values
from telemetry.clock import HOUR, MINUTE, SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings

HOURS_KEPT = 3  # beside those that the lateness asks for
LIMITS_EVERY = 10 * SECOND  # how often replaced devices are looked for


class Engine:
    """Analytics of the devices of one partition.

    Args: catalogue (devices may be added to it at any time), zone (the city's; for rules and
    indices by local time), lateness (how long after the newest event time a window stays open) [ns].
    """

    def __init__(
        self,
        catalogue: Catalogue,
        zone: ZoneInfo,
        lateness: int = 10 * MINUTE,
        sharing: Sharing | None = None,
    ) -> None:
        self.zone = zone
        self.lateness = lateness
        self.sharing = sharing
        self.layout = Layout(catalogue)
        self._limits = Limits(catalogue)
        self._judging = Judging(self.layout, self._limits, zone, lateness // HOUR + 1 + HOURS_KEPT)
        self._derivers = all_derivers(self.layout, self._limits, zone)
        self._groups = Groups(catalogue)
        together = Together(self._groups, sharing)
        self._presence = Presence(self.layout, self._limits, together, lateness)
        self._rules = Rules(self.layout)
        self.custom = InForce(self.layout, zone)
        self._online = catalogue.kinds.quantity_code[ONLINE.name]
        self._newest = 0  # newest event time seen
        self._watermark = 0
        self._heard_at: int | None = None  # time of the last `process`
        self._looked = 0
        self._grow()

    @property
    def watermark(self) -> int:
        """Event time up to which windows are closed. [ns, UTC]"""
        return self._watermark

    def process(self, batch: Readings, now: int) -> Facts:
        """Take in a batch of raw readings, in any order, and tell what it changes."""
        self._grow()
        if not len(batch):
            return self.advance(now)
        self._heard_at = now
        self._newest = max(self._newest, int(batch.time.max()))
        rows = self._arranged(batch)
        came, known, corrected = self._judging.take(rows)
        flags = batch.flag.copy()
        flags[rows.source] = known
        flags[np.isinf(batch.value)] = (
            Flag.FAIL
        )  # no sensor measures it; nothing is compared with it
        # A clock that runs ahead must not close windows that others still fill.
        corrected = self._move_to(min(self._newest, now) - self.lateness, corrected)
        judged = batch.with_flag(flags)
        changed = np.flatnonzero(flags != batch.flag)
        derived = [d.hear(judged, corrected, now) for d in self._derivers]
        derived.append(self._presence.hear(judged, now))
        told = Readings.concat([judged.take(changed), corrected])
        told = last_readings(told) if len(corrected) else told
        facts = self._facts(told, replace(rows, flag=came), derived, now)
        return replace(facts, details=self._presence.details)

    def advance(self, now: int) -> Facts:
        """Time has passed and nothing came: who fell silent, which windows closed."""
        self._grow()
        if now - self._looked >= LIMITS_EVERY:
            self._limits.refresh()
            self._looked = now
        # Without readings event time flows on at the pace of the clock.
        idle = 0 if self._heard_at is None else max(0, now - self._heard_at)
        corrected = Readings.empty()
        if self._newest:
            corrected = self._move_to(min(self._newest + idle, now) - self.lateness, corrected)
        self._groups.refresh()
        derived = [self._presence.silent(now)]
        if len(corrected):
            derived += [d.hear(Readings.empty(), corrected, now) for d in self._derivers]
        facts = self._facts(corrected, _NO_ROWS, derived, now)
        outages = tuple(self._presence.outages)
        return replace(facts, outages=outages, details=self._presence.details)

    def count_from(self, time: int) -> None:
        """Until then we could not hear: no device is late before its time-out has passed from there on."""
        self._presence.count_from(time)

    @property
    def unheard(self) -> tuple[int, int] | None:
        """(since when nobody is heard, how many should have been by now); None while somebody is."""
        return self._presence.unheard

    def amend(self, step: int, rollups: Rollups, now: int) -> Facts:
        """Take in windows that the store computed anew (see `Facts.stale`): indices follow them."""
        derived = self._closed(step, rollups, now)
        rows = self._rows(derived)
        transitions, custom = self._rules.evaluate(rows), self.custom.evaluate(rows)
        return Facts(derived=derived, transitions=transitions, custom=custom)

    def adopt(self, rule: AnyArray, device: AnyArray, seen: Times, worst: Values) -> None:
        """Take alert conditions as raised that stand in the alert book: after a restart they can clear.

        rule, device as in Transitions; seen: event time up to which each is known.
        """
        self._grow()
        self._rules.adopt(rule, device, seen, worst)
        silent = np.array([r.quantity == ONLINE.name for _, r in self.rules()], dtype=bool)[rule]
        self._presence.adopt(device[silent], seen[silent])

    def adopt_outages(self, standing: Iterable[tuple[str, str, int]]) -> None:
        """The same of devices that fell silent together: (rule, subject, since)."""
        self._presence.together.adopt(standing)

    def adopt_custom(self, code: str, device: AnyArray, seen: Times, worst: Values) -> None:
        """The same of an engineers' rule."""
        self._grow()
        self.custom.adopt(code, device, seen, worst)

    def of_hours(self) -> set[int]:
        """Codes of the derived quantities that rest on hours and local days (not on years)."""
        plans = (d.plan for d in self._derivers if isinstance(d, StationHours))
        names = {q for plan in plans for rule in (*plan.hourly, *plan.daily) for q in rule.tells}
        code = self.layout.kinds.quantity_code
        return {code[q] for q in names if q in code}

    def rules(self) -> list[tuple[int, AlertRule]]:
        """(kind code, rule): what `Transitions.rule` counts."""
        return self._rules.rules

    def snapshot(self) -> bytes:
        """The whole state. Codes are saved with their names, so another process may restore it."""
        settling = self._judging.settling
        clocks = [
            self._newest, self._watermark, settling.boundary, settling.hour,
            self._presence.past.newest,
        ]  # fmt: skip
        clock = np.array(clocks, dtype=np.int64)
        return pack(self.layout, self._tables(), clock, self._logs())

    @classmethod
    def restore(
        cls,
        data: bytes,
        catalogue: Catalogue,
        zone: ZoneInfo,
        lateness: int = 10 * MINUTE,
        custom: Iterable[CustomRule] = (),
        sharing: Sharing | None = None,
    ) -> Engine:
        """An engine that goes on where `snapshot` was taken; nobody is late before a time-out from now.

        The catalogue must hold the devices (in any order); state of others is left out. Raises
        StoreError where `data` is no snapshot that can be read. custom: the engineers' rules in force.
        """
        engine = cls(catalogue, zone, lateness, sharing)
        engine.custom.replace(custom)
        engine._grow()
        settling = engine._judging.settling
        clocks = unpack(data, engine.layout, engine._tables(), engine._logs()).tolist()
        engine._newest, engine._watermark, settling.boundary, settling.hour = clocks[:4]
        engine._presence.past.newest = sum(clocks[4:])  # an earlier snapshot does not have it
        engine._rules.revision.boundary = settling.boundary
        settling.windows.advance(settling.boundary)
        settling.windows.reopen()
        engine._groups.teach()
        engine._presence.restart()
        return engine

    def state_bytes(self) -> int:
        """Bytes of state in use."""
        tables = [table for _, table in self._tables().values()]
        recent = self._judging.recent.nbytes() + self._rules.revision.kept.nbytes()
        return sum(t.nbytes() for t in tables) + self.layout.nbytes() + recent

    def _grow(self) -> None:
        first = self.layout.grow()
        self.custom.grow(first)
        if first == self.layout.n_devices:
            return
        self._limits.grow()
        self._judging.grow(first)
        self._presence.grow()
        self._groups.table.grow(self.layout.n_devices)
        self._rules.grow(self.layout.n_rules)
        for deriver in self._derivers:
            deriver.grow(first)

    def _tables(self) -> Tables:
        own: Tables = {
            "presence": (Key.DEVICE, self._presence.table),
            "outages": (Key.DEVICE, self._presence.together.table),
            "past": (Key.DEVICE, self._presence.past.table),
            "habits": (Key.DEVICE, self._presence.habits.table),
            "gateways": (Key.DEVICE, self._groups.table),
            "rules": (Key.RULE, self._rules.table),
            "rules_base": (Key.RULE, self._rules.revision.base),
        }
        judging = self._judging.tables()
        derivers = {n: t for d in self._derivers for n, t in d.tables().items()}
        return {**own, **judging, **derivers, **self.custom.tables()}

    def _logs(self) -> Logs:
        return {**self._judging.logs(), "ruled": self._rules.revision.kept}

    def _move_to(self, watermark: int, corrected: Readings) -> Readings:
        """Close what ended by then. Returns what was corrected before, and by that: the last word on each."""
        self._watermark = max(self._watermark, watermark)
        found = self._judging.settle(self._watermark)
        both = Readings.concat([corrected, found])
        return last_readings(both) if len(both) else both

    def _arranged(self, batch: Readings) -> Rows:
        valued = (batch.quantity != self._online) & np.isfinite(batch.value)
        return arrange(self.layout, batch, valued)

    def _rows(self, readings: Readings) -> Rows:
        return arrange(self.layout, readings, np.ones(len(readings), dtype=bool))

    def _closed(self, step: int, rollups: Rollups, now: int) -> Readings:
        return Readings.concat(
            [d.close(step, rollups, self._watermark, now) for d in self._derivers]
        )

    def _facts(self, flags: Readings, rows: Rows, derived: list[Readings], now: int) -> Facts:
        told, old = self._judging.settling.tell()
        rollups = {s: last_rollups(parts) for s, parts in told.items()}
        stale = {s: last_named(parts) for s, parts in old.items()}
        ended = [self._closed(s, r, now) for s, r in rollups.items()]
        facts = Readings.concat([*derived, *ended])
        both = rows, self._rows(facts)
        again = self._judging.anew(), None
        found = [self._rules.evaluate(r, a) for r, a in zip(both, again, strict=True)]
        transitions = Transitions.concat(found).in_time()
        self._rules.revision.forget(self._judging.settling.boundary)
        custom = Transitions.concat([self.custom.evaluate(r) for r in both]).in_time()
        return Facts(
            flags, facts,
            {s: r for s, r in rollups.items() if len(r)},
            {s: n for s, n in stale.items() if len(n[0])},
            transitions, custom, self._judging.settling.tell_failures(),
        )  # fmt: skip


_NO_ROWS = Rows(*(np.zeros(0, d) for d in (np.intp, "i8", "f8", "u1", np.intp, np.intp, np.intp)))
