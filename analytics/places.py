"""Which devices are neighbours, and which hang on which: from the catalogue, followed as it changes."""

from __future__ import annotations

from itertools import compress, count
from operator import is_not

import numpy as np

from analytics.table import Table
from devices.device import Catalogue, Device
from devices.together import group
from telemetry.arrays import AnyArray

NONE = -1
AREA = "area:"


class Places:
    """Tables by device code: `area`, a number for the area that a device is compared in, and `parent`."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: list[Device] = []
        self._areas: dict[str, int] = {}
        self._table = Table({"area": (np.int32, NONE), "parent": (np.int32, NONE)})

    def refresh(self) -> None:
        """Take over devices that are new or were replaced, and those that hang on them."""
        devices = self._catalogue.devices[:]
        changed = list(compress(count(), map(is_not, self._known, devices)))
        new = range(len(self._known), len(devices))
        if not changed and not new:
            return
        self._known = devices
        self._table.grow(len(devices))
        # A parent that moved, or came after its children, moves them too.
        moved = range(len(devices)) if changed or self._waiting() else new
        for code in moved:
            self._take(code, devices[code])

    def _waiting(self) -> bool:
        return any(d.parent and self._table["parent"][i] == NONE for i, d in enumerate(self._known))

    def _take(self, code: int, device: Device) -> None:
        name = group(self._catalogue, device)
        area = self._areas.setdefault(name, len(self._areas)) if name.startswith(AREA) else NONE
        self._table["area"][code] = area
        above = self._catalogue.code(device.parent) if device.parent else None
        self._table["parent"][code] = NONE if above is None else above

    @property
    def area(self) -> AnyArray:
        """Number of the area by device code; -1: none."""
        return self._table["area"][: self._table.rows]

    @property
    def parent(self) -> AnyArray:
        """Code of the parent by device code; -1: none that is known."""
        return self._table["parent"][: self._table.rows]
