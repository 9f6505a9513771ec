"""Devices of one kind as columns, and the rows of a slice of time: which of them reports when.

Each device measures every interval, at a phase of its own; the number of the interval since 1970 is the
message's `seq`, so every slice of time numbers its messages alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np

from devices.device import Device
from devices.kind import Kind
from simulators.chance import Keys, derived, keys, uniform
from telemetry.arrays import Index, Mask, Times, Values
from telemetry.clock import DAY, HOUR, SECOND, from_datetime, to_datetime

MS = SECOND // 1_000
JITTER = 0.03  # of the interval: what a battery-driven device's timer strays
Which = slice | Index | Mask


class LocalTime:
    """Local time of day for columns of times, whatever the zone's offset is then."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self._offsets: dict[int, int] = {}

    def ns(self, time: Times) -> Times:
        """Local wall-clock time as ns since 1970-01-01T00:00 local."""
        hours, where = np.unique(time // HOUR, return_inverse=True)
        offsets = np.array([self._offset(h) for h in hours.tolist()], dtype=np.int64)
        return np.asarray(time + offsets[where])

    def midnight(self, day: int) -> int:
        """The instant at which the local day `day`, in days since 1970-01-01, begins. [ns]"""
        noon = to_datetime(day * DAY + DAY // 2).replace(tzinfo=self.zone)
        return from_datetime(noon.replace(hour=0))

    def day(self, time: int) -> int:
        """The local day of an instant, in days since 1970-01-01."""
        return (time + self._offset(time // HOUR)) // DAY

    def _offset(self, hour: int) -> int:
        if hour not in self._offsets:
            shift = to_datetime(hour * HOUR, self.zone).utcoffset()
            self._offsets[hour] = int(shift.total_seconds()) * SECOND if shift else 0
        return self._offsets[hour]


class Moments:
    """Instants and what the clock on the wall says then. `time` [ns, UTC]"""

    time: Times
    local: LocalTime

    @cached_property
    def t(self) -> Values:
        """Seconds since 1970, UTC."""
        return np.asarray(self.time / SECOND)

    @cached_property
    def day(self) -> Times:
        """Local days since 1970-01-01 (a Thursday)."""
        return np.asarray(self.local.ns(self.time) // DAY)

    @cached_property
    def hour(self) -> Values:
        """Local time of day. [h, 0…24)"""
        return np.asarray(self.local.ns(self.time) % DAY / HOUR)

    @cached_property
    def year_part(self) -> Values:
        """Where in the year, 0 on 1 January. [0…1)"""
        return np.asarray(((self.day + self.hour / 24) / 365.2425) % 1.0)

    @cached_property
    def weekend(self) -> Values:
        """1 on Saturdays and Sundays, else 0."""
        return np.asarray(((self.day + 3) % 7 >= 5).astype(np.float64))


@dataclass(frozen=True)
class Instants(Moments):
    """Moments without a device."""

    time: Times
    local: LocalTime


@dataclass(frozen=True)
class Rows(Moments):
    """When and where something is measured, one row a message. Columns of one length.

    device  index in the fleet; key: the device's key; slot: the interval's number since 1970
    time    [ns, UTC]; lat, lon [deg]
    """

    device: Index
    key: Keys
    slot: Times
    time: Times
    lat: Values
    lon: Values
    local: LocalTime

    def __len__(self) -> int:
        return len(self.time)

    def slice(self, start: int, end: int) -> Rows:
        """Rows start…end - 1."""
        return self.take(slice(start, end))

    def take(self, which: Which) -> Rows:
        """Some of the rows, by place or by mask."""
        return Rows(
            self.device[which],
            self.key[which],
            self.slot[which],
            self.time[which],
            self.lat[which],
            self.lon[which],
            self.local,
        )

    def and_of(self, device: Index, slot: Times, fleet: Fleet) -> Rows:
        """These rows and those of `fleet` in these intervals, device by device, each in order of time."""
        both_device = np.concatenate([self.device, device])
        both_slot = np.concatenate([self.slot, slot])
        order = np.lexsort((both_slot, both_device))
        return fleet.at(both_device[order], both_slot[order])

    def span(self, device: int, start: int, end: int) -> tuple[int, int]:
        """First and last + 1 of a device's rows in [start, end); rows as `Fleet.rows` gives them."""
        low, high = np.searchsorted(self.device, (device, device + 1)).tolist()
        first, last = np.searchsorted(self.time[low:high], (start, end)).tolist()
        return low + first, low + last


class Fleet:
    """The devices of one kind in a simulated city."""

    def __init__(self, kind: Kind, devices: Sequence[Device], seed: int, local: LocalTime) -> None:
        self.kind = kind
        self.devices = list(devices)
        self.index = {d.id: i for i, d in enumerate(self.devices)}
        self.interval = kind.interval_s * SECOND
        self.key = keys(seed, [d.id for d in self.devices], kind.name)
        self.lat = np.array([d.lat or 0.0 for d in self.devices])
        self.lon = np.array([d.lon or 0.0 for d in self.devices])
        self._local = local
        # Mains-driven devices keep the beat; a battery-driven one wakes by a cheap timer.
        driven_by_battery = kind.quantity("battery") is not None
        self.jitter = int(JITTER * self.interval) // MS * MS if driven_by_battery else 0
        # Whole milliseconds, because the payload's time is written with three digits.
        beat_ms = (self.interval - self.jitter) // MS
        phase = np.floor(uniform(self.key, -1) * beat_ms).astype(np.int64)
        self.phase: Times = phase * MS

    def __len__(self) -> int:
        return len(self.devices)

    def limit(self, name: str, absent: float) -> Values:
        """A limit of the devices' own, one a device."""
        return np.array([d.limits.get(name, absent) for d in self.devices])

    def count(self, start: int, end: int) -> int:
        """Messages due in [start, end) where nothing fails."""
        first, last = self._slots(start, end)
        return int((last - first).sum())

    def rows(self, start: int, end: int) -> Rows:
        """Rows due in [start, end), device by device, each in order of time."""
        first, last = self._slots(start - self.jitter, end)
        numbers = last - first
        device = np.repeat(np.arange(len(self)), numbers)
        begins = np.cumsum(numbers) - numbers
        slot = np.arange(len(device)) - begins[device] + first[device]
        rows = self.at(device, slot)
        return rows.take((rows.time >= start) & (rows.time < end)) if self.jitter else rows

    def slots_of(self, device: int, start: int, end: int) -> Times:
        """The intervals in which a device's rows in [start, end) lie."""
        first = -((int(self.phase[device]) - start + self.jitter) // self.interval)
        last = -((int(self.phase[device]) - max(start, end)) // self.interval)
        slots = np.arange(first, last, dtype=np.int64)
        time = self.at(np.full(len(slots), device, dtype=np.intp), slots).time
        return np.asarray(slots[(time >= start) & (time < end)])

    def at(self, device: Index, slot: Times) -> Rows:
        """Rows of these devices in these intervals."""
        time = slot * self.interval + self.phase[device]
        if self.jitter:
            strays = uniform(derived(self.key[device], 423), slot) * (self.jitter // MS)
            time = time + np.floor(strays).astype(np.int64) * MS
        return self.at_times(device, slot, time)

    def at_times(self, device: Index, slot: Times, time: Times) -> Rows:
        """Rows of these devices at any times: what they would measure then."""
        return Rows(
            device, self.key[device], slot, time, self.lat[device], self.lon[device], self._local
        )

    def _slots(self, start: int, end: int) -> tuple[Times, Times]:
        """First slot due at or after `start`, first due at or after `end`, of each device."""
        first = -((self.phase - start) // self.interval)
        last = -((self.phase - max(start, end)) // self.interval)
        return first, last
