"""Passwords of devices in the folder that the city's Mosquitto reads: what the API issues."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from pathlib import Path

from commands import broker_files as files
from commands.authority import write_whole


class BrokerFolder:
    """`passwords` and `acl` of a folder; see docs/mosquitto.md. Safe from several threads of one process.

    A device's rights are the patterns of its kind; the file of rights is made where there is none yet.
    """

    def __init__(self, folder: Path, kinds: Iterable[str]) -> None:
        self._folder = folder
        self._kinds = tuple(kinds)
        self._lock = threading.Lock()

    def issue(self, device: str) -> tuple[str, bool]:
        """See api.desks_broker.CredentialDesk."""
        path = self._folder / "passwords"
        with self._lock:
            rotated = device in files.read_passwords(path)
            made = files.set_passwords(path, [device])
            self._complete_rights()
        return made[device], rotated

    def remove(self, device: str) -> bool:
        """See api.desks_broker.CredentialDesk."""
        path = self._folder / "passwords"
        with self._lock:
            lines = files.read_passwords(path)
            if device not in lines:
                return False
            del lines[device]
            files.write_passwords(path, lines)
        return True

    def _complete_rights(self) -> None:
        path = self._folder / "acl"
        wanted = files.rights(self._kinds, files.gateways_of(path)).encode()
        if not path.exists() or path.read_bytes() != wanted:
            write_whole(path, wanted, 0o600)
