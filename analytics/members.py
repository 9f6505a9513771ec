"""Some devices of the layout, with dense rows of their own: a detector's state costs only where it applies."""

from __future__ import annotations

import numpy as np

from analytics.layout import Layout
from analytics.table import Table
from telemetry.arrays import AnyArray, Codes32, Mask

NONE = -1


class Members:
    """The devices of some kinds, numbered 0, 1, 2, … in the order of their codes.

    name    what a snapshot calls them; kinds: [kind code] → whether devices of the kind are members
    """

    def __init__(self, name: str, layout: Layout, kinds: Mask) -> None:
        self.name = name
        self._layout = layout
        self._kinds = kinds
        self._row_of = Table({"row": (np.int32, NONE)})
        self._device_of = Table({"device": (np.int32, 0)})

    def __len__(self) -> int:
        return self._device_of.rows

    def grow(self, first: int) -> None:
        """Give rows to the members among the devices from code `first` on."""
        total = self._layout.n_devices
        self._row_of.grow(total)
        device = first + np.flatnonzero(self._kinds[self._layout.devices["kind"][first:total]])
        row = len(self) + np.arange(len(device))
        self._device_of.grow(len(self) + len(device))
        self._row_of["row"][device] = row
        self._device_of["device"][row] = device

    @property
    def device(self) -> Codes32:
        """Device code of each row."""
        found: Codes32 = self._device_of["device"][: len(self)]
        return found

    @property
    def row(self) -> AnyArray:
        """Row by device code; -1 where the device is no member."""
        return self._row_of["row"][: self._row_of.rows]

    def nbytes(self) -> int:
        """Bytes of the numbering."""
        return self._row_of.nbytes() + self._device_of.nbytes()
