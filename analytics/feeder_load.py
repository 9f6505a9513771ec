"""Power of a feeder's meter → load_lost: by night it draws next to nothing of what it draws else.

The supply may be there while the lamps are not: a branch breaker, the contactor, a cable. Whether there
are controllers in the lamps or not, the cabinet's meter sees it. What the string draws at most is a
running peak of two readings in a row, which fades by a factor e in a week: lamps that are exchanged for
smaller ones are no outage for ever. Less than a fifth of it, half an hour or more within the night of its
place, is lost load (design values): dimming to 30 %, or every third lamp burning on, stays above that. By
day nothing is learnt: what was found stands until the string draws again. A feeder that is switched off
within the night by plan is registered as such (`part_night`), and its power says nothing.
"""

from __future__ import annotations

import numpy as np

from analytics.deriver import Deriver
from analytics.layout import Layout
from analytics.lighting import told_of, verdict
from analytics.limits import PART_NIGHT, Limits
from analytics.snapshot import Tables
from analytics.standing import running_max
from analytics.told_again import UNKNOWN, Columns, News, Verdicts
from analytics.twilight import is_day
from telemetry.arrays import AnyArray, Codes32, Index, Mask, Times, Values
from telemetry.clock import DAY, MINUTE
from telemetry.readings import Readings

SHARE = 0.2  # of the peak
FADES = 7 * DAY  # by a factor e
LEAST_W = 100.0  # a peak below it is no string of lamps [W]
MARGIN = 30 * MINUTE  # of the night at both ends: cabinets don't switch at the same minute
NAME = "load_lost"


def load_lost(power: Values, peak: Values) -> Mask:
    """True where less than a fifth of the peak is drawn, and the peak is that of lamps. [W], [W]"""
    lost: Mask = (peak >= LEAST_W) & (power < SHARE * peak)
    return lost


class FeederLoad(Deriver):
    """State per feeder: its power, the peak (its logarithm, as if it did not fade), and what was found."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        self._limits = limits
        self._code = layout.kinds.quantity_code
        self._power = self._code.get("power", -2)
        feeders = np.array([k.quantity(NAME) is not None for k in layout.kinds], dtype=bool)
        states = {
            "power": (np.float64, np.nan), "peak": (np.float64, -np.inf),
            NAME: (np.int8, UNKNOWN),
        }  # fmt: skip
        self._verdicts = Verdicts("feeder_load", layout, feeders, states, (NAME,), self._judge)

    def grow(self, first: int) -> None:
        """The layout has devices from code `first` on that are new."""
        self._verdicts.grow(first)

    def tables(self) -> Tables:
        """The state: by feeder."""
        return self._verdicts.tables()

    def hear(self, judged: Readings, corrected: Readings, now: int) -> Readings:
        """Verdicts that changed, are the first of their feeder, or say that it has no load; any order."""
        heard = judged, corrected
        return Readings.concat(
            told_of(self._verdicts, (NAME,), [self._power], self._code, heard, now)
        )

    def _judge(self, news: News, starts: Index, before: Columns) -> tuple[Columns, Columns]:
        time, power = news.key // 2, news.value
        previous = np.empty(len(power))
        previous[1:] = power[:-1]
        previous[starts] = before["power"]
        # One reading may be a spike: two in a row are what it draws.
        steady = np.fmax(np.minimum(power, previous), 1.0)
        unfaded = np.log(steady) + time / FADES
        unfaded[starts] = np.maximum(unfaded[starts], before["peak"])
        segment = np.zeros(len(power), dtype=np.intp)
        segment[starts[1:]] = 1
        peak = running_max(unfaded, np.cumsum(segment))
        lost = load_lost(power, np.exp(peak - time / FADES))
        device = self._verdicts.members.device[news.row]
        sure = ~lost
        at = np.flatnonzero(lost)
        sure[at] = self._is_night(device[at], time[at])
        after, told = verdict(lost, sure, starts, before[NAME])
        return {"power": power, "peak": peak, NAME: after}, {NAME: told}

    def _is_night(self, device: Codes32, time: Times) -> Mask:
        """Half an hour or more after civil dusk and before dawn, where lamps burn all night; False where
        the place is not known.
        """
        lat, lon = (self._limits.of(n, device) for n in ("lat", "lon"))
        around: list[AnyArray] = [is_day(lat, lon, time + d) for d in (-MARGIN, 0, MARGIN)]
        known = ~np.isnan(lat) & ~np.isnan(lon) & ~(self._limits.of(PART_NIGHT, device) > 0)
        found: Mask = known & ~np.logical_or.reduce(around)
        return found
