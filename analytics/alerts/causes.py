"""Cause before symptom: which alerts hold others back, and which are held back.

Our own outage goes before an area's, that before a gateway's, that before what a device hangs on: a feeder
without supply, a cabinet that is not heard. While one of them stands, what it explains (silence, dark
lamps) is a consequence: the operator sees one alert, with the others listed under it.
"""

from __future__ import annotations

from collections.abc import Iterable

from analytics.alerts.group_rules import AREA, GATEWAY
from analytics.alerts.platform_rules import RULE_OF_PART
from devices.device import Catalogue
from devices.subject import area, gateway, name_of, platform, sort_of
from store.records import Alert
from telemetry.clock import MINUTE
from telemetry.errors import DeclarationError

SUPPLY, OFFLINE = "feeder_supply_loss", "device_offline"
# Parts without which no device can be heard: the rest of the platform may fail and we still hear.
_DEAF = ("broker", "ingest", "telemetry-store", "analytics")
_OURS = tuple((RULE_OF_PART[part], platform(part)) for part in _DEAF)
CAUSES = frozenset({SUPPLY, OFFLINE, GATEWAY, AREA, *(rule for rule, _ in _OURS)})
SILENCES = frozenset({OFFLINE, GATEWAY, AREA})
SYMPTOMS = frozenset({OFFLINE, GATEWAY, AREA, SUPPLY, "lamp_failure"})
# What stood for longer before its cause is no consequence of it.
_BEFORE = {"platform": MINUTE, "area": 15 * MINUTE, "gateway": 15 * MINUTE}

Pair = tuple[str, str]  # (family, subject)


class Kinship:
    """Standing symptoms by the subjects of the alerts that may hold them back."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._under: dict[str, dict[Pair, None]] = {}
        self._keys: dict[Pair, tuple[str, ...]] = {}

    def add(self, alert: Alert) -> None:
        """A symptom stands now."""
        pair = alert.family, alert.subject
        if pair in self._keys:
            return
        keys = tuple({subject for _, subject in self.causes(alert)})
        if keys:
            self._keys[pair] = keys
            for key in keys:
                self._under.setdefault(key, {})[pair] = None

    def remove(self, alert: Alert) -> None:
        """It stands no more."""
        pair = alert.family, alert.subject
        for key in self._keys.pop(pair, ()):
            del self._under[key][pair]

    def symptoms(self, subject: str) -> list[Pair]:
        """Standing symptoms that an alert about this subject may hold back."""
        return list(self._under.get(subject, ()))

    def causes(self, alert: Alert) -> Iterable[Pair]:
        """The pair of each alert that would hold this one back, the stronger first."""
        if alert.family not in SYMPTOMS:
            return []
        found: list[Pair] = list(_OURS) if alert.family in SILENCES else []
        sort, device = sort_of(alert.subject), self._catalogue.get(alert.device)
        if sort == "gateway":
            found += [(AREA, a) for a in self._areas_of_gateway(name_of(alert.subject))]
        elif device is not None:
            if device.area:
                found += _area(device.area)
            code = self._catalogue.code(device.id)
            via = self._catalogue.gateways.name_of(code) if code is not None else ""
            if via and alert.family == OFFLINE:
                found.append((GATEWAY, gateway(via)))
            if device.parent:
                found += [(SUPPLY, device.parent), (OFFLINE, device.parent)]
        return found

    def _areas_of_gateway(self, name: str) -> list[str]:
        """The area of a gateway's devices, where it is one."""
        gateways = self._catalogue.gateways
        of = gateways.of(len(self._catalogue))
        mine = (
            (of == gateways.known(name)).nonzero()[0].tolist() if gateways.known(name) >= 0 else []
        )
        areas = {self._catalogue.devices[d].area for d in mine}
        return [subject for a in areas for _, subject in _area(a)] if len(areas) == 1 else []


def explains(cause: Alert, alert: Alert) -> bool:
    """The cause may be why the other stands: it did not stand long before."""
    before = _BEFORE.get(sort_of(cause.subject))
    return before is None or alert.raised >= cause.raised - before


def _area(code: str) -> list[Pair]:
    try:
        return [(AREA, area(code))]
    except DeclarationError:
        return []  # no alert can be about it
