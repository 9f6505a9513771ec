"""The data sets there are: one per kind and area that the city has marked open and where devices measure."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from api.context import Context
from api.problems import not_found
from devices.city import Area
from devices.kind import Kind
from devices.open_data import OpenData
from store.telemetry import Series
from telemetry.arrays import Codes16, Codes32

_BEGINNING = 0  # 1970: nothing was measured before


@dataclass(frozen=True, slots=True)
class Dataset:
    """Measured values and official indices of the open devices of a kind in an area."""

    kind: Kind
    area: Area
    devices: Codes32
    quantities: Codes16

    @property
    def name(self) -> str:
        """What it is called in addresses."""
        return f"{self.kind.name}/{self.area.code}"

    @property
    def series(self) -> Series:
        """Its series in the store."""
        return Series(self.devices, self.quantities)


def datasets(context: Context) -> list[Dataset]:
    """All of them, in the order of kinds and areas. `context` is the whole city's."""
    marked = context.city.open_data
    if marked is None:
        return []
    members: dict[tuple[str, str], list[int]] = {}
    for code, device in enumerate(context.catalogue.devices[: len(context.catalogue)]):
        if marked.holds(device):
            members.setdefault((device.kind, device.area), []).append(code)
    return [
        _dataset(context, kind, area, members[kind.name, area.code])
        for kind in context.kinds
        for area in context.city.areas
        if (kind.name, area.code) in members
    ]


def dataset_of(context: Context, kind: str, area: str) -> Dataset:
    """The data set of a kind and area; 404 where there is none, or it is not open."""
    marked = context.city.open_data
    known = context.city.area.get(area)
    if marked is not None and kind in context.kinds and known is not None:
        devices = context.catalogue.devices[: len(context.catalogue)]
        codes = [
            code
            for code, device in enumerate(devices)
            if device.kind == kind and device.area == area and marked.holds(device)
        ]
        if codes:
            return _dataset(context, context.kinds[kind], known, codes)
    raise not_found(f"there is no open data of {kind[:40]!r} in {area[:40]!r}; see /open/catalog")


def marks(context: Context) -> OpenData:
    """What the city has marked; 404 where it has marked nothing."""
    found = context.city.open_data
    if found is None:
        raise not_found("this city publishes nothing: its file has no [open_data]")
    return found


def _dataset(context: Context, kind: Kind, area: Area, codes: list[int]) -> Dataset:
    code = context.kinds.quantity_code
    names = [q.name for q in kind.quantities if not q.derived or q.name in kind.indices]
    quantities = np.array(sorted(code[name] for name in names), dtype=np.int16)
    return Dataset(kind, area, np.array(codes, dtype=np.int32), quantities)


class Beginnings:
    """When each data set begins. Asked of the store once an hour at most: only a backfill moves it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[int, int | None]] = {}

    def of(self, context: Context, dataset: Dataset) -> int | None:
        """Time of its first reading [ns]; None where there is none."""
        now = context.clock.now()
        hour = now // 3_600_000_000_000
        with self._lock:
            found = self._found.get(dataset.name)
            if found is not None and found[0] == hour:
                return found[1]
        first = context.telemetry.raw(dataset.series, _BEGINNING, now + 1, 1)
        time = int(first.time[0]) if len(first) else None
        with self._lock:
            self._found[dataset.name] = (hour, time)
        return time
