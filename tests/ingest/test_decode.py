"""Payloads → readings, and every refusal with its reason, place and words."""

from __future__ import annotations

import json

import pytest

from devices.device import Device
from devices.intake import Intake, Message
from store.telemetry import Series
from telemetry.clock import SECOND
from telemetry.reasons import Reason
from tests.ingest.conftest import NOW, Bench, build, holds

T = NOW - 60 * SECOND


def test_a_flat_message_is_stored_at_its_own_time(bench: Bench) -> None:
    bench.air(b'{"time": "2026-11-22T02:59:00Z", "seq": 41, "pm25": 31.2, "pm10": 55}')
    assert bench.stored() == {("aq-1", "pm25", T): 31.2, ("aq-1", "pm10", T): 55.0}


@pytest.mark.parametrize(
    "time",
    [
        '"2026-11-22T02:59:00Z"',
        '"2026-11-22T09:59:00+07:00"',
        "1795316340",
        "1795316340.0",
        '"2026-11-22T02:59:00.000Z"',
    ],
)
def test_times_may_be_written_in_several_ways(bench: Bench, time: str) -> None:
    bench.air(b'{"time": %s, "pm25": 1}' % time.encode())
    assert list(bench.stored()) == [("aq-1", "pm25", T)]


def test_mixed_ways_of_writing_time_in_one_batch(bench: Bench) -> None:
    bench.air(
        b'{"time": "2026-11-22T02:00:00Z", "pm25": 1}',
        b'{"time": 1795316340, "pm25": 2}',
        b'{"time": "2026-11-22T10:00:00.25+07:00", "pm25": 3}',
        b'{"time": null, "pm25": 4}',
    )
    assert sorted(bench.stored().values()) == [1, 2, 3, 4]
    assert ("aq-1", "pm25", NOW + SECOND // 4) in bench.stored()


def test_without_a_time_the_time_of_receipt_counts(bench: Bench) -> None:
    bench.air(b'{"pm25": 31.2}')
    assert list(bench.stored()) == [("aq-1", "pm25", NOW)]


def test_null_is_a_missing_value_with_flag_9(bench: Bench) -> None:
    bench.air(b'{"pm25": null, "pm10": 5}')
    rows = bench.telemetry.latest(Series())
    flags = {
        bench.kinds.quantities[q]: f
        for q, f in zip(rows.quantity.tolist(), rows.flag.tolist(), strict=True)
    }
    assert flags == {"pm25": 9, "pm10": 1}


def test_an_implausible_value_is_stored_as_suspect(bench: Bench) -> None:
    bench.air(b'{"pm25": 900}')
    assert bench.telemetry.latest(Series()).flag.tolist() == [3]


@pytest.mark.parametrize(
    ("payload", "reason", "words"),
    [
        (b"hello", Reason.NOT_JSON, "must be JSON"),
        (b"", Reason.EMPTY, "must not be empty"),
        (b"  ", Reason.EMPTY, "must not be empty"),
        (b"\xff\xfe", Reason.NOT_UTF8, "byte 0"),
        (b'{"pm25": "\xff"}', Reason.NOT_UTF8, "must be UTF-8"),
        (b"{}", Reason.EMPTY, "at least one quantity"),
        (b'{"time": 1795316340, "seq": 1}', Reason.EMPTY, "at least one quantity"),
        (b"[]", Reason.EMPTY, "at least one record"),
        (b"12", Reason.NOT_AN_OBJECT, "got 12"),
        (b'"hello"', Reason.NOT_AN_OBJECT, "object or a SenML array"),
        (b"null", Reason.NOT_AN_OBJECT, "got None"),
        (b'{"pm25": "n/a"}', Reason.NOT_A_NUMBER, "$.pm25: must be a number, got 'n/a'"),
        (b'{"pm25": true}', Reason.NOT_A_NUMBER, "$.pm25: must be a number, got True"),
        (b'{"pm25": [1]}', Reason.NOT_A_NUMBER, "got [1]"),
        (b'{"pm25": 1' + b"0" * 400 + b"}", Reason.NOT_FINITE, "$.pm25: must be a finite number"),
        (b'{"pm25": 1e999}', Reason.NOT_JSON, "out of range"),
        (b'{"pm25": NaN}', Reason.NOT_JSON, "must be JSON"),
        (b'{"pm25": -1}', Reason.IMPOSSIBLE_VALUE, "$.pm25: must lie within 0…2000 ug/m3, got -1"),
        (b'{"pm25": 2000.1}', Reason.IMPOSSIBLE_VALUE, "0…2000 ug/m3"),
        (b'{"pm99": 1}', Reason.UNKNOWN_QUANTITY, "$.pm99"),
        (b'{"vn_aqi": 1}', Reason.UNKNOWN_QUANTITY, "$.vn_aqi"),
        (b'{"online": 1}', Reason.UNKNOWN_QUANTITY, "$.online"),
        (b'{"seq": -1, "pm25": 1}', Reason.BAD_SEQ, "$.seq"),
        (b'{"seq": 1.5, "pm25": 1}', Reason.BAD_SEQ, "whole number"),
        (b'{"time": "2026-11-22T03:00:00", "pm25": 1}', Reason.NAIVE_TIME, "offset from UTC"),
        (b'{"time": "yesterday", "pm25": 1}', Reason.BAD_TIME, "RFC 3339"),
        (b'{"time": true, "pm25": 1}', Reason.BAD_TIME, "RFC 3339 text or seconds"),
        (b'{"time": 1795316340000, "pm25": 1}', Reason.BAD_TIME, "milliseconds?"),
        (b'{"time": 1795317001, "pm25": 1}', Reason.TIME_AHEAD, "ahead of our clock"),
        (b'{"time": 5, "pm25": 1}', Reason.TIME_TOO_OLD, "before 2000-01-02"),
        (b"[" * 50_000, Reason.NOT_JSON, ""),
        (b'{"pm25": ' + b" " * 70_000 + b"1}", Reason.TOO_LARGE, "65536 bytes"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_kept_with_its_reason(
    bench: Bench, payload: bytes, reason: Reason, words: str
) -> None:
    bench.air(payload)
    assert list(bench.reasons()) == [reason]
    assert words in bench.reasons()[reason]
    kept = bench.operations.quarantine()[0]
    assert (kept.payload, kept.topic, kept.device) == (payload, "city/air/aq-1/telemetry", "aq-1")
    assert holds(bench.account())


def test_the_limits_of_time_ahead_are_exact(bench: Bench) -> None:
    bench.air(b'{"time": 1795317000, "pm25": 1}')  # exactly 600 s ahead
    assert len(bench.stored()) == 1
    bench.air(b'{"time": 1795317000.001, "pm25": 1}')
    assert Reason.TIME_AHEAD in bench.reasons()


@pytest.mark.parametrize(
    ("topic", "reason", "words"),
    [
        ("city/air/AQ_1/telemetry", Reason.BAD_TOPIC, "city/{kind}/{device}/telemetry"),
        ("city/air/a/telemetry", Reason.BAD_TOPIC, "device id"),
        ("other/air/aq-1/telemetry", Reason.BAD_TOPIC, "other/air"),
        ("city/moon/aq-1/telemetry", Reason.UNKNOWN_KIND, "one of air, weather"),
        ("city/tree/known-1/telemetry", Reason.KIND_MISMATCH, "known-1 is of kind air"),
        ("city/air/known-1/cmd/dim", Reason.BAD_TOPIC, "telemetry"),
    ],
)
def test_topics_are_checked(bench: Bench, topic: str, reason: Reason, words: str) -> None:
    bench.send(("city/air/known-1/telemetry", b'{"pm25": 1}'))
    bench.send((topic, b'{"pm25": 1, "tilt": 1}'))
    assert words in bench.reasons()[reason]
    assert holds(bench.account())


def test_one_bad_value_does_not_take_the_others_with_it(bench: Bench) -> None:
    bench.air(b'{"pm25": "n/a", "pm10": 55, "zz": 1, "no2": -4, "o3": 7}')
    assert sorted(q for _, q, _ in bench.stored()) == ["o3", "pm10"]
    assert set(bench.reasons()) == {
        Reason.NOT_A_NUMBER,
        Reason.UNKNOWN_QUANTITY,
        Reason.IMPOSSIBLE_VALUE,
    }
    assert bench.account() == {
        "messages": 1, "received": 5, "stored": 2, "quarantined:not_a_number": 1,
        "quarantined:unknown_quantity": 1, "quarantined:impossible_value": 1,
    }  # fmt: skip


def test_an_unregistered_device_is_kept_as_such(bench: Bench) -> None:
    bench.air(b'{"pm25": 1}')
    assert [(d.id, d.kind, d.registered) for d in bench.operations.devices()] == [
        ("aq-1", "air", False)
    ]


def test_or_refused_by_a_setting(tmp_path_factory: pytest.TempPathFactory) -> None:
    made = build(tmp_path_factory.mktemp("r"), [Device(id="known-1", kind="air")], "refuse")
    made.send(
        ("city/air/known-1/telemetry", b'{"pm25": 1}'),
        ("city/air/stranger/telemetry", b'{"pm25": 1}'),
    )
    assert [d for d, _, _ in made.stored()] == ["known-1"]
    assert "URBAN_UNREGISTERED=accept" in made.reasons()[Reason.UNREGISTERED]
    made.telemetry.close()


@pytest.mark.parametrize(
    ("topic", "payload", "path"),
    [
        ("city/air/met-1/telemetry", b'{"pm25": 2}', "$"),
        ("city/air/met-1/status", b"online", "$"),
        ("city/air/met-1/telemetry", b'[{"n": "pm25", "v": 2}]', "$"),
        ("city/gateway/gw-1/telemetry", b'[{"bn": "met-1/", "n": "pm25", "v": 2}]', "$[0].n"),
        ("city/gateway/gw-1/telemetry", b'[{"bn": "air/met-1/", "n": "pm25", "v": 2}]', "$[0].n"),
        (
            "application/1/device/0101010101010101/event/up",
            b'{"deviceInfo": {"tags": {"device": "met-1"}}, "object": {"pm25": 2}}',
            "$.deviceInfo.tags.device",
        ),
    ],
)
def test_a_device_that_was_met_before_is_refused_too(
    tmp_path_factory: pytest.TempPathFactory, topic: str, payload: bytes, path: str
) -> None:
    met = Device(id="met-1", kind="air", registered=False)
    made = build(tmp_path_factory.mktemp("met"), [met], "refuse")
    made.send((topic, payload))
    assert made.stored() == {}
    (item,) = made.operations.quarantine()
    assert (item.reason, item.path, item.device) == (Reason.UNREGISTERED, path, "met-1")
    assert made.account() == {"messages": 1, "received": 1, "quarantined:unregistered": 1}
    made.catalogue.put(Device(id="met-1", kind="air"))  # registered while we run
    made.send((topic, payload))
    assert len(made.stored()) == 1
    made.catalogue.put(met)  # and no longer, though its topic was learned
    made.send((topic, payload), received=NOW + SECOND)
    assert len(made.stored()) == 1
    made.telemetry.close()


def test_devices_are_bounded(bench: Bench) -> None:
    bench.send(*((f"city/air/d-{i}/telemetry", b'{"pm25": 1}') for i in range(1_010)))
    assert len(bench.catalogue) == 1_000
    assert bench.account()["quarantined:too_many_devices"] == 10


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b"online", 1.0),
        (b"offline", 0.0),
        (b'"offline"', 0.0),
        (b'{"status": "online", "time": "2026-11-22T02:59:00Z"}', 1.0),
    ],
)
def test_a_status_is_a_reading_of_online(bench: Bench, payload: bytes, value: float) -> None:
    bench.send(("city/air/aq-1/status", payload))
    ((device, quantity, time),) = bench.stored()
    assert (device, quantity, bench.stored()[device, quantity, time]) == ("aq-1", "online", value)
    assert time == (T if b"time" in payload else NOW)


def test_a_status_that_says_nothing_known(bench: Bench) -> None:
    bench.send(
        ("city/air/aq-1/status", b"asleep"),
        ("city/air/aq-1/status", b'{"status": 1}'),
        ("city/air/aq-1/status", b""),
    )
    assert bench.account() == {"messages": 3, "received": 2, "quarantined:bad_status": 2}


def pack(*records: dict[str, object]) -> bytes:
    return json.dumps(records).encode()


def test_senml_base_fields_relative_times_and_order(bench: Bench) -> None:
    # The worked example of RFC 8428's rules: base name, base time, base unit, relative t.
    bench.air(
        pack(
            {
                "bn": "urn:dev:mac:0024befffe804ff1:aq-1/",
                "bt": 1_790_000_000,
                "bu": "ug/m3",
                "n": "pm25",
                "v": 31.4,
            },
            {"n": "pm10", "v": 55},
            {"n": "temperature", "u": "Cel", "v": 33.1, "t": -60},
        )
    )
    at = 1_790_000_000 * SECOND
    assert bench.stored() == {
        ("aq-1", "pm25", at): 31.4,
        ("aq-1", "pm10", at): 55.0,
        ("aq-1", "temperature", at - 60 * SECOND): 33.1,
    }


def test_senml_base_value_is_added(bench: Bench) -> None:
    # bv 1.0 with v .42, none, .61 → 1.42, 1.0, 1.61
    bench.air(
        pack({"bn": "", "bv": 1.0, "n": "pm25", "v": 0.42}, {"n": "pm10"}, {"n": "no2", "v": 0.61})
    )
    assert sorted(bench.stored().values()) == pytest.approx([1.0, 1.42, 1.61])


def test_senml_units_are_converted_where_they_fit(bench: Bench) -> None:
    bench.air(
        pack(
            {"n": "co", "u": "mg/m3", "v": 0.3},
            {"n": "temperature", "u": "K", "v": 300.0},
            {"n": "pm25", "u": "Cel", "v": 3},
        )
    )
    assert {q: v for (_, q, _), v in bench.stored().items()} == pytest.approx(
        {"co": 300.0, "temperature": 26.85}
    )
    assert "$[2].u: must be a unit of mass concentration in gas" in bench.reasons()[Reason.BAD_UNIT]


def test_senml_time_near_zero_is_relative_to_receipt(bench: Bench) -> None:
    bench.air(pack({"n": "pm25", "v": 1, "t": -30}, {"n": "pm10", "v": 1}))
    assert {(q, t) for _, q, t in bench.stored()} == {("pm25", NOW - 30 * SECOND), ("pm10", NOW)}


@pytest.mark.parametrize(
    ("record", "reason", "path"),
    [
        ({"n": "pm25", "vs": "x"}, Reason.NOT_A_NUMBER, "$[0].vs"),
        ({"n": "pm25", "v": "1"}, Reason.NOT_A_NUMBER, "$[0].v"),
        ({"n": "pm25"}, Reason.BAD_SENML, "$[0].v"),
        ({"n": "pm25", "s": 5}, Reason.BAD_SENML, "$[0].s"),
        ({"n": "pm25", "v": 1, "must_": 1}, Reason.BAD_SENML, "$[0].must_"),
        ({"bver": 11, "n": "pm25", "v": 1}, Reason.BAD_SENML, "$[0].bver"),
        ({"bt": "x", "n": "pm25", "v": 1}, Reason.BAD_SENML, "$[0].bt"),
        ({"n": "other/pm25", "v": 1}, Reason.BAD_SENML, "$[0].n"),
        ({"n": "zz", "v": 1}, Reason.UNKNOWN_QUANTITY, "$[0].n"),
        ({"n": "pm25", "v": 1, "t": "now"}, Reason.BAD_TIME, "$[0].t"),
        ({"n": "pm25", "v": 1, "u": 5}, Reason.BAD_UNIT, "$[0].u"),
        ({"n": "pm25", "v": 5000}, Reason.IMPOSSIBLE_VALUE, "$[0].v"),
        ({"n": "pm25", "v": 1, "bt": 1_795_320_000}, Reason.TIME_AHEAD, "$[0].t"),
    ],
)  # fmt: skip
def test_a_senml_record_that_fails_fails_alone(
    bench: Bench, record: dict[str, object], reason: Reason, path: str
) -> None:
    bench.air(json.dumps([record, {"bn": "", "bt": 0, "n": "pm10", "v": 7}]).encode())
    kept = bench.operations.quarantine()[0]
    assert (kept.reason, kept.path) == (reason, path)
    # A version that is too new condemns the whole pack (RFC 8428, 4.4); anything else only its record.
    assert list(bench.stored().values()) == ([] if path.endswith("bver") else [7.0])
    assert holds(bench.account())


def test_senml_in_cbor_is_the_same_as_in_json(bench: Bench) -> None:
    # [{bn: "aq-1/", bt: 1795313184, n: "pm25", v: 31.5}, {n: "pm10", v: 55}] with the labels of RFC 8428, 6
    bench.air(
        bytes.fromhex("82a4216561712d312f221a6b024e20006470 6d323502f94fe0a20064706d31300218 37")
    )
    at = 0x6B024E20 * SECOND
    assert bench.stored() == {("aq-1", "pm25", at): 31.5, ("aq-1", "pm10", at): 55.0}


def test_a_gateways_pack_is_booked_on_each_records_own_device(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = build(tmp_path_factory.mktemp("gateway"), [Device(id="aq-1", kind="air")])
    made.send(
        (
            "city/gateway/gw-1/telemetry",
            pack(
                {"bn": "aq-1/", "bt": 1_790_000_000, "n": "pm25", "v": 31.4},
                {"n": "pm10", "v": 50_000},
                {"bn": "lamp/lamp-1/", "n": "power", "v": 80},
                {"bn": "stranger/", "n": "pm25", "v": 1},
            ),
        )
    )
    at = 1_790_000_000 * SECOND
    assert made.stored() == {("aq-1", "pm25", at): 31.4, ("lamp-1", "power", at): 80.0}
    rows = {(r.device, r.outcome): r.count for r in made.telemetry.account(0, 2**62)}
    assert {k: n for k, n in rows.items() if k[1] != "messages"} == {
        ("aq-1", "received"): 2, ("aq-1", "stored"): 1, ("aq-1", "quarantined:impossible_value"): 1,
        ("lamp-1", "received"): 1, ("lamp-1", "stored"): 1,
        ("", "received"): 1, ("", "quarantined:unregistered"): 1,
    }  # fmt: skip
    places = {(q.reason, q.path, q.device) for q in made.operations.quarantine()}
    assert places == {
        (Reason.IMPOSSIBLE_VALUE, "$[1].v", "aq-1"),
        (Reason.UNREGISTERED, "$[3].n", ""),
    }
    assert [(d.id, d.kind, d.registered) for d in made.operations.devices()] == [
        ("aq-1", "air", True),
        ("lamp-1", "lamp", False),
    ]
    made.telemetry.close()
    made.operations.close()


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"pm25": 1}', Reason.NOT_AN_OBJECT),
        (b"[]", Reason.EMPTY),
        (b"", Reason.EMPTY),
        (b"\x81", Reason.BAD_SENML),
        (b'[{"n":"gw-1/pm25","v":1}]', Reason.UNREGISTERED),
    ],
)
def test_a_gateway_is_no_device_and_sends_packs_only(
    bench: Bench, payload: bytes, reason: Reason
) -> None:
    bench.send(("city/gateway/gw-1/telemetry", payload))
    assert list(bench.reasons()) == [reason]
    assert bench.operations.devices() == []
    assert holds(bench.account())


