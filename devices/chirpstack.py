"""ChirpStack v4 uplinks (LoRaWAN) → flat messages: whose it is, and the decoded payload in `object`.

{"deduplicationId": …, "time": "2026-11-22T03:00:00+00:00", "fCnt": 41, "deviceInfo": {"devEui": …,
 "deviceName": "aq-0007", "tags": {"kind": "air"}}, "object": {"pm25": 31.2, "pm10": 55.0}}

Device: the tag `device`, else deviceName where it can be an id, else the EUI. Kind: the tag `kind`, else
what the device is registered as. `fCnt` is the sequence number. The codec of the device profile makes
`object`; where it gives a `time` too, that is the time of measurement and goes before the uplink's.
Source: chirpstack-api 4, integration.proto, message UplinkEvent, as protobuf's JSON writes it.
"""

from __future__ import annotations

from dataclasses import dataclass

from devices.admission import Admission
from devices.device import DEVICE_ID
from devices.intake import UPLINK, UPLINK_TIMED, Refused, shown
from telemetry.reasons import Reason

_NO_OBJECT = (
    "must hold the decoded payload; give the device profile in ChirpStack a codec, "
    "since bytes alone (data) can't be read here"
)


@dataclass(frozen=True, slots=True)
class Uplink:
    """An uplink taken apart. `form` is UPLINK or UPLINK_TIMED, `body` a flat message, `gateway` the one
    that heard it best; "" where none is named."""

    device: int
    form: int
    body: dict[str, object]
    gateway: str = ""


def read_uplink(event: object, eui: str, admission: Admission) -> Uplink:
    """Take an uplink apart; `eui` is the one of its topic.

    Raises Refused, with `place` under $, where the envelope is broken or the device can't be told.
    """
    if not isinstance(event, dict):
        need = f"must be an object, got {shown(event)}"
        raise Refused(Reason.NOT_AN_OBJECT, "", need)
    device = _device(event, eui, admission)
    given = event.get("object")
    if not given:
        raise Refused(Reason.EMPTY, "object", _NO_OBJECT, device)
    if not isinstance(given, dict):
        need = f"must be an object, got {shown(given)}"
        raise Refused(Reason.NOT_AN_OBJECT, "object", need, device)
    # protobuf's JSON leaves out a counter of 0 and a time that is not known.
    body = {"time": event.get("time"), **given, "seq": event.get("fCnt", 0)}
    form = UPLINK_TIMED if "time" in given else UPLINK
    return Uplink(device, form, body, _gateway(event.get("rxInfo")))


def _gateway(heard: object) -> str:
    """The gateway of `rxInfo` with the strongest signal. It is beside the point of an uplink: never refused."""
    found = [h for h in heard if isinstance(h, dict)] if isinstance(heard, list) else []
    named = [h for h in found if isinstance(h.get("gatewayId"), str)]
    best = max(named, key=_signal, default=None)
    name = best["gatewayId"].lower() if best else ""
    return name if DEVICE_ID.fullmatch(name) else ""


def _signal(heard: dict[str, object]) -> float:
    rssi = heard.get("rssi")
    return float(rssi) if isinstance(rssi, (int, float)) else float("-inf")


def _device(event: dict[str, object], eui: str, admission: Admission) -> int:
    """The code of the device that sent it. Raises Refused."""
    info = _table(event, "deviceInfo", "deviceInfo")
    tags = _table(info, "tags", "deviceInfo.tags")
    if info.get("devEui", eui) != eui:
        need = f"must be the topic's {eui}, got {shown(info['devEui'])}"
        raise Refused(Reason.BAD_TOPIC, "deviceInfo.devEui", need)
    place, device_id = _device_id(info, tags, eui)
    kind = tags.get("kind")
    if kind is None:
        try:
            code = admission.known(device_id)
        except Refused as error:
            raise Refused(error.reason, place, error.need, error.device) from None
        if code is None:
            need = f"device {device_id} is not known here; register it, or give it the tag kind in ChirpStack"
            raise Refused(Reason.UNREGISTERED, place, need)
        return code
    if not isinstance(kind, str):
        need = f"must be text, got {shown(kind)}"
        raise Refused(Reason.UNKNOWN_KIND, "deviceInfo.tags.kind", need)
    try:
        return admission.admit(device_id, kind)
    except Refused as error:
        where = "deviceInfo.tags.kind" if "kind" in error.reason else place
        raise Refused(error.reason, where, error.need, error.device) from None


def _device_id(info: dict[str, object], tags: dict[str, object], eui: str) -> tuple[str, str]:
    """(where it stands, the device's id)."""
    given = tags.get("device")
    if given is not None:
        if not isinstance(given, str) or not DEVICE_ID.fullmatch(given):
            need = f"must look like [a-z0-9][a-z0-9-]{{1,63}}, got {shown(given)}"
            raise Refused(Reason.UNREGISTERED, "deviceInfo.tags.device", need)
        return "deviceInfo.tags.device", given
    name = info.get("deviceName")
    if isinstance(name, str) and DEVICE_ID.fullmatch(name):
        return "deviceInfo.deviceName", name
    return "deviceInfo.devEui", eui


def _table(parent: dict[str, object], key: str, place: str) -> dict[str, object]:
    found = parent.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refused(Reason.NOT_AN_OBJECT, place, f"must be an object, got {shown(found)}")
    return found
