"""The encoder against the format's own corpus, and through a real server and back."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.device import Catalogue, Device
from devices.registry import Kinds
from store.influx1 import Influx1Server, influx1_address
from store.influx_points import PointLayout, encode_flags, encode_readings, missing_where_nan
from store.influx_query import identifier
from store.line_protocol import MAX_TIME, MIN_TIME, FieldValue, encode_point
from telemetry.errors import DeclarationError, StoreError
from telemetry.readings import Readings
from tests.services import require
from tests.store.influxd import Influxd

CORPUS = (
    Path(os.environ.get("URBAN_DATA_SETS", Path(__file__).parents[3] / "shared" / "data"))
    / "line_protocol_corpus"
    / "corpus.json.gz"
)


def corpus() -> dict[str, Any]:
    if not CORPUS.exists():
        require("line_protocol_corpus (URBAN_DATA_SETS)", False)
    with gzip.open(CORPUS) as file:
        found: dict[str, Any] = json.load(file)["encode"]
    return found


def value_of(tagged: dict[str, Any]) -> FieldValue:
    """A value of the corpus: {"float": 1}, {"int": 1}, {"uint": 1}, {"bool": true}, {"string": ""}."""
    ((kind, value),) = tagged.items()
    if kind == "float":
        return float(value)
    return int(value) if kind in ("int", "uint") else value


def spelled_alike(line: str) -> str:
    """The line with its floats spelled in one way: 6632243 and 6.632243e+06 are the same number."""
    return re.sub(r"(?<==)-?\d[\d.e+-]*(?=[, ])", lambda m: repr(float(m[0])), line)


@pytest.mark.recordings
def test_every_encode_case_of_the_corpus() -> None:
    """https://github.com/influxdata/line-protocol-corpus: the bytes are the same, errors are errors."""
    results, errors = 0, 0
    for case in corpus().values():
        point, wanted = case["input"]["point"], case["output"]
        tags = {t["key"]: t["value"] for t in point["tags"]}
        fields = {f["key"]: value_of(f["value"]) for f in point["fields"]}
        if "error" in wanted:
            with pytest.raises(StoreError):
                encode_point(point["name"], tags, fields, point["time"])
            errors += 1
        else:
            line = encode_point(point["name"], tags, fields, point["time"])
            assert spelled_alike(line) == spelled_alike(wanted["result"])
            results += 1
    assert (results, errors) == (114, 1)


@pytest.mark.parametrize(
    ("measurement", "tags", "fields", "at", "words"),
    [
        ("", {}, {"a": 1}, 0, "not be empty"),
        ("#air", {}, {"a": 1}, 0, "comment"),
        ("air", {"device": "a\\"}, {"a": 1}, 0, "backslash"),
        ("air", {"device": "a\nb"}, {"a": 1}, 0, "line break"),
        ("\tair", {}, {"a": 1}, 0, "control character"),
        ("air", {}, {"\ta": 1}, 0, "control character"),
        ("air", {"device": ""}, {"a": 1}, 0, "not be empty"),
        ("air", {"time": "a"}, {"a": 1}, 0, "called time"),
        ("air", {}, {"time": 1}, 0, "called time"),
        ("air", {}, {"a": math.nan}, 0, "finite"),
        ("air", {}, {"a": -math.inf}, 0, "finite"),
        ("air", {}, {"a": 2**63}, 0, "64 bits"),
        ("air", {}, {}, 0, "at least one field"),
        ("air", {}, {"a": 1}, MAX_TIME + 1, "time"),
        ("air", {}, {"a": 1}, MIN_TIME - 1, "time"),
    ],
)
def test_what_the_format_cannot_carry_is_refused(
    measurement: str, tags: dict[str, str], fields: dict[str, FieldValue], at: int, words: str
) -> None:
    with pytest.raises(StoreError, match=words):
        encode_point(measurement, tags, fields, at)


# Python's own texts are UTF-16 surrogates at worst: those are no text at all.
TEXT = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1)
# A backslash in a name is literal or an escape depending on what follows: readers disagree, so none here.
NAMES = TEXT.filter(lambda t: "\\" not in t and t != "time" and not t.startswith("#"))
STRINGS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
FIELDS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    STRINGS,
)


@pytest.fixture(scope="module")
def server(influxd: Influxd) -> Iterator[Influx1Server]:
    made = Influx1Server(influx1_address(influxd.url()))
    made.prepare()
    yield made
    made.close()


@pytest.mark.influxdb
@settings(max_examples=60, deadline=None)
@given(
    measurement=NAMES,
    tag=st.tuples(NAMES, NAMES),
    field=NAMES,
    value=FIELDS,
    at=st.integers(MIN_TIME, MAX_TIME),
)
def test_any_point_comes_back_from_a_real_server(
    server: Influx1Server,
    measurement: str,
    tag: tuple[str, str],
    field: str,
    value: FieldValue,
    at: int,
) -> None:
    if tag[0] == field:
        return
    # A policy of its own would cost more than the test; a name of its own costs nothing.
    name = f"{measurement} {time.monotonic_ns()}"
    server.write("", encode_point(name, dict([tag]), {field: value}, at).encode())
    ((found,),) = server.query([f"SELECT * FROM {identifier(name)} GROUP BY *"])
    assert found.tags == dict([tag])
    assert found.columns[1] == field
    ((when, back),) = found.values
    # JSON has one kind of number: a float without a fraction reads as an integer of the same double.
    assert (when, float(back) if isinstance(value, float) else back) == (at, value)
    assert isinstance(back, str) == isinstance(value, str)


