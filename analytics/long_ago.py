"""Readings that come days late → the flags and indices of those days, by an engine of their own.

The engine remembers two days and a half of hours. What comes later than that (a year's backfill, a logger
that was found again) is noted here by device and local day; when nothing else waits, those days are read
from the store in order of time, a page at a time, and taken in by a new engine of just these devices. It
tells what rests on hours and days; alerts of days long gone are nobody's work any more.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np

from analytics import checkpoint
from analytics.engine import Engine
from analytics.facts import NO_ROLLUPS, Facts, last_readings
from analytics.indices.calendar import LocalCalendar
from analytics.indices.station_hours import KEPT, REACH
from devices.device import Catalogue, Device
from store.telemetry import Series, TelemetryStore
from telemetry.arrays import Codes16, Codes32
from telemetry.clock import DAY, HOUR, MINUTE, SECOND
from telemetry.errors import StoreError
from telemetry.flags import Flag
from telemetry.readings import Readings

log = logging.getLogger(__name__)

# Hours that began longer ago than this, before the watermark, the engine itself may not judge any more.
OURS = (KEPT - REACH) * HOUR
BEFORE = 38 * HOUR  # what a day's tests and indices look back on
QUIET = 10 * SECOND  # a day that still gets readings is left alone
DAYS, DEVICES, PAGE = 7, 50, 20_000  # at once
PART = 6 * HOUR  # of event time at once

Noted = dict[str, dict[int, int]]  # device → local day → when it was noted last [ns]


class LongAgo:
    """Days to be taken in anew, and the work on them, a page of readings at each `step`."""

    def __init__(
        self, engine: Engine, telemetry: TelemetryStore, noted: Noted | None = None
    ) -> None:
        self.noted: Noted = noted or {}
        self._engine, self._telemetry = engine, telemetry
        self._calendar = LocalCalendar(engine.zone)
        self._work: Iterator[Facts] = iter(())
        self.working = False  # the next step may follow at once
        told = np.array(sorted(engine.of_hours()), dtype=np.int16)
        # What a device may send itself is never taken back.
        self._told: Codes16 = told[~engine.layout.kinds.accepted[:, told].any(axis=0)]

    def note(self, facts: Facts, now: int) -> None:
        """Hours that were told, or named for the store to compute anew: their days, if they are long ago."""
        told = facts.rollups.get(HOUR, NO_ROLLUPS)
        parts = [(told.device, told.start)]
        if HOUR in facts.stale:
            parts.append(facts.stale[HOUR][::2])
        device, start = (np.concatenate(c) for c in zip(*parts, strict=True))
        old = start < self._engine.watermark - OURS
        if not old.any():
            return
        day = self._calendar.day(start[old] // HOUR)
        pairs = np.unique(np.stack([device[old].astype(np.int64), day]), axis=1)
        for code, number in pairs.T.tolist():
            self.noted.setdefault(self._devices[code].id, {})[number] = now

    def step(self, now: int) -> Facts | None:
        """A page further. None: nothing is due."""
        found = next(self._work, None)
        if found is None and (due := self._due(now)) is not None:
            self._work = self._taken_in(due)
            found = next(self._work, None)
        self.working = found is not None
        return found

    @property
    def _devices(self) -> Sequence[Device]:
        return self._engine.layout.catalogue.devices

    def _due(self, now: int) -> Noted | None:
        """The earliest days at which nothing comes any more, of some devices."""
        quiet = {
            name: {d: at for d, at in days.items() if now - at >= QUIET}
            for name, days in self.noted.items()
        }
        quiet = {name: days for name, days in quiet.items() if days}
        if not quiet:
            return None
        first = min(min(days) for days in quiet.values())
        near = {
            n: {d: at for d, at in days.items() if d < first + DAYS} for n, days in quiet.items()
        }
        return {n: near[n] for n in sorted(n for n, days in near.items() if days)[:DEVICES]}

    def _taken_in(self, due: Noted) -> Iterator[Facts]:
        """Page by page; at the end what the days tell. They are noted no longer then."""
        days = [d for found in due.values() for d in found]
        # The day after the last one rests on its evening.
        bounds = np.array([min(days), max(days) + 2])
        start, end = (self._calendar.first_hour(bounds) * HOUR).tolist()
        work = _Days(self._engine, self._telemetry, list(due), self._told)
        for _ in work.pages(start - BEFORE, end):
            yield Facts()
        # What is nearer is told by the engine itself, which knows all that is live.
        yield work.facts(start, min(end, self._engine.watermark - OURS + REACH * HOUR))
        self._forget(due)

    def _forget(self, done: Noted) -> None:
        for name, days in done.items():
            again = {d: at for d, at in self.noted[name].items() if days.get(d) != at}
            if again:
                self.noted[name] = again
            else:
                del self.noted[name]


class _Days:
    """Some devices' readings through an engine that knows no others. Codes inside are its own."""

    def __init__(
        self, engine: Engine, telemetry: TelemetryStore, names: Sequence[str], told: Codes16
    ) -> None:
        """told: the derived quantities that are asked for."""
        whole = engine.layout.catalogue
        self._telemetry, self._told = telemetry, told
        codes = [whole.code(n) for n in names]
        self._codes: Codes32 = np.array(sorted(c for c in codes if c is not None), dtype=np.int32)
        known = Catalogue(whole.kinds)
        for code in self._codes.tolist():
            known.put(whole.devices[code])
        self._engine = Engine(known, engine.zone, engine.lateness)
        kinds = whole.kinds
        self._measured: Codes16 = np.flatnonzero(kinds.accepted.any(axis=0)).astype(np.int16)
        self._found: list[Facts] = []

    def pages(self, start: int, end: int) -> Iterator[int]:
        """Take in the readings of [start, end) in order of time; gives how many, page by page."""
        for page in self._read(self._measured, start, end):
            own = np.searchsorted(self._codes, page.device)
            batch = Readings.of(own, page.quantity, page.time, page.value, page.flag, page.time)
            for part in _in_parts(batch):
                self._found.append(self._kept(self._engine.process(part, int(part.time[-1]))))
            yield len(page)
        # Time goes on until every window and every day of them is closed.
        for later in range(0, DAY + HOUR + self._engine.lateness, HOUR):
            self._found.append(self._kept(self._engine.advance(end + later)))

    def facts(self, start: int, end: int) -> Facts:
        """What is told of [start, end): flags that grew worse, derived values, and those that go."""
        flags = self._within(Readings.concat([f.flags for f in self._found]), start, end)
        derived = self._within(Readings.concat([f.derived for f in self._found]), start, end)
        told = last_readings(derived)
        told = told.take(told.flag != Flag.MISSING)
        windows = {s: (flags.device, flags.quantity, flags.time // s * s) for s in (MINUTE, HOUR)}
        derived = Readings.concat([told, self._gone(told, start, end)])
        return Facts(flags=flags, derived=derived, stale=windows if len(flags) else {})

    def _kept(self, facts: Facts) -> Facts:
        """Only what is told in the end: roll-ups need not be held until then."""
        asked = np.isin(facts.derived.quantity, self._told)
        return Facts(flags=facts.flags, derived=facts.derived.take(asked))

    def _within(self, readings: Readings, start: int, end: int) -> Readings:
        own = readings.take((readings.time >= start) & (readings.time < end))
        return Readings(self._codes[own.device], *own.columns()[1:])

    def _gone(self, told: Readings, start: int, end: int) -> Readings:
        """Derived values that are stored and no longer follow, as NaN and MISSING."""
        stored = Readings.concat(list(self._read(self._told, start, end)))
        stored = stored.take(stored.flag != Flag.MISSING)
        lost = stored.take(~np.isin(stored.identity(), told.identity()))
        n = len(lost)
        return Readings.of(
            lost.device, lost.quantity, lost.time, np.full(n, np.nan), int(Flag.MISSING), lost.time
        )

    def _read(self, quantities: Codes16, start: int, end: int) -> Iterator[Readings]:
        after: tuple[int, int, int] | None = None
        while True:
            page = self._telemetry.raw(Series(self._codes, quantities), start, end, PAGE, after)
            if len(page):
                yield page
            if len(page) < PAGE:
                return
            after = int(page.time[-1]), int(page.device[-1]), int(page.quantity[-1])


def _in_parts(batch: Readings) -> Iterator[Readings]:
    """Readings in order of time, cut so that no part forgets at its end what its beginning rests on."""
    cuts = np.flatnonzero(np.diff(batch.time // PART)) + 1
    for start, end in itertools.pairwise([0, *cuts.tolist(), len(batch)]):
        yield batch.take(slice(start, end))


def save(snapshot: Path, noted: Noted) -> None:
    """Keep the days beside the snapshot. Raises StoreError where they can't be written."""
    path = _beside(snapshot)
    if noted or path.exists():
        checkpoint.replace(
            path, msgspec.json.encode({n: sorted(days) for n, days in noted.items()})
        )


def load(snapshot: Path) -> Noted:
    """The days that were kept beside a snapshot. Raises StoreError where they can't be read."""
    path = _beside(snapshot)
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, list[int]])
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StoreError(str(path), f"can't be read ({error.strerror})") from None
    except msgspec.DecodeError as error:
        raise StoreError(str(path), f"must hold days by device: {error}") from None
    return {name: dict.fromkeys(days, 0) for name, days in found.items()}


def restored(snapshot: Path) -> Noted:
    """The same; none, with a word in the log, where they can't be read."""
    try:
        return load(snapshot)
    except StoreError as error:
        log.warning("%s; readings that came days late may be without their indices", error)
        return {}


def _beside(snapshot: Path) -> Path:
    return snapshot.with_name(snapshot.name + ".days")
