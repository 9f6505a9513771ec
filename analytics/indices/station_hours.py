"""Hours of stations → indices of the hour, the local day and the year, told and corrected.

One mechanism for all that rests on hours: a rule is given hours and gives values. A rule is asked when its
hour or day has ended, and again when an hour that it rests on is another one; what is then another
value is told again, and what no longer is, is taken back with NaN and MISSING.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analytics.deriver import Deriver
from analytics.indices.calendar import LocalCalendar
from analytics.indices.hour_ring import NONE, ROW, HourRing, Timeline, Told
from analytics.indices.years import Years
from analytics.layout import Layout
from analytics.members import Members
from analytics.snapshot import Tables
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Codes32, Index, Mask, Values
from telemetry.clock import HOUR
from telemetry.flags import Flag
from telemetry.readings import Readings

REACH = 12  # hours that an hour's index may rest on: NowCast's
BEFORE = 7  # hours before a day that its first 8-hour mean rests on
DAY = BEFORE + 25  # the hours that a day's rule is given; a day has 23 to 25
SILENT = 2  # hours after the newest one that may still have an index: NowCast's two of three
KEPT = 60  # hours: a day, those before it, and more than a day for corrections
DAYS = 4


@dataclass(frozen=True, slots=True)
class When:
    """What is judged: [n] each. number: the hour or the local day; device: whose it is."""

    number: Index
    device: Codes32
    calendar: LocalCalendar

    def day(self) -> Index:
        """The local day in which each hour begins."""
        return self.calendar.day(self.number)

    def length(self) -> Index:
        """Hours of each local day."""
        first = self.calendar.first_hour
        return first(self.number + 1) - first(self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Derived quantities and how they follow from hours.

    tells   name → how many parts a unit is told in (1: whole numbers, 10: tenths)
    judge   (hours, when) → one column a quantity, NaN where it is not published.
            For hours: [n, REACH, inputs], the hour itself first, then those before it.
            For days: [n, DAY, inputs]: BEFORE hours before the day, oldest first, then the day's own;
            NaN beyond its end.
    """

    tells: dict[str, int]
    judge: Callable[[AnyArray, When], list[Values]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a deriver of this kind does.

    years    day quantities of which a year's mean is kept
    kept     hours that a station remembers: how late a correction may come
    before   whether days rest on the hours before them too
    precise  8 bytes a value; 4 where seven digits do
    """

    name: str
    inputs: tuple[str, ...]
    hourly: tuple[Rule, ...] = ()
    daily: tuple[Rule, ...] = ()
    years: Years | None = None
    additive: bool = False
    kept: int = KEPT
    before: bool = True
    precise: bool = True

    def quantities(self) -> tuple[str, ...]:
        """All that may be told."""
        rules = [q for r in (*self.hourly, *self.daily) for q in r.tells]
        return (*rules, *(self.years.tells if self.years else ()))


class StationHours(Deriver):
    """Follows a plan for the devices of every kind that declares one of its quantities.

    By default the inputs are means of the good values of an hour, from its roll-up.
    """

    def __init__(self, plan: Plan, layout: Layout, calendar: LocalCalendar) -> None:
        kinds = layout.kinds
        self.plan, self.calendar = plan, calendar
        self._code = kinds.quantity_code
        derived = [self._code[q] for q in plan.quantities() if q in self._code]
        declares = kinds.declared[:, derived] & ~kinds.accepted[:, derived]
        self.members = Members(plan.name, layout, declares.any(axis=1))
        self._place = np.full(len(kinds.quantities), -1)
        for place, name in enumerate(plan.inputs):
            if name in self._code:
                self._place[self._code[name]] = place
        self._ring = HourRing(plan.inputs, plan.kept, plan.additive, plan.precise)
        hourly = tuple(q for r in plan.hourly for q in r.tells)
        self._hours = Told(hourly, KEPT if hourly else 1)
        self._days = Told(tuple(q for r in plan.daily for q in r.tells), DAYS)
        self._closed = 0  # hours below it have ended

    def grow(self, first: int) -> None:
        """Give rows to the stations among the devices from code `first` on."""
        self.members.grow(first)
        rows = len(self.members)
        self._ring.grow(rows)
        for told in (self._hours, self._days):
            told.table.grow(rows)
        if self.plan.years:
            self.plan.years.grow(rows)

    def tables(self) -> Tables:
        """The state: by station, by station and hour, and what was told."""
        name, members = self.plan.name, self.members
        tables = {
            name: self._ring.stations,
            f"{name}_hours": self._ring.hours,
            f"{name}_told": self._hours.table,
            f"{name}_days": self._days.table,
        }
        if self.plan.years:
            tables |= self.plan.years.tables(name)
        return {n: (members, table) for n, table in tables.items()}

    def close(self, step: int, rollups: Rollups, watermark: int, now: int) -> Readings:
        """Take in hours that closed or were corrected; tell what follows from them.

        An hour or a day that rests on hours no longer kept stays as it was told.
        """
        if step != HOUR:
            return Readings.empty()
        before, self._closed = self._closed, max(self._closed, watermark // HOUR)
        key, place, value = self.news(rollups)
        touched = np.concatenate([key, self.touched()])
        if not len(touched) and before == self._closed:
            return Readings.empty()
        hours, days = self._due_hours(touched, before), self._due_days(touched, before)
        if not (len(key) or len(hours) or len(days)):
            return Readings.empty()
        line = self._ring.take(key, place, value, np.concatenate([hours, days]) // ROW)
        parts = [self._tell_hours(hours, line, now), self._tell_days(days, line, now)]
        return Readings.concat(parts)

    def news(self, rollups: Rollups) -> tuple[Index, Index, Values]:
        """(hour's key, place in the inputs, value) that are new; NaN where nothing counts any more."""
        row = self.members.row[rollups.device].astype(np.int64)
        place = self._place[rollups.quantity]
        ours = np.flatnonzero((row >= 0) & (place >= 0))
        mean = np.full(len(ours), np.nan)
        count = rollups.count[ours]
        np.divide(rollups.sum[ours], count, out=mean, where=count > 0)
        return row[ours] * ROW + rollups.start[ours] // HOUR, place[ours], mean

    def touched(self) -> Index:
        """Hours that have ended and are other ones since the last call, beside those of `news`."""
        return np.zeros(0, np.int64)

    def _due_hours(self, key: Index, before: int) -> Index:
        """Hours to judge: those with news and those that rest on them, and those that ended just now."""
        if not self.plan.hourly:
            return np.zeros(0, np.int64)
        due = [(np.unique(key)[:, None] + np.arange(REACH)).ravel()]
        if before != self._closed:
            due += [self._just_ended(before)]
        found = np.unique(np.concatenate(due))
        whole = self._ring.remembers(found - (REACH - 1))
        return np.asarray(found[whole & (found % ROW < self._closed)])

    def _just_ended(self, before: int) -> Index:
        newest = self._ring.stations["newest"][: len(self.members)].astype(np.int64)
        row = np.flatnonzero(newest > 0)
        after = (row * ROW + newest[row])[:, None] + np.arange(1, SILENT + 1)
        ended = np.concatenate([after.ravel(), self._open_hours(before)])
        return np.asarray(ended[(ended % ROW >= before) & (ended % ROW < self._closed)])

    def _open_hours(self, before: int) -> Index:
        # Only where news come before their hour has ended do hours wait in the ring for its end.
        return self._ring.keys() if self.plan.additive else np.zeros(0, np.int64)

    def _due_days(self, key: Index, before: int) -> Index:
        """Local days to judge: those that rest on hours with news, and those that ended just now."""
        if not self.plan.daily:
            return np.zeros(0, np.int64)
        hour = np.unique(key)
        touched = np.concatenate([hour, hour + BEFORE])
        if self._day_ended(before):
            touched = np.concatenate([touched, self._ring.keys()])
        found = np.unique(touched // ROW * ROW + self.calendar.day(touched % ROW))
        row, day = found // ROW, found % ROW
        first, end = self.calendar.first_hour(day), self.calendar.first_hour(day + 1)
        whole = self._ring.remembers(row * ROW + first - (BEFORE if self.plan.before else 0))
        return np.asarray(found[whole & (end <= self._closed)])

    def _day_ended(self, before: int) -> bool:
        if before == self._closed:
            return False
        was, now = self.calendar.day(np.array([before, self._closed])).tolist()
        return bool(was != now)

    def _tell_hours(self, due: Index, line: Timeline, now: int) -> Readings:
        if not len(due):
            return Readings.empty()
        when = When(due % ROW, self.members.device[due // ROW], self.calendar)
        hours = line.window(due, REACH)
        value, scale = _judged(self.plan.hourly, hours, when)
        changed, _ = self._hours.tell(due, value)
        names = self._hours.names
        return self.readings(due // ROW, when.number * HOUR, names, scale, value, changed, now)

    def _tell_days(self, due: Index, line: Timeline, now: int) -> Readings:
        if not len(due):
            return Readings.empty()
        row, day = due // ROW, due % ROW
        when = When(day, self.members.device[row], self.calendar)
        first, end = self.calendar.first_hour(day), self.calendar.first_hour(day + 1)
        number = (first - BEFORE)[:, None] + np.arange(DAY)
        hours = line.at(row[:, None] * ROW + number)
        hours[number >= end[:, None]] = np.nan
        value, scale = _judged(self.plan.daily, hours, when)
        changed, before = self._days.tell(due, value)
        parts = [self.readings(row, first * HOUR, self._days.names, scale, value, changed, now)]
        if self.plan.years:
            parts.append(self._years(row, day, before, value, changed, now))
        return Readings.concat(parts)

    def _years(
        self, row: Index, day: Index, before: AnyArray, value: AnyArray, changed: Mask, now: int
    ) -> Readings:
        years = self.plan.years
        assert years is not None
        which = [self._days.names.index(q) for q in years.days]
        news = np.flatnonzero(changed[:, which].any(axis=1))
        if not len(news):
            return Readings.empty()
        at, year, told, anew = years.take(
            row[news], day[news], before[news][:, which], value[news][:, which]
        )
        start = self.calendar.first_hour(self.calendar.first_day(year)) * HOUR
        return self.readings(at, start, tuple(years.tells), years.scale(), told, anew, now)

    def readings(
        self,
        row: Index,
        time: AnyArray,
        names: tuple[str, ...],
        scale: Values,
        value: AnyArray,
        changed: Mask,
        now: int,
    ) -> Readings:
        """Readings of the cells of `value` [n, names] that changed, in order of time."""
        code = np.array([self._code.get(q, -1) for q in names])
        at, column = np.nonzero(changed & (code >= 0))
        told = value[at, column]
        gone = told == NONE
        return Readings.of(
            self.members.device[row[at]],
            code[column],
            time[at],
            np.where(gone, np.nan, told / scale[column]),
            np.where(gone, Flag.MISSING, Flag.GOOD),
            now,
        )


def _judged(rules: tuple[Rule, ...], hours: AnyArray, when: When) -> tuple[AnyArray, Values]:
    """(what the rules say as whole numbers of their scale [n, quantities], the scale of each column)."""
    columns = [column for rule in rules for column in rule.judge(hours, when)]
    scale = np.array([s for rule in rules for s in rule.tells.values()], dtype=np.float64)
    table = np.stack(columns, axis=1) * scale
    whole = np.where(np.isnan(table), NONE, np.floor(np.round(table, 6) + 0.5))
    return whole.astype(np.int32), scale
