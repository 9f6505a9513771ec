"""Where a broker is: `mqtt://[user:password@]host[:port]`, or `mqtts://…` with TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aiomqtt

from telemetry.errors import SettingsError

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """A broker's address, taken apart. `str()` shows it without the password."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def client(self, *, in_flight: int = 20, identifier: str | None = None) -> aiomqtt.Client:
        """A client that is not connected yet; `in_flight` publishes may wait for confirmation at once."""
        client = aiomqtt.Client(
            self.host,
            self.port,
            username=self.user,
            password=self.password,
            tls_context=ssl.create_default_context() if self.tls else None,
            # 3.1.1, because that is what every broker of ours speaks; the embedded one refuses 5.
            protocol=aiomqtt.ProtocolVersion.V311,
            identifier=identifier,
            max_inflight_messages=in_flight,
        )
        client.pending_calls_threshold = in_flight + 1
        return client


def parse_broker(url: str, place: str = "--broker") -> BrokerAddress:
    """Take an address apart. Raises SettingsError where it is none."""
    need = "must be mqtt://[user:password@]host[:port] or mqtts://…"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError(place, need, url) from None
    if (
        parts.scheme not in PORTS
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or port == 0
    ):
        raise SettingsError(place, need, url)
    return BrokerAddress(
        host=parts.hostname,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme == "mqtts",
    )
