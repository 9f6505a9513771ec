"""One batch and its account ↔ the text of a log record: columns with names of their own, packed.

Codes are those of one process, so a record carries the names they stand for, and every device's kind: a
record can be read back by a process that has never heard of its devices.
"""

from __future__ import annotations

import base64
import binascii
import zlib

import msgspec
import numpy as np

from devices.device import Catalogue, Device
from telemetry.arrays import AnyArray, Mask
from telemetry.errors import DeclarationError, StoreError
from telemetry.ledger import NOBODY, OUTCOME_CODE, OUTCOMES, Ledger
from telemetry.readings import Readings

_VERSION = 1
_READINGS = ("<i4", "<i2", "<i8", "<f8", "u1", "<i8")  # the columns of Readings
_LEDGER = ("<i8", "<i4", "u1", "<i8")  # the columns of Ledger


class _Packed(msgspec.Struct, array_like=True):
    version: int
    devices: list[str]
    kinds: list[str]
    quantities: list[str]
    outcomes: list[str]
    readings: list[bytes]
    ledger: list[bytes]


def pack(readings: Readings, ledger: Ledger, catalogue: Catalogue) -> str:
    """A batch as ASCII text; the same batch always gives the same text."""
    named = ledger.device != NOBODY
    codes = np.concatenate([readings.device, ledger.device[named]])
    devices, device = np.unique(codes, return_inverse=True)
    quantities, quantity = np.unique(readings.quantity, return_inverse=True)
    outcomes, outcome = np.unique(ledger.outcome, return_inverse=True)
    booked = np.full(len(ledger), NOBODY)
    booked[named] = device[len(readings) :]
    found = [catalogue.devices[code] for code in devices.tolist()]
    packed = _Packed(
        _VERSION,
        [d.id for d in found],
        [d.kind for d in found],
        [catalogue.kinds.quantities[q] for q in quantities.tolist()],
        [OUTCOMES[o] for o in outcomes.tolist()],
        _bytes((device[: len(readings)], quantity, *readings.columns()[2:]), _READINGS),
        _bytes((ledger.hour, booked, outcome, ledger.count), _LEDGER),
    )
    squeezed = zlib.compress(msgspec.msgpack.encode(packed), 1)
    return base64.b64encode(squeezed).decode()


def unpack(text: str, catalogue: Catalogue, place: str) -> tuple[Readings, Ledger]:
    """A batch from its text, in this process's codes; devices it does not know join as unregistered.

    Rows of kinds, quantities and outcomes that no longer exist are left out.
    Raises StoreError for a text that `pack` did not make.
    """
    try:
        squeezed = base64.b64decode(text, validate=True)
        packed = msgspec.msgpack.decode(zlib.decompress(squeezed), type=_Packed)
        columns, lines = _arrays(packed.readings, _READINGS), _arrays(packed.ledger, _LEDGER)
    except (binascii.Error, zlib.error, msgspec.MsgspecError, ValueError) as error:
        raise StoreError(place, f"holds a record of the log that is damaged ({error})") from None
    device_code = _codes(
        [_adopt(catalogue, d, k) for d, k in zip(packed.devices, packed.kinds, strict=True)]
    )
    quantity_code = _codes([catalogue.kinds.quantity_code.get(q) for q in packed.quantities])
    outcome_code = _codes([OUTCOME_CODE.get(o) for o in packed.outcomes])
    readings = Readings.of(device_code[columns[0]], quantity_code[columns[1]], *columns[2:])
    known: Mask = (readings.device >= 0) & (readings.quantity >= 0)
    # Nobody is -1, and so finds the last entry: NOBODY, which `_codes` puts there.
    hour, device, outcome, count = lines[0], device_code[lines[1]], outcome_code[lines[2]], lines[3]
    kept: Mask = (outcome >= 0) & ((device >= 0) | (lines[1] == NOBODY))
    ledger = Ledger(
        hour[kept], device[kept].astype(np.int32), outcome[kept].astype(np.uint8), count[kept]
    )
    return readings.take(known), ledger


def _bytes(columns: tuple[AnyArray, ...], types: tuple[str, ...]) -> list[bytes]:
    return [c.astype(t).tobytes() for c, t in zip(columns, types, strict=True)]


def _arrays(parts: list[bytes], types: tuple[str, ...]) -> list[AnyArray]:
    return [np.frombuffer(p, t).astype(t[-2:]) for p, t in zip(parts, types, strict=True)]


def _codes(found: list[int | None]) -> AnyArray:
    return np.array([*(-1 if code is None else code for code in found), NOBODY], dtype=np.int64)


def _adopt(catalogue: Catalogue, name: str, kind: str) -> int | None:
    """The device's code; None where its kind is gone or another."""
    code = catalogue.code(name)
    if code is None and kind in catalogue.kinds:
        try:
            return catalogue.put(Device(id=name, kind=kind, registered=False))
        except DeclarationError:
            return None
    return code
