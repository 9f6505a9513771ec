"""SenML resolved: every example of the RFC's authors, and the rules of RFC 8428 with values written here."""

from __future__ import annotations

import json
import os
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from devices.intake import Refused
from devices.senml_cbor import decode_cbor, is_cbor
from devices.senml_resolve import resolve
from telemetry.clock import SECOND
from telemetry.reasons import Reason

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = Path(os.environ.get("URBAN_DATA_SETS", ROOT.parent / "shared" / "data")) / "senml_spec"
NOW = 1_795_316_400 * SECOND
# The generator of the examples left the record with a data value out of its resolved form.
LEFT_OUT = {"ex7": 1}


@pytest.fixture
def examples() -> Path:
    if not EXAMPLES.is_dir():
        pytest.skip(f"no examples in {EXAMPLES}: set URBAN_DATA_SETS")
    return EXAMPLES


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    """Equal but for the version, which the examples' draft left out and section 4.6 asks for."""
    assert [{k: v for k, v in r.items() if k != "bver"} for r in ours] == [
        {k: near(v) for k, v in r.items() if k != "bver"} for r in theirs
    ]


def near(value: Any) -> Any:
    """A millisecond of today's seconds is a part in 10**12."""
    return pytest.approx(value, rel=1e-13) if isinstance(value, float) else value


@pytest.mark.recordings
@pytest.mark.parametrize("number", range(1, 13))
@pytest.mark.parametrize("form", ["json", "gen.json"])
def test_every_example_resolves_as_its_authors_resolved_it(
    examples: Path, number: int, form: str
) -> None:
    theirs = read(examples / f"ex{number}.gen.resolved.json")
    pack = read(examples / f"ex{number}.{form}")
    # Where an example has no base time, its authors' "now" is the time of what they resolved.
    ours = resolve(pack, round(theirs[0]["t"]) * SECOND)
    left_out = LEFT_OUT.get(f"ex{number}", 0)
    assert len(ours) == len(theirs) + left_out
    # A stable sort: records of one time stay in the pack's order, as in the examples.
    kept = ours[: len(ours) - left_out]
    theirs.sort(key=itemgetter("t"))
    same(kept, theirs)


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["ex3", "ex5"])
def test_the_examples_in_cbor_are_those_in_json(examples: Path, name: str) -> None:
    payload = (examples / f"{name}.gen.cbor").read_bytes()
    assert is_cbor(payload)
    same(resolve(decode_cbor(payload), NOW), resolve(read(examples / f"{name}.json"), NOW))
    theirs = read(examples / f"{name}.gen.resolved.json")
    same(resolve(decode_cbor(payload), NOW), sorted(theirs, key=itemgetter("t")))


@pytest.mark.recordings
def test_the_example_of_actuation_resolves(examples: Path) -> None:
    times = [r["t"] for r in resolve(read(examples / "ex13.json"), NOW)]
    assert times == pytest.approx([1320078429, 1320078429, 1320078429.1, 1320078429.1])


def test_base_name_time_and_unit_and_the_order_of_time() -> None:
    pack = [
        {
            "bn": "urn:dev:mac:0024befffe804ff1/",
            "bt": 1_790_000_000,
            "bu": "ug/m3",
            "n": "pm25",
            "v": 31.4,
        },
        {"n": "pm10", "v": 55},
        {"n": "temp", "u": "Cel", "v": 33.1, "t": -60},
    ]
    head = "urn:dev:mac:0024befffe804ff1/"
    assert resolve(pack, NOW) == [
        {"n": head + "temp", "u": "Cel", "t": 1_789_999_940, "v": 33.1},
        {"n": head + "pm25", "u": "ug/m3", "t": 1_790_000_000, "v": 31.4},
        {"n": head + "pm10", "u": "ug/m3", "t": 1_790_000_000, "v": 55},
    ]


def test_base_value_and_base_sum_are_added_and_hold_until_given_anew() -> None:
    pack = [
        {"bn": "a", "bv": 1.0, "bs": 10, "v": 0.42, "s": 1},
        {"t": 0},
        {"v": 0.61},
        {"bv": 2, "s": -4, "v": 0},
    ]
    resolved = resolve(pack, NOW)
    assert [r["v"] for r in resolved] == pytest.approx([1.42, 1.0, 1.61, 2.0])
    assert [r["s"] for r in resolved] == pytest.approx([11, 10, 10, 6])


