"""SenML packs → columns: JSON and CBOR alike, the quick ways as the careful one, sums, bombs."""

from __future__ import annotations

import json
import math
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.device import Catalogue, Device
from devices.intake import MAX_PLACES, Intake, Message
from devices.registry import load_kinds
from devices.senml_resolve import CBOR_LABELS
from ingest.decode import Decoder
from telemetry.clock import SECOND
from telemetry.reasons import Reason

NOW = 1_795_316_400 * SECOND
LABELS = {label: number for number, label in CBOR_LABELS.items()}
Row = tuple[str, str, int, float]
Told = tuple[str, str]


KINDS = load_kinds()


def decoder() -> Decoder:
    catalogue = Catalogue(KINDS)
    for number in range(1, 4):
        catalogue.put(Device(id=f"aq-{number}", kind="air"))
    catalogue.put(Device(id="lamp-1", kind="lamp"))
    return Decoder(catalogue, max_payload=2**24)


def rows_of(made: Decoder, intake: Intake) -> list[Row]:
    readings, _, _ = intake.columns()
    kinds = made.catalogue.kinds
    return [
        (made.catalogue.devices[d].id, kinds.quantities[q], t, v)
        for d, q, t, v in zip(
            *(c.tolist() for c in readings.columns()[:4]), strict=True
        )
    ]  # fmt: skip


def take(
    payload: bytes, topic: str = "city/gateway/gw-1/telemetry"
) -> tuple[list[Row], list[Told]]:
    """Rows and (path, reason) of one message; in two batches, since what is known is read another way."""
    made = decoder()
    made.decode([Message(topic, payload, NOW)])
    intake = made.decode([Message(topic, payload, NOW)])
    return rows_of(made, intake), [(r.path, str(r.reason)) for r in intake.rejects]


def as_cbor(pack: list[dict[str, Any]]) -> bytes:
    return cbor2.dumps([{LABELS.get(k, k): v for k, v in r.items()} for r in pack])


def as_json(pack: list[dict[str, Any]]) -> bytes:
    return json.dumps(pack).encode()


PACK: list[dict[str, Any]] = [
    {"bn": "aq-1/", "bt": 1_795_316_000, "n": "pm25", "v": 31.2},
    {"n": "pm10", "v": 55},
    {"bn": "aq-2/", "n": "co", "u": "mg/m3", "v": 0.3, "t": -60},
    {"bn": "", "n": "lamp-1/power", "v": 80.5},
]
ROWS = [
    ("aq-1", "pm25", 1_795_316_000 * SECOND, 31.2),
    ("aq-1", "pm10", 1_795_316_000 * SECOND, 55.0),
    ("aq-2", "co", 1_795_315_940 * SECOND, 300.0),
    ("lamp-1", "power", 1_795_316_000 * SECOND, 80.5),
]


@pytest.mark.parametrize("write", [as_json, as_cbor])
def test_a_gateways_pack_goes_to_each_records_own_device(write: Any) -> None:
    rows, rejects = take(write(PACK))
    assert [(d, q, t, round(v, 9)) for d, q, t, v in rows] == ROWS
    assert rejects == []


def test_cbor_may_say_that_it_is_cbor() -> None:
    assert len(take(b"\xd9\xd9\xf7" + as_cbor(PACK))[0]) == 4


def test_cbor_of_indefinite_length_and_half_floats_and_decimal_fractions() -> None:
    # 9f … ff: a pack without its length; f9 4d00 = 20.0; c4 82 20 19 0137 = 311 * 10**-1
    pack = b"\x9f\xa2\x00\x69aq-1/pm25\x02\xf9\x4d\x00\xa2\x00\x69aq-1/pm10\x02\xc4\x82\x20\x19\x01\x37\xff"
    rows, rejects = take(pack)
    assert [v for *_, v in rows] == [20.0, 31.1]
    assert rejects == []


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        (b"\x81" * 60_000, "depth"),
        (b"\x81\xa1\x00\x81\x81\x81\x81\x01", "depth"),
        (b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff\x01", "end of stream"),
        (b"\x81\xbb\x00\x00\x00\xff\xff\xff\xff\xff\x01\x01", "end of stream"),
        (b"\x81\x7b\x00\x00\x00\xff\xff\xff\xff\xffabc", "end of stream"),
        (b"\x81\xa1\x02\xc2\x41\x05", "tag 2 has no place"),
        (b"\x81\xa1\x02\xc5\x82\x1a\x3b\x9a\xca\x00\x01", "tag 5 has no place"),
        (b"\x81\xa1\x02\xd8\x23\x63(a+", "tag 35 has no place"),
        (b"\xd8\x1c\x81\xd8\x1d\x00", "must be UTF-8"),
        (b"\x81\xd8\x1c\x81\xd8\x1d\x00", "tag 29 has no place"),
        (b"\x81\xa1\x02\xc4\x82\x1b\xff\xff\xff\xff\xff\xff\xff\xff\x01", "CBOR"),
        (b"\x81\xa2\x00\x69aq-1/pm25\x02\x01\x00", "1 bytes follow it"),
        (b"\x81\xff", "break code"),
        (b"\xa1\x00\x01", "must be an array of SenML records"),
        (b"\x81", "end of stream"),
    ],
)
def test_a_cbor_bomb_or_ruin_is_one_refused_message(payload: bytes, words: str) -> None:
    made = decoder()
    intake = made.decode([Message("city/gateway/gw-1/telemetry", payload, NOW)])
    (reject,) = intake.rejects
    assert reject.path == "$"
    assert words in reject.detail


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, Reason.NOT_FINITE),
        (math.inf, Reason.NOT_FINITE),
        (-math.inf, Reason.NOT_FINITE),
        (cbor2.undefined, Reason.NOT_A_NUMBER),
        (b"\x01", Reason.NOT_A_NUMBER),
        (True, Reason.NOT_A_NUMBER),
    ],
)
@pytest.mark.parametrize("count", [1, 20])
def test_what_cbor_can_say_and_is_no_finite_number(value: Any, reason: Reason, count: int) -> None:
    good = [{"n": "aq-1/pm10", "v": 7, "t": -i} for i in range(count)]
    rows, rejects = take(as_cbor([{"n": "aq-1/pm25", "v": value, "t": 0}, *good]))
    assert rejects == [("$[0].v", reason)]
    assert len(rows) == count


