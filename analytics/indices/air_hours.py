"""Hour roll-ups of air stations → vn_aqi readings, corrected when an hour of the last twelve is.

Keeps the last hours' means per station. An hour is judged when its window has closed, also where that
hour itself holds nothing: NowCast needs two of the last three hours, and those may be the two before.
"""

from __future__ import annotations

import numpy as np

from analytics.deriver import Deriver
from analytics.indices.vn_aqi import GASES, HOURS, PARTICLES, POLLUTANTS, hourly
from analytics.layout import Layout
from analytics.members import Members
from analytics.snapshot import Tables
from analytics.table import Table
from store.telemetry import Rollups
from telemetry.arrays import AnyArray, Index, Mask, Values
from telemetry.clock import HOUR
from telemetry.flags import Flag
from telemetry.readings import Readings

AQI = "vn_aqi"
KEPT = 36  # hours: NowCast's twelve, for corrections up to a day late
NONE = -1
_ROW = 2**32  # a key is station row * _ROW + hour since 1970


class AirHours(Deriver):
    """State per air station: its hour means by pollutant, and the index that was told for each hour."""

    def __init__(self, layout: Layout) -> None:
        kinds = layout.kinds
        self.members = Members(
            "air", layout, np.array([AQI in k.indices for k in kinds], dtype=bool)
        )
        self._pollutant = np.full(len(kinds.quantities), NONE)
        for place, name in enumerate(POLLUTANTS):
            if name in kinds.quantity_code:
                self._pollutant[kinds.quantity_code[name]] = place
        self._quantity = kinds.quantity_code.get(AQI, NONE)
        self._closed = 0
        self.stations = Table({"newest": (np.int32, 0), "forgotten": (np.int32, 0)})
        self.hours = Table(
            {"hour": (np.int32, 0), "index": (np.int16, NONE)}
            | dict.fromkeys(POLLUTANTS, (np.float64, np.nan)),
            width=KEPT,
        )

    def grow(self, first: int) -> None:
        """Give a row to the air stations among the devices from code `first` on."""
        self.members.grow(first)
        self.stations.grow(len(self.members))
        self.hours.grow(len(self.members))

    def tables(self) -> Tables:
        """The state: by station, and by station and hour."""
        return {"air": (self.members, self.stations), "air_hours": (self.members, self.hours)}

    def close(self, step: int, rollups: Rollups, watermark: int, now: int) -> Readings:
        """Take in hour roll-ups that closed or were corrected; tell the indices that changed.

        A reading with value NaN and flag MISSING takes back an index whose data rule no longer holds.
        An hour whose twelve are no longer all kept stays as it was told.
        """
        if step != HOUR:
            return Readings.empty()
        before, self._closed = self._closed, max(self._closed, watermark // HOUR)
        data, pollutant, mean = self._means(rollups)
        waiting = self._waiting(before)
        if not len(data) and not len(waiting):
            return Readings.empty()
        due = self._due(data, waiting)
        keys, means, told, worth = self._timeline(data, pollutant, mean, due)
        index = _judge(keys, means, due)
        place = np.searchsorted(keys, due)
        changed = told[place] != index
        told[place] = index
        worth[place[index != NONE]] = True
        self._keep(data, keys[worth], means[worth], told[worth])
        return self._readings(due[changed], index[changed], now)

    def _means(self, rollups: Rollups) -> tuple[Index, Index, Values]:
        """(key, place in POLLUTANTS, mean) of the roll-ups of air stations; NaN where nothing counts."""
        row = self.members.row[rollups.device].astype(np.int64)
        pollutant = self._pollutant[rollups.quantity]
        ours = np.flatnonzero((row >= 0) & (pollutant >= 0))
        mean = np.full(len(ours), np.nan)
        count = rollups.count[ours]
        np.divide(rollups.sum[ours], count, out=mean, where=count > 0)
        return row[ours] * _ROW + rollups.start[ours] // HOUR, pollutant[ours], mean

    def _waiting(self, before: int) -> Index:
        """Hours that ended just now, of stations whose newest data is of the hour before."""
        if before == self._closed:
            return np.zeros(0, np.intp)
        following = self.stations["newest"][: self.stations.rows].astype(np.int64) + 1
        row: Index = np.flatnonzero(
            (following >= before) & (following < self._closed) & (following > 1)
        )
        waiting: Index = np.asarray(row * _ROW + following[row])
        return waiting

    def _due(self, data: Index, waiting: Index) -> Index:
        """The hours to judge: those with news and the eleven after each, as far as they have ended."""
        reach = (np.unique(data)[:, None] + np.arange(HOURS)).ravel()
        due = np.unique(np.concatenate([reach, waiting]))
        row, hour = due // _ROW, due % _ROW
        whole = hour - (HOURS - 1) > self.stations["forgotten"][row]
        return np.asarray(due[whole & (hour < self._closed)])

    def _timeline(
        self, data: Index, pollutant: Index, mean: Values, due: Index
    ) -> tuple[Index, AnyArray, AnyArray, Mask]:
        """All that is known of the touched stations: (keys ascending, means [n, 6], index told [n],
        hours worth keeping: kept already, or with news)."""
        rows = np.unique(np.concatenate([data, due]) // _ROW)
        slots = (rows[:, None] * KEPT + np.arange(KEPT)).ravel()
        hour = self.hours["hour"][slots].astype(np.int64)
        kept = np.repeat(rows, KEPT) * _ROW + hour
        slots, kept = slots[hour > 0], kept[hour > 0]
        keys = np.unique(np.concatenate([kept, data, due]))
        means = np.full((len(keys), len(POLLUTANTS)), np.nan)
        told = np.full(len(keys), NONE, dtype=np.int16)
        place = np.searchsorted(keys, kept)
        told[place] = self.hours["index"][slots]
        for column, name in enumerate(POLLUTANTS):
            means[place, column] = self.hours[name][slots]
        fresh = np.searchsorted(keys, data)
        means[fresh, pollutant] = mean
        worth = np.zeros(len(keys), dtype=bool)
        worth[place] = worth[fresh] = True
        return keys, means, told, worth

    def _keep(self, data: Index, keys: Index, means: AnyArray, told: AnyArray) -> None:
        s, row, hour = self.stations, keys // _ROW, keys % _ROW
        np.maximum.at(s["newest"], data // _ROW, (data % _ROW).astype(np.int32))
        # The ring holds the KEPT hours up to a station's newest; what lies before is forgotten.
        head = s["forgotten"] + KEPT
        np.maximum.at(head, row, hour.astype(np.int32))
        s["forgotten"][:] = head - KEPT
        keep = hour > s["forgotten"][row]
        slot = row[keep] * KEPT + hour[keep] % KEPT
        self.hours["hour"][slot] = hour[keep]
        self.hours["index"][slot] = told[keep]
        for column, name in enumerate(POLLUTANTS):
            self.hours[name][slot] = means[keep, column]

    def _readings(self, due: Index, index: AnyArray, now: int) -> Readings:
        gone = index == NONE
        return Readings.of(
            self.members.device[due // _ROW],
            np.full(len(due), self._quantity),
            (due % _ROW) * HOUR,
            np.where(gone, np.nan, index),
            np.where(gone, Flag.MISSING, Flag.GOOD),
            now,
        )


def _judge(keys: Index, means: AnyArray, due: Index) -> AnyArray:
    """VN_AQI of the due hours from the timeline; NONE where the data rule isn't met."""
    back = due[:, None] - np.arange(HOURS)
    place = np.minimum(np.searchsorted(keys, back), len(keys) - 1)
    there: Mask = keys[place] == back
    hours = np.where(there[:, :, None], means[place], np.nan)
    gases = {g: hours[:, 0, POLLUTANTS.index(g)] for g in GASES}
    pm25, pm10 = (hours[:, :, POLLUTANTS.index(p)] for p in PARTICLES)
    index, _ = hourly(pm25, pm10, gases)
    return np.where(np.isnan(index), NONE, index).astype(np.int16)
