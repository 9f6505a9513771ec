"""Where a series' state lives: dense index = base[device] + local[kind, quantity].

Blocks are handed out in the order of device codes, so a device's series lie side by side and devices
may be added at any time. Alert rules have slots in the same way: rule_base[device] + rule of the kind.
"""

from __future__ import annotations

import numpy as np

from analytics.table import Table
from devices.device import Catalogue
from telemetry.arrays import AnyArray, Index


class Layout:
    """Series and rule slots of every device in the catalogue, as far as `grow` has seen it.

    local     [kind, quantity] → place in the device's block, -1 where the kind has no such quantity
    devices   Table: base, rule_base, kind by device code
    series    Table: device, quantity by series index, and `at`, the place of (kind, quantity) in the
              kinds' tables laid flat
    """

    def __init__(self, catalogue: Catalogue) -> None:
        kinds = catalogue.kinds
        self.catalogue = catalogue
        self.kinds = kinds
        self.local = np.full(kinds.declared.shape, -1, dtype=np.int64)
        for kind in range(len(kinds.kinds)):
            declared = np.flatnonzero(kinds.declared[kind])
            self.local[kind, declared] = np.arange(len(declared))
        self.width = kinds.declared.sum(axis=1).astype(np.int64)
        self.rule_width = np.array([len(k.rules) for k in kinds], dtype=np.int64)
        self.devices = Table(
            {"base": (np.int64, 0), "rule_base": (np.int64, 0), "kind": (np.int16, 0)}
        )
        self.series = Table(
            {"device": (np.int32, 0), "quantity": (np.int16, 0), "at": (np.int32, 0)}
        )
        self.n_series = 0
        self.n_rules = 0

    @property
    def n_devices(self) -> int:
        """Devices that have a place."""
        return self.devices.rows

    def grow(self) -> int:
        """Give a place to devices that are new in the catalogue. Returns the code of the first one."""
        known, total = self.n_devices, len(self.catalogue)
        if total == known:
            return known
        kind = self.catalogue.kind_of[known:total].astype(np.int64)
        self.devices.grow(total)
        self.devices["kind"][known:total] = kind
        width = self.width[kind]
        self.devices["base"][known:total] = self.n_series + np.cumsum(width) - width
        rules = self.rule_width[kind]
        self.devices["rule_base"][known:total] = self.n_rules + np.cumsum(rules) - rules
        self._name_series(np.arange(known, total), kind, width)
        self.n_rules += int(rules.sum())
        return known

    def _name_series(self, device: AnyArray, kind: AnyArray, width: AnyArray) -> None:
        first = self.n_series
        self.n_series += int(width.sum())
        self.series.grow(self.n_series)
        local = np.arange(self.n_series - first) - np.repeat(np.cumsum(width) - width, width)
        names = np.full((len(self.width), int(self.width.max())), -1, dtype=np.int16)
        for k in range(len(self.width)):
            names[k, : self.width[k]] = np.flatnonzero(self.kinds.declared[k])
        self.series["device"][first : self.n_series] = np.repeat(device, width)
        kind_of = np.repeat(kind, width)
        quantity = names[kind_of, local]
        self.series["quantity"][first : self.n_series] = quantity
        self.series["at"][first : self.n_series] = kind_of * len(self.kinds.quantities) + quantity

    def index(self, device: AnyArray, quantity: AnyArray) -> Index:
        """Series index of each (device, quantity); -1 where the device's kind has no such quantity."""
        local = self.local[self.devices["kind"][device], quantity]
        return np.where(local < 0, -1, self.devices["base"][device] + local)

    def nbytes(self) -> int:
        """Bytes of the tables."""
        return self.devices.nbytes() + self.series.nbytes()
