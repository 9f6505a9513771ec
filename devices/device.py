"""A device, and the catalogue of all of them that this process knows."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

import numpy as np

from devices.gateways import Gateways
from devices.registry import Kinds
from telemetry.arrays import Codes16
from telemetry.errors import DeclarationError

DEVICE_ID = re.compile(r"[a-z0-9][a-z0-9-]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device.

    parent   what it hangs on: its feeder cabinet or gateway, or ""
    area     official code of the ward or commune, or ""
    limits   levels of its own, by name: {"bd1": 1.4} at a flood station, {"rated_power": 100} at a lamp
    tags     words that a city groups its devices by, as rules may name them
    retired  taken down for good: what still comes is refused, what it measured stays
    """

    id: str
    kind: str
    name: str = ""
    lat: float | None = None
    lon: float | None = None
    area: str = ""
    parent: str = ""
    registered: bool = True
    simulated: bool = False
    limits: dict[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    retired: bool = False


class Catalogue:
    """Devices ↔ codes. A code is given once and stays; safe to use from several threads.

    `kind_of[code]` is the kind's code, for whole columns at once. `replacements` counts how often what is
    known of a device was replaced, for whoever keeps something that follows from it.
    """

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.devices: list[Device] = []
        self.replacements = 0
        self.gateways = Gateways()
        self._codes: dict[str, int] = {}
        self._kind_of: Codes16 = np.zeros(1024, dtype=np.int16)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.devices)

    @property
    def kind_of(self) -> Codes16:
        """Kind code by device code. A view: take it anew after devices were added."""
        return self._kind_of[: len(self.devices)]

    def code(self, device_id: str) -> int | None:
        """The code of a device, or None."""
        return self._codes.get(device_id)

    def get(self, device_id: str) -> Device | None:
        """The device of this id, or None."""
        code = self._codes.get(device_id)
        return None if code is None else self.devices[code]

    def put(self, device: Device) -> int:
        """Add a device, or replace what is known of it. Returns its code.

        Raises DeclarationError for an id or kind that is not allowed, or a change of kind.
        """
        kind = self.kinds.code.get(device.kind)
        if kind is None:
            known = ", ".join(self.kinds.code)
            raise DeclarationError(
                f"device {device.id}", f"kind must be one of {known}", device.kind
            )
        if not DEVICE_ID.fullmatch(device.id):
            raise DeclarationError("device id", "must look like [a-z0-9][a-z0-9-]{1,63}", device.id)
        with self._lock:
            code = self._codes.get(device.id)
            if code is None:
                return self._append(device, kind)
            if self.devices[code].kind != device.kind:
                raise DeclarationError(
                    f"device {device.id}",
                    f"is of kind {self.devices[code].kind} already",
                    device.kind,
                )
            self.devices[code] = device
            self.replacements += 1
            return code

    def _append(self, device: Device, kind: int) -> int:
        code = len(self.devices)
        if code == len(self._kind_of):
            self._kind_of = np.concatenate([self._kind_of, np.zeros_like(self._kind_of)])
        self._kind_of[code] = kind
        self.devices.append(device)
        self._codes[device.id] = code
        return code
