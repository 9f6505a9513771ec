"""What a SenML pack may speak for (`Scope`), and what the keys of its records tell beforehand (`Layout`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from devices.intake import Refused, shown
from devices.senml_resolve import BASE_LABELS, CBOR_LABELS
from telemetry.reasons import Reason

# The labels of a plain record.
_PLAIN = frozenset("nuvt")


class Scope(Protocol):
    """Which devices a pack may speak for.

    device   the one it comes from; NOBODY where it speaks for several
    known    owner, as it is written in names → device code, for owners that were asked for before
    """

    device: int
    known: dict[str, int]

    def find(self, owner: str) -> int:
        """The device of an owner, also into `known`. Raises Refused."""
        ...


class DeviceScope:
    """A pack on a device's own topic: names must be of this device, or of nobody."""

    __slots__ = ("_id", "device", "known")

    def __init__(self, device: int, device_id: str) -> None:
        self._id = device_id
        self.device = device
        self.known = {device_id: device}

    def find(self, owner: str) -> int:
        """The topic's device, where the owner ends in its id. Raises Refused."""
        if owner and owner != self._id and not owner.endswith((f"/{self._id}", f":{self._id}")):
            need = f"must be named after the topic's device {self._id}, got {shown(owner)}"
            raise Refused(Reason.BAD_SENML, "n", need)
        if owner:
            self.known[owner] = self.device
        return self.device


@dataclass(frozen=True, slots=True)
class Layout:
    """What the keys of a record say about it.

    plain      nothing but a number, with its name, unit and time, and base fields
    based      holds base fields
    cbor       its labels are those of CBOR
    versioned  holds what may condemn a whole pack
    n, u, v, t are the keys of name, unit, value and time; None: absent
    """

    plain: bool
    based: bool
    cbor: bool
    versioned: bool
    n: object = None
    u: object = None
    v: object = None
    t: object = None

    @staticmethod
    def of(keys: tuple[object, ...]) -> Layout:
        """The layout of these keys, in JSON's labels or CBOR's."""
        labels = [CBOR_LABELS.get(k, "") if type(k) is int else k for k in keys]
        base = [x for x in labels if isinstance(x, str) and x.startswith("b")]
        places = {label: key for label, key in zip(labels, keys, strict=True) if label not in base}
        plain = "v" in places and places.keys() <= _PLAIN and len(places) + len(base) == len(keys)
        versioned = any(label == "bver" or label.endswith("_") for label in base)
        cbor = any(type(key) is not str for key in keys)
        known = plain and BASE_LABELS.issuperset(base)
        return Layout(known, bool(base), cbor, versioned, *map(places.get, "nuvt"))
