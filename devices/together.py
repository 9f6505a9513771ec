"""Devices that belong together, and the partition that they share: a feeder's lamps, a road, an area.

A device goes where the device goes that it hangs on; without one, with its road, its area, or alone.
Stations that are compared with those nearest to them, wherever an area ends, are all together. What
detectors compare lies within one such group, so partitions by it find out what one engine would.
"""

from __future__ import annotations

from zlib import crc32

from devices.device import Catalogue, Device
from devices.kind import Kind
from telemetry.errors import DeclarationError

DEPTH = 8  # lamp → feeder → area; a chain of parents that bites its tail ends here
ROAD = "road"


def compares(kind: Kind) -> bool:
    """Its stations are compared with those nearest to them."""
    return any(q.neighbour is not None for q in kind.quantities)


def group(catalogue: Catalogue, device: Device) -> str:
    """The name of the group: "near:…", "road:…", "area:…" or "device:…"."""
    root = device
    for _ in range(DEPTH):
        above = catalogue.get(root.parent) if root.parent else None
        if above is None or above is device:
            break
        root = above
    kind = catalogue.kinds[root.kind]
    if kind.beside or compares(kind):
        return f"near:{kind.beside or kind.name}"
    if ROAD in root.limits:
        return f"road:{root.limits[ROAD]:g}"
    return f"area:{root.area}" if root.area else f"device:{root.parent or root.id}"


def partition(catalogue: Catalogue, device: Device, partitions: int) -> int:
    """Which of so many partitions analyses the device: the same in every process."""
    if partitions < 1:
        raise DeclarationError("partitions", "must be 1 or more", partitions)
    return crc32(group(catalogue, device).encode()) % partitions
