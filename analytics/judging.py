"""A batch in any order → flags that do not depend on it: rows in order at once, late ones put in their place.

A row that is late, but newer than what the watermark has passed, has its series judged anew from there
on. One that is older than that is judged by its range, and as far as it is newer than its series'
newest, by all tests.
"""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np

from analytics.closing import Closing
from analytics.layout import Layout
from analytics.limits import Limits
from analytics.quality import Judged, Quality
from analytics.recent import Entries, Recent
from analytics.rows import Rows, segments
from analytics.settling import Settling
from analytics.snapshot import Key, Logs, Tables
from telemetry.arrays import AnyArray, Flags, Index
from telemetry.readings import Readings


class Judging:
    """Quality of one partition: what came lately, and what is settled."""

    def __init__(self, layout: Layout, limits: Limits, zone: ZoneInfo, hours_kept: int) -> None:
        self._layout = layout
        self._quality = Quality(layout)
        self._anew: list[Rows] = []
        self.recent = Recent()
        self._closing = Closing(layout, limits, zone)
        self.settling = Settling(layout, self._quality, self.recent, self._closing, hours_kept)

    def grow(self, first: int) -> None:
        """The layout has devices from code `first` on that are new."""
        self._quality.table.grow(self._layout.n_series)
        self.settling.table.grow(self._layout.n_series)
        self.settling.windows.table.grow(self._layout.n_series)
        self._closing.grow()

    def tables(self) -> Tables:
        """The state: one row a series."""
        return {
            "quality": (Key.SERIES, self._quality.table),
            "settled": (Key.SERIES, self.settling.table),
            "hours": (Key.SERIES, self.settling.windows.table),
            **self._closing.tables(),
        }

    def logs(self) -> Logs:
        """The state that has no fixed number of rows."""
        return {"recent": self.recent, "tally": self.settling.tally}

    def take(self, rows: Rows) -> tuple[Flags, Flags, Readings]:
        """Judge rows: (flag of each when it came, flag by all that is known, readings flagged anew).

        The first is for alerts: it does not depend on whether the next value is in the same batch. The
        last word counts: one of the rows may be among the readings that are flagged anew.
        """
        came, known = rows.flag.copy(), rows.flag.copy()
        if not len(rows):
            return came, known, Readings.empty()
        late = self._quality.late(rows)
        parts = []
        for which, judge in (
            (~late, self._in_order),
            (late & (rows.time < self.settling.boundary), self._passed),
            (late & (rows.time >= self.settling.boundary), self._again),
        ):
            if which.any():
                came[which], known[which], corrected = judge(rows.take(which))
                parts.append(corrected)
        return came, known, Readings.concat(parts)

    def anew(self) -> list[Rows]:
        """Series that were judged anew since the last call: all their rows, with the flags for alerts."""
        found, self._anew = self._anew, []
        return found

    def settle(self, watermark: int) -> Readings:
        """Event time has come to `watermark`. Returns readings that are flagged anew by that."""
        self.settling.settle(watermark)
        found = [self._readings(e, f) for e, f in self.settling.flagged]
        self.settling.flagged = []
        return Readings.concat(found)

    def _in_order(self, rows: Rows) -> tuple[Flags, Flags, Readings]:
        touched = rows.touched
        old = self._quality.newest(touched)
        judged = self._quality.judge(rows, old)
        self._quality.remember(touched, judged.state)
        entries = _entries(rows, judged)
        back = judged.back[rows.starts]
        anew = np.flatnonzero((back > old["flag"]) & (old["flag"] > 0))
        if len(anew):
            self.recent.look_back(touched[anew], old["time"][anew], back[anew])
        if int(rows.time.min()) >= self.settling.boundary:
            self.recent.append(entries)
        else:
            passed = entries.time < self.settling.boundary
            self.settling.passed(entries.take(passed))
            self.recent.append(entries.take(~passed))
        return entries.flag, entries.known, self._flagged(touched[anew], old[anew], back[anew])

    def _passed(self, rows: Rows) -> tuple[Flags, Flags, Readings]:
        flags = self._quality.range_only(rows)
        self.settling.add(rows.series, rows.time, rows.value, flags)
        return flags, flags, Readings.empty()

    def _again(self, late: Rows) -> tuple[Flags, Flags, Readings]:
        """Judge the series of late rows anew, from the last settled value of each."""
        touched = late.touched
        before = self.recent.pull(touched)
        rows, kept, place = _put_in(before, late)
        old = self.settling.state(touched)
        judged = self._quality.judge(rows, old)
        self._quality.remember(touched, judged.state)
        entries = _entries(rows, judged)
        self.recent.append(entries)
        self._anew.append(replace(rows, flag=entries.flag))
        changed = np.flatnonzero(before.known != entries.known[kept])
        corrected = self._readings(before.take(changed), entries.known[kept[changed]])
        settled = self._settled_anew(touched, old, before, judged.back[rows.starts])
        return entries.flag[place], entries.known[place], Readings.concat([corrected, settled])

    def _settled_anew(
        self, touched: Index, old: AnyArray, before: Entries, back: Flags
    ) -> Readings:
        """The last settled values of series, where what follows on them is another value now."""
        said = np.zeros(len(touched), dtype=np.uint8)
        starts, _ = segments(before.series)
        said[np.searchsorted(touched, before.series[starts])] = before.back[starts]
        own = old["flag"]
        anew = np.flatnonzero((np.maximum(own, said) != np.maximum(own, back)) & (own > 0))
        return self._flagged(touched[anew], old[anew], np.maximum(own, back)[anew])

    def _flagged(self, series: Index, state: AnyArray, flag: Flags) -> Readings:
        """Newest values of series as readings with these flags."""
        s = self._layout.series
        return Readings.of(
            s["device"][series], s["quantity"][series], state["time"], state["value"], flag
        )

    def _readings(self, entries: Entries, flag: Flags) -> Readings:
        s = self._layout.series
        return Readings.of(
            s["device"][entries.series], s["quantity"][entries.series],
            entries.time, entries.value, flag,
        )  # fmt: skip


def _entries(rows: Rows, judged: Judged) -> Entries:
    return Entries(
        rows.series.astype(np.int32), rows.time, rows.value, rows.flag,
        judged.flag, judged.back, judged.hind, judged.why, judged.length.astype(np.int32),
    )  # fmt: skip


def _put_in(entries: Entries, late: Rows) -> tuple[Rows, Index, Index]:
    """Entries and late rows in order: (rows, place of each entry, place of each late row).

    What is there already stands: a late row of the same time has its place.
    """
    series = np.concatenate([entries.series, late.series]).astype(np.intp)
    time = np.concatenate([entries.time, late.time])
    order = np.lexsort((time, series))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(series[order]) != 0) | (np.diff(time[order]) != 0)
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.cumsum(new) - 1
    order = order[new]
    value = np.concatenate([entries.value, late.value])[order]
    given = np.concatenate([entries.given, late.flag])[order]
    starts, ends = segments(series[order])
    rows = Rows(series[order], time[order], value, given, order, starts, ends)
    return rows, place[: len(entries)], place[len(entries) :]
