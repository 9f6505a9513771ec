"""The store's log → engine → facts in the store, alerts in the book, news on the live stream.

One thread. The position in the log moves when a batch's facts are written, and is saved with the
engine's state; so after SIGKILL the batches behind the last snapshot are taken in again, and what
follows from them is the same and written over itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from analytics import checkpoint, long_ago
from analytics.adopt import adopt
from analytics.alerts.book import AlertBook, Told
from analytics.custom.definition import CustomRule
from analytics.engine import Engine
from analytics.facts import Facts, merged
from analytics.history import Cut
from analytics.long_ago import LongAgo
from analytics.own import Hearing
from analytics.suspects import Suspects
from analytics.verdicts import records_of
from store.operations import OperationsStore
from store.telemetry import Stored, TelemetryStore
from telemetry import metrics
from telemetry.clock import HOUR, SECOND, Clock
from telemetry.errors import StoreError, UrbanError
from telemetry.live import Hub
from telemetry.readings import Readings

log = logging.getLogger(__name__)

LOOK_BACK = (
    38 * HOUR
)  # of the log, where there is no snapshot: the day before this one, and NowCast
SETTLE = 2 * SECOND  # readings of the last moments may not be in the log yet
LIVE = 5 * SECOND  # closer to now than this, time passes for the engine too
TOGETHER = 256  # stored batches; more of them at once are taken in as one


class Worker:
    """Tails the log of `telemetry` from where it left off.

    Args: engine (a new one: its state comes from the snapshot), telemetry, operations, book, hub,
    clock, snapshot_path (a file; its folder must exist), save_every (between snapshots [s]), taken (now →
    the time up to which all that was received is in the log), hearing (since when silence counts).
    """

    def __init__(
        self,
        engine: Engine,
        telemetry: TelemetryStore,
        operations: OperationsStore,
        book: AlertBook,
        hub: Hub,
        clock: Clock,
        snapshot_path: Path,
        save_every: float = 30.0,
        taken: Callable[[int], int] = lambda now: now,
        hearing: Hearing | None = None,
    ) -> None:
        self.engine = engine
        self._taken = taken
        self._hearing = hearing or Hearing()
        self._telemetry = telemetry
        self._operations = operations
        self._book = book
        self._hub = hub
        self._clock = clock
        self._path = snapshot_path
        self._save_every = save_every
        self._position = 0
        self._saved = 0
        self._todo: deque[Facts] = deque()
        self._long_ago = LongAgo(engine, telemetry)
        self._cut: Cut | None = None
        self._written = 0  # position up to which all facts are written
        self._passed = 0  # time up to which all facts are written [ns]
        self.settled = (
            0  # event time up to which windows are closed and their roll-ups written [ns]
        )
        self._at_hand: tuple[int, int] | None = None  # first and last batch of the step
        self._suspects = Suspects()
        self._custom: tuple[CustomRule, ...] = ()
        self._trouble = ""
        self.refused: StoreError | None = (
            None  # what a store last said, while it does not take or give
        )
        self.lag = 0  # how long ago what was taken in last had been received, while more waits [ns]
        self.unheard: tuple[int, int] | None = None  # see Engine.unheard
        self._moved_at = time.monotonic()
        self._awake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="analytics", daemon=True)

    def start(self) -> None:
        """Take up the state of the last run and follow the log from there."""
        self._begin()
        self._thread.start()

    def wake(self) -> None:
        """Something was appended to the log."""
        self._awake.set()

    def stop(self) -> None:
        """End the thread after the batch at hand, and save the state."""
        self._ending.set()
        self._awake.set()
        if self._thread.ident is not None:
            self._thread.join()
            self._save()

    def use_rules(self, rules: tuple[CustomRule, ...]) -> None:
        """Engineers' rules, checked, that are in force from the next batch on. From any thread."""
        self._custom = rules
        self.engine.custom.replace(rules)

    def behind(self) -> int:
        """Batches in the log that are not taken in yet."""
        return max(0, self._telemetry.position() - self._position)

    def caught_up(self) -> bool:
        """Everything in the log is taken in, and its facts are written."""
        return self._written >= self._telemetry.position()

    def passed(self) -> int:
        """The time, by the clock, up to which everything is told: what came, and who fell silent. [ns]

        0 until that was so once. It stands still while there is a backlog.
        """
        return self._passed

    def saved(self) -> int:
        """The position that a restart goes on from: what is behind it in the log is still needed."""
        return self._saved

    def still_for_s(self) -> float:
        """How long ago the last step ended. [s]"""
        return time.monotonic() - self._moved_at

    def trouble(self) -> str:
        """What is wrong, in words; "" when well."""
        if self._thread.ident is not None and not self._thread.is_alive():
            return "has ended"
        return self._trouble

    def _begin(self) -> None:
        """Engine and position from the snapshot; without one, from the log's beginning or its last day."""
        self._todo.clear()
        self._cut = None
        found = self._restored()
        if found is None:
            old = self.engine
            self.engine = Engine(old.layout.catalogue, old.zone, old.lateness, old.sharing)
            self.engine.custom.replace(self._custom)
            self._position = 0
            self._cut = Cut(self._clock.now() - LOOK_BACK, self._telemetry.position())
        else:
            self._position, self.engine = found
        self._written = self._saved = self._position
        self._long_ago = LongAgo(self.engine, self._telemetry, long_ago.restored(self._path))
        self._adopt()

    def _restored(self) -> tuple[int, Engine] | None:
        try:
            saved = checkpoint.load(self._path)
            if saved is None:
                return None
            position, state = saved
            if position > self._telemetry.position():
                need = f"is of another log: it ends at batch {self._telemetry.position()}"
                raise StoreError(str(self._path), need, position)
            old = self.engine
            return position, Engine.restore(
                state, old.layout.catalogue, old.zone, old.lateness, self._custom, old.sharing
            )
        except StoreError as error:
            log.warning("%s; analytics reads the log again instead", error)
            return None

    def _adopt(self) -> None:
        """Let the engine clear what stands in the book: it may not have seen it raised."""
        adopt(self.engine, self._operations.conditions())

    def _run(self) -> None:
        saved, cost = time.monotonic(), 0.0
        while not self._ending.is_set():
            moved = self._try()
            # Twenty times what it costs: a large state does not eat its own machine.
            if time.monotonic() - saved >= max(self._save_every, 20 * cost):
                started = time.monotonic()
                self._save()
                saved = time.monotonic()
                cost = saved - started
            if not moved:
                self._awake.wait(1.0)
                self._awake.clear()

    def _try(self) -> bool:
        """One step; what fails is logged, counted and done again."""
        try:
            moved = self._step()
        except Exception as error:
            self._failed(error)
            return False
        finally:
            self._moved_at = time.monotonic()
        self._trouble, self.refused = "", None
        return moved

    def _step(self) -> bool:
        """Write what is still to be written, then take in the next batches. False: nothing was there."""
        self._write()
        self._at_hand = None
        now = self._clock.now()
        # Asked before the log is: what was received by then is in what the log gives.
        taken = self._taken(now)
        self.engine.count_from(self._hearing.since)
        batches = self._telemetry.since(self._position, self._suspects.limit(self._position))
        if batches:
            self._take(batches, now, taken)
        else:
            self.lag = 0
            self._todo.append(self.engine.advance(min(now - SETTLE, taken)))
            if (found := self._long_ago.step(now)) is not None:
                self._todo.append(found)
        self.unheard = self.engine.unheard
        self._write()
        self._written = self._position
        if not batches:
            self._passed = now
        metrics.ENGINE_BEHIND.set(self.behind())
        return bool(batches) or self._long_ago.working

    def _take(self, batches: list[Stored], now: int, taken: int) -> None:
        """Batch by batch, so that a replay judges each as it was judged; together only when far behind."""
        together = len(batches) > TOGETHER
        for group in [batches] if together else [[b] for b in batches]:
            self._at_hand = group[0].position, group[-1].position
            self._process(group, now, taken)
            self._position = group[-1].position

    def _process(self, group: list[Stored], now: int, taken: int) -> None:
        wanted = [
            b for b in group if b.position not in self._suspects.left_out and self._in_reach(b)
        ]
        readings = Readings.concat([b.readings for b in wanted])
        if not len(readings):
            return
        with metrics.ENGINE_SECONDS.time():
            self._todo.append(self.engine.process(readings, now))
            self._long_ago.note(self._todo[-1], now)
            newest = int(readings.received.max())
            self.lag = max(0, now - newest)
            if self.lag < LIVE:
                self._todo.append(self.engine.advance(min(newest, taken)))
        metrics.ENGINE_READINGS.inc(len(readings))

    def _in_reach(self, batch: Stored) -> bool:
        return self._cut is None or self._cut.reaches(batch)

    def _write(self) -> None:
        """Write facts in order. Each step may be done twice: a failure repeats the whole of it."""
        while self._todo:
            self._todo = deque([merged(self._todo)])
            facts = self._todo[0] if self._cut is None else self._cut.whole(self._todo[0])
            self._telemetry.correct_flags(facts.flags)
            self._telemetry.put_derived(facts.derived)
            for step, rollups in facts.rollups.items():
                self._telemetry.put_rollups(step, rollups)
            anew = {s: self._telemetry.recompute(s, *named) for s, named in facts.stale.items()}
            for step, rollups in anew.items():
                self._telemetry.put_rollups(step, rollups)
            self._operations.put_quality(records_of(facts.failures, self.engine.layout.catalogue))
            # Causes first: what follows from them is then told under them.
            self._book.tell([Told(**asdict(o)) for o in facts.outages])
            self._book.apply(facts.transitions, details=facts.details)
            self._book.apply(facts.custom, self.engine.custom.codes)
            self._todo.popleft()
            if len(facts.derived):
                self._hub.publish("readings", facts.derived)
            now = self._clock.now()
            self._todo.extend(self.engine.amend(s, r, now) for s, r in anew.items() if len(r))
        if self._cut is not None and self._cut.passed(self._position):
            self._cut = None
        if self._cut is None:
            self.settled = self.engine.watermark

    def _failed(self, error: Exception) -> None:
        self._trouble = str(error) if isinstance(error, UrbanError) else repr(error)
        metrics.ENGINE_FAILURES.inc()
        if isinstance(error, StoreError):
            # The store is away: nothing is given up, however long it takes.
            self.refused = error
            log.warning("analytics waits for the store at batch %d: %s", self._position, error)
            return
        log.exception("analytics failed at batches %s", self._at_hand)
        if self._at_hand is not None:
            self._suspects.blame(*self._at_hand, self._trouble)
        self._recover()

    def _recover(self) -> None:
        # The engine may hold half a batch: go back to the last state that is known to be whole.
        try:
            self._begin()
        except Exception:
            log.exception("analytics could not go back to its last snapshot")

    def _save(self) -> None:
        """Save the state, unless facts of it are still to be written."""
        if self._todo:
            return
        try:
            position = self._position
            # First: a batch behind the snapshot names its days again, one before it would not.
            long_ago.save(self._path, self._long_ago.noted)
            checkpoint.save(self._path, position, self.engine.snapshot())
            self._saved = position
        except StoreError as error:
            log.warning("%s", error)
