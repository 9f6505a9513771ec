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
from analytics.facts import Facts, Named, Transitions
from analytics.layout import Layout
from analytics.limits import Limits
from analytics.offline import Presence
from analytics.quality import Quality, with_held
from analytics.rows import Rows, arrange
from analytics.rules import Rules
from analytics.slots import coarser, gather
from analytics.snapshot import Key, Tables, pack, unpack
from analytics.windows import Windows
from devices.device import Catalogue
from devices.kind import ONLINE, AlertRule
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Flags, Index, Mask, Times, Values
from telemetry.clock import HOUR, MINUTE, SECOND
from telemetry.flags import counts_in_windows
from telemetry.readings import Readings

HOURS_KEPT = 3  # beside those that the lateness asks for
LIMITS_EVERY = 10 * SECOND  # how often replaced devices are looked for


class Engine:
    """Analytics of the devices of one partition.

    Args: catalogue (devices may be added to it at any time), zone (the city's; for rules and
    indices by local time), lateness (how long after the newest event time a window stays open) [ns].
    """

    def __init__(self, catalogue: Catalogue, zone: ZoneInfo, lateness: int = 10 * MINUTE) -> None:
        self.zone = zone
        self.lateness = lateness
        self.layout = Layout(catalogue)
        self._limits = Limits(catalogue)
        self._quality = Quality(self.layout)
        newest = self._quality.newest
        self._windows = {
            MINUTE: Windows(self.layout, MINUTE, lateness // MINUTE + 2, newest),
            HOUR: Windows(self.layout, HOUR, lateness // HOUR + 1 + HOURS_KEPT, newest),
        }
        self._derivers = all_derivers(self.layout, self._limits, zone)
        self._presence = Presence(self.layout, self._limits)
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
        # A clock that runs ahead must not close windows that others still fill.
        self._move_to(min(self._newest, now) - self.lateness)
        rows, corrected = self._judge(batch)
        flag = batch.flag.copy()
        flag[rows.source] = rows.flag
        changed = np.flatnonzero(flag != batch.flag)
        judged = batch.with_flag(flag)
        derived = [d.hear(judged, corrected, now) for d in self._derivers]
        derived.append(self._presence.hear(judged))
        return self._facts(Readings.concat([judged.take(changed), corrected]), rows, derived, now)

    def advance(self, now: int) -> Facts:
        """Time has passed and nothing came: who fell silent, which windows closed."""
        self._grow()
        if now - self._looked >= LIMITS_EVERY:
            self._limits.refresh()
            self._looked = now
        # Without readings event time flows on at the pace of the clock.
        idle = 0 if self._heard_at is None else max(0, now - self._heard_at)
        if self._newest:
            self._move_to(min(self._newest + idle, now) - self.lateness)
        silent = self._presence.silent(now)
        return self._facts(Readings.empty(), _NO_ROWS, [silent], now)

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

    def rules(self) -> list[tuple[int, AlertRule]]:
        """(kind code, rule): what `Transitions.rule` counts."""
        return self._rules.rules

    def snapshot(self) -> bytes:
        """The whole state. Codes are saved with their names, so another process may restore it."""
        clocks = np.array([self._newest, self._watermark], dtype=np.int64)
        return pack(self.layout, self._tables(), clocks)

    @classmethod
    def restore(
        cls,
        data: bytes,
        catalogue: Catalogue,
        zone: ZoneInfo,
        lateness: int = 10 * MINUTE,
        custom: Iterable[CustomRule] = (),
    ) -> Engine:
        """An engine that goes on where `snapshot` was taken; nobody is late before a time-out from now.

        The catalogue must hold the devices (in any order); state of others is left out. Raises
        StoreError where `data` is no snapshot that can be read. custom: the engineers' rules in force.
        """
        engine = cls(catalogue, zone, lateness)
        engine.custom.replace(custom)
        engine._grow()
        clocks = unpack(data, engine.layout, engine._tables())
        engine._newest, engine._watermark = (int(c) for c in clocks)
        for windows in engine._windows.values():
            windows.advance(engine._watermark)
            windows.reopen()
        engine._presence.restart()
        return engine

    def state_bytes(self) -> int:
        """Bytes of state in use."""
        tables = [table for _, table in self._tables().values()]
        return sum(t.nbytes() for t in tables) + self.layout.nbytes()

    def _grow(self) -> None:
        first = self.layout.grow()
        self.custom.grow(first)
        if first == self.layout.n_devices:
            return
        self._limits.grow()
        for table in (self._quality.table, *(w.table for w in self._windows.values())):
            table.grow(self.layout.n_series)
        self._presence.table.grow(self.layout.n_devices)
        self._rules.table.grow(self.layout.n_rules)
        for deriver in self._derivers:
            deriver.grow(first)

    def _tables(self) -> Tables:
        own: Tables = {
            "quality": (Key.SERIES, self._quality.table),
            "minutes": (Key.SERIES, self._windows[MINUTE].table),
            "hours": (Key.SERIES, self._windows[HOUR].table),
            "presence": (Key.DEVICE, self._presence.table),
            "rules": (Key.RULE, self._rules.table),
        }
        derivers = {n: t for d in self._derivers for n, t in d.tables().items()}
        return {**own, **derivers, **self.custom.tables()}

    def _move_to(self, watermark: int) -> None:
        self._watermark = max(self._watermark, watermark)
        for windows in self._windows.values():
            windows.advance(self._watermark)

    def _rows(self, readings: Readings) -> Rows:
        return arrange(self.layout, readings, np.ones(len(readings), dtype=bool))

    def _judge(self, batch: Readings) -> tuple[Rows, Readings]:
        """Judge every value and put it in its windows: (rows with flags, earlier readings flagged anew)."""
        valued = (batch.quantity != self._online) & ~np.isnan(batch.value)
        rows = arrange(self.layout, batch, valued)
        late = self._quality.late(rows)
        if not late.any():
            return self._in_order(rows) if len(rows) else (rows, Readings.empty())
        flag = rows.flag.copy()
        corrected = Readings.empty()
        # Late ones first: the newer ones of a long batch would push their windows out of memory.
        flag[late] = self._late(rows.take(late))
        if not late.all():
            in_order, corrected = self._in_order(rows.take(~late))
            flag[~late] = in_order.flag
        return replace(rows, flag=flag), corrected

    def _in_order(self, rows: Rows) -> tuple[Rows, Readings]:
        flags, settled, held = self._quality.judge(rows)
        self._into_windows(*with_held(rows, settled & counts_in_windows(flags), held))
        anew = np.flatnonzero(held.changed)
        series = held.series[anew]
        corrected = Readings.of(
            self.layout.series["device"][series], self.layout.series["quantity"][series],
            held.time[anew], held.value[anew], held.flag[anew],
        )  # fmt: skip
        return replace(rows, flag=flags), corrected

    def _late(self, rows: Rows) -> Flags:
        flags = self._quality.range_only(rows)
        news = np.ones(len(rows), dtype=bool)
        self._into_windows(rows.series, rows.time, rows.value, counts_in_windows(flags), news)
        return flags

    def _into_windows(
        self, series: Index, time: Times, value: Values, counts: Mask, news: Mask
    ) -> None:
        minutes = gather(series, time, value, counts, news, MINUTE)
        hours = coarser(minutes, MINUTE, HOUR // MINUTE)
        self._windows[MINUTE].add(minutes)
        self._windows[HOUR].add(hours)

    def _closed(self, step: int, rollups: Rollups, now: int) -> Readings:
        return Readings.concat(
            [d.close(step, rollups, self._watermark, now) for d in self._derivers]
        )

    def _facts(self, flags: Readings, rows: Rows, derived: list[Readings], now: int) -> Facts:
        rollups: dict[int, Rollups] = {}
        stale: dict[int, Named] = {}
        for step, windows in self._windows.items():
            told, old = windows.tell()
            if len(told):
                rollups[step] = told
            if len(old[0]):
                stale[step] = old
        ended = [self._closed(s, rollups.get(s, _NO_ROLLUPS), now) for s in self._windows]
        facts = Readings.concat([*derived, *ended])
        both = rows, self._rows(facts)
        transitions = Transitions.concat([self._rules.evaluate(r) for r in both]).in_time()
        custom = Transitions.concat([self.custom.evaluate(r) for r in both]).in_time()
        return Facts(flags, facts, rollups, stale, transitions, custom)


_NO_ROWS = Rows(*(np.zeros(0, d) for d in (np.intp, "i8", "f8", "u1", np.intp, np.intp, np.intp)))
_NO_ROLLUPS = Rollups(*(np.zeros(0, d) for d in ("i4", "i2", "i8", "i8", "f8", "f8", "f8", "f8")))
