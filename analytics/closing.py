"""The tests that wait until a minute or an hour has closed: of each value, and what stands from hour to hour.

Climatology and pairs look at values as their minutes close. Attenuated signal, neighbours, drift and
meters look at an hour as it ends; what they find stands for the readings of the hours that follow, until
an hour is well again. None of them is waited for by an alert.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np

from analytics.attenuated import Attenuated
from analytics.chosen import Chosen
from analytics.climatology import Climatology
from analytics.hourly import Hour, UnderWay
from analytics.layout import Layout
from analytics.limits import Limits
from analytics.meters import Meters
from analytics.neighbours import Neighbours
from analytics.pairs import Pairs
from analytics.places import Places
from analytics.recent import Entries
from analytics.snapshot import Tables
from analytics.table import Table
from analytics.verdicts import Test
from telemetry.arrays import AnyArray, Flags, Index, Mask
from telemetry.flags import Flag


class Closing:
    """State per series with a test of hours: the flag that stands, and by which tests."""

    def __init__(self, layout: Layout, limits: Limits, zone: ZoneInfo) -> None:
        self._places = Places(layout.catalogue)
        self._climatology = Climatology(layout, zone)
        self._pairs = Pairs(layout, limits)
        self._attenuated = Attenuated(layout)
        self._neighbours = Neighbours(layout, self._places)
        self._meters = Meters(layout, self._places)
        kinds = layout.kinds
        wanted = self._meters.wanted.copy()
        for threshold in (kinds.attenuated_suspect, kinds.neighbour, kinds.learns):
            wanted |= np.isfinite(threshold.ravel())
        self.chosen = Chosen("hours", layout, wanted)
        self._under_way = UnderWay(self.chosen)
        self.table = Table({"flag": (np.uint8, 0), "why": (np.uint16, 0)})

    def grow(self) -> None:
        """The layout has new series."""
        self.chosen.grow()
        self.table.grow(len(self.chosen))
        self._under_way.table.grow(len(self.chosen))
        for test in (self._climatology, self._attenuated, self._neighbours):
            test.grow()

    def tables(self) -> Tables:
        """The whole state."""
        return {
            "standing": (self.chosen, self.table),
            "under_way": (self.chosen, self._under_way.table),
            **self._climatology.tables(),
            **self._attenuated.tables(),
            **self._neighbours.tables(),
        }

    def rows(self, entries: Entries, on_time: bool) -> tuple[Flags, AnyArray]:
        """(flag by these tests, mask of the tests that say so) of entries of one hour; 0: nothing to say.

        on_time: their hour is under way.
        """
        series = entries.series.astype(np.intp)
        flag, why = np.zeros(len(entries), np.uint8), np.zeros(len(entries), np.uint16)
        row = self.chosen.row[series]
        mine = np.flatnonzero(row >= 0)
        flag[mine] = self.table["flag"][row[mine]]
        why[mine] = self.table["why"][row[mine]]
        if on_time and len(mine):
            self._under_way.note(row[mine], entries.take(mine))
        for test, suspect in (
            (Test.CLIMATOLOGY, self._climatology.rows(series, entries.time, entries.value)),
            (Test.PAIR, self._pairs.rows(series, entries.time, entries.value, entries.flag)),
        ):
            _say(flag, why, np.flatnonzero(suspect), test, Flag.SUSPECT)
        return flag, why

    def hour(self, number: int) -> None:
        """An hour has ended: what its values say of the sensors stands from now on."""
        self._places.refresh()
        series = self.chosen.series
        hour = self._under_way.end(number)
        flag, why = np.zeros(len(series), np.uint8), np.zeros(len(series), np.uint16)

        def say(of: Index, test: Test, found: Mask | Flags) -> None:
            level = np.where(found, Flag.SUSPECT, 0) if found.dtype == bool else found
            rows = np.flatnonzero(level)
            _say(flag, why, self.chosen.row[of[rows]], test, level[rows])

        of, attenuated = self._attenuated.hour(_only(hour, self._attenuated.chosen))
        say(of, Test.ATTENUATED, np.where(attenuated >= Flag.SUSPECT, attenuated, 0).astype("u1"))
        of, departs, drifts = self._neighbours.hour(_only(hour, self._neighbours.chosen))
        say(of, Test.NEIGHBOUR, departs)
        say(of, Test.DRIFT, drifts)
        of, exceeded = self._meters.hour(hour)
        say(of, Test.METER, exceeded)
        self._climatology.hour(_only(hour, self._climatology.chosen))
        self.table["flag"][: len(series)] = flag
        self.table["why"][: len(series)] = why


def _only(hour: Hour, chosen: Chosen) -> Hour:
    """The series of an hour that have a test."""
    return hour.take(chosen.row[hour.series] >= 0)


def _say(flag: Flags, why: AnyArray, rows: Index, test: Test, level: AnyArray | int) -> None:
    flag[rows] = np.maximum(flag[rows], level)
    why[rows] |= test.bit
