"""A mapping is checked before anything is sent: each mistake is refused with its key and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from devices.registry import Kinds
from simulators.mapping import find_mapping, known_mappings, load_mapping
from telemetry.errors import DeclarationError
from telemetry.units import unit
from tests.replay.conftest import MAPPING

Write = Callable[[str, str], Path]


def test_reads_columns_zone_and_tokens(write: Write, kinds: Kinds) -> None:
    mapping = load_mapping(write("m.toml", MAPPING + '[csv]\nmissing = ["NA"]\n'), kinds)
    assert mapping.time.columns == ("when",)
    assert mapping.csv.missing == {"NA"}
    assert [(v.column, v.device, v.quantity) for v in mapping.values] == [
        ("pm", "aq-1", "pm25"),
        ("wind", "met-1", "wind_speed"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        ("text =", "txet =", "txet", "allowed are text, time, values, csv"),
        ('zone = "UTC"', 'zon = "UTC"', "time.zon", "allowed are column, format, zone"),
        ('unit = "km/h"', 'units = "km/h"', "values[1].units", "allowed are column, device"),
        ('zone = "UTC"', 'zone = "Mars/Olympus"', "time.zone", "UTC or an IANA name"),
        ('zone = "UTC"', 'zone = "../etc"', "time.zone", "UTC or an IANA name"),
        ('zone = "UTC"', 'format = "%Y-%m-%d"', "time.zone", "no offset"),
        ('zone = "UTC"', 'format = "rfc"', "time.format", "iso, epoch_s, epoch_ms"),
        ('"when"', "[]", "time.column", "at least one"),
        ('"aq-1"', '"AQ_1"', "values[0].device", "[a-z0-9]"),
        ('kind = "air"', 'kind = "airs"', "values[0].kind", "one of air, weather"),
        ('"pm25"', '"pm2.5"', "values[0].quantity", "one of pm25, pm10"),
        ('"pm25"', '"vn_aqi"', "values[0].quantity", "one of pm25, pm10"),
        ('unit = "km/h"', 'unit = "parsec"', "values[1].unit", "UCUM"),
        ('unit = "km/h"', 'unit = "ug/m3"', "values[1].unit", "unit of speed"),
        ('"met-1"', '"aq-1"', "values[1].kind", "must be air, as above"),
        ('column = "pm"', "column = 3", "$.values[0].column", "str"),
        ("[time]", '[csv]\ndelimiter = ";;"\n[time]', "csv.delimiter", "one character"),
        ("[time]", '[csv]\nquote = ","\n[time]', "csv.quote", "differ from delimiter"),
        ('column = "when"', 'start = "2012-03-01T00:00:00"', "time.zone", "there are none"),
        ('column = "when"\nzone = "UTC"', 'start = "2012-03-01T00:00:00"', "time.start", "offset"),
        (
            'column = "when"\nzone = "UTC"',
            'start = "2012-03-01T00:00:00Z"',
            "time.step",
            "duration",
        ),
        ('column = "pm"', 'column = "*"', "values[0].column", "device must hold {column}"),
        ("[time]", "[time", "m.toml", "must be TOML"),
        ('text = "two columns"\n', "", "m.toml", "text"),
    ],
)
def test_refuses_in_words(
    write: Write, kinds: Kinds, old: str, new: str, place: str, words: str
) -> None:
    assert old in MAPPING
    path = write("m.toml", MAPPING.replace(old, new, 1))
    with pytest.raises(DeclarationError) as caught:
        load_mapping(path, kinds)
    line = str(caught.value)
    assert "m.toml" in line
    assert place in line
    assert words in line
    assert "\n" not in line
    if place != "m.toml":
        number = int(line.partition("m.toml, line ")[2].partition(":")[0])
        row = path.read_text(encoding="utf-8").splitlines()[number - 1]
        assert row.startswith((place.rpartition(".")[2], "[", "quantity"))


def test_refuses_a_quantity_mapped_twice(write: Write, kinds: Kinds) -> None:
    twice = MAPPING + MAPPING[MAPPING.index("[[values]]") : MAPPING.rindex("[[values]]")]
    with pytest.raises(DeclarationError, match=r"values\[2\]\.quantity: is mapped twice"):
        load_mapping(write("m.toml", twice), kinds)


def test_refuses_a_mapping_without_values(write: Write, kinds: Kinds) -> None:
    text = MAPPING[: MAPPING.index("[[values]]")] + "values = []\n"
    with pytest.raises(DeclarationError):
        load_mapping(write("m.toml", text), kinds)


def test_finds_by_name_and_by_path(write: Write) -> None:
    assert find_mapping("valencia_air").name == "valencia_air.toml"
    path = write("mine.toml", MAPPING)
    assert find_mapping(str(path)) == path
    with pytest.raises(DeclarationError, match="valencia_air"):
        find_mapping("valencia")


def test_every_mapping_that_ships_is_sound(kinds: Kinds) -> None:
    shipped = {p.stem for p in known_mappings()}
    assert shipped >= {
        "valencia_air", "beijing_pm25", "ioos_qc_water_level", "nab_traffic", "i94_traffic",
        "los_loop",
    }  # fmt: skip
    for path in known_mappings():
        mapping = load_mapping(path, kinds)
        assert mapping.text and mapping.source and mapping.licence
        assert all(unit(v.unit) for v in mapping.values)
