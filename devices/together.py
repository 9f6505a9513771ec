"""Devices that belong together, and the partition that they share: a feeder's lamps, a road, an area.

A device goes where the device goes that it hangs on; without one, with its road, its area, or alone. What
detectors compare lies within one such group, so partitions by it find out what one engine would.
"""

from __future__ import annotations

from zlib import crc32

from devices.device import Catalogue, Device
from telemetry.errors import DeclarationError

DEPTH = 8  # lamp → feeder → area; a chain of parents that bites its tail ends here
ROAD = "road"


def group(catalogue: Catalogue, device: Device) -> str:
    """The name of the group: "road:…", "area:…" or "device:…"."""
    root = device
    for _ in range(DEPTH):
        above = catalogue.get(root.parent) if root.parent else None
        if above is None or above is device:
            break
        root = above
    if ROAD in root.limits:
        return f"road:{root.limits[ROAD]:g}"
    return f"area:{root.area}" if root.area else f"device:{root.parent or root.id}"


def partition(catalogue: Catalogue, device: Device, partitions: int) -> int:
    """Which of so many partitions analyses the device: the same in every process."""
    if partitions < 1:
        raise DeclarationError("partitions", "must be 1 or more", partitions)
    return crc32(group(catalogue, device).encode()) % partitions
