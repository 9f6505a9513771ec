"""Pairs that physics ties: two quantities of a device at one time (PM2.5 is a part of PM10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.layout import Layout
from analytics.limits import Limits
from devices.ties import Pair
from telemetry.arrays import Flags, Index, Mask, Times, Values
from telemetry.flags import Flag


def contradicts(less: Values, more: Values, factor: Values | float, margin: float) -> Mask:
    """True where less > more * factor + margin. NaN anywhere: False."""
    found: Mask = less > more * factor + margin + 1e-9
    return found


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A pair by places of (kind, quantity), and how far apart the two series of a device lie."""

    pair: Pair
    at: int
    shift: int


class Pairs:
    """No state: both values come with one message."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        self._layout = layout
        self._limits = limits
        code, width = layout.kinds.quantity_code, len(layout.kinds.quantities)
        self._compiled = [
            _Compiled(
                pair,
                k * width + code[pair.less],
                int(layout.local[k, code[pair.more]] - layout.local[k, code[pair.less]]),
            )
            for k, kind in enumerate(layout.kinds)
            for pair in kind.pairs
        ]
        self._tied = np.zeros(layout.kinds.declared.size, dtype=bool)
        self._tied[[c.at for c in self._compiled]] = True
        more = [k * width + code[p.more] for k, kind in enumerate(layout.kinds) for p in kind.pairs]
        self._tied[more] = True

    def rows(self, series: Index, time: Times, value: Values, flag: Flags) -> Mask:
        """True (suspect) where a value contradicts its pair; rows sorted by (series, time).

        What has failed a test of its own contradicts nobody.
        """
        found = np.zeros(len(series), dtype=bool)
        at = self._layout.series["at"][series]
        tied = np.flatnonzero(self._tied[at])
        if len(tied):
            found[tied] = self._judge(at[tied], series[tied], time[tied], value[tied], flag[tied])
        return found

    def _judge(self, at: Index, series: Index, time: Times, value: Values, flag: Flags) -> Mask:
        suspect = np.zeros(len(series), dtype=bool)
        usable = flag != Flag.FAIL
        first = int(time.min())
        span = int(time.max()) - first + 1
        key = series.astype(np.int64) * span + (time - first)
        for c in self._compiled:
            less = np.flatnonzero((at == c.at) & usable)
            wanted = key[less] + c.shift * span
            more = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
            both = np.flatnonzero((key[more] == wanted) & usable[more])
            less, more = less[both], more[both]
            wrong = self._wrong(c.pair, series[less], value[less], value[more])
            for rows, name in ((less, c.pair.less), (more, c.pair.more)):
                if c.pair.only in ("", name):
                    suspect[rows[wrong]] = True
        return suspect

    def _wrong(self, pair: Pair, series: Index, less: Values, more: Values) -> Mask:
        factor: Values | float = pair.factor
        if pair.limit:
            factor = factor * self._limits.of(pair.limit, self._layout.series["device"][series])
        return contradicts(less, more, factor, pair.margin) & (more > pair.above)
