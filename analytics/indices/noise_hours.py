"""Readings of sound level meters → energy by the hour → LAeq, Lden and what is over the limit.

Roll-ups hold means of decibels, which say nothing of energy: so energies are summed here, reading by
reading, and a reading whose flag is another one later is put in or taken out.
"""

from __future__ import annotations

import numpy as np

from analytics.indices import noise
from analytics.indices.calendar import LocalCalendar
from analytics.indices.hour_ring import ROW
from analytics.indices.station_hours import BEFORE, KEPT, Plan, Rule, StationHours, When
from analytics.layout import Layout
from analytics.limits import NOISE_AREA, Limits
from analytics.rows import segments
from analytics.snapshot import Tables
from analytics.table import Table
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Index, Mask, Values
from telemetry.clock import HOUR
from telemetry.flags import counts_in_windows
from telemetry.readings import Readings

LEVEL = "laeq"
INPUTS = ("energy", "count")
TENTHS = 10
LAST = 64  # readings whose flag may still become another one: ten minutes at one in ten seconds
_NONE = np.zeros(0, np.int64)


class NoiseHours(StationHours):
    """State per meter, beside its hours: its last readings' times, negative where one does not count."""

    def __init__(self, layout: Layout, limits: Limits, calendar: LocalCalendar) -> None:
        self._limits = limits
        plan = Plan(
            name="noise",
            inputs=INPUTS,
            additive=True,
            hourly=(Rule(tells={"laeq_1h": TENTHS, "noise_over_limit": TENTHS}, judge=self._hour),),
            daily=(
                Rule(tells=dict.fromkeys(("lday", "levening", "lnight", "lden"), TENTHS), judge=_parts),
                Rule(tells={"laeq_day": TENTHS, "laeq_night": TENTHS}, judge=_by_limits),
            ),
        )  # fmt: skip
        super().__init__(plan, layout, calendar)
        self._level = layout.kinds.quantity_code.get(LEVEL, -1)
        self._heard = Table({"heard": (np.int64, 0)})
        self._last = Table({"time": (np.int64, 0)}, width=LAST)
        self._pending: tuple[Index, AnyArray] | None = None
        self._touched = _NONE

    def grow(self, first: int) -> None:
        """Give rows to the meters among the devices from code `first` on."""
        super().grow(first)
        self._heard.grow(len(self.members))
        self._last.grow(len(self.members))

    def tables(self) -> Tables:
        """The state."""
        own = {"noise_heard": (self.members, self._heard), "noise_last": (self.members, self._last)}
        return {**super().tables(), **own}

    def hear(self, judged: Readings, corrected: Readings, now: int) -> Readings:
        """Sum the energies of readings that count, by the last word on each."""
        new, old = last_word(self._ours(judged), self._ours(corrected))
        parts = [self._new(new), self._flagged_anew(old)]
        key, sums = _grouped(*(np.concatenate(c) for c in zip(*parts, strict=True)))
        if len(key):
            number = key % ROW
            if int(number.max()) - int(number.min()) >= KEPT:
                self._pending = key, sums  # more than a ring holds: judged together with it
            else:
                self._touched = self._ring.add(key, sums)
        return Readings.empty()

    def news(self, rollups: Rollups) -> tuple[Index, Index, Values]:
        """What `hear` could not put into the ring itself."""
        if self._pending is None:
            return _NONE, _NONE, np.zeros(0)
        (key, sums), self._pending = self._pending, None
        place = np.tile(np.arange(len(INPUTS)), len(key))
        return np.repeat(key, len(INPUTS)), place, sums.ravel()

    def touched(self) -> Index:
        """Hours that have ended already and have other readings now."""
        found, self._touched = self._touched, _NONE
        return np.asarray(found[found % ROW < self._closed])

    def _ours(self, readings: Readings) -> Readings:
        mine: Mask = (readings.quantity == self._level) & ~np.isnan(readings.value)
        mine &= self.members.row[readings.device] >= 0
        return readings.take(mine)

    def _new(self, readings: Readings) -> tuple[Index, AnyArray]:
        row = self.members.row[readings.device].astype(np.int64)
        order = np.lexsort((readings.time, row))
        row, readings = row[order], readings.take(order)
        counts = counts_in_windows(readings.flag)
        starts, _ = segments(row)
        length = np.diff(np.append(starts, len(row)))
        place = np.arange(len(row)) - np.repeat(starts, length)
        kept = place >= np.repeat(length, length) - LAST
        slot = (self._heard["heard"][row] + place) % LAST + row * LAST
        self._last["time"][slot[kept]] = np.where(counts, readings.time, -readings.time)[kept]
        self._heard["heard"][row[starts]] += length
        return _energies(row[counts], readings.take(counts), np.ones(int(counts.sum())))

    def _flagged_anew(self, readings: Readings) -> tuple[Index, AnyArray]:
        row = self.members.row[readings.device].astype(np.int64)
        known = self._last["time"][row[:, None] * LAST + np.arange(LAST)]
        match = np.abs(known) == readings.time[:, None]
        there = np.flatnonzero(match.any(axis=1))
        place = match[there].argmax(axis=1)
        row, readings = row[there], readings.take(there)
        counted = known[there, place] > 0
        counts = counts_in_windows(readings.flag)
        self._last["time"][row * LAST + place] = np.where(counts, readings.time, -readings.time)
        change = counts.astype(np.float64) - counted
        which = np.flatnonzero(change)
        return _energies(row[which], readings.take(which), change[which])

    def _hour(self, hours: AnyArray, when: When) -> list[Values]:
        level = np.round(noise.level(_mean_energy(hours[:, 0])), 1)
        area = self._limits.of(NOISE_AREA, when.device)
        clock = when.calendar.clock(when.number)
        return [level, level - noise.limit(area, when.day(), clock)]


