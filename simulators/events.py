"""What happens in a simulated city: fires, storms, spills, king tides. The models consult it, the truth is told by it.

An event is data: what, from when to when, where or at which devices, how strong. A scenario forces some,
nature draws others from the seed; the models see no difference. Everything is a function of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from simulators.chance import Keys
from simulators.fleet import Fleet, Rows
from simulators.places import METRES_PER_DEG
from telemetry.arrays import Index, Mask, Values
from telemetry.clock import SECOND, format_time
from telemetry.errors import DeclarationError


@dataclass(frozen=True, slots=True)
class EventType:
    """What a type of event does: the kinds that show it, what its strength means, how it comes and goes.

    rise_s, fall_s   how long it takes to its full strength, and back, inside of [start, end)
    """

    kinds: tuple[str, ...]
    unit: str
    low: float
    high: float
    rise_s: float = 0.0
    fall_s: float = 0.0


EVENT_TYPES: Mapping[str, EventType] = {
    # Smoke: PM2.5 that it adds; other pollutants come with it.
    "burning": EventType(("air",), "ug/m3", 0, 1_500, 3_600, 3_600),
    # The mixed layer is lower by this share: what the city emits stays near the ground.
    "inversion": EventType(("air",), "1", 0, 0.9, 21_600, 21_600),
    # What sea or river stands higher by.
    "surge": EventType(("level",), "m", -3, 8, 10_800, 10_800),
    # Rain rate in the middle.
    "cloudburst": EventType(("weather", "level"), "mm/h", 0, 200, 1_200, 1_200),
    # Mean wind speed that it adds; trees lean after it.
    "storm": EventType(("weather", "tree"), "m/s", 0, 50, 900, 900),
    # Waste water: BOD5 that it adds; oxygen, pH and nutrients follow.
    "spill": EventType(("water",), "mg/L", 0, 80, 3_600, 7_200),
    # Loudspeakers beside the meter: their own level at its place.
    "party": EventType(("noise",), "dB{A}", 0, 110, 300, 300),
    # A crash, works, a fallen load on a road: the share of its capacity that is lost. At a counter it lies
    # just ahead of it.
    "incident": EventType(("traffic",), "1", 0, 1),
    # The container burns: so much hotter inside.
    "fire": EventType(("waste",), "Cel", 0, 300, 1_800, 3_600),
    # No round comes to the container; strength says nothing.
    "late_round": EventType(("waste",), "1", 1, 1),
    # The flue gas carries so many times the usual.
    "exceedance": EventType(("emission",), "1", 1, 20, 900, 900),
    # The furnace is let go out, and fired again at the end; strength says nothing.
    "shutdown": EventType(("emission",), "1", 1, 1),
    # The monitor measures its test gases; strength says nothing.
    "calibration": EventType(("emission",), "1", 1, 1),
    # The tree leans so much more, until it is braced.
    "uproot": EventType(("tree",), "deg", 0, 85, 1_200, 0),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event. [start, end) [ns, UTC]; strength in the unit of its type.

    devices   those that it strikes; none: whatever stands within reach of (lat, lon) [deg], with all of
              its strength in the middle, a good half at `radius_m`, nothing from twice that on. Without
              devices and place it lies over the whole city.
    """

    start: int
    end: int
    type: str
    lat: float | None = None
    lon: float | None = None
    radius_m: float = 0.0
    strength: float = 1.0
    devices: tuple[str, ...] = ()

    def check(self, place: str) -> None:
        """Raises DeclarationError, with `place` in its words, where this can be no event."""
        of = EVENT_TYPES.get(self.type)
        if of is None:
            raise DeclarationError(
                f"{place}.type", f"must be one of {', '.join(EVENT_TYPES)}", self.type
            )
        if self.start >= self.end:
            raise DeclarationError(
                f"{place}.end", f"must lie after its start, {format_time(self.start)}", self.end
            )
        if not of.low <= self.strength <= of.high:
            raise DeclarationError(
                f"{place}.strength", f"must lie in {of.low}…{of.high} {of.unit}", self.strength
            )
        if (self.lat is None) != (self.lon is None):
            raise DeclarationError(f"{place}.lat", "a place needs both lat and lon", self.lat)
        if self.lat is not None and not self.devices and not self.radius_m > 0:
            raise DeclarationError(f"{place}.radius_m", "must be above 0 at a place", self.radius_m)


# (start, end, type or "" for all) → events that overlap [start, end), in any order.
Source = Callable[[int, int, str], Sequence[Event]]


@dataclass(frozen=True, slots=True)
class Spans:
    """Events of one type at single devices, no device twice, in the order of their keys."""

    key: Keys
    start: Values  # [s since 1970]
    end: Values
    strength: Values

    def of(self, rows: Rows) -> tuple[Mask, Index]:
        """(which rows' devices are among them, where they stand)."""
        place = np.minimum(np.searchsorted(self.key, rows.key), len(self.key) - 1)
        return np.asarray(self.key[place] == rows.key), place


