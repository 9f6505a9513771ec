"""What the API asks of the city's broker: passwords of devices."""

from __future__ import annotations

from typing import Protocol


class CredentialDesk(Protocol):
    """Passwords of devices at the broker. Raises UrbanError where its files can't be read or written."""

    def issue(self, device: str) -> tuple[str, bool]:
        """A new password, which nothing else ever knows, and whether it takes the place of another."""
        ...

    def remove(self, device: str) -> bool:
        """Take it away; False where there was none."""
        ...
