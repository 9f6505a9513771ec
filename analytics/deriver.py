"""What computes derived readings: an index, a detector. The engine holds a list of them and knows no other.

A deriver keeps its state in `Table`s, so that a snapshot carries it, and tells readings like any other:
what changed. One with value NaN and flag MISSING takes back what was derived before.
"""

from __future__ import annotations

from analytics.snapshot import Tables
from store.telemetry import Rollups
from telemetry.readings import Readings


class Deriver:
    """By default nothing is derived: a subclass overrides what it needs.

    The same readings in any order within the lateness, and cut into any batches, must lead to the same
    last word on each derived reading.
    """

    def grow(self, first: int) -> None:
        """The layout has devices from code `first` on that are new."""

    def tables(self) -> Tables:
        """Name → (what a row belongs to, table): the whole state."""
        return {}

    def hear(self, judged: Readings, corrected: Readings, now: int) -> Readings:
        """Raw readings with their final flags, and earlier ones whose flag is another one now."""
        return Readings.empty()

    def close(self, step: int, rollups: Rollups, watermark: int, now: int) -> Readings:
        """Windows of `step` ns that closed or were corrected; called also when only `watermark` moved.

        Any order; a window may come again, and the last word counts.
        """
        return Readings.empty()
