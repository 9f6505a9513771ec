"""A gateway's pack: readings of many devices in one SenML pack, each record named after its own device.

[{"bn": "aq-0007/", "bt": 1790000000, "n": "pm25", "v": 31.2}, {"bn": "lamp-0031/", "n": "power", "v": 80}]

Names are device/quantity, or kind/device/quantity for a device that nobody has registered, or a URN that
ends in the device's id (urn:dev:ow:aq-0007/pm25). A gateway is no device: it measures nothing of its own.
"""

from __future__ import annotations

from devices.admission import Admission
from devices.device import DEVICE_ID
from devices.intake import Refused, shown
from telemetry.ledger import NOBODY
from telemetry.reasons import Reason


class GatewayScope:
    """Any device may be named; one whose kind can't be told is refused. Serves all gateways."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.device = NOBODY
        self.known: dict[str, int] = {}

    def find(self, owner: str) -> int:
        """The device of a name's owner: `aq-0007`, `air/aq-0007` or `urn:dev:ow:aq-0007`. Raises Refused."""
        if not owner:
            raise Refused(Reason.BAD_SENML, "n", "must name its device: device/quantity")
        code = self._code(owner)
        if (
            len(self.known) >= 2 * self._admission.max_devices
        ):  # ways to write an id are the sender's
            self.known.clear()
        self.known[owner] = code
        return code

    def _code(self, owner: str) -> int:
        kind, _, device_id = owner.rpartition("/")
        if not kind or kind.startswith("urn:"):
            return self._registered(owner.replace(":", "/").rpartition("/")[2])
        if "/" in kind or ":" in owner:
            need = f"must be device/quantity or kind/device/quantity, got {shown(owner)} before the quantity"
            raise Refused(Reason.BAD_SENML, "n", need)
        try:
            return self._admission.admit(device_id, kind)
        except Refused as error:
            raise Refused(error.reason, "n", error.need, error.device) from None

    def _registered(self, device_id: str) -> int:
        try:
            code = self._admission.known(device_id)
        except Refused as error:
            raise Refused(error.reason, "n", error.need, error.device) from None
        if code is not None:
            return code
        if not DEVICE_ID.fullmatch(device_id):
            need = f"device id must look like [a-z0-9][a-z0-9-]{{1,63}}, got {shown(device_id)}"
            raise Refused(Reason.UNREGISTERED, "n", need)
        need = f"device {device_id} is not known here; register it, or name it kind/{device_id}/quantity"
        raise Refused(Reason.UNREGISTERED, "n", need)
