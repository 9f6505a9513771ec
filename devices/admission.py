"""Who may send: a device by id and kind → its code, met for the first time where the setting allows it."""

from __future__ import annotations

from devices.device import DEVICE_ID, Catalogue, Device
from devices.intake import Refused
from telemetry.reasons import Reason

_NOT_REGISTERED = "device {} is not registered; register it, or set URBAN_UNREGISTERED=accept"
_RETIRED = "device {} is retired; reinstate it, or stop it from sending"


class Admission:
    """The one door through which a device enters, whatever the form of its message.

    unregistered  "accept": a device nobody registered is taken in and marked; "refuse": not
    max_devices   bounds what a sender of made-up ids can do to memory
    new           devices met since somebody last took this list away
    """

    def __init__(
        self, catalogue: Catalogue, unregistered: str = "accept", max_devices: int = 200_000
    ) -> None:
        self.catalogue = catalogue
        self.unregistered = unregistered
        self.max_devices = max_devices
        self.new: list[Device] = []

    def admit(self, device_id: str, kind: str) -> int:
        """The code of this device of this kind.

        Raises Refused: the kind is unknown or another one, the id is no id, it is retired, or nobody registered it.
        """
        kinds = self.catalogue.kinds
        wanted = kinds.code.get(kind)
        if wanted is None:
            known = ", ".join(kinds.code)
            need = f"kind must be one of {known}, got {kind!r:.60}"
            raise Refused(Reason.UNKNOWN_KIND, "", need)
        code = self.catalogue.code(device_id)
        if code is None:
            return self._meet(device_id, kind)
        if self.catalogue.kind_of[code] != wanted:
            is_a = self.catalogue.devices[code].kind
            need = f"{device_id} is of kind {is_a}, got {kind!r}"
            raise Refused(Reason.KIND_MISMATCH, "", need, code)
        return self._let_in(code)

    def known(self, device_id: str) -> int | None:
        """The code of a device that is known, where its kind is not told; None where it is not known.

        Raises Refused: it is retired, or nobody registered it and the setting refuses such.
        """
        code = self.catalogue.code(device_id)
        return None if code is None else self._let_in(code)

    def _let_in(self, code: int) -> int:
        """Known is not registered: it may have been met while such devices were still accepted."""
        device = self.catalogue.devices[code]
        if device.retired:
            raise Refused(Reason.RETIRED, "", _RETIRED.format(device.id), code)
        if self.unregistered == "refuse" and not device.registered:
            raise Refused(Reason.UNREGISTERED, "", _NOT_REGISTERED.format(device.id), code)
        return code

    def _meet(self, device_id: str, kind: str) -> int:
        if not DEVICE_ID.fullmatch(device_id):
            need = f"device id must look like [a-z0-9][a-z0-9-]{{1,63}}, got {device_id!r:.80}"
            raise Refused(Reason.UNREGISTERED, "", need)
        if self.unregistered == "refuse":
            raise Refused(Reason.UNREGISTERED, "", _NOT_REGISTERED.format(device_id))
        if len(self.catalogue) >= self.max_devices:
            need = f"{self.max_devices} devices are known already; raise URBAN_MAX_DEVICES"
            raise Refused(Reason.TOO_MANY_DEVICES, "", need)
        device = Device(id=device_id, kind=kind, registered=False)
        self.new.append(device)
        return self.catalogue.put(device)