def last_word(judged: Readings, corrected: Readings) -> tuple[Readings, Readings]:
    """(new readings with the last word on each, corrections of readings that came before)."""
    if not len(corrected):
        return judged, corrected
    n = len(judged)
    device = np.concatenate([judged.device, corrected.device])
    time = np.concatenate([judged.time, corrected.time])
    order = np.lexsort((time, device))  # stable: what is judged stands before its correction
    same = (np.diff(device[order]) == 0) & (np.diff(time[order]) == 0)
    first, second = order[:-1][same], order[1:][same]
    both = (first < n) & (second >= n)
    flag = judged.flag.copy()
    flag[first[both]] = corrected.flag[second[both] - n]
    earlier = np.ones(len(corrected), dtype=bool)
    earlier[second[both] - n] = False
    return judged.with_flag(flag), corrected.take(earlier)


def _energies(row: Index, readings: Readings, sign: Values) -> tuple[Index, AnyArray]:
    """(hour's key, [energy, count]) of readings to put in (+1) or take out (-1)."""
    energy = sign * noise.energy(readings.value)
    return row * ROW + readings.time // HOUR, np.column_stack([energy, sign])


def _grouped(key: Index, values: AnyArray) -> tuple[Index, AnyArray]:
    """Keys once each, ascending, with their sums."""
    different, place = np.unique(key, return_inverse=True)
    sums = np.zeros((len(different), values.shape[1]))
    np.add.at(sums, place, values)
    return different, sums


def _mean_energy(hours: AnyArray) -> Values:
    """Mean energy of hours [..., energy and count]; NaN where too few readings are there."""
    energy, count = hours[..., 0], hours[..., 1]
    out = np.full(energy.shape, np.nan)
    return np.asarray(np.divide(energy, count, out=out, where=count >= noise.NEED))


def _of_day(hours: AnyArray, when: When) -> tuple[AnyArray, AnyArray]:
    """(mean energies, clock) of the day's own hours, [n, 25] each; clock -1 beyond its end."""
    own = _mean_energy(hours[:, BEFORE:])
    place = np.arange(own.shape[1])
    number = when.calendar.first_hour(when.number)[:, None] + place
    clock = np.where(place < when.length()[:, None], when.calendar.clock(number), -1)
    return own, clock


def _parts(hours: AnyArray, when: When) -> list[Values]:
    own, clock = _of_day(hours, when)
    day = noise.within(own, clock, *(np.array(h) for h in noise.DAY))
    evening = noise.within(own, clock, *(np.array(h) for h in noise.EVENING))
    night = noise.within(own, clock, np.array(noise.EVENING[1]), np.array(noise.DAY[0]))
    return [day, evening, night, noise.lden(day, evening, night)]


def _by_limits(hours: AnyArray, when: When) -> list[Values]:
    own, clock = _of_day(hours, when)
    first, last = noise.day_hours(when.number)
    return [noise.within(own, clock, first, last), noise.within(own, clock, last, first)]