def test_a_gateway_has_no_status_of_its_own(bench: Bench) -> None:
    bench.send(("city/gateway/gw-1/status", b"online"))
    assert "kind must be one of" in bench.reasons()[Reason.UNKNOWN_KIND]


def test_a_device_that_was_refused_is_found_once_it_is_registered(bench: Bench) -> None:
    sent = ("city/gateway/gw-1/telemetry", pack({"n": "aq-5/pm25", "v": 1}))
    bench.send(sent)
    assert bench.stored() == {}
    bench.catalogue.put(Device(id="aq-5", kind="air"))
    bench.send(sent)
    assert list(bench.stored().values()) == [1.0]


def test_an_uplink_is_stored_under_its_device_with_its_counter(bench: Bench) -> None:
    topic = "application/1/device/0101010101010101/event/up"
    for count in (7, 9):
        event = {
            "time": f"2026-11-22T02:59:{count:02d}+00:00",
            "fCnt": count,
            "deviceInfo": {"deviceName": "aq-1", "tags": {"kind": "air"}},
            "object": {"pm25": count, "pm10": "n/a"},
        }
        bench.send((topic, json.dumps(event).encode()))
    assert bench.stored() == {
        ("aq-1", "pm25", T + 7 * SECOND): 7.0,
        ("aq-1", "pm25", T + 9 * SECOND): 9.0,
    }
    assert bench.account()["gap"] == 1
    assert {q.path for q in bench.operations.quarantine()} == {"$.object.pm10"}
    assert holds(bench.account())


