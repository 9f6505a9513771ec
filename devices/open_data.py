"""What a city publishes to everybody: kinds, areas, licence. Nothing is open that its file does not mark open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from devices.device import Device
from telemetry.errors import DeclarationError

CLOSED = "closed"  # a device with this tag is published nowhere
_KEYS = {"licence", "publisher", "homepage", "kinds"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenData:
    """The part of a city file under [open_data].

    licence    address of the licence, as DCAT-AP wants it
    publisher  who publishes; homepage: its address, or ""
    kinds      kind → official codes of its open areas; None: all areas
    """

    licence: str
    publisher: str
    homepage: str = ""
    kinds: Mapping[str, frozenset[str] | None]

    def holds(self, device: Device) -> bool:
        """Whether what this device measures is open: registered, placed in an open area, and not closed."""
        if not device.registered or not device.area or CLOSED in device.tags:
            return False
        return self.marks(device.kind, device.area)

    def marks(self, kind: str, area: str) -> bool:
        """Whether a kind is open in an area."""
        if kind not in self.kinds:
            return False
        areas = self.kinds[kind]
        return areas is None or area in areas


def open_data(table: Mapping[str, Any] | None, areas: Iterable[str]) -> OpenData | None:
    """From a city file; None where nothing is marked. Raises DeclarationError in words."""
    if table is None:
        return None
    place = "open_data"
    if unknown := set(table) - _KEYS:
        need = f"takes {', '.join(sorted(_KEYS))}"
        raise DeclarationError(place, need, sorted(unknown)[0])
    for key in ("licence", "publisher"):
        if not isinstance(table.get(key), str) or not table[key]:
            raise DeclarationError(f"{place}.{key}", "must be a text", table.get(key))
    known, kinds = set(areas), dict[str, frozenset[str] | None]()
    for kind, marked in dict(table.get("kinds", {})).items():
        if marked == "all":
            kinds[kind] = None
        elif isinstance(marked, list) and set(marked) <= known:
            kinds[kind] = frozenset(marked)
        else:
            need = 'must be "all" or a list of codes of this city\'s areas'
            raise DeclarationError(f"{place}.kinds.{kind}", need, marked)
    return OpenData(
        licence=table["licence"],
        publisher=table["publisher"],
        homepage=str(table.get("homepage", "")),
        kinds=kinds,
    )