def test_a_base_value_is_not_added_to_text_truth_or_data() -> None:
    pack = [{"bn": "a", "bv": 1, "vs": "x"}, {"vb": True}, {"vd": "aGkgCg"}]
    assert [sorted(r.keys() - {"n", "t"}) for r in resolve(pack, NOW)] == [["vs"], ["vb"], ["vd"]]


@pytest.mark.parametrize(
    ("t", "seconds"),
    [
        (0, 1_795_316_400),
        (-5, 1_795_316_395),
        (60, 1_795_316_460),
        (2**28 - 1, 1_795_316_400 + 2**28 - 1),  # section 4.5.3: below 2**28 relative …
        (2**28, 2**28),  # … from there on absolute
        (-(2**28), 1_795_316_400 - 2**28),
    ],
)
def test_a_time_below_2_to_the_28_is_relative_to_now(t: int, seconds: int) -> None:
    assert resolve([{"n": "a", "v": 1, "t": t}], NOW)[0]["t"] == seconds


def test_a_record_of_base_fields_only_is_none() -> None:
    assert resolve([{"bn": "a:"}, {"n": "b", "v": 1}], NOW) == [
        {"n": "a:b", "t": 1_795_316_400, "v": 1}
    ]


def test_fields_that_are_not_known_are_kept_and_mean_nothing() -> None:
    assert resolve([{"n": "a", "v": 1, "foo": [1], "bx": 2}], NOW) == [
        {"n": "a", "v": 1, "t": 1_795_316_400, "foo": [1], "bx": 2}
    ]


@pytest.mark.parametrize(
    ("pack", "reason", "place"),
    [
        ([{"n": "a", "v": 1, "foo_": 1}], Reason.BAD_SENML, "foo_"),
        ([{"n": "a", "v": 1}, {"bx_": 1}], Reason.BAD_SENML, "[1].bx_"),
        ([{"bver": 11, "n": "a", "v": 1}], Reason.BAD_SENML, "[0].bver"),
        ([{"bver": 0, "n": "a", "v": 1}], Reason.BAD_SENML, "[0].bver"),
        ([{"bver": 10.0, "n": "a", "v": 1}], Reason.BAD_SENML, "[0].bver"),
        ([{"bver": 5, "n": "a", "v": 1}, {"bver": 6}], Reason.BAD_SENML, "[1].bver"),
        ([{"n": "_a", "v": 1}], Reason.BAD_SENML, "n"),
        ([{"n": "a b", "v": 1}], Reason.BAD_SENML, "n"),
        ([{"v": 1}], Reason.BAD_SENML, "n"),
        ([{"n": 1, "v": 1}], Reason.BAD_SENML, "n"),
        ([{"n": "a"}], Reason.BAD_SENML, "v"),
        ([{"n": "a", "v": 1, "vs": "x"}], Reason.BAD_SENML, "v"),
        ([{"n": "a", "vs": "x", "vb": True}], Reason.BAD_SENML, "v"),
        ([{"n": "a", "v": True}], Reason.NOT_A_NUMBER, "v"),
        ([{"n": "a", "v": float("inf")}], Reason.NOT_FINITE, "v"),
        ([{"n": "a", "v": 10**400}], Reason.NOT_FINITE, "v"),
        ([{"n": "a", "v": 1, "t": "x"}], Reason.BAD_TIME, "t"),
        ([{"n": "a", "v": 1, "u": 5}], Reason.BAD_UNIT, "u"),
        ([{"bn": 5, "v": 1}], Reason.BAD_SENML, "bn"),
        ([{"n": "a", "v": 1, "bs": "x"}], Reason.BAD_SENML, "bs"),
        ([[1]], Reason.BAD_SENML, ""),
    ],
)
def test_what_breaks_the_rfc_is_refused_with_its_place(
    pack: list[Any], reason: Reason, place: str
) -> None:
    with pytest.raises(Refused) as refused:
        resolve(pack, NOW)
    assert (refused.value.reason, refused.value.place) == (reason, place)


def test_another_version_is_named_in_every_resolved_record() -> None:
    assert [r.get("bver") for r in resolve([{"bver": 5, "n": "a", "v": 1}, {"n": "b", "v": 1}], NOW)] == [5, 5]  # fmt: skip
    assert "bver" not in resolve([{"bver": 10, "n": "a", "v": 1}], NOW)[0]
