"""Which gateway each device came through last, by device code: a column, bounded, of names as they are met."""

from __future__ import annotations

import threading

import numpy as np

from telemetry.arrays import AnyArray, Codes32

MOST = 10_000  # gateways: their names are the sender's
DIRECT = -1  # a device that came by itself, or through one gateway too many


class Gateways:
    """Written by ingest, read by analytics. `changes` counts what became different since the start."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.changes = 0
        self._codes: dict[str, int] = {}
        self._of: Codes32 = np.full(1024, DIRECT, dtype=np.int32)
        self._lock = threading.Lock()

    def code(self, name: str) -> int:
        """The gateway's code; DIRECT where there are too many already."""
        found = self._codes.get(name)
        if found is not None:
            return found
        with self._lock:
            if len(self.names) >= MOST:
                return DIRECT
            self.names.append(name)
            self._codes[name] = len(self.names) - 1
            return len(self.names) - 1

    def known(self, name: str) -> int:
        """The gateway's code; DIRECT where nothing came through it yet."""
        return self._codes.get(name, DIRECT)

    def learn(self, device: Codes32, gateway: AnyArray) -> None:
        """The devices came through these gateways now, the last word counts; DIRECT: by themselves."""
        if not len(device):
            return
        with self._lock:
            self._grow(int(device.max()) + 1)
            if (self._of[device] != gateway).any():
                self._of[device] = gateway
                self.changes += 1

    def of(self, devices: int) -> Codes32:
        """Gateway by device code, for so many devices."""
        with self._lock:
            self._grow(devices)
            return self._of[:devices].copy()

    def name_of(self, device: int) -> str:
        """The gateway that a device came through last; "" where it came by itself."""
        found = int(self._of[device]) if device < len(self._of) else DIRECT
        return self.names[found] if found >= 0 else ""

    def _grow(self, devices: int) -> None:
        if devices > len(self._of):
            more = np.full(max(devices, 2 * len(self._of)) - len(self._of), DIRECT, dtype=np.int32)
            self._of = np.concatenate([self._of, more])
