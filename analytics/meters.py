"""Meters: what hangs on a meter can't take more than it measures (a feeder's power against its lamps')."""

from __future__ import annotations

import numpy as np

from analytics.hourly import Hour
from analytics.layout import Layout
from analytics.places import NONE, Places
from telemetry.arrays import Index, Mask


class Meters:
    """No state: an hour's means are judged when it has ended."""

    def __init__(self, layout: Layout, places: Places) -> None:
        self._layout = layout
        self._places = places
        kinds = layout.kinds
        self._meters = [
            (k, kinds.code[m.parts], kinds.quantity_code[m.quantity], m)
            for k, kind in enumerate(kinds)
            for m in kind.meters
            if m.parts in kinds.code
        ]
        width = len(kinds.quantities)
        self.wanted = np.zeros(kinds.declared.size, dtype=bool)
        for k, part, quantity, _ in self._meters:
            self.wanted[[k * width + quantity, part * width + quantity]] = True

    def hour(self, hour: Hour) -> tuple[Index, Mask]:
        """(series of meters, which measure less than what hangs on them)."""
        if not self._meters:
            return hour.series[:0], np.zeros(0, dtype=bool)
        found = [self._judge(hour, *m[:3], m[3].share, m[3].margin) for m in self._meters]
        return np.concatenate([s for s, _ in found]), np.concatenate([w for _, w in found])

    def _judge(
        self, hour: Hour, kind: int, part: int, quantity: int, share: float, margin: float
    ) -> tuple[Index, Mask]:
        at = self._layout.series["at"][hour.series]
        width = len(self._layout.kinds.quantities)
        device = self._layout.series["device"][hour.series]
        parts = np.flatnonzero((at == part * width + quantity) & ~np.isnan(hour.mean))
        parent = self._places.parent[device[parts]]
        hangs = parent != NONE
        taken = np.bincount(
            parent[hangs], weights=hour.mean[parts[hangs]], minlength=self._layout.n_devices
        )
        own = np.flatnonzero(at == kind * width + quantity)
        wrong = taken[device[own]] > hour.mean[own] * share + margin
        return hour.series[own], np.asarray(wrong)
