"""Which devices are neighbours, and which hang on which: from the catalogue, followed as it changes."""

from __future__ import annotations

from itertools import compress, count
from operator import is_not

import numpy as np

from analytics.nearest import nearest
from analytics.table import Table
from devices.device import Catalogue, Device
from devices.together import compares
from telemetry.arrays import AnyArray, Index

NONE = -1
NEAREST = 8  # stations that one is compared with, at most
REACH_M = 10_000.0

Place = tuple[float | None, float | None, str]


class Places:
    """Tables by device code: `near`, the stations that a device is compared with, and `parent`.

    Those of its kind that are nearest, within ten kilometres. One whose place is not known is compared
    with others of its area whose place is not known, in the order of their ids.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._known: list[Device] = []
        self._stations: dict[str, dict[int, Place]] = {
            k.name: {} for k in catalogue.kinds if compares(k)
        }
        self._parents = Table({"parent": (np.int32, NONE)})
        self._near = Table({"near": (np.int32, NONE)}, width=NEAREST)

    def refresh(self) -> None:
        """Take over devices that are new or were replaced, and those that hang on them."""
        devices = self._catalogue.devices[:]
        changed = list(compress(count(), map(is_not, self._known, devices)))
        new = range(len(self._known), len(devices))
        if not changed and not new:
            return
        self._known = devices
        self._parents.grow(len(devices))
        self._near.grow(len(devices))
        # A parent that came after its children is theirs from now on.
        hung = range(len(devices)) if changed or self._waiting() else new
        for code in hung:
            self._hang(code, devices[code])
        for kind in {devices[c].kind for c in (*changed, *new) if self._moved(c, devices[c])}:
            self._compare(self._stations[kind])

    @property
    def near(self) -> AnyArray:
        """[devices, 8]: codes of the stations that each is compared with; -1: no more."""
        return self._near["near"][: self._near.rows * NEAREST].reshape(-1, NEAREST)

    @property
    def parent(self) -> AnyArray:
        """Code of the parent by device code; -1: none that is known."""
        return self._parents["parent"][: self._parents.rows]

    def _waiting(self) -> bool:
        parent = self._parents["parent"]
        return any(d.parent and parent[i] == NONE for i, d in enumerate(self._known))

    def _hang(self, code: int, device: Device) -> None:
        above = self._catalogue.code(device.parent) if device.parent else None
        self._parents["parent"][code] = NONE if above is None else above

    def _moved(self, code: int, device: Device) -> bool:
        """A station of a kind that is compared is new, or stands somewhere else now."""
        stations = self._stations.get(device.kind)
        if stations is None:
            return False
        place = device.lat, device.lon, device.area
        moved = stations.get(code) != place
        stations[code] = place
        return moved

    def _compare(self, stations: dict[int, Place]) -> None:
        """Find the neighbours of all stations of a kind anew."""
        code = np.array(sorted(stations), dtype=np.intp)
        place = [stations[c] for c in code.tolist()]
        at = np.array([(np.nan, np.nan) if p[0] is None or p[1] is None else p[:2] for p in place])
        rank = np.argsort(np.argsort(np.array([self._known[c].id for c in code.tolist()])))
        near = np.full((len(code), NEAREST), NONE, dtype=np.intp)
        known = np.flatnonzero(~np.isnan(at).any(axis=1))
        if len(known):
            found = nearest(at[known, 0], at[known, 1], rank[known], NEAREST, REACH_M)
            near[known] = np.where(found == NONE, NONE, known[found])
        nowhere = np.flatnonzero(np.isnan(at).any(axis=1))
        _of_area(near, nowhere[np.argsort(rank[nowhere])], [p[2] for p in place])
        self.near[code] = np.where(near == NONE, NONE, code[near])


def _of_area(near: Index, ordered: Index, area: list[str]) -> None:
    """Compare each of these with the first others of its area."""
    members: dict[str, list[int]] = {}
    for i in ordered.tolist():
        if area[i] and len(of := members.setdefault(area[i], [])) <= NEAREST:
            of.append(i)
    for i in ordered.tolist():
        others = [j for j in members.get(area[i], ()) if j != i][:NEAREST]
        near[i, : len(others)] = others
