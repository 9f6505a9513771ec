"""CSV rows → columns: times, daylight saving, missing cells, and rows that make no sense."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.registry import Kinds
from simulators.mapping import TimeColumn, load_mapping
from simulators.recorded_time import RowRefused, TimeReader
from simulators.recording import Recording, read_recording
from telemetry.clock import SECOND, format_time, parse_time
from telemetry.errors import DeclarationError
from tests.replay.conftest import MAPPING

Write = Callable[[str, str], Path]
Read = Callable[..., Recording]


@pytest.fixture
def read(write: Write, kinds: Kinds) -> Read:
    def read_text(csv: str, mapping: str = MAPPING, **times: int) -> Recording:
        declared = load_mapping(write("m.toml", mapping), kinds)
        return read_recording(write("r.csv", csv), declared, **times)

    return read_text


def test_rows_become_columns(read: Read) -> None:
    recording = read("when,pm,wind\n2024-01-01T00:00:00,31.2,7.2\n2024-01-01T01:00:00,,3\n")
    assert [format_time(t) for t in recording.time] == [
        "2024-01-01T00:00:00Z",
        "2024-01-01T01:00:00Z",
    ]
    np.testing.assert_array_equal(recording.values, [[31.2, np.nan], [7.2, 3.0]])
    assert recording.missing == {"pm": 1, "wind": 0}
    assert recording.read == 2


def test_an_empty_recording_has_no_rows(read: Read) -> None:
    recording = read("when,pm,wind\n")
    assert len(recording) == 0
    assert recording.values.shape == (2, 0)


def test_comments_quoted_headers_blanks_and_a_byte_order_mark(read: Read) -> None:
    mapping = MAPPING.replace("[time]", '[csv]\ncomment = "#"\nquote = "\'"\n[time]')
    csv = "\ufeff# by a logger, in a hurry\n'when', 'pm', wind\n\n'2024-01-01T00:00:00', 1 , 2\n"
    recording = read(csv, mapping)
    assert recording.values.tolist() == [[1.0], [2.0]]
    assert recording.read == 1


def test_only_declared_tokens_are_missing(read: Read) -> None:
    mapping = MAPPING.replace("[time]", '[csv]\nmissing = ["NA"]\n[time]')
    rows = ["NA,1", "nan,1", "inf,1", "n/a,1", ",1", "1_000,1", "1e3,1"]
    csv = "when,pm,wind\n" + "".join(f"2024-01-01T00:0{i}:00,{r}\n" for i, r in enumerate(rows))
    recording = read(csv, mapping)
    assert recording.missing == {"pm": 1, "wind": 0}
    refused = {k: (v.count, v.first_line) for k, v in recording.refused_cells.items()}
    assert refused == {"not finite, and not named as missing": (2, 3), "not a number": (3, 5)}
    assert recording.values[0, -1] == 1000.0
    assert recording.values[1].tolist() == [1.0] * 7  # the rest of such a row is sent


def test_rows_that_make_no_sense_are_refused_and_counted(read: Read) -> None:
    csv = (
        "when,pm,wind\n2024-01-01T00:00:00,1,1\nyesterday,1,1\n,1,1\n2024-01-01T00:00:00,1\n"
        "2024-13-01T00:00:00,1,1\n1978-07-04T21:24:15,1,1\n1978-07-04T21:24:16,1,1\n"
    )
    recording = read(csv)
    assert len(recording) == 2
    assert recording.read == 7
    refused = {k: (v.count, v.first_line) for k, v in recording.refused_rows.items()}
    assert refused == {
        "not a time": (2, 3),
        "no time": (1, 4),
        "another number of cells than the header": (1, 5),
        # RFC 8428, 4.5.3: values under 2**28 are relative; 2**28 s is 1978-07-04T21:24:16Z.
        "before 4 July 1978, which SenML would read as relative to now": (1, 7),
    }


def test_start_is_inside_and_end_is_not(read: Read) -> None:
    csv = "when,pm,wind\n" + "".join(f"2024-01-01T0{h}:00:00,{h},1\n" for h in range(5))
    recording = read(
        csv, start=parse_time("2024-01-01T01:00:00Z"), end=parse_time("2024-01-01T03:00:00Z")
    )
    assert recording.values[0].tolist() == [1.0, 2.0]
    assert (recording.read, recording.outside) == (5, 3)


@pytest.mark.parametrize(
    ("csv", "words"),
    [
        ("when,pm\n2024-01-01T00:00:00,1\n", "must be one of when, pm, got 'wind'"),
        ("when,pm,pm,wind\n", "is there twice, got 'pm'"),
        ("", "got 'when'"),
    ],
)
def test_refuses_a_file_that_the_mapping_does_not_fit(read: Read, csv: str, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        read(csv)


def test_refuses_a_file_that_is_no_text(tmp_path: Path, write: Write, kinds: Kinds) -> None:
    mapping = load_mapping(write("m.toml", MAPPING), kinds)
    (tmp_path / "r.csv").write_bytes(b"when,pm,wind\n\xff\xfe,1,1\n")
    with pytest.raises(DeclarationError, match="UTF-8"):
        read_recording(tmp_path / "r.csv", mapping)
    with pytest.raises(DeclarationError, match="can be read"):
        read_recording(tmp_path / "absent.csv", mapping)


def test_a_naive_time_without_a_zone_is_refused_before_anything_is_sent(read: Read) -> None:
    mapping = MAPPING.replace('zone = "UTC"\n', "")
    csv = "when,pm,wind\n2024-01-01T00:00:00Z,1,1\n2024-01-01T01:00:00,1,1\n"
    with pytest.raises(DeclarationError, match=r"r\.csv, line 3: holds a time without an offset"):
        read(csv, mapping)


def test_entries_for_other_files_do_not_count(read: Read, write: Write, kinds: Kinds) -> None:
    mapping = MAPPING.replace('column = "wind"', 'file = "other*.csv"\ncolumn = "wind"')
    assert [c.column for c in read("when,pm\n", mapping).columns] == ["pm"]
    only = mapping.replace('column = "pm"', 'file = "x.csv"\ncolumn = "pm"')
    with pytest.raises(DeclarationError, match=r"there are other\*\.csv, x\.csv"):
        read("when,pm\n", only)


def test_two_patterns_for_one_series_are_refused(read: Read) -> None:
    again = MAPPING[MAPPING.index("[[values]]") : MAPPING.rindex("[[values]]")]
    mapping = MAPPING + again.replace("[[values]]", '[[values]]\nfile = "r*.csv"')
    with pytest.raises(DeclarationError, match="two values of the mapping are pm25"):
        read("when,pm,wind\n", mapping)


CHICAGO = TimeColumn(column="t", format="%Y-%m-%d %H:%M", zone="America/Chicago")


def times(texts: list[str], column: TimeColumn = CHICAGO) -> list[str]:
    reader = TimeReader(column, "r.csv")
    return [format_time(reader.read(t, i)) for i, t in enumerate(texts)]


def test_local_times_follow_daylight_saving() -> None:
    # Energy Policy Act of 2005, sec. 110: second Sunday of March to first Sunday of November, 2:00.
    assert times(["2017-03-12 01:59", "2017-03-12 03:00", "2017-11-05 02:00"]) == [
        "2017-03-12T07:59:00Z",
        "2017-03-12T08:00:00Z",
        "2017-11-05T08:00:00Z",
    ]


@pytest.mark.parametrize("text", ["2017-03-12 02:00", "2017-03-12 02:30", "2017-03-12 02:59"])
def test_local_times_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(RowRefused, match="does not exist"):
        times([text])


def test_an_ambiguous_time_is_the_first_of_the_two() -> None:
    assert times(["2017-11-05 01:30"]) == ["2017-11-05T06:30:00Z"]
    # A repeat of the same row says nothing of a second pass.
    assert times(["2017-11-05 01:00"] * 3) == ["2017-11-05T06:00:00Z"] * 3


def test_an_ambiguous_time_is_the_second_where_the_order_of_rows_tells() -> None:
    assert times(["2017-11-05 01:30", "2017-11-05 01:00", "2017-11-05 01:30"]) == [
        "2017-11-05T06:30:00Z",
        "2017-11-05T07:00:00Z",
        "2017-11-05T07:30:00Z",
    ]


def test_rows_out_of_order_do_not_make_a_time_the_second() -> None:
    assert times(["2017-11-06 00:00", "2017-11-05 01:30"])[1] == "2017-11-05T06:30:00Z"


@pytest.mark.parametrize(
    ("column", "text", "time"),
    [
        (TimeColumn("t"), "2018-09-05T21:00:00Z", "2018-09-05T21:00:00Z"),
        (TimeColumn("t"), "2018-09-06T04:00:00.123456789+07:00", "2018-09-05T21:00:00.123456789Z"),
        (TimeColumn("t", "epoch_s"), "1536181200", "2018-09-05T21:00:00Z"),
        (TimeColumn("t", "epoch_s"), "1536181200.25", "2018-09-05T21:00:00.250Z"),
        (TimeColumn("t", "epoch_ms"), "1536181200001", "2018-09-05T21:00:00.001Z"),
        (TimeColumn("t", "%d/%m/%Y %H:%M%z"), "06/09/2018 04:00+0700", "2018-09-05T21:00:00Z"),
        (
            TimeColumn(("y", "h"), "%Y%m%d %H", "Asia/Ho_Chi_Minh"),
            "20180906 4",
            "2018-09-05T21:00:00Z",
        ),
    ],
)
def test_formats(column: TimeColumn, text: str, time: str) -> None:
    assert times([text], column) == [time]


@pytest.mark.parametrize("text", ["-1", "1e9", "0x10", "1536181200.x", "nan"])
def test_epoch_takes_plain_numbers_only(text: str) -> None:
    with pytest.raises(RowRefused, match="not a time"):
        times([text], TimeColumn("t", "epoch_s"))


@given(st.text(max_size=30), st.sampled_from(["iso", "epoch_s", "epoch_ms", "%Y-%m-%d %H:%M"]))
def test_no_text_breaks_the_reader(text: str, format_: str) -> None:
    reader = TimeReader(TimeColumn("t", format_, "UTC"), "r.csv")
    try:
        assert reader.read(text, 1) >= 2**28 * 10**9
    except RowRefused:
        pass


@given(st.datetimes(datetime(1980, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001
def test_every_instant_survives_a_journey_through_local_time(moment: datetime) -> None:
    instant = moment.replace(second=0, microsecond=0, tzinfo=UTC)
    local = instant.astimezone(ZoneInfo("America/Chicago"))
    read = times([local.strftime("%Y-%m-%d %H:%M")])[0]
    if local.fold == 0:
        assert read == instant.strftime("%Y-%m-%dT%H:%M:%SZ")


WIDE = """text = "many columns, no times"
[time]
start = "2012-03-01T00:00:00-08:00"
step = "5m"
[[values]]
column = "*"
device = "loop-{column}"
kind = "traffic"
quantity = "speed"
unit = "[mi_i]/h"
"""


def test_rows_without_times_are_counted_and_a_pattern_is_each_column(read: Read) -> None:
    found = read("A1,77\n60,61\n62,\n", WIDE)
    assert [c.device for c in found.columns] == ["loop-a1", "loop-77"]
    assert found.time.tolist() == [1_330_588_800 * SECOND, 1_330_589_100 * SECOND]
    assert found.values[0].tolist() == [60.0, 62.0]
    assert found.missing == {"A1": 0, "77": 1}


def test_a_pattern_that_fits_nothing_or_makes_no_device_is_refused(read: Read) -> None:
    with pytest.raises(DeclarationError, match="fits none of the columns A1, 77"):
        read("A1,77\n60,61\n", WIDE.replace('"*"', '"speed*"'))
    with pytest.raises(DeclarationError, match="must make a device id"):
        read("A_1,77\n60,61\n", WIDE)