@pytest.fixture
def layout(catalogue: Catalogue) -> PointLayout:
    return PointLayout(catalogue)


def test_one_point_a_device_and_time(catalogue: Catalogue, layout: PointLayout) -> None:
    code = catalogue.kinds.quantity_code
    rows = Readings.of(
        [1, 0, 0, 0],
        [code["pm25"], code["pm25"], code["o3"], code["pm25"]],
        [5, 5, 5, 6],
        [2.5, 31.2, np.nan, 7],
        [1, 1, 9, 3],
        [8, 8, 8, 9],
    )
    assert encode_readings(rows, layout).decode().splitlines() == [
        "air,device=aq-1 o3_flag=9i,pm25=31.2,pm25_flag=1i,received=8i 5",
        "air,device=aq-1 pm25=7.0,pm25_flag=3i,received=9i 6",
        "air,device=aq-2 pm25=2.5,pm25_flag=1i,received=8i 5",
    ]
    assert encode_flags(rows.take(slice(0, 1)), layout) == b"air,device=aq-2 pm25_flag=1i 5\n"
    assert encode_readings(Readings.empty(), layout) == b""


def test_derived_quantities_keep_a_stamp_of_their_own(
    catalogue: Catalogue, layout: PointLayout
) -> None:
    code = catalogue.kinds.quantity_code
    both = Readings.of([0, 0], [code["pm25"], code["vn_aqi"]], [5, 5], [31.2, 88], 1, [7, 9])
    assert encode_readings(both, layout) == (
        b"air,device=aq-1 pm25=31.2,pm25_flag=1i,vn_aqi=88.0,vn_aqi_flag=1i,received=7i,computed=9i 5\n"
    )
    alone = encode_readings(both.take(slice(1, 2)), layout)
    assert alone == b"air,device=aq-1 vn_aqi=88.0,vn_aqi_flag=1i,computed=9i 5\n"


def test_a_missing_value_is_flagged_so_that_no_older_one_shows() -> None:
    rows = Readings.of([0, 0], [0, 0], [1, 2], [np.nan, 5.0], [2, 2])
    assert missing_where_nan(rows).flag.tolist() == [9, 2]
    whole = rows.take(slice(1, 2))
    assert missing_where_nan(whole) is whole


def test_a_device_met_later_gets_its_line(catalogue: Catalogue, layout: PointLayout) -> None:
    rows = Readings.of([0], [0], [1], [1.0], 1)
    encode_readings(rows, layout)
    code = catalogue.put(Device(id="gauge-9", kind="level"))
    level = catalogue.kinds.quantity_code["level"]
    lines = encode_readings(Readings.of([code], [level], [1], [1.0], 1), layout)
    assert lines.startswith(b"level,device=gauge-9 level=1.0,")


@pytest.mark.parametrize("name", ["pm25_flag", "received", "computed", "time", "device"])
def test_quantities_that_would_share_a_field_are_refused(kinds: Kinds, name: str) -> None:
    catalogue = Catalogue(kinds)
    names = [*kinds.quantities, name]
    fake = type(
        "K", (), {"quantities": names, "declared": kinds.declared, "accepted": kinds.accepted}
    )
    catalogue.kinds = fake()
    with pytest.raises(DeclarationError, match="another field"):
        PointLayout(catalogue)


def test_encoding_is_fast_enough_for_a_city(catalogue: Catalogue, layout: PointLayout) -> None:
    """500,000 values a second a core is the aim; a tenth of it here, on a machine that others use too."""
    n = 100_000
    quantity = np.tile(np.arange(4), n // 4)
    time_of = np.repeat(np.arange(n // 4), 4)
    rows = Readings.of(np.zeros(n), quantity, time_of, np.round(np.random.rand(n) * 100, 1), 1)
    started = time.process_time()
    assert encode_readings(rows, layout).count(b"\n") == n // 4
    assert n / (time.process_time() - started) > 50_000


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.floats(width=64), st.integers(0, 255)),
        min_size=1,
    )
)
def test_there_are_as_many_flags_as_readings(
    catalogue: Catalogue, rows: list[tuple[int, int, float, int]]
) -> None:
    device, at, value, flag = zip(*rows, strict=True)
    finite = np.where(np.isinf(value), 0.0, value)
    readings = Readings.of(device, np.zeros(len(rows)), at, finite, flag)
    text = encode_readings(readings, PointLayout(catalogue)).decode()
    assert text.count("_flag=") == len(rows)
    assert "nan" not in text
