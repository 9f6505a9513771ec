"""Packs whose shape is known are read another way, and say the same: rows, order, places, reasons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices import senml_shapes
from devices.device import Catalogue, Device
from devices.intake import Intake, Message
from devices.registry import load_kinds
from devices.senml_shapes import ShapeDecoder
from ingest.decode import Decoder
from telemetry.clock import SECOND

NOW = 1_795_316_400 * SECOND
KINDS = load_kinds()
GATEWAY, OWN = "city/gateway/gw-1/telemetry", "city/air/aq-1/telemetry"


class Careful(ShapeDecoder):
    """Takes nothing: each pack goes the careful way."""

    def take(self, *_: object) -> bool:
        return False


def decoder(careful: bool = False) -> Decoder:
    catalogue = Catalogue(KINDS)
    for number in range(1, 4):
        catalogue.put(Device(id=f"aq-{number}", kind="air"))
    catalogue.put(Device(id="lamp-1", kind="lamp"))
    made = Decoder(catalogue)
    if careful:
        made._senml._shapes = Careful(catalogue)
    return made


def said(intake: Intake) -> str:
    """All that a batch says, in order; as text, since NaN is not itself."""
    readings, message, record = intake.columns()
    columns = [c.tolist() for c in (*readings.columns(), message, record)]
    rejects = [(r.message, str(r.reason), r.path, r.detail, r.device) for r in intake.rejects]
    return repr((columns, sorted(rejects)))


def batch(payloads: Sequence[tuple[str, bytes]]) -> list[Message]:
    return [Message(topic, payload, NOW + i) for i, (topic, payload) in enumerate(payloads)]


def both(payloads: Sequence[tuple[str, bytes]]) -> tuple[str, str]:
    """What the quick and the careful way say, the second time that they see it."""
    words = []
    for careful in (False, True):
        made = decoder(careful)
        made.decode(batch(payloads))
        words.append(said(made.decode(batch(payloads))))
    return words[0], words[1]


RECORDS = st.fixed_dictionaries(
    {},
    optional={
        "n": st.sampled_from(["pm25", "aq-1/pm25", "aq-3/no2", "lamp-1/power", "zz/pm25", "", "pm25\0no2", "x"]),
        "u": st.sampled_from(["ug/m3", "mg/m3", "W", "%RH", "µg/m3", "nothing", None]),
        "v": st.one_of(st.floats(-5, 3_000), st.integers(-5, 3_000), st.sampled_from([None, "1", True, 2**70])),
        "t": st.one_of(st.integers(-100, 100), st.sampled_from([0, -0.5, 1e20, 1_795_316_000])),
        "bn": st.sampled_from(["aq-1/", "aq-2/", "aq-2", "", "/", "aq-1/p", "aq-2:"]),
        "bt": st.one_of(st.integers(1_795_000_000, 1_795_316_400), st.sampled_from([1.25, -60, 1e30])),
        "bu": st.sampled_from(["ug/m3", "W", "nothing"]),
        "bv": st.integers(0, 2),
        "bver": st.sampled_from([10, 11]),
    },
)  # fmt: skip
# What a gateway sends again and again: mostly plain records.
PLAIN = st.fixed_dictionaries(
    {"n": st.sampled_from(["aq-1/pm25", "aq-2/pm10", "lamp-1/power"]), "v": st.floats(0, 9)},
    optional={"u": st.sampled_from(["ug/m3", "mg/m3", "W"]), "t": st.floats(-9, 0)},
)
FIRST: st.SearchStrategy[dict[str, Any]] = st.sampled_from(
    [{"bt": 1_795_000_000}, {"bn": "", "bt": 1_795_000_000.5, "bu": "ug/m3"}, {"bn": "aq-"}]
)


@st.composite
def packs(draw: st.DrawFn) -> bytes:
    pack: list[dict[str, Any]] = draw(
        st.lists(st.one_of(PLAIN, PLAIN, PLAIN, RECORDS), min_size=1, max_size=5)
    )
    match draw(st.integers(0, 3)):
        case 0:
            pack.insert(0, draw(FIRST))
        case 1:
            pack[0] = draw(FIRST) | pack[0]
    indent, ascii_only = draw(st.sampled_from([None, 1])), draw(st.booleans())
    text = json.dumps(pack, indent=indent, ensure_ascii=ascii_only).encode()
    before, after = draw(
        st.sampled_from([(b"", b"")] * 6 + [(b" ", b"\n"), (b"", b","), (b"", b"]")])
    )
    if draw(st.integers(0, 9)) == 0:
        text = text[:-1].rstrip() + draw(st.sampled_from([b",]", b"", b"}]", b",{}]", b" , 5]"]))
    return before + text + after


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([GATEWAY, GATEWAY, OWN]), packs()), min_size=1, max_size=6)
)
def test_a_batch_says_the_same_whichever_way_it_is_read(payloads: list[tuple[str, bytes]]) -> None:
    quick, careful = both(payloads)
    assert quick == careful


@pytest.mark.parametrize(
    "payload",
    [
        b'[{"n":"aq-1/pm25","v":1},]', b"[{}]", b"[]", b"[{}, {}]", b"[", b"[}", b'[{"bt":1}]',
        b'[{"n":"aq-1/pm25","v":1}', b'[{"n":"aq-1/pm25","v":1}]]', b'[{"n":"aq-1/pm25","v":1}][]',
        b'[{"n":"aq-1/pm25","v":1}]{"n":"aq-1/pm10","v":1}]',
        b'[{"n":"aq-1/pm25","v":1e999}]', b'[{"n":"aq-1/pm25","v":1,"v":2},{"n":"aq-1/pm10","v":3}]',
        b'[{"n":"a}b","v":1},{"n":"aq-1/pm10","v":3}]', b'[{"bn":"aq-1/"},{"n":"pm10","v":3}]',
        b'[{"n":"aq-1/pm25\xff","v":1}]', b'\xef\xbb\xbf[{"n":"aq-1/pm25","v":1}]',
        b'[{"n":"aq-1/pm25","v":1}\n,{"n":"aq-1/pm10","v":3}]', b"[" * 5_000,
        b'[{"n":"aq-1/pm25","v":9007199254740993},{"n":"aq-1/pm10","v":18446744073709551617}]',
    ],
)  # fmt: skip
def test_text_that_is_no_usual_pack(payload: bytes) -> None:
    for topic in (GATEWAY, OWN):
        quick, careful = both([(topic, payload), (topic, b'[{"n":"aq-1/no2","v":4}]')])
        assert quick == careful


def plain(*names: str) -> bytes:
    return json.dumps([{"n": n, "u": "ug/m3", "v": 5} for n in names]).encode()


def known(made: Decoder) -> int:
    return len(made._senml._shapes._shapes)


def test_a_shape_is_learned_once_and_then_taken() -> None:
    made = decoder()
    for _ in range(3):
        made.decode(batch([(GATEWAY, plain("aq-1/pm25", "aq-2/pm10"))]))
    assert known(made) == 1
    readings, _, _ = made.decode(batch([(GATEWAY, plain("aq-1/pm25", "aq-2/pm10"))])).columns()
    assert len(readings) == 2


def test_a_device_that_was_replaced_is_looked_up_anew() -> None:
    made = decoder()
    made.decode(batch([(GATEWAY, plain("aq-1/pm25"))] * 2))
    made._admission.unregistered = "refuse"
    made.catalogue.put(Device(id="aq-1", kind="air", registered=False))
    intake = made.decode(batch([(GATEWAY, plain("aq-1/pm25"))]))
    assert [str(r.reason) for r in intake.rejects] == ["unregistered"]


def test_shapes_that_are_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senml_shapes, "_MAX_RECORDS", 10)
    made = decoder()
    made.decode(batch([(GATEWAY, plain("aq-1/pm25", "aq-2/pm25"))]))
    for i in range(1, 8):
        made.decode(batch([(GATEWAY, plain(*["aq-1/pm25"] * i, "aq-2/pm25"))]))
        assert 0 < known(made) <= 5