class Events:
    """All events of a city: those that are forced, and what other sources tell, nature above all."""

    def __init__(
        self, forced: Sequence[Event], fleets: Mapping[str, Fleet], *sources: Source
    ) -> None:
        for number, event in enumerate(forced):
            event.check(f"events[{number}]")
            self._check_devices(f"events[{number}]", event, fleets)
        self._forced = sorted(forced, key=_order)
        self._sources = sources
        self._fleets = fleets

    def between(self, start: int, end: int, type: str = "") -> list[Event]:
        """Events that overlap [start, end) [ns], of a type or all, in order of their beginning."""
        found = [e for e in self._forced if not type or e.type == type]
        for source in self._sources:
            found += source(start, end, type)
        return sorted((e for e in found if e.start < end and e.end > start), key=_order)

    def devices(self, event: Event) -> list[str]:
        """The devices that show it, at half of its strength or more."""
        if event.devices:
            return list(event.devices)
        return [
            fleet.devices[n].id
            for kind in EVENT_TYPES[event.type].kinds
            if (fleet := self._fleets.get(kind)) is not None
            for n in np.flatnonzero(nearness(event, fleet.lat, fleet.lon) > 0.5).tolist()
        ]

    def at(self, type: str, rows: Rows) -> Values:
        """Strength at each row's place and time; where several meet, the sum."""
        total = np.zeros(len(rows))
        if not len(rows):
            return total
        found = self.between(int(rows.time.min()), int(rows.time.max()) + 1, type)
        for event in found:
            if not event.devices:
                near = nearness(event, rows.lat, rows.lon)
                total = total + event.strength * near * course(event, rows.t)
        of = EVENT_TYPES[type]
        for spans in self._layers([e for e in found if e.devices]):
            struck, place = spans.of(rows)
            share = _course(of, rows.t, spans.start[place], spans.end[place])
            total = total + np.where(struck, spans.strength[place] * share, 0.0)
        return total

    def last(self, type: str, rows: Rows, t: Values, back_s: float = 0.0) -> tuple[Values, Values]:
        """(start, end) [s since 1970] of the latest event at each row's device that began by `t` and had
        not ended `back_s` before; NaN where there is none. One that has a place strikes all within reach."""
        start, end = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        if not len(rows):
            return start, end
        span = int((t.min() - back_s) * SECOND), int(t.max() * SECOND) + 1
        for spans in self._layers(self.between(*span, type)):
            struck, place = spans.of(rows)
            begins, ends = spans.start[place], spans.end[place]
            now = struck & (begins <= t) & (ends > t - back_s)
            start, end = np.where(now, begins, start), np.where(now, ends, end)
        return start, end

    def over_city(self, type: str, t: Values) -> Values:
        """Strength at these times wherever events of the type lie: what is felt in all of the city."""
        total = np.zeros(len(t))
        if len(t):
            for event in self.between(int(t.min() * SECOND), int(t.max() * SECOND) + 1, type):
                total = np.maximum(total, event.strength * course(event, t))
        return total

    def where(self, event: Event, rows: Rows) -> Values:
        """How much of an event is at each row's place or device, 0…1."""
        if not event.devices:
            return nearness(event, rows.lat, rows.lon)
        return np.isin(rows.key, self._keys(event)).astype(np.float64)

    def _layers(self, events: Sequence[Event]) -> Iterator[Spans]:
        """These events by device, as few tables as hold no device twice; later events in later ones."""
        layers: list[dict[int, Event]] = []
        for event in events:
            for key in self._keys(event).tolist():
                layer = next((x for x in layers if key not in x), None)
                if layer is None:
                    layers.append(layer := {})
                layer[key] = event
        for layer in layers:
            keys = np.array(sorted(layer), dtype=np.uint64)
            of = [layer[k] for k in keys.tolist()]
            yield Spans(
                keys,
                np.array([e.start / SECOND for e in of]),
                np.array([e.end / SECOND for e in of]),
                np.array([e.strength for e in of]),
            )

    @staticmethod
    def _check_devices(place: str, event: Event, fleets: Mapping[str, Fleet]) -> None:
        kinds = EVENT_TYPES[event.type].kinds
        for device in event.devices:
            if not any(device in fleets[kind].index for kind in kinds if kind in fleets):
                raise DeclarationError(
                    f"{place}.devices", f"must name devices of {' or '.join(kinds)} here", device
                )

    def _keys(self, event: Event) -> Keys:
        fleets = [f for k in EVENT_TYPES[event.type].kinds if (f := self._fleets.get(k))]
        return np.array(
            [f.key[f.index[d]] for d in self.devices(event) for f in fleets if d in f.index],
            dtype=np.uint64,
        )


def course(event: Event, t: Values) -> Values:
    """How much of an event there is at these times, 0…1, exactly 0 outside of it. [s since 1970]"""
    start, end = np.array(event.start / SECOND), np.array(event.end / SECOND)
    return _course(EVENT_TYPES[event.type], t, start, end)


def _course(of: EventType, t: Values, start: Values, end: Values) -> Values:
    since, left = t - start, end - t
    inside = (since >= 0) & (left > 0)
    up = np.clip(since / of.rise_s, 0.0, 1.0) if of.rise_s else 1.0
    down = np.clip(left / of.fall_s, 0.0, 1.0) if of.fall_s else 1.0
    return np.asarray(np.where(inside, np.minimum(up, down), 0.0))


def nearness(event: Event, lat: Values, lon: Values) -> Values:
    """1 in the middle of a place, 9/16 at its radius, 0 from twice the radius on; 1 where it has no place."""
    if event.lat is None or event.lon is None:
        return np.ones(np.shape(lat))
    squeeze = np.cos(np.radians(event.lat))
    metres = METRES_PER_DEG * np.hypot(lat - event.lat, (lon - event.lon) * squeeze)
    return np.asarray(np.clip(1.0 - (metres / (2.0 * event.radius_m)) ** 2, 0.0, 1.0) ** 2)


def _order(event: Event) -> tuple[int, int, str, tuple[str, ...], float]:
    return (event.start, event.end, event.type, event.devices, event.lat or 0.0)
