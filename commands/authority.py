"""The city's certificate authority: a folder with its key, what it issued, and what it has revoked.

    ca.key, ca.crt, ca.crl     the authority, its certificate, the list of what is revoked
    NAME.key, NAME.crt         what a server, a device or a service holds
    issued/SERIAL.crt          every certificate that was ever issued, by its serial number

X.509 as in RFC 5280, keys on the curve P-256. Times come from the clock that is passed in.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from telemetry.clock import Clock, to_datetime
from telemetry.errors import StartError

_CA_DAYS = 7_300
# A revocation list that is out of date makes mosquitto refuse everybody: it holds as long as the authority.
_CRL_DAYS = 7_300
# A device whose clock is a little slow must take a certificate that was made just now.
_BEFORE = timedelta(hours=1)
SERVER = "server"
USAGE = {True: ExtendedKeyUsageOID.SERVER_AUTH, False: ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate that was issued. `state` is valid | expired | revoked; `until` the end of its time."""

    name: str
    serial: int
    until: datetime
    state: str


class Authority:
    """An authority in a folder. Raises StartError in words where the folder holds none, or can't be used."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._ca: tuple[x509.Certificate, ec.EllipticCurvePrivateKey] | None = None

    def create(self, city: str) -> bool:
        """Make key, certificate and an empty revocation list; False where they are there already."""
        if (self.folder / "ca.crt").exists():
            self._own()
            return False
        if (self.folder / "ca.key").exists():
            raise StartError(
                str(self.folder / "ca.key"),
                "is there without its ca.crt: every certificate would be made worthless by a new one",
                remedy="put ca.crt back, or name an empty folder",
            )
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{city} devices")])
        builder = self._builder(name, name, key.public_key(), _CA_DAYS)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        self._write("ca.key", _pem_key(key), 0o600)
        self._ca = made, key
        self._write_crl({})
        self._write("ca.crt", made.public_bytes(serialization.Encoding.PEM), 0o644)
        return True

    def issue(self, name: str, days: int, hosts: Sequence[str] = ()) -> x509.Certificate:
        """A new key and certificate for a client, or with `hosts` for a server, as {name}.key and .crt."""
        ca, ca_key = self._own()
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        identifier = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = (
            self._builder(subject, ca.subject, key.public_key(), days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([USAGE[bool(hosts)]]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
                critical=False,
            )
        )
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(h) for h in hosts])
            builder = builder.add_extension(names, critical=False)
        made = builder.sign(ca_key, hashes.SHA256())
        pem = made.public_bytes(serialization.Encoding.PEM)
        # Known before it is used: what was issued can be revoked, whatever happens between.
        self._write(f"issued/{made.serial_number:040x}.crt", pem, 0o644)
        self._write(f"{name}.key", _pem_key(key), 0o600)
        self._write(f"{name}.crt", pem, 0o644)
        return made

    def issued(self) -> list[Issued]:
        """Everything that was issued, by name, the newest of a name last."""
        self._load(self.folder / "ca.crt")
        revoked = self._revoked()
        now = to_datetime(self._clock.now())
        found = []
        for path in (self.folder / "issued").glob("*.crt"):
            made = self._load(path)
            serial, until = made.serial_number, made.not_valid_after_utc
            state = "revoked" if serial in revoked else "expired" if until <= now else "valid"
            # X.509 knows whole seconds only: what was made within one is in the order of its files.
            when = made.not_valid_before_utc, path.stat().st_mtime_ns
            found.append((when, Issued(_name(made), serial, until, state)))
        return [i for _, i in sorted(found, key=lambda f: (f[1].name, f[0]))]

    def hosts(self, name: str) -> list[str]:
        """Hosts that the current certificate of this name is for; none for a client's."""
        try:
            names = self._load(self.folder / f"{name}.crt").extensions.get_extension_for_class(
                x509.SubjectAlternativeName
            )
        except x509.ExtensionNotFound:
            return []
        return [str(n.value) for n in names.value]

    def revoke(self, serials: Sequence[int]) -> int:
        """Put certificates on the revocation list; returns how many were not on it yet."""
        revoked = self._revoked()
        fresh = [s for s in serials if s not in revoked]
        if fresh:
            now = to_datetime(self._clock.now())
            self._write_crl(revoked | dict.fromkeys(fresh, now))
        return len(fresh)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        now = to_datetime(self._clock.now())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BEFORE)
            .not_valid_after(now + timedelta(days=days))
        )

    def _own(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        if self._ca is None:
            certificate = self._load(self.folder / "ca.crt")
            path = self.folder / "ca.key"
            try:
                key = serialization.load_pem_private_key(path.read_bytes(), None)
            except (OSError, ValueError, TypeError) as error:
                raise StartError(str(path), f"must be the authority's key ({error})") from None
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise StartError(str(path), "must be a key on an elliptic curve")
            if key.public_key() != certificate.public_key():
                raise StartError(str(path), "must be the key of the ca.crt beside it")
            self._ca = certificate, key
        return self._ca

    def _load(self, path: Path) -> x509.Certificate:
        try:
            return x509.load_pem_x509_certificate(path.read_bytes())
        except FileNotFoundError:
            remedy = f"make it with: urban devices certificates init --folder {self.folder}"
            raise StartError(str(path), "is not there", remedy=remedy) from None
        except (OSError, ValueError) as error:
            raise StartError(str(path), f"must be a certificate in PEM ({error})") from None

    def _revoked(self) -> dict[int, datetime]:
        path = self.folder / "ca.crl"
        try:
            found = x509.load_pem_x509_crl(path.read_bytes())
        except (OSError, ValueError) as error:
            # Never as if nothing were revoked.
            raise StartError(str(path), f"must be the revocation list ({error})") from None
        return {r.serial_number: r.revocation_date_utc for r in found}

    def _write_crl(self, revoked: dict[int, datetime]) -> None:
        ca, key = self._own()
        now = to_datetime(self._clock.now())
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(ca.subject)
            .last_update(now - _BEFORE)
            .next_update(now + timedelta(days=_CRL_DAYS))
        )
        for serial, since in revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since)
            builder = builder.add_revoked_certificate(entry.build())
        pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
        self._write("ca.crl", pem, 0o644)

    def _write(self, name: str, content: bytes, mode: int) -> None:
        write_whole(self.folder / name, content, mode)


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all, never readable by more than `mode` says. Raises StartError."""
    beside = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise StartError(str(path), f"can't be written ({error.strerror})") from None


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _name(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
