"""Readings that the watermark has passed: their last flags, their minutes, and their part of the hours.

Goes through event time piece by piece, an hour at most, so that what an hour finds out does not depend
on how the readings came. The newest value of a series with a spike test is not settled yet: its minute
and its hour are told with it, and the hour takes it in when the next value has come.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.closing import Closing
from analytics.facts import Failures, Named
from analytics.layout import Layout
from analytics.quality import FIRST, STATE, Quality
from analytics.recent import Entries, Recent
from analytics.rows import distinct, segments
from analytics.slots import gather
from analytics.table import Table
from analytics.verdicts import Tally, Test
from analytics.windows import Missing, Windows, named, rollups_of
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Flags, Index, Mask, Times, Values
from telemetry.clock import HOUR, MINUTE
from telemetry.flags import Flag

_BYTES = np.dtype((np.void, STATE.itemsize))


@dataclass(frozen=True, slots=True)
class Piece:
    """Entries of one hour that are complete: sorted by (series, time), in segments of a series each.

    last     the flag of each by all that is known, for the minutes
    settled  the same without what readings after this piece say
    """

    entries: Entries
    starts: Index
    ends: Index
    last: Flags
    settled: Flags

    @property
    def touched(self) -> Index:
        """The series that have entries here, ascending."""
        return self.entries.series[self.starts].astype(np.intp)


class Settling:
    """State per series: the newest value that the watermark has passed.

    told  it counts in its minute as that was told; held  its hour does not have it yet
    """

    def __init__(
        self, layout: Layout, quality: Quality, recent: Recent, closing: Closing, hours_kept: int
    ) -> None:
        self._layout = layout
        self._quality = quality
        self._recent = recent
        self._closing = closing
        self.windows = Windows(layout, HOUR, hours_kept, self.newest)
        self.table = Table({"state": (STATE, FIRST)})
        self.boundary = 0  # everything measured before it is settled
        self.hour = 0  # number of the hour that is under way; 0: none
        self.minutes: list[Rollups] = []
        self.stale: list[Missing] = []  # minutes
        self.hours: list[tuple[Rollups, Named]] = []
        self.flagged: list[tuple[Entries, Flags]] = []  # with the flag that each has now
        self.tally = Tally()
        self.failures: list[Failures] = []

    def settle(self, watermark: int) -> None:
        """Event time has come to `watermark`: minutes and hours that ended by then are closed."""
        boundary = watermark // MINUTE * MINUTE
        if boundary <= self.boundary:
            return
        self.boundary = boundary
        whole = self._recent.before(boundary)
        hour = whole.time // HOUR
        for number in distinct(hour):
            self._end_hours(number)
            which = hour == number
            self._piece(whole if which.all() else whole.take(which))
            self.hour = number
        self._end_hours(boundary // HOUR)
        self.windows.advance(boundary)

    def tell(self) -> tuple[dict[int, list[Rollups]], dict[int, list[Named]]]:
        """Step → windows that closed or were corrected since the last call, and those to compute anew."""
        self.hours.append(self.windows.tell())
        rollups = {MINUTE: self.minutes, HOUR: [told for told, _ in self.hours]}
        stale = {
            MINUTE: [named(self._layout, self.stale, MINUTE)],
            HOUR: [old for _, old in self.hours],
        }
        self.minutes, self.stale, self.hours = [], [], []
        return rollups, stale

    def tell_failures(self) -> Failures:
        """Which tests readings failed, of the hours that ended since the last call."""
        found, self.failures = Failures.concat(self.failures), []
        return found

    def passed(self, entries: Entries) -> None:
        """Entries in order that come after their minutes were closed: those are to be computed anew."""
        self._piece(entries, on_time=False)

    def add(self, series: Index, time: Times, value: Values, flag: Flags) -> None:
        """Values for windows that are closed: sorted by (series, time)."""
        ones = np.ones(len(series), dtype=bool)
        minutes = gather(series, time, value, ones, ones, MINUTE)
        self.stale.append((minutes.series, minutes.slots["window"].astype(np.int64)))
        self.windows.add(gather(series, time, value, flag == Flag.GOOD, ones, HOUR))

    def newest(self, series: Index) -> tuple[Times, Values, Mask]:
        """(time, value, whether it counts) of values that are held: what hours don't have yet."""
        state = self.state(series)
        return state["time"], state["value"], state["held"] & state["told"]

    def state(self, series: Index) -> AnyArray:
        """The newest settled value of series."""
        found: AnyArray = self.table["state"].take(series)
        return found

    def _piece(self, entries: Entries, on_time: bool = True) -> None:
        starts, ends = segments(entries.series)
        more, why = self._closing.rows(entries, on_time)
        of_next = _of_next(entries, ends)
        settled = np.maximum(np.maximum(entries.flag, of_next), more)
        piece = Piece(entries, starts, ends, np.maximum(entries.known, more), settled)
        anew = np.flatnonzero(more > entries.known)
        if len(anew):
            self.flagged.append((entries.take(anew), piece.last[anew]))
        old = self.state(piece.touched)
        self._count(piece, old, why, of_next)
        held = self._before(piece, old)
        self._tell_minutes(piece, on_time)
        self._into_hours(piece, old, *held)
        self._remember(piece, old)

    def _count(self, piece: Piece, old: AnyArray, why: AnyArray, of_next: Flags) -> None:
        """Note which tests the entries fail, and those before them whose next one has come."""
        spike = np.where(of_next > Flag.GOOD, Test.SPIKE.bit, 0).astype(np.uint16)
        self.tally.add(piece.entries.series, why | piece.entries.why | spike, piece.settled)
        back = piece.entries.back[piece.starts]
        before = np.where((back > Flag.GOOD) & (old["flag"] > 0), Test.SPIKE.bit, 0)
        self.tally.add(piece.touched, before, back)

    def _before(self, piece: Piece, old: AnyArray) -> tuple[Index, Mask, Mask]:
        """The values before each segment: the next one has come, so their hours can have them.

        (segments whose value before was held, whether it counts, whether that is news).
        """
        flag = np.maximum(old["flag"], piece.entries.back[piece.starts])
        counts = flag == Flag.GOOD
        wrong = (old["flag"] > 0) & (counts != old["told"])
        at = np.flatnonzero(wrong)
        self.stale.append((piece.touched[at], old["time"][at] // MINUTE))
        held = np.flatnonzero(old["held"])
        return held, counts[held], wrong[held]

    def _tell_minutes(self, piece: Piece, on_time: bool) -> None:
        e = piece.entries
        groups = gather(
            e.series, e.time, e.value, piece.last == Flag.GOOD, np.ones(len(e), dtype=bool), MINUTE
        )
        if on_time:
            self.minutes.append(rollups_of(self._layout, groups.series, groups.slots, MINUTE))
        else:
            self.stale.append((groups.series, groups.slots["window"].astype(np.int64)))

    def _into_hours(
        self, piece: Piece, old: AnyArray, held: Index, held_counts: Mask, held_news: Mask
    ) -> None:
        """The settled entries, each series' held value before its own; one that is held now makes its hour known."""
        e = piece.entries
        counts = piece.settled == Flag.GOOD
        counts[piece.ends[self._quality.spiky(piece.touched)]] = False
        place = piece.starts[held] + np.arange(len(held))  # of held values among all
        rest = np.ones(len(e) + len(held), dtype=bool)
        rest[place] = False

        def both(of_held: AnyArray, of_entries: AnyArray) -> AnyArray:
            out = np.empty(len(rest), dtype=of_entries.dtype)
            out[place], out[rest] = of_held, of_entries
            return out

        s = both(e.series[piece.starts[held]], e.series)
        time, value = both(old["time"][held], e.time), both(old["value"][held], e.value)
        news = both(held_news, np.ones(len(e), dtype=bool))
        self.windows.add(gather(s, time, value, both(held_counts, counts), news, HOUR))

    def _remember(self, piece: Piece, old: AnyArray) -> None:
        e, ends = piece.entries, piece.ends
        new = np.zeros(len(ends), STATE)
        new["time"], new["value"], new["length"] = e.time[ends], e.value[ends], e.length[ends]
        new["flag"] = piece.settled[ends]
        new["told"] = piece.last[ends] == Flag.GOOD
        new["held"] = self._quality.spiky(piece.touched)
        single = piece.starts == ends
        new["before"] = np.where(single, old["value"], e.value[np.maximum(ends - 1, 0)])
        # The run's first value lies in this piece where it is no longer than its segment.
        first = ends - e.length[ends] + 1
        here = first >= piece.starts
        new["anchor"] = np.where(here, e.value[np.maximum(first, 0)], old["anchor"])
        new["since"] = np.where(here, e.time[np.maximum(first, 0)], old["since"])
        self.table["state"].view(_BYTES)[piece.touched] = new.view(_BYTES)

    def _end_hours(self, number: int) -> None:
        """Hours before `number` have ended."""
        if not 0 < self.hour < number:
            return
        self.windows.advance((self.hour + 1) * HOUR)
        self.hours.append(self.windows.tell())
        self._closing.hour(self.hour)
        self.failures.append(failures_of(self._layout, self.hour, self.tally))
        self.hour = 0


def failures_of(layout: Layout, hour: int, tally: Tally) -> Failures:
    """What a tally counted in an hour; it begins anew."""
    series, test, count, worst = tally.take()
    device, quantity = layout.series["device"][series], layout.series["quantity"][series]
    return Failures(device, quantity, np.full(len(series), hour * HOUR), test, count, worst)


def _of_next(entries: Entries, ends: Index) -> Flags:
    """What the next entry of the same segment says of each; 0 for the last ones."""
    found = np.zeros(len(entries), dtype=np.uint8)
    found[:-1] = entries.back[1:]
    found[ends] = 0
    return found
