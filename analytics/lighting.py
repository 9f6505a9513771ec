"""Power, dimming and voltage of lights → lamp_failure, day_burner, supply_loss: on change, and while at fault.

After TALQ 2.7.1 (lampFailure, lampUnexpectedOn, supplyLoss) and LwM2M object 3416; the levels are
design values: a lamp fails that draws less than half of what its dimming level asks for once it is
warm, and burns by day when it draws more than a tenth of its rated power while told to be dark, or
while it is day at its place (civil twilight), whatever it was told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from analytics.deriver import Deriver
from analytics.layout import Layout
from analytics.limits import RATED_POWER, Limits
from analytics.snapshot import Tables
from analytics.told_again import NEVER, UNKNOWN, Columns, News, Verdicts
from analytics.twilight import is_day
from telemetry.arrays import AnyArray, Codes32, Flags, Index, Mask, Times, Values
from telemetry.clock import SECOND
from telemetry.flags import Flag
from telemetry.readings import Readings

WARM_UP = 300 * SECOND  # LED 60 s, HPS 300–600 s
FAILURE_SHARE = 0.5  # of the power that the dimming level asks for
BURNER_SHARE = 0.1  # of the rated power
SUPPLY_V = 50.0  # below it there is no supply


def lamp_fails(power: Values, dimming: Values, rated: Values) -> Mask:
    """True where a warm lamp draws less than half of what it should. [W], [%], [W]

    Expected power is taken as proportional to the dimming level. NaN anywhere: False.
    """
    failing: Mask = (dimming > 0) & (power < FAILURE_SHARE * rated * dimming / 100)
    return failing


def burns_by_day(power: Values, dimming: Values, rated: Values) -> Mask:
    """True where a lamp draws more than 10 % of its rated power while told to be dark. [W], [%], [W]"""
    burning: Mask = (dimming == 0) & (power > BURNER_SHARE * rated)
    return burning


def supply_lost(voltage: Values) -> Mask:
    """True where a feeder has no voltage. [V]"""
    lost: Mask = voltage < SUPPLY_V
    return lost


def forward_fill(value: AnyArray, known: Mask, starts: Index, before: AnyArray) -> AnyArray:
    """The last known value up to each row of its segment; `before[segment]` where none is known yet."""
    length = np.diff(np.append(starts, len(value)))
    last = np.maximum.accumulate(np.where(known, np.arange(len(value)), -1))
    return np.where(last >= np.repeat(starts, length), value[last], np.repeat(before, length))


class Lighting(Deriver):
    """State per lamp and feeder: its newest readings, and what was made of them."""

    def __init__(self, layout: Layout, limits: Limits) -> None:
        kinds = layout.kinds
        self._layout, self._limits = layout, limits
        self._q = kinds.quantity_code
        lamps = np.array(["lamp_failure" in k.indices for k in kinds], dtype=bool)
        feeders = np.array(["supply_loss" in k.indices for k in kinds], dtype=bool)
        state = (np.int8, UNKNOWN)
        of_lamps = {
            "dimming": (np.float64, np.nan), "on_since": (np.int64, NEVER),
            "lamp_failure": state, "day_burner": state,
        }  # fmt: skip
        self._lamps = Verdicts(
            "lighting_lamps", layout, lamps, of_lamps, ("lamp_failure", "day_burner"), self._lamp
        )
        self._feeders = Verdicts(
            "lighting_feeders", layout, feeders, {"supply_loss": state}, ("supply_loss",), _feeder
        )

    def grow(self, first: int) -> None:
        """The layout has devices from code `first` on that are new."""
        self._lamps.grow(first)
        self._feeders.grow(first)

    def tables(self) -> Tables:
        """The state: by lamp and by feeder."""
        return {**self._lamps.tables(), **self._feeders.tables()}

    def hear(self, judged: Readings, corrected: Readings, now: int) -> Readings:
        """Verdicts that changed, are the first of their device, or say that it is at fault; any order.

        What comes late is put in its place, and verdicts that it makes others are told anew or taken
        back. Suspect values are used: 0 V is out of the plausible range, and is just what is looked for.
        """
        lit = [self._q.get("power", -2), self._q.get("dimming", -2)]
        names = ("lamp_failure", "day_burner")
        found = told_of(self._lamps, names, lit, self._q, (judged, corrected), now)
        fed = [self._q.get("voltage", -2)]
        found += told_of(self._feeders, ("supply_loss",), fed, self._q, (judged, corrected), now)
        return Readings.concat(found)

    def _lamp(self, news: News, starts: Index, before: Columns) -> tuple[Columns, Columns]:
        """States and verdicts of lamps: rows of dimming levels, and of power after them at one time."""
        device = self._lamps.members.device[news.row]
        time, is_power = news.key // 2, news.key % 2 == 1
        dimming, since = _commands(news.value, is_power, time, starts, before)
        rated = self._limits.of(RATED_POWER, device)
        known = is_power & ~np.isnan(rated) & ~np.isnan(dimming)
        # By day nothing is learnt of a lamp: the last verdict stands until it is told to burn again.
        warm = known & (dimming > 0) & (time - np.maximum(since, 0) > WARM_UP)
        fails = lamp_fails(news.value, dimming, rated)
        burns = burns_by_day(news.value, dimming, rated)
        # A plan that is wrong tells it to burn: the sun knows better than the command.
        lit = np.flatnonzero(known & (news.value > BURNER_SHARE * rated) & ~burns)
        lat, lon = (self._limits.of(n, device[lit]) for n in ("lat", "lon"))
        burns[lit] = is_day(lat, lon, time[lit])
        after: dict[str, AnyArray] = {"dimming": dimming, "on_since": since}
        told: dict[str, AnyArray] = {}
        for name, state, sure in (("lamp_failure", fails, warm), ("day_burner", burns, known)):
            after[name], told[name] = verdict(state, sure, starts, before[name])
        return after, told


def counts(flag: Flags) -> Mask:
    """Whether a value says anything of a light: suspect ones do."""
    found: Mask = (flag != Flag.MISSING) & (flag != Flag.FAIL)
    return found


def told_of(
    verdicts: Verdicts,
    names: Sequence[str],
    quantities: Sequence[int],
    code: Mapping[str, int],
    heard: tuple[Readings, Readings],
    now: int,
) -> list[Readings]:
    """Verdicts of these names that readings of these quantities make others.

    heard  raw readings with their final flags, and earlier ones whose flag is another one now
    """
    ours = [_of(verdicts, quantities, r) for r in heard]
    # What does not count says nothing, unless it counted when it came.
    rows = ours[0].take(counts(ours[0].flag))
    rows = Readings.concat([rows, ours[1]]) if len(ours[1]) else rows
    if not len(rows):
        return []
    member = verdicts.members.row[rows.device].astype(np.intp)
    key = 2 * rows.time + (rows.quantity == quantities[0])
    news = News(member, key, rows.value, ~counts(rows.flag))
    found = verdicts.take(news, twice=bool(len(ours[1])))
    device = verdicts.members.device
    return [
        _readings(code[name], device[row], at // 2, verdict, now)
        for name, (row, at, verdict) in zip(names, found, strict=True)
    ]


def _readings(quantity: int, device: Codes32, time: Times, verdict: AnyArray, now: int) -> Readings:
    """UNKNOWN takes back what was told."""
    gone = verdict == UNKNOWN
    value, flag = np.where(gone, np.nan, verdict), np.where(gone, Flag.MISSING, Flag.GOOD)
    return Readings.of(device, np.full(len(time), quantity), time, value, flag, now)


def _of(verdicts: Verdicts, quantities: Sequence[int], readings: Readings) -> Readings:
    """Those of its members and of these quantities."""
    if not len(readings):
        return readings
    named = np.logical_or.reduce([readings.quantity == q for q in quantities])
    which = np.flatnonzero(named)
    return readings.take(which[verdicts.members.row[readings.device[which]] >= 0])


def _feeder(news: News, starts: Index, before: Columns) -> tuple[Columns, Columns]:
    """States and verdicts of feeders: rows of voltages."""
    sure = np.ones(len(news.row), dtype=bool)
    after, told = verdict(supply_lost(news.value), sure, starts, before["supply_loss"])
    return {"supply_loss": after}, {"supply_loss": told}


def _commands(
    value: Values, is_power: Mask, time: Times, starts: Index, before: Columns
) -> tuple[Values, Times]:
    """(dimming level, time since when it is above 0) at each row."""
    old = before["dimming"]
    dimming = forward_fill(value, ~is_power, starts, old)
    previous = np.empty(len(dimming))
    previous[1:] = dimming[:-1]
    previous[starts] = old
    switched_on = (dimming > 0) & ~(previous > 0)
    return dimming, forward_fill(time, switched_on, starts, before["on_since"])


def verdict(state: Mask, sure: Mask, starts: Index, before: AnyArray) -> tuple[AnyArray, AnyArray]:
    """(the last sure verdict up to each row, what is told of it).

    Told are verdicts that differ from the one before, and every fault: a rule with a dwell time must see
    that it goes on.
    """
    after = forward_fill(state.astype(np.int8), sure, starts, before)
    previous = np.empty(len(after), dtype=np.int8)
    previous[1:] = after[:-1]
    previous[starts] = before
    told = sure & ((after != previous) | (after == 1))
    return after, np.where(told, after, UNKNOWN)