def test_a_batch_that_failed_leaves_nothing_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoder = bench.pipeline._decoder
    both = [
        Message("city/air/aq-1/telemetry", b'{"pm25": 1}', NOW),
        Message("city/air/aq-1/telemetry", b'[{"n": "pm10", "v": 1}]', NOW),
    ]
    with monkeypatch.context() as broken:
        broken.setattr(Intake, "add", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            decoder.decode(both)
    assert len(decoder.decode(both[:1]).columns()[0]) == 1


@pytest.mark.parametrize(
    "time",
    [
        "1" + "0" * 400,
        '"8026-11-22T02:59:00Z"',
        '"2262-04-12T00:00:00Z"',
        '"2250-01-01T00:00:00Z"',
        '"1690-01-01T00:00:00Z"',
        '"0001-01-01T00:00:00Z"',
    ],
)
def test_a_time_beyond_what_can_be_counted_is_no_time(bench: Bench, time: str) -> None:
    # ns since 1970 fit into 63 bits until 2262-04-11.
    bench.air(b'{"time": %s, "pm25": 1}' % time.encode())
    assert list(bench.reasons()) == [Reason.BAD_TIME]
    if time.startswith('"'):
        bench.send(
            ("city/air/aq-1/status", b'{"status": "online", "time": %s}' % time.encode()),
            ("city/air/aq-1/telemetry", b'{"time": "2026-11-22T02:59:00Z", "pm25": 1}'),
            ("city/air/aq-1/telemetry", b'{"time": %s, "pm25": 2}' % time.encode()),
        )
        assert set(bench.reasons()) == {Reason.BAD_TIME, Reason.BAD_STATUS}
        assert all("must lie within the years" in words for words in bench.reasons().values())
        assert list(bench.stored()) == [("aq-1", "pm25", T)]


@pytest.mark.parametrize(
    "seconds", ["1e18", "-1e18", "9223372036.9", "1e400", "1795316340000", "9" * 400]
)
@pytest.mark.parametrize("label", ["t", "bt"])
def test_a_senml_time_beyond_what_can_be_counted_is_no_time(
    bench: Bench, label: str, seconds: str
) -> None:
    good = f'{{"n": "pm10", "v": 2, "t": 0, "bt": {T // SECOND}}}'
    pack = f'[{{"n": "pm25", "v": 1, "{label}": {seconds}}}, {good}]'
    bench.air(pack.encode())
    assert [(q, t) for _, q, t in bench.stored()] in ([("pm10", T)], [])
    assert set(bench.reasons()) <= {Reason.BAD_TIME, Reason.BAD_SENML, Reason.NOT_JSON}
    assert bench.reasons() and holds(bench.account())
    for words in bench.reasons().values():
        assert "±8589934592" in words or "finite" in words or "JSON" in words or "t: must" in words


@pytest.mark.parametrize("key", [r"\u0000", r"\u202e", "a" * 5_000])
def test_names_of_the_sender_are_kept_readable(bench: Bench, key: str) -> None:
    bench.air(b'{"%s": 1}' % key.encode())
    (item,) = bench.operations.quarantine()
    assert item.path.isprintable()
    assert len(item.path) <= 200
    assert item.detail.isprintable()


def test_who_came_through_which_gateway_is_known_and_who_comes_by_himself(bench: Bench) -> None:
    def via(device: str) -> str:
        code = bench.catalogue.code(device)
        assert code is not None
        return bench.catalogue.gateways.name_of(code)

    two = pack({"n": "air/aq-8/pm25", "v": 1}, {"n": "air/aq-9/pm25", "v": 1})
    bench.send(("city/gateway/gw-1/telemetry", two), ("city/air/aq-1/telemetry", b'{"pm25": 1}'))
    assert [via(d) for d in ("aq-8", "aq-9", "aq-1")] == ["gw-1", "gw-1", ""]
    bench.send(("city/gateway/gw-2/telemetry", two))
    bench.send(("city/air/aq-8/telemetry", b'{"pm25": 2}'))
    assert [via(d) for d in ("aq-8", "aq-9", "aq-1")] == ["", "gw-2", ""]


def test_gateways_are_bounded_and_one_too_many_is_no_gateway(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devices.gateways.MOST", 2)
    for n in range(4):
        body = pack({"n": f"air/aq-{n}/pm25", "v": 1})
        bench.send((f"city/gateway/gw-{n}/telemetry", body))
    gateways = bench.catalogue.gateways
    assert gateways.names == ["gw-0", "gw-1"]
    assert len(bench.stored()) == 4
    code = bench.catalogue.code("aq-3")
    assert code is not None and gateways.name_of(code) == ""
