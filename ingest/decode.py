"""Messages → columns. Finds out who sent what in which form, then hands the payload to its decoder.

city/{kind}/{device}/telemetry    flat JSON, or SenML in JSON or CBOR: the payload's start tells
city/{kind}/{device}/status       online | offline
city/gateway/{gateway}/telemetry  SenML of many devices
application/…/event/up            a ChirpStack uplink
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from devices.admission import Admission
from devices.chirpstack import read_uplink
from devices.device import Catalogue, Device
from devices.flat import FlatDecoder
from devices.gateway import GatewayScope
from devices.gateways import DIRECT, MOST
from devices.intake import WHOLE, Intake, Message, Refused, shown
from devices.kind import ONLINE
from devices.senml import SenmlDecoder
from devices.senml_cbor import decode_cbor, is_cbor
from devices.senml_scope import DeviceScope, Scope
from devices.times import device_time
from devices.topics import GATEWAY, parse_topic, parse_uplink
from telemetry.errors import TimeError
from telemetry.ledger import NOBODY
from telemetry.readings import Readings
from telemetry.reasons import Reason

_STATUS = {"online": 1.0, "offline": 0.0}
_JSON_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_UPLINK = "uplink"
_TOPIC = "must be city/{kind}/{device}/telemetry with a device id like [a-z0-9][a-z0-9-]{1,63}"


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
        self.max_payload = max_payload
        self._admission = Admission(catalogue, unregistered, max_devices)
        # → (channel, kind, device); NOBODY where the payload says who
        self._topics: dict[str, tuple[str, int, int]] = {}
        self._learned_at = 0  # replacements in the catalogue when topics were learned
        self._flat = FlatDecoder(catalogue.kinds)
        self._senml = SenmlDecoder(catalogue)
        self._gateways = GatewayScope(self._admission)
        self._gateway_of: dict[str, int] = {}  # topic → gateway
        self._via: list[tuple[int, int]] = []  # (message, gateway) of the batch
        self._json = msgspec.json.Decoder()
        self._online = catalogue.kinds.quantity_code[ONLINE.name]

    @property
    def new_devices(self) -> list[Device]:
        """Devices met for the first time since this list was last taken away."""
        return self._admission.new

    @new_devices.setter
    def new_devices(self, devices: list[Device]) -> None:
        self._admission.new = devices

    def owner(self, topic: str) -> int:
        """The device that a topic is known to be of; NOBODY where it names none, or was not met yet."""
        found = self._topics.get(topic)
        return NOBODY if found is None else found[2]

    def decode(self, messages: Sequence[Message], which: Iterable[int] | None = None) -> Intake:
        """Every record of every message: a row of columns, or a reject with its reason.

        which  places of the messages that are read; None: all
        """
        intake = Intake()
        self._unlearn()
        self._flat.forget()
        self._senml.forget()
        for i in range(len(messages)) if which is None else which:
            message = messages[i]
            try:
                found = self._topics.get(message.topic) or self._learn(message.topic)
            except Refused as error:
                intake.reject(i, error.reason, "$", f"topic: {error.need}", error.device)
                continue
            try:
                self._take(intake, i, message, *found)
            except Refused as error:
                device = found[2] if error.device == NOBODY else error.device
                path = f"$.{error.place}" if error.place else "$"
                intake.reject(i, error.reason, path, f"{path}: {error.need}", device)
        self._flat.finish(intake)
        self._senml.finish(intake)
        self._note_gateways(intake, len(messages))
        return intake

    def _note_gateways(self, intake: Intake, count: int) -> None:
        """Who came through which gateway, for whoever tells outages apart."""
        gateways = self.catalogue.gateways
        if gateways.names:
            via = np.full(count, DIRECT, dtype=np.int32)
            for message, gateway in self._via:
                via[message] = gateway
            for device, message_of in intake.senders():
                gateways.learn(device, via[message_of])
        self._via.clear()

    def _take(
        self, intake: Intake, i: int, message: Message, channel: str, kind: int, device: int
    ) -> None:
        """Hand one message to the decoder of its form. Raises Refused for the message as a whole."""
        payload = message.payload
        if len(payload) > self.max_payload:
            need = f"must be at most {self.max_payload} bytes, got {len(payload)}"
            raise Refused(Reason.TOO_LARGE, "", need)
        if channel == "telemetry":
            self._telemetry(intake, i, message, kind, device)
        elif channel == GATEWAY:
            self._via.append((i, self._gateway(message.topic)))
            self._pack(intake, i, message, self._gateways)
        elif channel == _UPLINK:
            self._uplink(i, message)
        else:
            self._status(intake, i, message, device)

    def _telemetry(self, intake: Intake, i: int, message: Message, kind: int, device: int) -> None:
        """A device's own message: an object, or a SenML pack."""
        payload = message.payload
        if payload.startswith(b"["):
            self._pack(intake, i, message, DeviceScope(device, self.catalogue.devices[device].id))
            return
        body = self._body(payload)
        if type(body) is dict:
            self._flat.take(i, kind, device, message.received, body)
        elif type(body) is list:
            scope = DeviceScope(device, self.catalogue.devices[device].id)
            self._senml.take(intake, i, message.received, scope, body)
        else:
            need = f"must be an object or a SenML array, got {shown(body)}"
            raise Refused(Reason.NOT_AN_OBJECT, "", need)

    def _pack(self, intake: Intake, i: int, message: Message, scope: Scope) -> None:
        """A message that must be a SenML pack."""
        if self._senml.take_text(i, message.received, scope, message.payload):
            return
        body = self._body(message.payload)
        if type(body) is not list:
            need = f"a gateway's message must be a SenML array, got {shown(body)}"
            raise Refused(Reason.NOT_AN_OBJECT, "", need)
        self._senml.take(intake, i, message.received, scope, body)

    def _body(self, payload: bytes) -> object:
        """What the payload holds, in JSON or CBOR. Raises Refused."""
        try:
            body: object = self._json.decode(payload)
        except _JSON_ERRORS as error:
            # What starts like CBOR is never JSON, so JSON, which is usual, may be tried first.
            if is_cbor(payload):
                return decode_cbor(payload)
            raise _not_json(payload, error) from None
        return body

    def _uplink(self, i: int, message: Message) -> None:
        """A ChirpStack uplink is a flat message inside an envelope that says whose it is."""
        eui = parse_uplink(message.topic) or ""
        uplink = read_uplink(self._body(message.payload), eui, self._admission)
        # Who it was is told by the payload; what comes next on this topic is most likely the same one's.
        self._topics[message.topic] = (_UPLINK, NOBODY, uplink.device)
        if uplink.gateway:
            self._via.append((i, self.catalogue.gateways.code(uplink.gateway)))
        kind = int(self.catalogue.kind_of[uplink.device])
        self._flat.take(i, kind, uplink.device, message.received, uplink.body, uplink.form)

    def _gateway(self, topic: str) -> int:
        found = self._gateway_of.get(topic)
        if found is None:
            if len(self._gateway_of) > MOST:
                self._gateway_of.clear()
            parsed = parse_topic(topic)
            found = self.catalogue.gateways.code(parsed.device) if parsed else DIRECT
            self._gateway_of[topic] = found
        return found

    def _status(self, intake: Intake, i: int, message: Message, device: int) -> None:
        """`online`, `offline`, or {"status": …, "time": …} → a reading of the quantity `online`."""
        if not message.payload:
            return  # the retained status was taken back (MQTT 3.1.1, section 3.3.1.3): no statement
        try:
            word, time = self._status_of(message)
        except (TimeError, ValueError) as error:
            raise Refused(Reason.BAD_STATUS, "", str(error), device) from None
        row = Readings.of([device], [self._online], [time], [_STATUS[word]], 2, message.received)
        intake.add(row, np.array([i]), np.array([WHOLE], dtype=np.int32))

    def _status_of(self, message: Message) -> tuple[str, int]:
        text = message.payload.decode("utf-8", "replace").strip().strip('"')
        if text in _STATUS:
            return text, message.received
        try:
            body = self._json.decode(message.payload)
        except _JSON_ERRORS:
            body = None
        word = body.get("status") if isinstance(body, dict) else None
        if not isinstance(word, str) or word not in _STATUS:
            raise ValueError('must be online, offline or {"status": "online" | "offline"}')
        return word, device_time(body.get("time"), message.received)

    def _unlearn(self) -> None:
        """Forget who may send where a device was replaced: it may be registered no longer."""
        if self._learned_at != self.catalogue.replacements:
            self._learned_at = self.catalogue.replacements
            self._topics.clear()
            self._gateways.known.clear()
            self._senml.unlearn()

    def _learn(self, topic: str) -> tuple[str, int, int]:
        """What a topic means, kept for the next message. Raises Refused."""
        if len(self._topics) > 4 * self._admission.max_devices:  # gateways' names are the sender's
            self._topics.clear()
        found = self._topics[topic] = self._meaning(topic)
        return found

    def _meaning(self, topic: str) -> tuple[str, int, int]:
        if parse_uplink(topic) is not None:
            return _UPLINK, NOBODY, NOBODY
        parsed = parse_topic(topic)
        if parsed is None or parsed.channel not in ("telemetry", "status"):
            raise Refused(Reason.BAD_TOPIC, "", f"{_TOPIC}, got {shown(topic)}")
        if parsed.kind == GATEWAY and parsed.channel == "telemetry":
            return GATEWAY, NOBODY, NOBODY
        device = self._admission.admit(parsed.device, parsed.kind)
        return parsed.channel, self.catalogue.kinds.code[parsed.kind], device


def _not_json(payload: bytes, error: Exception) -> Refused:
    if not payload.strip():
        return Refused(Reason.EMPTY, "", "must not be empty")
    try:
        payload.decode("utf-8")
    except UnicodeDecodeError as bad:
        return Refused(Reason.NOT_UTF8, "", f"must be UTF-8, byte {bad.start} is not")
    if isinstance(error, RecursionError):
        return Refused(Reason.NOT_JSON, "", "must not be nested so deeply")
    return Refused(Reason.NOT_JSON, "", f"must be JSON: {error}")
