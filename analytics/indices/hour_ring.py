"""The last hours of each station, by quantity, and what was told of its hours, days or years.

Keys are row * ROW + number: of a station's row, and of an hour or a local day since 1970, or a year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from analytics.table import Table
from telemetry.arrays import AnyArray, Index, Mask, Values

ROW = 2**32
NONE = np.iinfo(np.int32).min  # nothing is told


@dataclass(frozen=True, slots=True)
class Timeline:
    """All that is known of some stations' hours: keys ascending, values [n, quantities], NaN for none."""

    keys: Index
    values: AnyArray

    def window(self, last: AnyArray, length: int) -> AnyArray:
        """The `length` hours up to each of `last`, the last one first. [n, length, quantities]"""
        return self.at(last[:, None] - np.arange(length))

    def at(self, keys: AnyArray) -> AnyArray:
        """Values at each key, of any shape; NaN where nothing is known."""
        if not len(self.keys):
            return np.full((*keys.shape, self.values.shape[1]), np.nan)
        place = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        there: Mask = self.keys[place] == keys
        return np.where(there[..., None], self.values[place], np.nan)


class HourRing:
    """The last `kept` hours up to each station's newest one. What lies before is forgotten.

    precise: 8 bytes a value, else 4.
    additive: news are added to what an hour holds, instead of taking its place.
    """

    def __init__(
        self, inputs: tuple[str, ...], kept: int, additive: bool = False, precise: bool = True
    ) -> None:
        self.inputs = inputs
        self.kept = kept
        self._additive = additive
        self.stations = Table({"newest": (np.int32, 0), "forgotten": (np.int32, 0)})
        self.hours = Table(
            {"hour": (np.int32, 0)}
            | dict.fromkeys(inputs, (np.float64 if precise else np.float32, np.nan)),
            width=kept,
        )

    def grow(self, rows: int) -> None:
        """Have this many stations."""
        self.stations.grow(rows)
        self.hours.grow(rows)

    def keys(self) -> Index:
        """Every hour that is kept, of every station."""
        hour = self.hours["hour"][: self.hours.rows * self.kept].astype(np.int64)
        slot = np.flatnonzero(hour > 0)
        found: Index = slot // self.kept * ROW + hour[slot]
        return found

    def remembers(self, key: AnyArray) -> Mask:
        """Whether a station's memory reaches back to each hour."""
        found: Mask = key % ROW > self.stations["forgotten"][key // ROW]
        return found

    def take(self, key: Index, place: Index, value: Values, also: Index) -> Timeline:
        """Take in news, (hour, place in `inputs`, value), and give what is known of these stations
        and those of the rows `also`. An hour that is forgotten already stays forgotten."""
        fresh = self.remembers(key)
        key, place, value = key[fresh], place[fresh], value[fresh]
        line = self._timeline(key, np.unique(np.concatenate([key // ROW, also])))
        at = np.searchsorted(line.keys, key)
        if self._additive:
            line.values[at] = np.nan_to_num(line.values[at], nan=0.0)
            np.add.at(line.values, (at, place), value)
        else:
            line.values[at, place] = value
        self._keep(key, line)
        return line

    def add(self, key: Index, sums: AnyArray) -> Index:
        """Add to hours, each there once and of each station within `kept` hours. Returns those taken in."""
        fresh = np.flatnonzero(self.remembers(key))
        key, sums = key[fresh], sums[fresh]
        row, hour = key // ROW, (key % ROW).astype(np.int32)
        slot = row * self.kept + hour % self.kept
        same = self.hours["hour"][slot] == hour
        for column, name in enumerate(self.inputs):
            self.hours[name][slot] = np.where(same, self.hours[name][slot], 0.0) + sums[:, column]
        self.hours["hour"][slot] = hour
        np.maximum.at(self.stations["newest"], row, hour)
        newest = self.stations["newest"][row]
        np.maximum.at(self.stations["forgotten"], row, newest - np.int32(self.kept))
        return key

    def _timeline(self, key: Index, rows: Index) -> Timeline:
        slots = (rows[:, None] * self.kept + np.arange(self.kept)).ravel()
        hour = self.hours["hour"][slots].astype(np.int64)
        kept = np.repeat(rows, self.kept) * ROW + hour
        slots, kept = slots[hour > 0], kept[hour > 0]
        keys = np.unique(np.concatenate([kept, key]))
        values = np.full((len(keys), len(self.inputs)), np.nan)
        at = np.searchsorted(keys, kept)
        for column, name in enumerate(self.inputs):
            values[at, column] = self.hours[name][slots]
        return Timeline(keys, values)

    def _keep(self, key: Index, line: Timeline) -> None:
        if not len(key):
            return
        row, hour = key // ROW, (key % ROW).astype(np.int32)
        np.maximum.at(self.stations["newest"], row, hour)
        newest = self.stations["newest"][row]
        np.maximum.at(self.stations["forgotten"], row, newest - np.int32(self.kept))
        station, number = line.keys // ROW, line.keys % ROW
        keep = np.flatnonzero(number > self.stations["forgotten"][station])
        slot = station[keep] * self.kept + number[keep] % self.kept
        self.hours["hour"][slot] = number[keep]
        for column, name in enumerate(self.inputs):
            self.hours[name][slot] = line.values[keep, column]


class Told:
    """What was told of the last `kept` hours, days or years of each station, as whole numbers."""

    def __init__(self, names: tuple[str, ...], kept: int) -> None:
        self.names = names
        self.kept = kept
        self.table = Table(
            {"number": (np.int32, 0)} | dict.fromkeys(names, (np.int32, NONE)), width=kept
        )

    def tell(self, key: Index, value: AnyArray) -> tuple[Mask, AnyArray]:
        """Tell [n, names] of keys that ascend. Returns (what is another than before, what was before).

        A number that has made room for a later one is not told any more.
        """
        row, number = key // ROW, key % ROW
        slot = row * self.kept + number % self.kept
        held = self.table["number"][slot]
        before = np.full(value.shape, NONE, dtype=np.int32)
        same = np.flatnonzero(held == number)
        for column, name in enumerate(self.names):
            before[same, column] = self.table[name][slot[same]]
        changed = (value != before) & (held <= number)[:, None]
        new = np.flatnonzero((held <= number) & ((held == number) | changed.any(axis=1)))
        self.table["number"][slot[new]] = number[new]  # of several on one slot the last one stays
        for column, name in enumerate(self.names):
            self.table[name][slot[new]] = value[new, column]
        return changed, before
