"""What devices have in common: their gateway, the feeder they hang on, their area: one column of codes each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analytics.alerts.group_rules import AREA, GATEWAY, STRING
from analytics.table import Table
from devices.device import Catalogue, Device
from devices.gateways import DIRECT
from devices.subject import area, gateway, name_of
from telemetry.arrays import AnyArray, Mask
from telemetry.errors import DeclarationError

NAME = "S64"  # a gateway's id as a snapshot keeps it


class Groups:
    """Follows the catalogue: devices may be added or replaced, and come through another gateway, at any time."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._areas: dict[str, int] = {}
        self._area_names: list[str] = []
        self._known: list[Device] = []
        self._seen = (-1, -1)
        self._area: AnyArray = np.zeros(0, np.int32)
        self._parent: AnyArray = np.zeros(0, np.int32)
        self._string: AnyArray = np.zeros(0, np.int32)
        self._gateway: AnyArray = np.zeros(0, np.int32)
        self._cabinets = [k.name for k in catalogue.kinds if "supply_loss" in k.indices]
        self.table = Table({"via": (NAME, 0)})

    def refresh(self) -> None:
        """Take over what is new in the catalogue."""
        n, gateways = self.table.rows, self._catalogue.gateways
        if (gateways.changes, n) != (self._seen[1], len(self._gateway)):
            self._seen = self._seen[0], gateways.changes
            self._gateway = gateways.of(n)
            names = np.array([*gateways.names, ""], dtype=NAME)
            self.table["via"][:n] = names[self._gateway]
        if self._catalogue.replacements != self._seen[0] or len(self._area) != n:
            self._seen = self._catalogue.replacements, self._seen[1]
            self._place(self._catalogue.devices[:n])

    def teach(self) -> None:
        """After a restore: devices that have not come yet came through the gateway that the snapshot names."""
        gateways = self._catalogue.gateways
        via = self.table["via"][: self.table.rows]
        device = np.flatnonzero((via != b"") & (gateways.of(len(via)) == DIRECT))
        codes = {name: gateways.code(name.decode()) for name in np.unique(via[device]).tolist()}
        gateway_of = np.array([codes[v] for v in via[device].tolist()], dtype=np.int32)
        gateways.learn(device.astype(np.int32), gateway_of)

    def columns(self) -> list[tuple[str, AnyArray]]:
        """(rule, group's code by device, -1 for none), the stronger explanation first."""
        return [(GATEWAY, self._gateway), (STRING, self._string), (AREA, self._area)]

    def under_lost_parent(self, lost: Mask) -> Mask:
        """Devices that hang on one that is lost."""
        found: Mask = (self._parent >= 0) & lost[self._parent]
        return found

    def subject(self, rule: str, group: int) -> str:
        """What an alert of the group is about."""
        if rule == GATEWAY:
            return gateway(self._catalogue.gateways.names[group])
        if rule == STRING:
            return self._catalogue.devices[group].id
        return area(self._area_names[group])

    def codes(self, rule: str, subjects: Sequence[str]) -> AnyArray:
        """The groups' codes; a subject that is unknown by now is left out."""
        found: list[int | None] = []
        for subject in subjects:
            if rule == GATEWAY:
                found.append(self._catalogue.gateways.known(name_of(subject)))
            elif rule == STRING:
                found.append(self._catalogue.code(subject))
            else:
                found.append(self._areas.get(name_of(subject)))
        return np.array([c for c in found if c is not None and c >= 0], dtype=np.int32)

    def _place(self, devices: list[Device]) -> None:
        self._parent = np.full(len(devices), -1, np.int32)
        self._area = np.full(len(devices), -1, np.int32)
        for i, device in enumerate(devices):
            if device.parent:
                code = self._catalogue.code(device.parent)
                self._parent[i] = -1 if code is None or code >= len(devices) else code
            if device.area:
                self._area[i] = self._area_code(device.area)
        kinds = self._catalogue.kinds
        cabinets = np.isin(
            self._catalogue.kind_of[: len(devices)], [kinds.code[k] for k in self._cabinets]
        )
        on_cabinet = (self._parent >= 0) & cabinets[self._parent]
        self._string = np.where(on_cabinet, self._parent, -1).astype(np.int32)

    def _area_code(self, name: str) -> int:
        found = self._areas.get(name)
        if found is not None:
            return found
        try:
            area(name)
        except DeclarationError:
            return -1  # can be no alert's subject
        self._areas[name] = len(self._area_names)
        self._area_names.append(name)
        return self._areas[name]
