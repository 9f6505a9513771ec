"""What of the city a principal sees: devices by their kind's domain and their area, and what hangs on them."""

from __future__ import annotations

import threading
from collections.abc import Collection

import numpy as np

from devices.device import Catalogue, Device
from devices.subject import name_of, sort_of
from telemetry.arrays import Codes32, Mask


class Sight:
    """Devices, and alerts' subjects, of these domains and areas (None: all). Thread-safe.

    A device is seen where its kind's domain is among `domains` and its area among `areas`. A gateway is
    seen where a device behind it is; an area where it is among `areas` and all domains are seen; the
    platform itself by nobody who sees only a part.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        domains: Collection[str] | None = None,
        areas: Collection[str] | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.domains = None if domains is None else frozenset(domains)
        self.areas = None if areas is None else frozenset(areas)
        self._mask: Mask = np.zeros(0, dtype=bool)
        self._replacements = -1
        self._lock = threading.Lock()

    @property
    def whole(self) -> bool:
        """Whether everything is seen."""
        return self.domains is None and self.areas is None

    def mask(self) -> Mask:
        """True for each device, by code, that is seen. Kept until the catalogue changes."""
        with self._lock:
            # Asked first: what is replaced meanwhile is looked at the next time.
            replacements, count = self.catalogue.replacements, len(self.catalogue)
            if replacements != self._replacements:
                self._mask, self._replacements = np.zeros(0, dtype=bool), replacements
            if len(self._mask) < count:
                known = len(self._mask)
                fresh = [self.device(d) for d in self.catalogue.devices[known:count]]
                self._mask = np.concatenate([self._mask, np.array(fresh, dtype=bool)])
            return self._mask

    def codes(self) -> Codes32:
        """Codes of the devices that are seen."""
        return np.flatnonzero(self.mask()).astype(np.int32)

    def of(self, codes: Codes32 | None) -> Codes32 | None:
        """Those of `codes` that are seen; None (all devices) stays None only where everything is."""
        if self.whole:
            return codes
        if codes is None:
            return self.codes()
        mask = self.mask()
        known = codes[codes < len(mask)]
        return known[mask[known]]

    def kind(self, kind: str) -> bool:
        """Whether devices of this kind may be seen at all."""
        if self.domains is None:
            return True
        return kind in self.catalogue.kinds and self.catalogue.kinds[kind].domain in self.domains

    def device(self, device: Device) -> bool:
        """Whether this device is seen."""
        return self.kind(device.kind) and (self.areas is None or device.area in self.areas)

    def id(self, device_id: str) -> bool:
        """Whether the device of this id is seen; an unknown one only where everything is."""
        device = self.catalogue.get(device_id)
        return self.whole if device is None else self.device(device)

    def subject(self, subject: str) -> bool:
        """Whether what an alert is about is seen: see devices.subject."""
        if self.whole:
            return True
        sort, name = sort_of(subject), name_of(subject)
        if sort == "device":
            return self.id(name)
        if sort == "area":
            return self.domains is None and self.areas is not None and name in self.areas
        return sort == "gateway" and self._gateway(name)

    def _gateway(self, name: str) -> bool:
        gateways = self.catalogue.gateways
        code = gateways.known(name)
        mask = self.mask()
        return code >= 0 and bool((mask & (gateways.of(len(mask)) == code)).any())