@pytest.mark.parametrize("label", ["t", "bt"])
@pytest.mark.parametrize("value", [math.nan, math.inf, 1e300, 1_795_316_400_000])
def test_a_time_that_is_none(label: str, value: float) -> None:
    rows, rejects = take(as_cbor([{"n": "aq-1/pm25", "v": 1, label: value}]))
    assert rows == []
    finite_base = label == "bt" and math.isfinite(value)
    place = "t" if label == "t" or finite_base else "bt"
    reason = Reason.BAD_SENML if place == "bt" else Reason.BAD_TIME
    assert rejects == [(f"$[0].{place}", reason)]


def test_records_that_build_on_a_wrong_base_field_are_not_guessed() -> None:
    pack = [
        {"bn": "aq-1/", "bt": "soon", "n": "pm25", "v": 1},
        {"n": "pm10", "v": 2},
        {"bt": 1_795_316_000, "n": "no2", "v": 3},
    ]
    rows, rejects = take(as_json(pack))
    assert [q for _, q, _, _ in rows] == ["no2"]
    assert rejects == [("$[0].bt", Reason.BAD_SENML), ("$[1]", Reason.BAD_SENML)]


@pytest.mark.parametrize("bad", [{"bver": 11}, {"bver": "10"}, {"bx_": 1}, {-1: 11}])
def test_a_version_that_is_not_known_condemns_the_pack_wherever_it_stands(
    bad: dict[Any, Any],
) -> None:
    pack = [{"n": "aq-1/pm25", "v": 1}, {"n": "aq-1/pm10", "v": 1, **bad}]
    rows, rejects = take(as_cbor(pack))
    assert rows == []
    assert [r for _, r in rejects] == [Reason.BAD_SENML]


@pytest.mark.parametrize(
    ("record", "kwh"),
    [
        ({"u": "Wh", "s": 1250.5}, 1.2505),
        ({"u": "kWh", "s": 2}, 2.0),
        ({"s": 2}, 2.0),
        ({"bs": 1, "s": 2}, 3.0),
        ({"bs": 2, "t": 0}, 2.0),
        ({"u": "J", "s": 3.6e6}, 1.0),
        ({"u": "W", "s": 3.6e6}, 1.0),  # section 4.2: a sum is in the unit times seconds
        ({"u": "kW", "s": 3600}, 1.0),
        ({"u": "kWh", "v": 5, "s": 9}, 5.0),  # beside a number the number is the reading
    ],
)
def test_a_sum_alone_is_an_energy(record: dict[str, Any], kwh: float) -> None:
    rows, rejects = take(as_json([{"n": "lamp-1/energy", **record}]))
    assert [q for _, q, _, _ in rows] == ["energy"]
    assert rows[0][3] == pytest.approx(kwh)
    assert rejects == []


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"n": "lamp-1/power", "s": 5}, ("$[0].s", Reason.BAD_SENML)),
        ({"n": "lamp-1/power", "u": "W", "s": 5}, ("$[0].s", Reason.BAD_SENML)),
        ({"n": "lamp-1/energy", "u": "V", "s": 5}, ("$[0].u", Reason.BAD_UNIT)),
        ({"n": "lamp-1/energy", "s": "5"}, ("$[0].s", Reason.NOT_A_NUMBER)),
        ({"n": "lamp-1/energy", "vs": "5", "s": 5}, ("$[0].vs", Reason.NOT_A_NUMBER)),
        ({"n": "lamp-1/energy", "vb": True}, ("$[0].vb", Reason.NOT_A_NUMBER)),
        ({"n": "lamp-1/energy", "vd": "aGkgCg"}, ("$[0].vd", Reason.NOT_A_NUMBER)),
        ({"n": "lamp-1/energy"}, ("$[0].v", Reason.BAD_SENML)),
        ({}, ("$[0].n", Reason.BAD_SENML)),
        ({"n": "lamp-1/pm25", "v": 1}, ("$[0].n", Reason.UNKNOWN_QUANTITY)),
        ({"n": "lamp-1/online", "v": 1}, ("$[0].n", Reason.UNKNOWN_QUANTITY)),
        ({"n": "energy", "v": 1}, ("$[0].n", Reason.BAD_SENML)),
        ({"n": "stranger/energy", "v": 1}, ("$[0].n", Reason.UNREGISTERED)),
        ({"n": "UPPER/energy", "v": 1}, ("$[0].n", Reason.UNREGISTERED)),
        ({"n": "moon/aq-9/pm25", "v": 1}, ("$[0].n", Reason.UNKNOWN_KIND)),
        ({"n": "tree/aq-1/tilt", "v": 1}, ("$[0].n", Reason.KIND_MISMATCH)),
        ({"n": "a/b/c/energy", "v": 1}, ("$[0].n", Reason.BAD_SENML)),
    ],
)
def test_what_is_no_reading_of_ours_has_a_reason_and_a_place(
    record: dict[str, Any], told: Told
) -> None:
    rows, rejects = take(as_json([record, {"n": "aq-1/pm10", "v": 7}]))
    assert rejects == [told]
    assert [v for *_, v in rows] == [7.0]


