"""What an alert is about: a device, a gateway, an area, or a part of the platform itself.

One string names it: a device's id as it is, else `gateway:<id>`, `area:<code>`, `platform:<part>`, or
`grafana:<fingerprint>` for what Grafana tells of the platform.
A device's id holds no colon, so none is taken for another.
"""

from __future__ import annotations

import re

from devices.device import DEVICE_ID
from telemetry.errors import DeclarationError

PARTS = (
    "broker",
    "ingest",
    "telemetry-store",
    "operations-store",
    "spool",
    "disk",
    "analytics",
    "notification",
)
_FINGERPRINT = re.compile(r"[0-9a-f]{8,64}")
_AREA = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


def sort_of(subject: str) -> str:
    """device, gateway, area, platform or grafana."""
    sort, colon, _ = subject.partition(":")
    return sort if colon else "device"


def name_of(subject: str) -> str:
    """What stands behind the colon; a device's id as it is."""
    return subject.rpartition(":")[2]


def device_of(subject: str) -> str:
    """The device's id; "" where the subject is none."""
    return "" if ":" in subject else subject


def platform(part: str) -> str:
    """A part of the platform as a subject. Raises DeclarationError for one that there is not."""
    return check_subject(f"platform:{part}")


def area(code: str) -> str:
    """An area as a subject."""
    return check_subject(f"area:{code}")


def gateway(gateway_id: str) -> str:
    """A gateway as a subject."""
    return check_subject(f"gateway:{gateway_id}")


def grafana(fingerprint: str) -> str:
    """An alert of Grafana's as a subject."""
    return check_subject(f"grafana:{fingerprint}")


def check_subject(subject: str) -> str:
    """The same subject. Raises DeclarationError, in words, where it can be none."""
    sort, name = sort_of(subject), name_of(subject)
    if sort == "platform":
        if name not in PARTS:
            raise DeclarationError(f"subject {subject}", f"must be one of {', '.join(PARTS)}", name)
    elif sort == "area":
        if not _AREA.fullmatch(name):
            raise DeclarationError("subject", "must be an area's code after area:", subject)
    elif sort == "grafana":
        if not _FINGERPRINT.fullmatch(name):
            raise DeclarationError("subject", "must be a fingerprint after grafana:", subject)
    elif sort in ("device", "gateway"):
        if not DEVICE_ID.fullmatch(name):
            raise DeclarationError("subject", "must be an id like [a-z0-9][a-z0-9-]{1,63}", subject)
    else:
        need = (
            "must be a device, gateway:<id>, area:<code>, platform:<part> or grafana:<fingerprint>"
        )
        raise DeclarationError("subject", need, subject)
    return subject
