"""Messages → columns. Finds the device behind the topic, then hands the payload to its decoder."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from devices.device import Catalogue, Device
from devices.flat import FlatDecoder
from devices.intake import WHOLE, Intake, Message
from devices.kind import ONLINE
from devices.senml import SenmlDecoder
from devices.times import device_time
from devices.topics import parse_topic
from telemetry.errors import TimeError
from telemetry.readings import Readings
from telemetry.reasons import Reason

_STATUS = {"online": 1.0, "offline": 0.0}


class Decoder:
    """Takes batches of messages apart. Keeps what it learned of topics; bounded by `max_devices`.

    unregistered  "accept": a device nobody registered is taken in and marked; "refuse": quarantine
    """

    def __init__(
        self,
        catalogue: Catalogue,
        unregistered: str = "accept",
        max_devices: int = 200_000,
        max_payload: int = 65_536,
    ) -> None:
        self.catalogue = catalogue
        self.unregistered = unregistered
        self.max_devices = max_devices
        self.max_payload = max_payload
        self.new_devices: list[Device] = []
        self._topics: dict[str, tuple[str, int, int]] = {}  # → (channel, kind, device)
        self._flat = FlatDecoder(catalogue.kinds)
        self._senml = SenmlDecoder(catalogue.kinds)
        self._json = msgspec.json.Decoder()
        self._online = catalogue.kinds.quantity_code[ONLINE.name]

    def decode(self, messages: Sequence[Message]) -> Intake:
        """Every record of every message: a row of columns, or a reject with its reason."""
        intake = Intake()
        for i, message in enumerate(messages):
            found = self._topics.get(message.topic) or self._resolve(intake, i, message.topic)
            if found is None:
                continue
            channel, kind, device = found
            if len(message.payload) > self.max_payload:
                detail = f"$: must be at most {self.max_payload} bytes, got {len(message.payload)}"
                intake.reject(i, Reason.TOO_LARGE, "$", detail, device)
            elif channel == "telemetry":
                self._telemetry(intake, i, message, kind, device)
            else:
                self._status(intake, i, message, device)
        self._flat.finish(intake)
        self._senml.finish(intake)
        return intake

    def _telemetry(self, intake: Intake, i: int, message: Message, kind: int, device: int) -> None:
        try:
            body = self._json.decode(message.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            reason, detail = _not_json(message.payload, error)
            intake.reject(i, reason, "$", detail, device)
            return
        if type(body) is dict:
            self._flat.take(i, kind, device, message.received, body)
        elif type(body) is list:
            device_id = self.catalogue.devices[device].id
            self._senml.take(intake, i, kind, device, device_id, message.received, body)
        else:
            detail = f"$: must be an object or a SenML array, got {body!r:.60}"
            intake.reject(i, Reason.NOT_AN_OBJECT, "$", detail, device)

    def _status(self, intake: Intake, i: int, message: Message, device: int) -> None:
        """`online`, `offline`, or {"status": …, "time": …} → a reading of the quantity `online`."""
        if not message.payload:
            return  # the retained status was taken back (MQTT 3.1.1, section 3.3.1.3): no statement
        try:
            word, time = self._status_of(message)
        except (TimeError, ValueError) as error:
            intake.reject(i, Reason.BAD_STATUS, "$", f"$: {error}", device)
            return
        row = Readings.of([device], [self._online], [time], [_STATUS[word]], 2, message.received)
        intake.add(row, np.array([i]), np.array([WHOLE], dtype=np.int32))

    def _status_of(self, message: Message) -> tuple[str, int]:
        text = message.payload.decode("utf-8", "replace").strip().strip('"')
        if text in _STATUS:
            return text, message.received
        try:
            body = self._json.decode(message.payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            body = None
        if not isinstance(body, dict) or body.get("status") not in _STATUS:
            raise ValueError('must be online, offline or {"status": "online" | "offline"}')
        return body["status"], device_time(body.get("time"), message.received)

    def _resolve(self, intake: Intake, i: int, topic: str) -> tuple[str, int, int] | None:
        """Learn a topic, or reject the message."""
        parsed = parse_topic(topic)
        if parsed is None or parsed.channel not in ("telemetry", "status"):
            need = "must be city/{kind}/{device}/telemetry with a device id like [a-z0-9][a-z0-9-]{1,63}"
            intake.reject(i, Reason.BAD_TOPIC, "$", f"topic: {need}, got {topic!r:.120}")
            return None
        kind = self.catalogue.kinds.code.get(parsed.kind)
        if kind is None:
            known = ", ".join(self.catalogue.kinds.code)
            detail = f"topic: kind must be one of {known}, got {parsed.kind!r:.60}"
            intake.reject(i, Reason.UNKNOWN_KIND, "$", detail)
            return None
        device = self.catalogue.code(parsed.device)
        if device is None:
            device = self._meet(intake, i, parsed.kind, parsed.device)
            if device is None:
                return None
        elif self.catalogue.kind_of[device] != kind:
            is_a = self.catalogue.devices[device].kind
            detail = f"topic: {parsed.device} is of kind {is_a}, got {parsed.kind!r}"
            intake.reject(i, Reason.KIND_MISMATCH, "$", detail, device)
            return None
        found = self._topics[topic] = (parsed.channel, kind, device)
        return found

    def _meet(self, intake: Intake, i: int, kind: str, device_id: str) -> int | None:
        """A device that nobody has registered."""
        if self.unregistered == "refuse":
            detail = f"topic: device {device_id} is not registered; register it, or set URBAN_UNREGISTERED=accept"
            intake.reject(i, Reason.UNREGISTERED, "$", detail)
            return None
        if len(self.catalogue) >= self.max_devices:
            detail = f"topic: {self.max_devices} devices are known already; raise URBAN_MAX_DEVICES"
            intake.reject(i, Reason.TOO_MANY_DEVICES, "$", detail)
            return None
        device = Device(id=device_id, kind=kind, registered=False)
        self.new_devices.append(device)
        return self.catalogue.put(device)


def _not_json(payload: bytes, error: Exception) -> tuple[Reason, str]:
    if not payload.strip():
        return Reason.EMPTY, "$: must not be empty"
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as bad:
        return Reason.NOT_UTF8, f"$: must be UTF-8, byte {bad.start} is not"
    if isinstance(error, RecursionError):
        return Reason.NOT_JSON, "$: must not be nested so deeply"
    return Reason.NOT_JSON, f"$: must be JSON: {error}"
