"""What mosquitto reads: its configuration with the ports and paths of a run, rights, and passwords.

Rights follow MQTT topics as in devices/topics.py; `%u` is the name that the broker has verified. A pack of
a gateway speaks for many devices, so no pattern gives it: gateways are named one by one.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path

from commands.authority import write_whole
from telemetry.errors import StartError

CONF = Path(__file__).parent.parent / "mosquitto" / "mosquitto.conf"
INGESTOR = "urban-ingest"
COMMANDS = "urban-commands"
CHIRPSTACK = "chirpstack"
SIMULATOR = "urban-simulator"
# Names of the platform's own; no device may have one.
SERVICES = (INGESTOR, COMMANDS, CHIRPSTACK, SIMULATOR)
RESERVED = (*SERVICES, "server", "ca")
_LISTENER = re.compile(r"^listener (\d+)(?: (\S+))?$", re.M)
_SECRETS = "/etc/mosquitto/urban/"
_DATA = "/var/lib/mosquitto/"
# As mosquitto_passwd makes them: $7$, PBKDF2 with SHA-512, 101 rounds, 12 bytes of salt.
_ROUNDS = 101


def configuration(
    secrets_folder: Path, data: Path, ports: Mapping[int, int], bind: str = "", user: str = ""
) -> str:
    """mosquitto/mosquitto.conf with these paths, ports (there → here), address and user; else the same."""

    def listener(found: re.Match[str]) -> str:
        port = int(found[1])
        address = found[2] or bind
        return f"listener {ports.get(port, port)} {address}".rstrip()

    text = _LISTENER.sub(listener, CONF.read_text(encoding="utf-8"))
    text = text.replace(_SECRETS, f"{secrets_folder}/").replace(_DATA, f"{data}/")
    return text + (f"\n# By default it gives up root's rights.\nuser {user}\n" if user else "")


def rights(kinds: Iterable[str], gateways: Iterable[str] = (), *, simulator: bool = False) -> str:
    """The ACL file: who may publish and receive what. What it doesn't name nobody may.

    simulator: the simulated city may speak for every device; not where real ones are.
    """
    lines = [
        "# Made by `urban devices broker`; see docs/mosquitto.md.",
        f"user {INGESTOR}",
        "topic read city/+/+/telemetry",
        "topic read city/+/+/status",
        "topic read application/+/device/+/event/up",
        "topic read $SYS/broker/#",
        "",
        f"user {COMMANDS}",
        "topic write city/+/+/cmd/+",
        "topic read city/+/+/ack/+",
        "",
        f"user {CHIRPSTACK}",
        "topic write application/+/device/+/event/up",
    ]
    if simulator:
        lines += [
            "",
            f"user {SIMULATOR}",
            "topic write city/+/+/telemetry",
            "topic write city/+/+/status",
            "topic write city/+/+/ack/+",
            "topic read city/+/+/cmd/+",
        ]
    for gateway in sorted(set(gateways)):
        lines += ["", f"user {gateway}", f"topic write city/gateway/{gateway}/telemetry"]
    lines += ["", "# A device: its own topics, under any of the kinds there are."]
    for kind in kinds:
        lines += [
            f"pattern write city/{kind}/%u/telemetry",
            f"pattern write city/{kind}/%u/status",
            f"pattern write city/{kind}/%u/ack/+",
            f"pattern read city/{kind}/%u/cmd/+",
        ]
    return "\n".join(lines) + "\n"


def gateways_of(path: Path) -> list[str]:
    """Gateways that an ACL file names; none where there is no file."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return re.findall(r"^topic write city/gateway/([^/\s]+)/telemetry$", text, re.M)


def password_line(name: str, password: str, salt: bytes | None = None) -> str:
    """A line of mosquitto's password file."""
    salt = os.urandom(12) if salt is None else salt
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"{name}:$7${_ROUNDS}${_base64(salt)}${_base64(made)}"


def read_passwords(path: Path) -> dict[str, str]:
    """Name → its line. Raises StartError for a file that can't be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(str(path), f"can't be read ({error})") from None
    return {line.partition(":")[0]: line for line in lines if line.strip()}


def set_passwords(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Give each name a new password; returns them: nothing else ever knows them."""
    lines = read_passwords(path)
    made = {name: secrets.token_urlsafe(24) for name in names}
    lines |= {name: password_line(name, password) for name, password in made.items()}
    write_passwords(path, lines)
    return made


def write_passwords(path: Path, lines: Mapping[str, str]) -> None:
    """Write the password file, which only its owner may read."""
    write_whole(path, "".join(f"{line}\n" for line in lines.values()).encode(), 0o600)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
