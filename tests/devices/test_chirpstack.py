"""ChirpStack v4 uplinks: whose they are, what they hold, and every way in which they may be wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from devices.device import Catalogue, Device
from devices.intake import Intake, Message
from devices.registry import load_kinds
from devices.topics import UPLINK, parse_uplink
from ingest.decode import Decoder
from ingest.validate import Limits, validate
from telemetry.clock import SECOND
from telemetry.reasons import Reason

NOW = 1_795_316_400 * SECOND
EUI = "0101010101010101"
TOPIC = f"application/6b1f/device/{EUI}/event/up"


def uplink(**changes: Any) -> dict[str, Any]:
    """An uplink as ChirpStack 4 publishes it (chirpstack-api 4, message UplinkEvent)."""
    event = {
        "deduplicationId": "3ac7e3c4-4401-4b8d-9386-a5c902f9202d",
        "time": "2026-11-22T02:59:00.775023242+00:00",
        "deviceInfo": {
            "tenantId": "52f14cd4-c6f1-4fbd-8f87-4025e1d49242",
            "applicationId": "6b1f",
            "deviceProfileName": "air",
            "deviceName": "aq-0007",
            "devEui": EUI,
            "tags": {"kind": "air"},
        },
        "devAddr": "00189440",
        "adr": True,
        "dr": 1,
        "fCnt": 41,
        "fPort": 1,
        "confirmed": False,
        "data": "qg==",
        "object": {"pm25": 31.2, "pm10": 55.0},
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -50}],
    }
    for key, value in changes.items():
        if value is ...:
            del event[key]
        else:
            event[key] = value
    return event


def info(**fields: Any) -> dict[str, Any]:
    return {"deviceInfo": {"devEui": EUI, **fields}}


def decode(event: Any, unregistered: str = "accept") -> tuple[Decoder, Intake]:
    catalogue = Catalogue(load_kinds())
    catalogue.put(Device(id="known-1", kind="air"))
    made = Decoder(catalogue, unregistered)
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    return made, made.decode([Message(TOPIC, payload, NOW)])


def test_an_uplink_is_a_flat_message_in_an_envelope() -> None:
    made, intake = decode(uplink())
    readings, _, _ = intake.columns()
    names = [made.catalogue.kinds.quantities[q] for q in readings.quantity]
    assert dict(zip(names, readings.value.tolist(), strict=True)) == {"pm25": 31.2, "pm10": 55.0}
    # 02:59:00.775023242 is a minute less 0.775… s before NOW, exact to the nanosecond
    assert set(readings.time.tolist()) == {NOW - 60 * SECOND + 775_023_242}
    assert intake.seqs == [(0, int(readings.device[0]), 41)]
    assert intake.rejects == []
    assert [(d.id, d.kind, d.registered) for d in made.new_devices] == [("aq-0007", "air", False)]


@pytest.mark.parametrize(
    ("fields", "device"),
    [
        ({"tags": {"device": "known-1"}, "deviceName": "x-1"}, "known-1"),
        ({"deviceName": "known-1"}, "known-1"),
        ({"deviceName": "known-1", "tags": None}, "known-1"),
        ({"deviceName": "known-1", "tags": {"kind": "air"}}, "known-1"),
        ({"deviceName": "Trạm số 7", "tags": {"kind": "air"}}, EUI),
        ({"tags": {"kind": "air"}}, EUI),
    ],
)
def test_whose_it_is(fields: dict[str, Any], device: str) -> None:
    made, intake = decode(uplink(**info(**fields)))
    readings, _, _ = intake.columns()
    assert {made.catalogue.devices[d].id for d in readings.device} == {device}


def test_a_codec_that_gives_the_time_of_measurement_goes_before() -> None:
    _, intake = decode(uplink(object={"pm25": 1, "time": 1_795_316_000}))
    assert intake.columns()[0].time.tolist() == [1_795_316_000 * SECOND]


def test_without_a_time_the_time_of_receipt_counts_and_a_counter_of_zero_is_left_out() -> None:
    _, intake = decode(uplink(time=..., fCnt=...))
    assert set(intake.columns()[0].time.tolist()) == {NOW}
    assert [seq for _, _, seq in intake.seqs] == [0]


@pytest.mark.parametrize(
    ("event", "reason", "path"),
    [
        (uplink(object=...), Reason.EMPTY, "$.object"),
        (uplink(object={}), Reason.EMPTY, "$.object"),
        (uplink(object={"time": 1_795_316_000}), Reason.EMPTY, "$.object"),
        (uplink(object=[1]), Reason.NOT_AN_OBJECT, "$.object"),
        (uplink(object={"pm25": "n/a"}), Reason.NOT_A_NUMBER, "$.object.pm25"),
        (uplink(object={"pm25": {"v": 1}}), Reason.NOT_A_NUMBER, "$.object.pm25"),
        (uplink(object={"zz": 1}), Reason.UNKNOWN_QUANTITY, "$.object.zz"),
        (uplink(object={"pm25": 5_000}), Reason.IMPOSSIBLE_VALUE, "$.object.pm25"),
        (uplink(object={"pm25": 1}, time="soon"), Reason.BAD_TIME, "$.time"),
        (uplink(object={"pm25": 1}, time="2026-11-22T02:59:00"), Reason.NAIVE_TIME, "$.time"),
        (uplink(object={"pm25": 1, "time": "soon"}), Reason.BAD_TIME, "$.object.time"),
        (uplink(object={"pm25": 1}, time="2026-11-23T00:00:00Z"), Reason.TIME_AHEAD, "$.time"),
        (uplink(object={"pm25": 1, "time": 5}), Reason.TIME_TOO_OLD, "$.object.time"),
        (uplink(object={"pm25": -1}, fCnt=-1), Reason.BAD_SEQ, "$.fCnt"),
        (uplink(deviceInfo=[]), Reason.NOT_AN_OBJECT, "$.deviceInfo"),
        (uplink(deviceInfo=...), Reason.UNREGISTERED, "$.deviceInfo.devEui"),
        (uplink(**info(tags=[])), Reason.NOT_AN_OBJECT, "$.deviceInfo.tags"),
        (uplink(**info(tags={"device": "A B"})), Reason.UNREGISTERED, "$.deviceInfo.tags.device"),
        (uplink(**info(tags={"kind": "moon"})), Reason.UNKNOWN_KIND, "$.deviceInfo.tags.kind"),
        (uplink(**info(tags={"kind": 5})), Reason.UNKNOWN_KIND, "$.deviceInfo.tags.kind"),
        (uplink(**info(deviceName="known-1", tags={"kind": "tree"})), Reason.KIND_MISMATCH, "$.deviceInfo.tags.kind"),
        (uplink(**info(deviceName="stranger")), Reason.UNREGISTERED, "$.deviceInfo.deviceName"),
        (uplink(deviceInfo={"devEui": "0202020202020202"}), Reason.BAD_TOPIC, "$.deviceInfo.devEui"),
        ([1], Reason.NOT_AN_OBJECT, "$"),
        (b"", Reason.EMPTY, "$"),
        (b"{", Reason.NOT_JSON, "$"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place_in_the_envelope(
    event: Any, reason: Reason, path: str
) -> None:
    made, intake = decode(event)
    validate(intake, made.catalogue.kinds, made.catalogue.kind_of, Limits(), 0)
    first = intake.rejects[0]
    assert (first.reason, first.path) == (reason, path)
    assert first.detail.startswith(path)


def test_without_a_decoded_payload_it_says_what_to_do() -> None:
    _, intake = decode(uplink(object=...))
    assert "codec" in intake.rejects[0].detail


def test_a_stranger_is_refused_by_the_setting() -> None:
    _, intake = decode(uplink(), "refuse")
    assert [r.reason for r in intake.rejects] == [Reason.UNREGISTERED]
    assert "URBAN_UNREGISTERED=accept" in intake.rejects[0].detail


@pytest.mark.parametrize(
    ("topic", "eui"),
    [
        (TOPIC, EUI),
        ("application/1/device/0101010101010101/event/join", None),
        ("application/1/device/010101010101010/event/up", None),
        ("application/1/device/01010101010101FF/event/up", None),
        ("application/1/2/device/0101010101010101/event/up", None),
    ],
)
def test_the_topic_of_an_uplink(topic: str, eui: str | None) -> None:
    assert parse_uplink(topic) == eui
    assert UPLINK == "application/+/device/+/event/up"


@pytest.mark.parametrize(
    ("heard", "gateway"),
    [
        ([{"gatewayId": "0016C001F153A14C", "rssi": -50}], "0016c001f153a14c"),
        ([{"gatewayId": "aa01", "rssi": -90}, {"gatewayId": "aa02", "rssi": -60}], "aa02"),
        ([{"gatewayId": "aa01"}, "noise", {"rssi": 1}], "aa01"),
        ([{"gatewayId": "no gateway!"}], ""),
        ([], ""), ("many", ""), (None, ""),
    ],
)  # fmt: skip
def test_the_gateway_is_the_one_that_heard_it_best_and_never_a_reason_to_refuse(
    heard: Any, gateway: str
) -> None:
    decoder, intake = decode(uplink(rxInfo=heard))
    assert intake.rejects == []
    code = decoder.catalogue.code("aq-0007")
    assert code is not None and decoder.catalogue.gateways.name_of(code) == gateway