@pytest.mark.parametrize("owner", ["aq-1", "air/aq-1", "urn:dev:ow:aq-1", "urn:dev:ow:10e2:aq-1"])
@pytest.mark.parametrize("cut", ["/", ":"])
def test_ways_to_name_a_device(owner: str, cut: str) -> None:
    pack = [{"bn": f"{owner}{cut}", "n": "pm25", "v": 1}, {"n": "pm10", "v": 2}]
    rows, rejects = take(as_json(pack))
    assert ([d for d, *_ in rows], rejects) == (["aq-1"] * 2, [])


def test_null_is_a_missing_value() -> None:
    rows, rejects = take(as_json([{"n": "aq-1/pm25", "v": None}, {"n": "aq-1/pm10", "v": 1}]))
    assert math.isnan(rows[0][3])
    assert rejects == []


def test_a_pack_of_a_hundred_thousand_bad_records_is_fifty_places_to_look_at() -> None:
    count = 100_000
    made = decoder()
    pack = b"[" + b",".join([b'{"n":"x/y","v":1}'] * count) + b"]"
    intake = made.decode([Message("city/gateway/gw-1/telemetry", pack, NOW)])
    assert len(intake.rejects) == count
    paths = {r.path for r in intake.rejects}
    assert len(paths) == MAX_PLACES + 1
    assert "100000 records can't be stored" in intake.rejects[-1].detail


NUMBERS = st.one_of(
    st.floats(-5, 3_000, allow_nan=False), st.integers(-5, 3_000), st.just(10**400), st.none(),
    st.just("1"), st.just(True),
)  # fmt: skip
FIELDS = st.fixed_dictionaries(
    {"v": NUMBERS},
    optional={
        "n": st.sampled_from(
            ["pm25", "pm10", "aq-1/pm25", "aq-3/no2", "lamp-1/power", "zz", "/pm25", "", "aq-2:co"]
        ),
        "t": st.one_of(st.integers(-100, 0), st.floats(-100, 0), st.just("now"), st.just(1e20)),
        "u": st.sampled_from(["ug/m3", "mg/m3", "W", "Cel", "nothing", 5, None]),
        "bn": st.sampled_from(["aq-1/", "aq-2/", "aq-1", "", "/", ":", "urn:dev:ow:aq-3/", 5]),
        "bt": st.one_of(st.integers(1_795_000_000, 1_795_316_400), st.just(None)),
        "bu": st.sampled_from(["ug/m3", "W", "Cel"]),
        "bv": st.integers(0, 3),
    },
)


@settings(max_examples=150, deadline=None)
@given(st.lists(FIELDS, min_size=1, max_size=5), st.integers(1, 12), st.booleans())
def test_the_quick_ways_read_what_the_careful_way_reads(
    records: list[dict[str, Any]], times: int, device: bool
) -> None:
    # A field that is not known is ignored, and sends a record the careful way.
    pack = [r for r in records for _ in range(times)]
    careful = [{**r, "x": 1} for r in pack]
    topic = "city/air/aq-1/telemetry" if device else "city/gateway/gw-1/telemetry"
    for write in (as_json,) if any(r["v"] == 10**400 for r in pack) else (as_json, as_cbor):
        quick_rows, quick_rejects = take(write(pack), topic)
        rows, rejects = take(write(careful), topic)
        assert repr(quick_rows) == repr(rows)  # repr: NaN is NaN here
        if len(rejects) <= MAX_PLACES:
            assert sorted(quick_rejects) == sorted(rejects)
        assert len(rows) + len(rejects) == len(pack)
