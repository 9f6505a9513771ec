"""Where a broker is: mqtt://[user:password@]host[:port] or mqtts://…, taken apart once for everybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from telemetry.errors import SettingsError


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's address. The password never shows in `str()` or `repr()`."""

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{'mqtts' if self.tls else 'mqtt'}://{self.host}:{self.port}"


def broker_address(url: str, place: str = "URBAN_BROKER") -> BrokerAddress:
    """Take an address apart. Raises SettingsError for anything that is none; ports default to 1883, 8883."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        shown = url.rpartition("@")[2]
        raise SettingsError(place, "must look like mqtt://host:1883 or mqtts://host:8883", shown)
    tls = parts.scheme == "mqtts"
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    return BrokerAddress(parts.hostname, port or (8883 if tls else 1883), tls, user, password)
