"""Rows as text: CSV (RFC 4180), NDJSON, JSON and GeoJSON (RFC 7946)."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import numpy as np

from api.context import Context
from api.formats import Sort
from api.rows import json_numbers, json_rows, json_text, series_words, time_texts
from api.tables import Table, in_parts
from telemetry.arrays import AnyArray

# What a spreadsheet takes for the beginning of a formula (OWASP, "CSV Injection"), full-width forms too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ROWS_AT_ONCE = 20_000  # of text in memory: some megabytes
READING_COLUMNS = ("device", "kind", "quantity", "value", "unit", "flag", "time")
WINDOW_COLUMNS = (*READING_COLUMNS, "count", "coverage")


def csv_cell(text: str) -> str:
    """A text as a cell: no spreadsheet takes it for a formula, and it stays one cell."""
    if text.startswith(_FORMULA):
        text = "'" + text
    if any(c in text for c in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def write_csv(context: Context, tables: Iterator[Table], sort: Sort) -> Iterator[bytes]:
    """A line of names, then a line a row; an empty cell where there is no value."""
    yield (",".join(WINDOW_COLUMNS if sort.windows else READING_COLUMNS) + "\r\n").encode()
    for table in in_parts(tables, ROWS_AT_ONCE):
        lines = _csv_lines(context, table)
        if lines:
            yield ("\r\n".join(lines) + "\r\n").encode()


def write_ndjson(context: Context, tables: Iterator[Table], sort: Sort) -> Iterator[bytes]:
    """A JSON object a line."""
    for table in in_parts(tables, ROWS_AT_ONCE):
        if len(table):
            yield (json_text(context, table, "\n") + "\n").encode()


def write_json(context: Context, tables: Iterator[Table], sort: Sort) -> Iterator[bytes]:
    """The whole list as one page. It is complete where the last bracket is there."""
    yield from _joined(
        (json_text(context, t) for t in in_parts(tables, ROWS_AT_ONCE)),
        b'{"items":[',
        b'],"next":null,"complete":true}',
    )


def write_geojson(context: Context, tables: Iterator[Table], sort: Sort) -> Iterator[bytes]:
    """A FeatureCollection: a row is a feature at the place of its device; null for one without a place."""
    head = b'{"type":"FeatureCollection","features":['
    yield from _joined(
        (",".join(_features(context, t)) for t in in_parts(tables, ROWS_AT_ONCE)), head, b"]}"
    )


def _joined(pieces: Iterator[str], head: bytes, tail: bytes) -> Iterator[bytes]:
    yield head
    first = True
    for rows in pieces:
        if rows:
            yield (rows if first else "," + rows).encode()
            first = False
    yield tail


def _csv_lines(context: Context, table: Table) -> list[str]:
    devices = context.catalogue.devices
    words, place = series_words(context, table)
    heads = [f",{csv_cell(kind)},{csv_cell(name)}," for kind, name, _ in words]
    units = [f",{csv_cell(unit)}," for *_, unit in words]
    where = place.tolist()
    rows = zip(
        [csv_cell(devices[code].id) for code in table.device.tolist()], where,
        _numbers(table.value), table.flag.tolist(), time_texts(table.time),
        strict=True,
    )  # fmt: skip
    lines = [f"{d}{heads[w]}{value}{units[w]}{flag},{time}" for d, w, value, flag, time in rows]
    if table.count is None or table.coverage is None:
        return lines
    more = zip(lines, table.count.tolist(), _numbers(table.coverage), strict=True)
    return [f"{line},{count},{coverage}" for line, count, coverage in more]


def _numbers(values: AnyArray) -> list[str]:
    texts = json_numbers(values)
    for i in np.flatnonzero(~np.isfinite(values)).tolist():
        texts[i] = ""
    return texts


def _features(context: Context, table: Table) -> list[str]:
    places = {code: _geometry(context, code) for code in np.unique(table.device).tolist()}
    rows = zip(table.device.tolist(), json_rows(context, table), strict=True)
    return [f'{{"type":"Feature",{places[code]},"properties":{row}}}' for code, row in rows]


def _geometry(context: Context, code: int) -> str:
    device = context.catalogue.devices[code]
    if device.lat is None or device.lon is None:
        return '"geometry":null'
    point = {"type": "Point", "coordinates": [device.lon, device.lat]}
    return f'"geometry":{msgspec.json.encode(point).decode()}'
