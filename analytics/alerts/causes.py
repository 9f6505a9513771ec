"""Cause before symptom: which alerts hold others back, and which are held back.

While a device that others hang on has no supply or is not heard, what its children report (silence,
dark lamps) is a consequence: the operator sees one alert, with the others listed under it.
"""

from __future__ import annotations

from collections.abc import Iterable

from devices.device import Catalogue
from store.records import Alert

CAUSES = frozenset({"feeder_supply_loss", "device_offline"})
SYMPTOMS = frozenset({"device_offline", "lamp_failure"})

Pair = tuple[str, str]  # (family, subject)


class Kinship:
    """Standing symptoms by the device that their devices hang on."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._under: dict[str, dict[Pair, None]] = {}
        self._parent: dict[Pair, str] = {}

    def add(self, alert: Alert) -> None:
        """A symptom stands now."""
        pair = alert.family, alert.subject
        parent = self.parent(alert.device)
        if alert.family in SYMPTOMS and parent and pair not in self._parent:
            self._under.setdefault(parent, {})[pair] = None
            self._parent[pair] = parent

    def remove(self, alert: Alert) -> None:
        """It stands no more."""
        parent = self._parent.pop((alert.family, alert.subject), None)
        if parent is not None:
            del self._under[parent][alert.family, alert.subject]

    def symptoms(self, parent: str) -> list[Pair]:
        """Standing symptoms of the devices that hang on this one."""
        return list(self._under.get(parent, ()))

    def parent(self, device: str) -> str:
        """What a device hangs on, or ""."""
        found = self._catalogue.get(device) if device else None
        return "" if found is None else found.parent

    def causes(self, alert: Alert) -> Iterable[Pair]:
        """The pair of each alert that would hold this one back, the stronger first."""
        parent = self.parent(alert.device) if alert.family in SYMPTOMS else ""
        return [(rule, parent) for rule in sorted(CAUSES, reverse=True)] if parent else []
