"""Waste containers: they fill as their district lives, a round empties them and at times comes late; some burn."""

from __future__ import annotations

import numpy as np

from simulators.chance import derived, normal, uniform
from simulators.events import Events
from simulators.fleet import Fleet, Rows
from simulators.sun import Sun
from simulators.weather import Weather
from telemetry.arrays import Times, Values

DAY_S = 86_400.0
WEEK_H = 168
BATTERY_S = 240 * DAY_S
LATEST_S = 1_500.0  # either way, on an ordinary evening
# Where containers stand: share of them, what comes in by the hour, and on Saturdays and Sundays against
# working days. Homes throw away before work and after supper, markets before noon, offices by day, where
# people go out until late.
DISTRICTS = {
    "homes": (0.50, (0.3, 0.2, 0.2, 0.2, 0.4, 1.2, 1.6, 1.3, 0.9, 0.8, 0.9, 1.2, 1.2, 0.8, 0.7, 0.8, 1.0, 1.4, 1.9, 2.0, 1.6, 1.1, 0.7, 0.5), 1.15),
    "market": (0.15, (0.4, 0.4, 0.6, 1.0, 1.6, 2.0, 2.2, 2.0, 1.8, 1.7, 1.6, 1.4, 1.0, 0.7, 0.7, 0.9, 1.2, 1.2, 0.9, 0.6, 0.4, 0.3, 0.3, 0.3), 1.25),
    "offices": (0.20, (0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 0.8, 1.6, 1.8, 1.7, 1.7, 2.2, 2.3, 1.8, 1.6, 1.7, 1.9, 1.7, 1.0, 0.6, 0.3, 0.2, 0.2, 0.1), 0.35),
    "nightlife": (0.15, (1.8, 1.2, 0.8, 0.5, 0.3, 0.3, 0.4, 0.6, 0.7, 0.7, 0.8, 1.0, 1.1, 0.9, 0.8, 0.8, 1.0, 1.3, 1.7, 2.1, 2.3, 2.3, 2.2, 2.1), 1.45),
}  # fmt: skip
FROM_MONDAY_H = 72  # 1970-01-01 was a Thursday


class WasteModel:
    """What the containers' sensors report."""

    def __init__(self, weather: Weather, sun: Sun, fleet: Fleet, events: Events) -> None:
        self._weather, self._sun, self._events = weather, sun, events
        key = fleet.key
        shares = np.cumsum([share for share, _, _ in DISTRICTS.values()])
        self._district = np.searchsorted(shares, uniform(derived(key, 147)), "right")
        self._filled = np.stack([_week(hours, free) for _, hours, free in DISTRICTS.values()])
        # Rounds run from 18:00 to 02:00; outside of markets some are made every second day.
        self._round_s = 3_600.0 * (18.0 + 8.0 * uniform(derived(key, 140)))
        daily = (uniform(derived(key, 141)) < 0.65) | (self._district == 1)
        self._period = np.where(daily, 1, 2)
        self._lean = 2.5 * uniform(derived(key, 142))
        self._worn = uniform(derived(key, 143))

    def values(self, rows: Rows) -> dict[str, Values]:
        """Columns by quantity."""
        sunshine = self._sun.height(rows.t - 3_600.0, rows.day)
        inside = self._weather.at(rows).temperature + 1.5 + 4.0 * sunshine
        scatter = normal(derived(rows.key, 144), rows.slot)
        return {
            "fill": self._fill(rows),
            "temperature": inside + self._events.at("fire", rows) + 0.15 * scatter,
            "tilt": self._lean[rows.device] + 0.3 * np.abs(scatter),
            "battery": self._battery(rows),
        }

    def _fill(self, rows: Rows) -> Values:
        """What the last round left, and what came in since. [%]"""
        emptied, cycle = self._last_round(rows)
        left = 2.0 + 6.0 * uniform(derived(rows.key, 145), cycle)
        # So much comes in from round to round in the mean of a week; no two weeks are alike.
        usual = 28.0 + 26.0 * uniform(derived(rows.key, 148))
        usual = usual * (0.88 + 0.24 * uniform(derived(rows.key, 146), cycle))
        per_unit = usual / (self._period[rows.device] * 24.0)
        came = self._come_in(rows, rows.t) - self._come_in(rows, emptied)
        return np.asarray(np.clip(left + per_unit * came, 0.0, 101.0))

    def _last_round(self, rows: Rows) -> tuple[Values, Times]:
        """(when it was emptied last [s since 1970], number of that round)."""
        local_s = rows.day * DAY_S + rows.hour * 3_600.0
        offset = rows.t - local_s  # local clock → UTC; Vietnam knows no summer time
        period = self._period[rows.device]
        due = np.floor((local_s - self._round_s[rows.device]) / (period * DAY_S)).astype(np.int64)
        # A round that is late may not have come yet: then the one before counts, at worst three back.
        emptied, cycle = self._came(rows, due + 1, offset), due + 1
        for back in range(4):
            ahead = emptied > rows.t
            if not ahead.any():
                break
            number = np.where(ahead, due - back, cycle)
            emptied = np.where(ahead, self._came(rows, number, offset), emptied)
            cycle = number
        return emptied, cycle

    def _came(self, rows: Rows, cycle: Times, offset: Values) -> Values:
        """When the crew of this round came. [s since 1970]"""
        due = cycle * self._period[rows.device] * DAY_S + self._round_s[rows.device] + offset
        due = due + LATEST_S * (2.0 * uniform(derived(rows.key, 149), cycle) - 1.0)
        _, late = self._events.last("late_round", rows, due)
        return np.asarray(np.where(np.isnan(late), due, late))

    def _come_in(self, rows: Rows, t: Values) -> Values:
        """Hours of mean filling since an early Monday, by the district's week."""
        local_h = (t + (rows.day * DAY_S + rows.hour * 3_600.0 - rows.t)) / 3_600.0 + FROM_MONDAY_H
        week, hour = np.divmod(local_h, WEEK_H)
        index = hour.astype(np.int64)
        table, of = self._filled, self._district[rows.device]
        inside = table[of, index] + (hour - index) * (table[of, index + 1] - table[of, index])
        return np.asarray(week * WEEK_H + inside)

    def _battery(self, rows: Rows) -> Values:
        """From 98 down to 35 %, then changed. [%]"""
        part = (rows.t / BATTERY_S + self._worn[rows.device]) % 1.0
        return np.asarray(98.0 - 63.0 * part)


def _week(hours: tuple[float, ...], free: float) -> Values:
    """What has come in up to each hour of a week from Monday, 169 values, in hours of mean filling."""
    rate = np.concatenate([np.tile(hours, 5), np.tile(hours, 2) * free])
    return np.concatenate([[0.0], np.cumsum(rate / rate.mean())])
