"""Where a device has been: its places in order, out of the history of its changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from devices.device import Device
from store.device_records import DeviceEvent


@dataclass(frozen=True, slots=True)
class Place:
    """The `number`th place of a device, from `since` until `until` [ns]; lat None: it is not known."""

    number: int
    lat: float | None
    lon: float | None
    since: int
    until: int

    @property
    def known(self) -> bool:
        """Whether there is anything to show."""
        return self.lat is not None and self.lon is not None


_FIRST, _LAST = 0, 2**63 - 1


def places(device: Device, events: Iterable[DeviceEvent]) -> list[Place]:
    """Oldest first; the last one is where it is now. What was before anybody noted a change holds since 1970.

    events: of this device, in order of writing.
    """
    where = (device.lat, device.lon)
    found: list[tuple[tuple[float | None, float | None], int]] = []
    begun = False
    for event in reversed(list(events)):
        if event.before or event.what != "registered":
            before = (event.before.get("lat", where[0]), event.before.get("lon", where[1]))
        else:
            found.append((where, event.time))
            begun = True
            break
        if before != where:
            found.append((where, event.time))
        where = before
    if not begun:
        found.append((where, _FIRST))
    found.reverse()
    ends = [since for _, since in found[1:]] + [_LAST]
    return [
        Place(number, *spot, since, until)
        for number, ((spot, since), until) in enumerate(zip(found, ends, strict=True))
    ]


def at(places_: list[Place], time: int) -> Place:
    """Where it was at a time."""
    return next((p for p in reversed(places_) if p.since <= time), places_[0])
