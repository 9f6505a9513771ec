"""Where a broker is: mqtt://[user:password@]host[:port] or mqtts://…, taken apart once for everybody."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from telemetry.errors import SettingsError

_FILES = ("ca", "cert", "key")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker's address. The password never shows in `str()` or `repr()`.

    ca    the authorities that the broker's certificate is checked against; "": those of the machine
    cert, key  our own certificate and its key, where the broker asks for one; ""
    """

    host: str
    port: int
    tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: str = ""
    cert: str = ""
    key: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}"

    def tls_context(self) -> ssl.SSLContext | None:
        """What TLS is spoken with, or None without TLS. Raises SettingsError for files that are no use."""
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
        except OSError as error:
            raise SettingsError(
                "URBAN_BROKER: ca",
                f"must name a file of certificates in PEM ({_reason(error)})",
                self.ca,
            ) from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.cert:
            try:
                # An empty password: a key that asks for one must not wait for somebody at the terminal.
                context.load_cert_chain(self.cert, self.key, password="")
            except OSError as error:
                raise SettingsError(
                    "URBAN_BROKER: cert, key",
                    f"must name a certificate in PEM and its key, without a passphrase ({_reason(error)})",
                    f"{self.cert}, {self.key}",
                ) from None
        return context


def broker_address(url: str, place: str = "URBAN_BROKER") -> BrokerAddress:
    """Take an address apart. Raises SettingsError for anything that is none; ports default to 1883, 8883.

    An mqtts address may name files: `?ca=ca.crt&cert=me.crt&key=me.key`; they must be there.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        shown = url.partition("?")[0].rpartition("@")[2]
        raise SettingsError(place, "must look like mqtt://host:1883 or mqtts://host:8883", shown)
    tls = parts.scheme == "mqtts"
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    files = _files(parts.query, tls, place)
    return BrokerAddress(
        parts.hostname, port or (8883 if tls else 1883), tls, user, password, **files
    )


def _files(query: str, tls: bool, place: str) -> dict[str, str]:
    files = dict(parse_qsl(query, keep_blank_values=True))
    if files and not tls:
        raise SettingsError(place, "names files for TLS", "mqtt://", "write mqtts://")
    unknown = [name for name in files if name not in _FILES]
    if unknown:
        raise SettingsError(place, "takes ca, cert and key behind the ?", unknown[0])
    if ("cert" in files) != ("key" in files):
        raise SettingsError(place, "needs cert and key together", ", ".join(files))
    for name, path in files.items():
        if not Path(path).is_file():
            raise SettingsError(f"{place}: {name}", "must name a file that is there", path)
    return files


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
