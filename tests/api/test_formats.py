"""One question, every format: the same rows, read back by the libraries that people use."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.formats.choose import FORMATS, accepted_format
from api.formats.text import csv_cell
from api.problems import Problem
from api.rows import json_rows
from api.schemas import Reading, Window
from api.tables import Table
from telemetry.clock import DAY, format_time
from tests.api.client import Client
from tests.api.world import NOW, World

ASKED = {"device": ["aq-1", "aq-2", "wx-1"], "start": format_time(NOW - 2 * DAY)}
WINDOWED = {**ASKED, "every": "1h"}


def rows_of(client: Client, asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows as pages of JSON tell them."""
    items, more = [], dict[str, Any]()
    while True:
        page = client.get("/api/v1/telemetry", params={**asked, **more}).json()
        items += page["items"]
        if page["next"] is None:
            return items
        more = {"cursor": page["next"]}


def read(name: str, content: bytes) -> list[dict[str, Any]]:
    """What is in a file of this format, as rows of JSON."""
    if name == "json":
        found = json.loads(content)
        assert found["complete"] is True
        return list(found["items"])
    if name == "ndjson":
        return [json.loads(line) for line in content.splitlines()]
    if name == "geojson":
        return [f["properties"] for f in json.loads(content)["features"]]
    if name == "csv":
        return [typed(row) for row in csv.DictReader(io.StringIO(content.decode(), newline=""))]
    if name == "parquet":
        table = parquet.read_table(io.BytesIO(content))
    else:
        table = pa.ipc.open_stream(content).read_all()
    return [{**row, "time": format_time(row["time"].value)} for row in told(table)]


def told(table: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def typed(row: dict[str, str]) -> dict[str, Any]:
    numbers: dict[str, Any] = {
        n: float(row[n]) if row[n] else None for n in ("value", "coverage") if n in row
    }
    return {**row, **numbers, **{n: int(row[n]) for n in ("flag", "count") if n in row}}


@pytest.mark.parametrize("asked", [ASKED, WINDOWED], ids=["raw", "windows"])
@pytest.mark.parametrize("name", [n for n in FORMATS if n != "ngsi-ld"])
def test_every_format_holds_the_same_rows(client: Client, name: str, asked: dict[str, Any]) -> None:
    expected = rows_of(client, asked)
    assert len(expected) > 100
    for address in (f"telemetry.{name}", f"export.{name}"):
        if (address, asked) == ("telemetry.json", ASKED):
            continue  # pages, as rows_of reads them
        answer = client.get(f"/api/v1/{address}", params=asked)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == FORMATS[name].media_type
        assert read(name, answer.content) == expected


def test_parquet_is_read_by_duckdb(client: Client, tmp_path: Any) -> None:
    path = tmp_path / "x.parquet"
    path.write_bytes(client.get("/api/v1/export.parquet", params=ASKED).content)
    (row,) = (
        duckdb.connect()
        .execute(
            f"select device, kind, quantity, unit, count(*), min(time)::varchar from '{path}' "
            "where device = 'aq-1' and quantity = 'pm25' group by all"
        )
        .fetchall()
    )
    assert row[:5] == ("aq-1", "air", "pm25", "ug/m3", 1381)
    assert row[5].startswith("2026-11-21")


@pytest.mark.parametrize(
    ("accept", "name"),
    [
        ("*/*", "json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("application/json;q=0.5, text/csv", "csv"),
        ("application/vnd.apache.parquet, */*;q=0.1", "parquet"),
        ("application/ld+json", "ngsi-ld"),
        ("TEXT/CSV ; q=1.0", "csv"),
    ],
)
def test_accept_chooses(accept: str, name: str) -> None:
    assert accepted_format(accept).name == name


@given(st.text(max_size=60))
def test_any_accept_header_chooses_or_is_refused(accept: str) -> None:
    try:
        assert accepted_format(accept).name in FORMATS
    except Problem as problem:
        assert problem.status == 406


def test_what_can_not_be_given_is_refused(client: Client) -> None:
    for path, headers, status in (
        ("latest", {"Accept": "image/png"}, 406),
        ("latest", {"Accept": "text/csv;q=0"}, 406),
        ("latest.xlsx", {}, 404),
        ("latest?format=xml", {}, 400),
        ("latest.csv?format=json", {}, 400),
        ("telemetry?format=ngsi-ld&every=1h", {}, 400),
        ("telemetry.csv?every=1h&cursor=x", {}, 400),
    ):
        answer = client.get(f"/api/v1/{path}", headers=headers)
        assert answer.status_code == status, path
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_page_of_csv_links_to_the_next(client: Client) -> None:
    path, lines = "/api/v1/telemetry.csv?device=gauge-1&limit=10", list[str]()
    while path:
        answer = client.get(path)
        lines += answer.text.splitlines()[1:]
        link = answer.headers.get("link", "")
        path = link.removeprefix("<").partition(">")[0]
        assert not path or link.endswith('rel="next"')
    whole = client.get("/api/v1/telemetry.csv?device=gauge-1").text.splitlines()[1:]
    assert lines == whole and len(lines) > 20


def test_an_export_is_a_file_with_a_name_of_ours(client: Client) -> None:
    answer = client.get("/api/v1/export", params={**ASKED, "end": format_time(NOW)})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    name = 'attachment; filename="readings-20261120T030000Z-20261122T030000Z.csv"'
    assert answer.headers["content-disposition"] == name
    assert client.get("/api/v1/export?format=json").json()["complete"] is True


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＠"])
def test_a_formula_is_defused(start: str) -> None:
    cell = csv_cell(start + 'HYPERLINK("http://x","y")')
    (row,) = csv.reader(io.StringIO(cell, newline=""))
    assert row == ["'" + start + 'HYPERLINK("http://x","y")']


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_cells_come_back_whole(texts: list[str]) -> None:
    line = ",".join(csv_cell(t) for t in texts) + "\r\n"
    (row,) = csv.reader(io.StringIO(line, newline="")) if line != "\r\n" else ([""],)
    for cell, text in zip(row or [""], texts, strict=True):
        assert cell.removeprefix("'") == text.removeprefix("'")
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


def test_rows_are_what_the_schemas_say(shared_world: World) -> None:
    import msgspec

    one = np.array([0], dtype=np.int32)
    quantity = np.array([shared_world.kinds.quantity_code["pm25"]], dtype=np.int16)
    columns = one, quantity, np.array([NOW + 5]), np.array([np.nan]), np.array([9], np.uint8)
    (row,) = json_rows(shared_world.context, Table(*columns))
    reading = msgspec.json.decode(row, type=Reading, strict=True)
    assert msgspec.json.encode(reading) == row.encode()
    (row,) = json_rows(shared_world.context, Table(*columns, np.array([0]), np.array([0.5])))
    window = msgspec.json.decode(row, type=Window, strict=True)
    assert msgspec.json.encode(window) == row.encode()
    assert window.time == format_time(NOW + 5)
